import { answerAt, AnswerPath, AppError } from "@tapedeck/core";
import type { Log, TradeFeed, TradeFeedEvents, TradeFeedStatus } from "@tapedeck/core";
import * as z from "zod";
import { createGate } from "./gate.ts";
import type { GateOptions } from "./gate.ts";
import { overdueMessage, staggerMs } from "./polling.ts";
import { fetchJson } from "./protocol.ts";

/** Where the answer to a question after a symbol's price has it. */
const QuoteAnswer = z.strictObject({
  price: AnswerPath,
  /** Absent: the time of receipt. */
  time: AnswerPath.optional(),
  timeUnit: z.enum(["s", "ms", "iso"]).default("s"),
  /** Traded so far: what it grew by is the size of a print. Absent: prints have no size. */
  volume: AnswerPath.optional(),
});
type QuoteAnswer = z.output<typeof QuoteAnswer>;

const yahooMeta = (name: string) => ["chart", "result", 0, "meta", name];

/** Yahoo's chart (`/v8/finance/chart/{symbol}`) and Alpha Vantage's quote (https://www.alphavantage.co/documentation/#latestprice). */
const presets: Record<"yahoo" | "alphavantage", QuoteAnswer> = {
  yahoo: {
    price: yahooMeta("regularMarketPrice"),
    time: yahooMeta("regularMarketTime"),
    timeUnit: "s",
    volume: yahooMeta("regularMarketVolume"),
  },
  alphavantage: {
    price: ["Global Quote", "05. price"],
    timeUnit: "s",
    volume: ["Global Quote", "06. volume"],
  },
};

/** A venue that is asked for prices again and again, as an operator declares it in a file of JSON. */
export const RestVenue = z.strictObject({
  venue: z.string().regex(/^[a-z][a-z0-9]{1,19}$/, "is small letters and digits"),
  /** With {symbol} where the symbol goes, and {key} where the key does. */
  url: z
    .string()
    .max(2_000)
    .refine(
      (url) => url.includes("{symbol}") && /^https?:/.test(url),
      "must be an address with {symbol} in it",
    ),
  answer: z.union([z.enum(["yahoo", "alphavantage"]), QuoteAnswer]),
  /** Between two questions after the same symbol. */
  everyMs: z.int().min(100).max(86_400_000).default(15_000),
  currency: z
    .string()
    .regex(/^[A-Z0-9]{2,10}$/)
    .default("USD"),
  assetClass: z.enum(["equity", "crypto", "other"]).default("equity"),
});
export type RestVenue = z.output<typeof RestVenue>;

export interface RestFeedOptions {
  rest: RestVenue;
  symbols: readonly string[];
  /** Put in for {key}; never shown. */
  key: string | undefined;
  now(): number;
  log: Log;
  gate?: Partial<GateOptions>;
}

/** Symbols are first asked for within this time, each at another, so that they are not all asked for at once. */
const firstMs = 60_000;

/** A symbol that is asked for; times by the steady clock. */
interface Followed {
  last: Quoted | undefined;
  timer: NodeJS.Timeout;
  asking: boolean;
  failed: boolean;
  /** Of the last answer; before it, since when it is followed. */
  sinceMs: number;
}

interface Quoted {
  eventMs: number;
  price: number;
  /** NaN where the answer has none. */
  volume: number;
}

function quoteOf(answer: unknown, shape: QuoteAnswer, nowMs: number): Quoted {
  const number = (path: AnswerPath | undefined) => {
    const value = path === undefined ? undefined : answerAt(answer, path);
    return typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN;
  };
  const price = number(shape.price);
  if (!(price > 0)) throw new Error(`the answer has no price: ${JSON.stringify(answer).slice(0, 200)}`);
  if (shape.time === undefined) return { eventMs: nowMs, price, volume: number(shape.volume) };
  const time = answerAt(answer, shape.time);
  const eventMs =
    shape.timeUnit === "iso" ? Date.parse(String(time)) : Number(time) * (shape.timeUnit === "s" ? 1_000 : 1);
  if (!Number.isFinite(eventMs)) throw new Error("the answer has no time");
  return { eventMs: Math.floor(eventMs), price, volume: number(shape.volume) };
}

/**
 * Prices of symbols that are asked for one by one: a print each time that the price, its time or the volume is another. What
 * was traded between two questions is one print; there is no history to fill gaps from, and no book.
 */
