import { crc32 } from "node:zlib";
import { AppError } from "@tapedeck/core";
import type { BookLevel, OrderBook, VenueTrade } from "@tapedeck/core";
import * as z from "zod";
import type { BookRule } from "./book.ts";
import { fetchJson } from "./protocol.ts";
import type { VenueMessage, VenueProtocol } from "./protocol.ts";

const Trades = z.object({
  channel: z.literal("trade"),
  data: z.array(
    z.object({
      symbol: z.string(),
      side: z.enum(["buy", "sell"]),
      price: z.number(),
      qty: z.number(),
      trade_id: z.int(),
      timestamp: z.iso.datetime(),
    }),
  ),
});

const Tickers = z.object({
  channel: z.literal("ticker"),
  data: z.array(
    z.object({
      symbol: z.string(),
      bid: z.number(),
      bid_qty: z.number(),
      ask: z.number(),
      ask_qty: z.number(),
    }),
  ),
});

const Level = z.object({ price: z.number(), qty: z.number() });

/** An image has no time of its own. */
const Books = z.object({
  channel: z.literal("book"),
  type: z.enum(["snapshot", "update"]),
  data: z.array(
    z.object({
      symbol: z.string(),
      bids: z.array(Level),
      asks: z.array(Level),
      checksum: z.int(),
      timestamp: z.iso.datetime().optional(),
    }),
  ),
});

const Notice = z.union([
  z.object({ channel: z.enum(["heartbeat", "status"]) }),
  z.object({ method: z.string(), success: z.boolean().optional(), error: z.string().optional() }),
]);

const decimal = z.string().transform(Number).pipe(z.number());

/** `[price, volume, seconds, side, type, misc, id]`. */
const TradeRow = z.tuple([decimal, decimal, z.number(), z.enum(["b", "s"]), z.string(), z.string(), z.int()]);

/** An answer's `result`; throws with Kraken's words when it has an `error`. */
function resultOf(answer: unknown): Record<string, unknown> {
  const { error, result } = z
    .object({ error: z.array(z.string()), result: z.record(z.string(), z.unknown()).optional() })
    .parse(answer);
  if (error.length > 0 || result === undefined) throw new Error(`Kraken answered ${error.join(", ")}`);
  return result;
}

/** Levels of a side that Kraken sends, and those that its checksum covers. */
const bookDepth = 100;
const checkedLevels = 10;

/** Decimals that Kraken writes prices and sizes of a pair with. */
export interface KrakenPrecision {
  price: number;
  size: number;
}

/**
 * CRC32 of the ten best asks, then the ten best bids: price and size of each, as the venue writes them, without the
 * point and without leading zeros. https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2.md.
 */
export function krakenChecksum(book: OrderBook, precision: KrakenPrecision): number {
  const digits = (value: number, decimals: number) =>
    value.toFixed(decimals).replace(".", "").replace(/^0+/, "");
  const text = ([price, size]: BookLevel) => digits(price, precision.price) + digits(size, precision.size);
  return crc32([...book.best("ask", checkedLevels), ...book.best("bid", checkedLevels)].map(text).join(""));
}

export interface KrakenOptions {
  /** Origins without a path; default: Kraken's own. */
  socketUrl?: string | undefined;
  restUrl?: string | undefined;
  now(): number;
}

/**
 * Kraken spot, WebSocket version 2: trades, best prices and books; history by `Trades?since`. Symbols are BASE/QUOTE. Its
 * ticker frames have no time: the time of receipt stands in. https://docs.kraken.com/api/docs/websocket-v2/trade,
 * https://docs.kraken.com/api/docs/websocket-v2/book and https://docs.kraken.com/api/docs/rest-api/get-recent-trades.
 */
