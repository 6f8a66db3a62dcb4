import { AppError } from "@tapedeck/core";
import type { BookLevel } from "@tapedeck/core";
import * as z from "zod";
import { aggTradeOf, parseAggTrade } from "./aggTrade.ts";
import type { BookRule, BookUpdate } from "./book.ts";
import { fetchJson } from "./protocol.ts";
import type { VenueMessage, VenueProtocol } from "./protocol.ts";

/** What is taken of a symbol: aggTrades or trades (each print by itself), and beside them best prices, books … */
export const binanceChannels = ["aggTrades", "trades", "quotes", "book", "bars", "marks"] as const;
export type BinanceChannel = (typeof binanceChannels)[number];

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

const Levels = z.array(z.tuple([decimal, decimal]));

/** `pu`, the last number of the update before, is told by futures only. */
const DepthUpdate = z.object({
  E: z.int(),
  s: z.string(),
  U: z.int(),
  u: z.int(),
  pu: z.int().optional(),
  b: Levels,
  a: Levels,
});

const DepthImage = z.object({ lastUpdateId: z.int(), bids: Levels, asks: Levels });

const Kline = z.object({
  s: z.string(),
  k: z.object({
    t: z.int(),
    T: z.int(),
    i: z.string(),
    o: decimal,
    h: decimal,
    l: decimal,
    c: decimal,
    v: decimal,
    x: z.boolean(),
  }),
});

const MarkPrice = z.object({
  E: z.int(),
  s: z.string(),
  p: decimal,
  i: decimal,
  r: decimal,
  T: z.int(),
});

const Trade = z.object({ s: z.string(), t: z.int(), p: decimal, q: decimal, T: z.int(), m: z.boolean() });
const RecentTrade = z.object({
  id: z.int(),
  price: decimal,
  qty: decimal,
  time: z.int(),
  isBuyerMaker: z.boolean(),
});

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

const limits = { streamsOfConnection: 1_024, streamsOfFrame: 200, bookLevels: 1_000 };

/**
 * What a request weighs by Binance's documents: `depth` of 1,000 levels, a page of trades, `exchangeInfo`. Four fifths of
 * what an address may spend a minute (6,000 spot, 2,400 futures): the rest is for whatever else asks from it.
 */
const weights = {
  spot: { perMinute: 4_800, book: 50, aggTrades: 4, trades: 25, instruments: 20 },
  usdm: { perMinute: 1_920, book: 20, aggTrades: 20, trades: 5, instruments: 1 },
} as const;

/**
 * Spot: each update begins with the number after the last of the one before; the first that counts holds the number
 * after the image's. Futures: each names the last number of the one before (`pu`); the first that counts holds the
 * image's. "How to manage a local order book correctly", of both documents below.
 */
const bookRules: Record<BinanceOptions["market"], BookRule> = {
  spot: {
    image: "fetched",
    depth: limits.bookLevels,
    joins: ({ firstId, lastId }, imageId) =>
      lastId! <= imageId ? "older" : firstId! <= imageId + 1 ? "joins" : "gap",
    follows: ({ firstId, lastId: last }, lastId) =>
      last! <= lastId ? "older" : firstId! === lastId + 1 ? "joins" : "gap",
  },
  usdm: {
    image: "fetched",
    depth: limits.bookLevels,
    joins: ({ firstId, lastId }, imageId) =>
      lastId! < imageId ? "older" : firstId! <= imageId ? "joins" : "gap",
    follows: ({ previousId, lastId: last }, lastId) =>
      last! <= lastId ? "older" : previousId === lastId ? "joins" : "gap",
  },
};

export interface BinanceOptions {
  /** spot: Binance spot. usdm: USD-margined futures. */
  market: "spot" | "usdm";
  /** Default: aggregate trades, best prices and books; futures' mark prices too. */
  channels?: readonly BinanceChannel[] | undefined;
  /** Origins without a path; default: Binance's own. */
  socketUrl?: string | undefined;
  restUrl?: string | undefined;
  now(): number;
}

const addresses = {
  spot: { socket: "wss://stream.binance.com:9443", rest: "https://api.binance.com", prefix: "/api/v3" },
  usdm: { socket: "wss://fstream.binance.com", rest: "https://fapi.binance.com", prefix: "/fapi/v1" },
} as const;

const streamOf: Record<BinanceChannel, string> = {
  aggTrades: "aggTrade",
  trades: "trade",
  quotes: "bookTicker",
  book: "depth@100ms",
  bars: "kline_1m",
  marks: "markPrice@1s",
};

function depthUpdate(value: unknown): BookUpdate {
  const { E, s, U, u, pu, b, a } = DepthUpdate.parse(value);
  return {
    symbol: s,
    eventMs: E,
    isImage: false,
    firstId: U,
    lastId: u,
    previousId: pu,
    bids: b as BookLevel[],
    asks: a as BookLevel[],
  };
}

function printOf(symbol: string, tradeId: number, row: z.output<typeof RecentTrade>) {
  const { price, qty: size, time: eventMs, isBuyerMaker } = row;
  // The buyer rested: the seller took liquidity.
  return { symbol, tradeId, eventMs, price, size, side: isBuyerMaker ? ("sell" as const) : ("buy" as const) };
}

