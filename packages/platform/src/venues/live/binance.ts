import { AppError } from "@tapedeck/core";
import type { VenueTrade } from "@tapedeck/core";
import * as z from "zod";
import { fetchJson } from "./protocol.ts";
import type { VenueMessage, VenueProtocol } from "./protocol.ts";

/** Prices and sizes are decimal text. */
const decimal = z.string().transform(Number).pipe(z.number());

/** Spot's has no time of its own. */
const BookTicker = z.object({
  u: z.int(),
  s: z.string(),
  b: decimal,
  B: decimal,
  a: decimal,
  A: decimal,
  T: z.int().optional(),
});

/**
 * An aggregate trade, of a frame or of history: `a` counts those of a symbol without a hole; `m`: the buyer rested, so
 * that the seller took liquidity. Checked by hand: a schema takes more time than all the rest of a print's way.
 */
function tradeOf(symbol: unknown, row: Record<string, unknown>): VenueTrade & { tradeId: number } {
  const { a, p, q, T, m } = row;
  const price = typeof p === "string" ? Number(p) : Number.NaN;
  const size = typeof q === "string" ? Number(q) : Number.NaN;
  if (
    typeof symbol !== "string" ||
    !Number.isSafeInteger(a) ||
    !Number.isSafeInteger(T) ||
    !Number.isFinite(price) ||
    !Number.isFinite(size) ||
    typeof m !== "boolean"
  )
    throw new TypeError("an aggregate trade lacks a member, or has one of another type");
  return {
    symbol,
    tradeId: a as number,
    eventMs: T as number,
    price,
    size,
    side: m ? "sell" : "buy",
  };
}

const Answer = z.object({
  id: z.int().nullable(),
  error: z.object({ code: z.int(), msg: z.string() }).optional(),
});

const Markets = z.object({
  symbols: z.array(
    z.object({
      symbol: z.string(),
      quoteAsset: z.string(),
      filters: z.array(
        z.object({
          filterType: z.string(),
          tickSize: z.string().optional(),
          stepSize: z.string().optional(),
          minNotional: z.string().optional(),
        }),
      ),
    }),
  ),
});

const limits = { streamsOfConnection: 1_024, streamsOfFrame: 200 };

export interface BinanceOptions {
  /** spot: Binance spot. usdm: USD-margined futures. */
  market: "spot" | "usdm";
  /** Origins without a path; default: Binance's own. */
  socketUrl?: string | undefined;
  restUrl?: string | undefined;
  now(): number;
}

const addresses = {
  spot: { socket: "wss://stream.binance.com:9443", rest: "https://api.binance.com", prefix: "/api/v3" },
  usdm: { socket: "wss://fstream.binance.com", rest: "https://fapi.binance.com", prefix: "/fapi/v1" },
} as const;

/**
 * Binance's market streams: aggregate trades and best prices, subscribed on the connection; history by
 * `aggTrades?fromId`. https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
 */
export function binanceProtocol(options: BinanceOptions): VenueProtocol {
  const own = addresses[options.market];
  const rest = `${(options.restUrl ?? own.rest).replace(/\/$/, "")}${own.prefix}`;

  function parse(text: string): VenueMessage[] {
    const value = JSON.parse(text) as Record<string, unknown>;
    if (value["e"] === "aggTrade") return [{ kind: "trade", trade: tradeOf(value["s"], value) }];
    // Spot's best prices come without an event's name.
    if (value["e"] === "bookTicker" || (value["e"] === undefined && "B" in value)) {
      const { s, b, B, a, A, T } = BookTicker.parse(value);
      const quote = { symbol: s, eventMs: T ?? options.now(), bid: b, bidSize: B, ask: a, askSize: A };
      return [{ kind: "quote", quote }];
    }
    if (value["e"] === "serverShutdown") return [{ kind: "ending" }];
    const answer = Answer.parse(value);
    return answer.error === undefined ? [] : [{ kind: "refused", reason: answer.error.msg }];
  }

  return {
    venue: options.market === "spot" ? "binance" : "binanceusdm",
    socketUrl: `${(options.socketUrl ?? own.socket).replace(/\/$/, "")}/ws`,
    subscribe(symbols) {
      const streams = symbols.flatMap((symbol) => {
        const name = symbol.toLowerCase();
        return [`${name}@aggTrade`, `${name}@bookTicker`];
      });
      if (streams.length > limits.streamsOfConnection)
        throw new RangeError(`a connection carries at most ${limits.streamsOfConnection} streams`);
      const frames: string[] = [];
      for (let at = 0; at < streams.length; at += limits.streamsOfFrame)
        frames.push(
          JSON.stringify({
            method: "SUBSCRIBE",
            params: streams.slice(at, at + limits.streamsOfFrame),
            id: frames.length + 1,
          }),
        );
      return frames;
    },
    parse,
    async fetchTrades(symbol, { fromId }, signal) {
      const query = new URLSearchParams({ symbol, fromId: String(fromId), limit: "1000" });
      const rows = z
        .array(z.record(z.string(), z.unknown()))
        .parse(await fetchJson(`${rest}/aggTrades?${query.toString()}`, signal));
      return rows.map((row) => tradeOf(symbol, row));
    },
    async fetchInstruments(symbols, signal) {
      const all = Markets.parse(await fetchJson(`${rest}/exchangeInfo`, signal)).symbols;
      return symbols.map((symbol) => {
        const market = all.find((one) => one.symbol === symbol);
        if (market === undefined)
          throw new AppError("symbol.unknown", `Binance (${options.market}) does not trade ${symbol}.`);
        const filter = (type: string) => market.filters.find(({ filterType }) => filterType === type);
        return {
          symbol,
          currency: market.quoteAsset,
          assetClass: options.market === "spot" ? ("crypto" as const) : ("perpetual" as const),
          tickSize: filter("PRICE_FILTER")?.tickSize ?? null,
          lotSize: filter("LOT_SIZE")?.stepSize ?? null,
          minNotional: filter("NOTIONAL")?.minNotional ?? null,
        };
      });
    },
    async fetchClock(signal) {
      return z.object({ serverTime: z.int() }).parse(await fetchJson(`${rest}/time`, signal)).serverTime;
    },
  };
}