export function createRestFeed(options: RestFeedOptions): TradeFeed {
  const { rest, now, log } = options;
  const shape = typeof rest.answer === "string" ? presets[rest.answer] : rest.answer;
  const timeoutMs = options.gate?.timeoutMs ?? 10_000;
  const gate = createGate({
    now: () => performance.now(),
    timeoutMs,
    atOnce: 2,
    waiting: 1_000,
    failures: 5,
    openMs: 30_000,
    ...options.gate,
  });
  const followed = new Map<string, Followed>();
  let started = 0;
  let lastMessageMs: number | null = null;
  const counts = { reconnects: 0, malformed: 0, duplicates: 0, bookResyncs: 0 };
  let events: TradeFeedEvents;

  function take(symbol: string, quoted: Quoted): void {
    const one = followed.get(symbol);
    if (one === undefined) return;
    const { last } = one;
    const isSame =
      last !== undefined &&
      quoted.price === last.price &&
      Object.is(quoted.volume, last.volume) &&
      (shape.time === undefined || quoted.eventMs === last.eventMs);
    if (isSame) {
      counts.duplicates += 1;
      return;
    }
    one.last = quoted;
    const grown = quoted.volume - (last?.volume ?? Number.NaN);
    events.trade({
      symbol,
      tradeId: null,
      eventMs: quoted.eventMs,
      price: quoted.price,
      size: grown > 0 ? grown : 0,
      side: quoted.price >= (last?.price ?? quoted.price) ? "buy" : "sell",
    });
  }

  /** Symbols whose answer is overdue: asked for twice over, and as long as an answer may take. */
  function late(): string[] {
    const beforeMs = performance.now() - 2 * rest.everyMs - timeoutMs;
    return [...followed].filter(([, { sinceMs }]) => sinceMs < beforeMs).map(([symbol]) => symbol);
  }

  function stateNow(overdue: readonly string[]): TradeFeedStatus["state"] {
    if (overdue.length > 0 || [...followed.values()].some(({ failed }) => failed)) return "down";
    return lastMessageMs === null ? "connecting" : "live";
  }

  async function ask(symbol: string): Promise<void> {
    const url = rest.url
      .replaceAll("{symbol}", encodeURIComponent(symbol))
      .replaceAll("{key}", encodeURIComponent(options.key ?? ""));
    const quoted = await gate.call(async (signal) => quoteOf(await fetchJson(url, signal), shape, now()));
    lastMessageMs = now();
    take(symbol, quoted);
  }

  /** One that still waits for its answer is not asked for again. */
  function askSoon(symbol: string, one: Followed): void {
    if (one.asking) return;
    one.asking = true;
    ask(symbol)
      .then(
        () => {
          one.failed = false;
          one.sinceMs = performance.now();
        },
        (error: unknown) => {
          if (stateNow(late()) === "live") counts.reconnects += 1;
          one.failed = true;
          log.debug({ err: error, venue: rest.venue, symbol }, "a price was not read; asked again");
        },
      )
      .finally(() => {
        one.asking = false;
      });
  }

  return {
    fetchInstruments: () =>
      Promise.resolve(
        options.symbols.map((symbol) => ({
          symbol,
          currency: rest.currency,
          assetClass: rest.assetClass,
          tickSize: null,
          lotSize: null,
          minNotional: null,
        })),
      ),
    start(given) {
      events = given;
    },
    follow(symbol) {
      const waitMs = staggerMs(started, Math.min(rest.everyMs, firstMs));
      started += 1;
      const begin = () => {
        one.timer = setInterval(() => askSoon(symbol, one), rest.everyMs);
        askSoon(symbol, one);
      };
      const one: Followed = {
        last: undefined,
        timer: setTimeout(begin, waitMs),
        asking: false,
        failed: false,
        sinceMs: performance.now(),
      };
      followed.set(symbol, one);
    },
    leave(symbol) {
      clearInterval(followed.get(symbol)?.timer);
      followed.delete(symbol);
    },
    places: () => new Map(),
    status() {
      const overdue = late();
      return {
        state: stateNow(overdue),
        lastMessageMs,
        clockOffsetMs: null,
        ...counts,
        missing: 0,
        breaker: gate.state(),
        calls: gate.calls(),
        lastError: overdueMessage(overdue, followed.size) ?? gate.lastError(),
      };
    },
    stop() {
      for (const { timer } of followed.values()) clearInterval(timer);
      followed.clear();
    },
  };
}

/** The declaration in a file's text. Throws `config.invalid`, saying what is wrong with it. */
export function parseRestVenue(text: string): RestVenue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError("config.invalid", "the file of STREAM_REST is not JSON", { cause: error });
  }
  const parsed = RestVenue.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AppError("config.invalid", `STREAM_REST: ${issue!.path.join(".")}: ${issue!.message}`);
}