export function krakenProtocol(options: KrakenOptions): VenueProtocol {
  const rest = `${(options.restUrl ?? "https://api.kraken.com").replace(/\/$/, "")}/0/public`;
  const precisions = new Map<string, KrakenPrecision>();
  /** Updates have no numbers: that none was skipped is what the checksum shows. */
  const bookRule: BookRule = {
    image: "sent",
    depth: bookDepth,
    joins: () => "joins",
    follows: () => "joins",
    checksum: (symbol, book) => krakenChecksum(book, precisions.get(symbol)!),
  };

  function parse(text: string): VenueMessage[] {
    const value = JSON.parse(text) as Record<string, unknown>;
    if (value["channel"] === "trade")
      return Trades.parse(value).data.map(({ symbol, side, price, qty, trade_id: tradeId, timestamp }) => ({
        kind: "trade",
        trade: { symbol, tradeId, eventMs: Math.floor(Date.parse(timestamp)), price, size: qty, side },
      }));
    if (value["channel"] === "ticker")
      return Tickers.parse(value).data.map(({ symbol, bid, bid_qty: bidSize, ask, ask_qty: askSize }) => ({
        kind: "quote",
        quote: { symbol, eventMs: options.now(), bid, bidSize, ask, askSize },
      }));
    if (value["channel"] === "book") {
      const { type, data } = Books.parse(value);
      return data.map(({ symbol, bids, asks, checksum, timestamp }) => ({
        kind: "book",
        update: {
          symbol,
          eventMs: timestamp === undefined ? options.now() : Math.floor(Date.parse(timestamp)),
          isImage: type === "snapshot",
          bids: bids.map(({ price, qty }) => [price, qty]),
          asks: asks.map(({ price, qty }) => [price, qty]),
          checksum,
        },
      }));
    }
    const notice = Notice.parse(value);
    return "method" in notice && notice.success === false
      ? [{ kind: "refused", reason: notice.error ?? "Kraken refused the subscription" }]
      : [];
  }

  const channels = ["trade", "ticker", "book"] as const;
  const params = {
    trade: { snapshot: false },
    ticker: { event_trigger: "bbo" },
    book: { depth: bookDepth },
  };

  function frame(
    method: "subscribe" | "unsubscribe",
    channel: (typeof channels)[number],
    symbols: readonly string[],
  ): string {
    return JSON.stringify({ method, params: { channel, symbol: symbols, ...params[channel] } });
  }

  return {
    venue: "kraken",
    socketUrl: `${(options.socketUrl ?? "wss://ws.kraken.com").replace(/\/$/, "")}/v2`,
    bookRule,
    subscribe: (symbols) => channels.map((channel) => frame("subscribe", channel, symbols)),
    unsubscribe: (symbols) => channels.map((channel) => frame("unsubscribe", channel, symbols)),
    askBook: (symbol) => [frame("unsubscribe", "book", [symbol]), frame("subscribe", "book", [symbol])],
    parse,
    async fetchTrades(symbol, { sinceMs }, signal) {
      // Later than `since`, in ns: one before keeps those of the same time.
      const query = new URLSearchParams({
        pair: symbol,
        since: String(BigInt(sinceMs) * 1_000_000n - 1n),
        count: "1000",
      });
      const { last: _last, ...pairs } = resultOf(
        await fetchJson(`${rest}/Trades?${query.toString()}`, signal),
      );
      const rows = z.array(TradeRow).parse(Object.values(pairs)[0]);
      return rows.map(
        ([price, size, seconds, side, _type, _misc, tradeId]): VenueTrade & { tradeId: number } => ({
          symbol,
          tradeId,
          eventMs: Math.floor(seconds * 1_000),
          price,
          size,
          side: side === "b" ? "buy" : "sell",
        }),
      );
    },
    async fetchInstruments(symbols, signal) {
      const pairs = z
        .record(
          z.string(),
          z.object({
            wsname: z.string(),
            pair_decimals: z.int(),
            lot_decimals: z.int(),
            tick_size: z.string().optional(),
            ordermin: z.string().optional(),
            costmin: z.string().optional(),
          }),
        )
        .parse(resultOf(await fetchJson(`${rest}/AssetPairs`, signal)));
      const all = Object.values(pairs);
      return symbols.map((symbol) => {
        // Version 2 of the WebSocket says BTC and DOGE where this list still says XBT and XDG.
        const old = symbol.replace("BTC", "XBT").replace("DOGE", "XDG");
        const pair = all.find(({ wsname }) => wsname === symbol || wsname === old);
        if (pair === undefined)
          throw new AppError("symbol.unknown", `Kraken does not trade ${symbol}; symbols are BASE/QUOTE.`);
        precisions.set(symbol, { price: pair.pair_decimals, size: pair.lot_decimals });
        return {
          symbol,
          currency: symbol.split("/")[1]!,
          assetClass: "crypto" as const,
          tickSize: pair.tick_size ?? null,
          lotSize: null,
          minNotional: pair.costmin ?? null,
        };
      });
    },
    async fetchClock(signal) {
      const { unixtime } = z
        .object({ unixtime: z.int() })
        .parse(resultOf(await fetchJson(`${rest}/Time`, signal)));
      return unixtime * 1_000;
    },
  };
}