/** Any frame. */
function messagesOf(value: Record<string, unknown>, now: () => number): VenueMessage[] {
  switch (value["e"]) {
    case "aggTrade":
      return [{ kind: "trade", trade: aggTradeOf(value["s"], value) }];
    case "trade": {
      const { s, t, p: price, q: qty, T: time, m: isBuyerMaker } = Trade.parse(value);
      return [{ kind: "trade", trade: printOf(s, t, { id: t, price, qty, time, isBuyerMaker }) }];
    }
    case "depthUpdate":
      return [{ kind: "book", update: depthUpdate(value) }];
    case "kline": {
      const { s, k } = Kline.parse(value);
      if (!k.x) return [];
      const { t: openMs, T, i: timeframe, o: open, h: high, l: low, c: close, v: volume } = k;
      const bar = { symbol: s, timeframe, openMs, closeMs: T + 1, open, high, low, close, volume };
      return [{ kind: "ownBar", bar }];
    }
    case "markPriceUpdate": {
      const { E: eventMs, s: symbol, p: markPrice, i: indexPrice, r, T } = MarkPrice.parse(value);
      const mark = { symbol, eventMs, markPrice, indexPrice, fundingRate: r, nextFundingMs: T };
      return [{ kind: "mark", mark }];
    }
    case "serverShutdown":
      return [{ kind: "ending" }];
    default:
  }
  // Spot's best prices come without an event's name.
  if (value["e"] === "bookTicker" || (value["e"] === undefined && "B" in value)) {
    const { s, b, B, a, A, T } = BookTicker.parse(value);
    const quote = { symbol: s, eventMs: T ?? now(), bid: b, bidSize: B, ask: a, askSize: A };
    return [{ kind: "quote", quote }];
  }
  const answer = Answer.parse(value);
  return answer.error === undefined ? [] : [{ kind: "refused", reason: answer.error.msg }];
}

/**
 * Binance's market streams, subscribed on the connection; history of trades by their numbers, books by `depth`.
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
 */
export function binanceProtocol(options: BinanceOptions): VenueProtocol {
  const { market } = options;
  const own = addresses[market];
  const rest = `${(options.restUrl ?? own.rest).replace(/\/$/, "")}${own.prefix}`;
  const usual: BinanceChannel[] = [
    "aggTrades",
    "quotes",
    "book",
    ...(market === "usdm" ? (["marks"] as const) : []),
  ];
  const channels = options.channels ?? usual;
  const isAggregate = !channels.includes("trades");
  let asked = 0;

  function frames(method: "SUBSCRIBE" | "UNSUBSCRIBE", symbols: readonly string[]): string[] {
    const streams = symbols.flatMap((symbol) =>
      channels.map((channel) => `${symbol.toLowerCase()}@${streamOf[channel]}`),
    );
    const made: string[] = [];
    for (let at = 0; at < streams.length; at += limits.streamsOfFrame)
      made.push(
        JSON.stringify({ method, params: streams.slice(at, at + limits.streamsOfFrame), id: ++asked }),
      );
    return made;
  }

  return {
    venue: market === "spot" ? "binance" : "binanceusdm",
    socketUrl: `${(options.socketUrl ?? own.socket).replace(/\/$/, "")}/ws`,
    numbering: isAggregate ? "aggTrades" : "trades",
    weights: { ...weights[market], trades: weights[market][isAggregate ? "aggTrades" : "trades"] },
    bookRule: channels.includes("book") ? bookRules[market] : undefined,
    maxSymbols: Math.floor(limits.streamsOfConnection / channels.length),
    subscribe: (symbols) => frames("SUBSCRIBE", symbols),
    unsubscribe: (symbols) => frames("UNSUBSCRIBE", symbols),
    parse(text) {
      const trade = parseAggTrade(text);
      if (trade !== undefined) return [{ kind: "trade", trade }];
      return messagesOf(JSON.parse(text) as Record<string, unknown>, options.now);
    },
    async fetchBook(symbol, signal) {
      const query = new URLSearchParams({ symbol, limit: String(limits.bookLevels) });
      const { lastUpdateId, bids, asks } = DepthImage.parse(
        await fetchJson(`${rest}/depth?${query.toString()}`, signal),
      );
      return { symbol, eventMs: options.now(), isImage: true, lastId: lastUpdateId, bids, asks };
    },
    async fetchTrades(symbol, { fromId }, signal) {
      const query = new URLSearchParams({ symbol, limit: "1000" });
      if (!isAggregate) {
        // Those from a number on (`historicalTrades`) are told only to who has a key; the latest to everybody.
        const rows = await fetchJson(`${rest}/trades?${query.toString()}`, signal);
        return z
          .array(RecentTrade)
          .parse(rows)
          .map((row) => printOf(symbol, row.id, row));
      }
      query.set("fromId", String(fromId));
      const rows = await fetchJson(`${rest}/aggTrades?${query.toString()}`, signal);
      return z
        .array(z.record(z.string(), z.unknown()))
        .parse(rows)
        .map((row) => aggTradeOf(symbol, row));
    },
    async fetchInstruments(symbols, signal) {
      const all = Markets.parse(await fetchJson(`${rest}/exchangeInfo`, signal)).symbols;
      return symbols.map((symbol) => {
        const found = all.find((one) => one.symbol === symbol);
        if (found === undefined)
          throw new AppError("symbol.unknown", `Binance (${market}) does not trade ${symbol}.`);
        const filter = (type: string) => found.filters.find(({ filterType }) => filterType === type);
        return {
          symbol,
          currency: found.quoteAsset,
          assetClass: market === "spot" ? ("crypto" as const) : ("perpetual" as const),
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
