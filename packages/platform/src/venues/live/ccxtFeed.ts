import { AppError, createOrderBook } from "@tapedeck/core";
import type { Log, OrderBook, TradeFeed, TradeFeedEvents, TradeFeedStatus, TradePlace } from "@tapedeck/core";
import type { Exchange, Trade } from "ccxt";
import { moveAddresses, orAborted } from "../bars.ts";
import { createGate } from "./gate.ts";
import type { GateOptions } from "./gate.ts";
import { overdueMessage, staggerMs } from "./polling.ts";
import { createVenueClock } from "./venueClock.ts";

export interface CcxtFeedOptions {
  /** ccxt's id of an exchange. */
  exchange: string;
  /** As ccxt writes them: BTC/USDT. */
  symbols: readonly string[];
  /** Origins without a path; default: the exchange's own. */
  socketUrl?: string | undefined;
  restUrl?: string | undefined;
  now(): number;
  random(): number;
  log: Log;
  gate?: Partial<GateOptions>;
  /** First pause after a failure; doubled each time up to a minute. Default 500 ms. */
  pauseMs?: number;
  /** Between two requests where the exchange has no trades on a WebSocket. Default 2 s. */
  pollMs?: number;
}

/** Of a side of a book that is passed on. */
const bookLevels = 100;
/** Ids that a repetition is known by. */
const knownIds = 5_000;
const pageTrades = 1_000;
const maxPauseMs = 60_000;
/** From finding a gap, which is recorded meanwhile, to saying that it is lost. */
const lostMs = 1_000;
/** Of asking what the exchange trades: it sends all of it. */
const marketsMs = 30_000;
/** A trade further ahead of the exchange's clock has a wrong time: asked for from there on, no other would come. */
const mostAheadMs = 300_000;

/** The part of an exchange object that a feed needs; ccxt's own type has thousands of members. */
type Watched = Pick<
  Exchange,
  | "close"
  | "fetchTime"
  | "fetchTrades"
  | "has"
  | "loadHttpProxyAgent"
  | "loadMarkets"
  | "markets"
  | "urls"
  | "watchOrderBook"
  | "watchTrades"
>;

async function openExchange(options: CcxtFeedOptions): Promise<Watched> {
  const { default: ccxt } = await import("ccxt");
  const { exchange: id, restUrl, socketUrl } = options;
  const classes = (ccxt.pro as unknown as Record<string, unknown>)[id] === undefined ? ccxt : ccxt.pro;
  const Class = (classes as unknown as Record<string, new (config: object) => Watched>)[id];
  if (Class === undefined || !ccxt.exchanges.includes(id))
    throw new AppError("config.invalid", `There is no exchange "${id}"; the ids are ccxt's.`);
  const exchange = new Class({ enableRateLimit: true, timeout: 10_000, newUpdates: true });
  exchange.has["fetchCurrencies"] = false;
  const { api } = exchange.urls as { api: Record<string, unknown> };
  const { ws, ...rest } = api;
  const moved = (value: unknown, origin: string | undefined) =>
    origin === undefined ? value : moveAddresses(value, origin.replace(/\/$/, ""));
  (exchange.urls as Record<string, unknown>)["api"] = {
    ...(moved(rest, restUrl) as object),
    ...(ws === undefined ? {} : { ws: moved(ws, socketUrl) }),
  };
  // Without it ccxt opens no ws:// address.
  await exchange.loadHttpProxyAgent();
  return exchange;
}

interface Followed {
  symbol: string;
  place: TradePlace | undefined;
  known: Set<string>;
  book: OrderBook;
  /** Of the last answer, by the steady clock; before it, since when it is asked for. Undefined where trades are watched. */
  polledMs: number | undefined;
}

async function timeOf(exchange: Watched): Promise<number> {
  const venueMs = await exchange.fetchTime();
  if (venueMs === undefined) throw new Error("the exchange told no time");
  return venueMs;
}

/** What tells a trade from another where the exchange gives it no id. */
const idOf = ({ id, timestamp, price, amount, side }: Trade) =>
  id ?? `${timestamp} ${price} ${amount} ${side}`;

/** The numbers between two trades where the exchange counts its trades, else the time between them, ms UTC. */
function between(place: TradePlace, next: Trade): { fromId: number; toId: number } {
  const [lastId, nextId] = [place.ids!.at(-1), next.id].map(Number);
  const isCounted = Number.isSafeInteger(lastId) && Number.isSafeInteger(nextId) && lastId! + 1 < nextId!;
  return isCounted
    ? { fromId: lastId! + 1, toId: nextId! - 1 }
    : { fromId: place.last.eventMs, toId: next.timestamp! };
}

/**
 * Trades and books of any exchange that ccxt knows: over its WebSocket where ccxt has one, else by asking again and again.
 * Ids of trades are told apart, but say nothing of what is missing: after a lost connection, and at a start, trades are
 * asked for from the time of the last one on; an answer that begins after it is a gap.
 */
export function createCcxtFeed(options: CcxtFeedOptions): TradeFeed {
  const { now, random, log, pauseMs = 500, pollMs = 2_000 } = options;
  const venue = options.exchange;
  const followed = new Map<string, Followed>();
  const timeoutMs = options.gate?.timeoutMs ?? 10_000;
  const gate = createGate({
    now: () => performance.now(),
    timeoutMs,
    atOnce: 4,
    waiting: 1_000,
    failures: 5,
    openMs: 30_000,
    ...options.gate,
  });
  const counts = { reconnects: 0, malformed: 0, duplicates: 0, bookResyncs: 0 };
  const failing = new Set<string>();
  let state: TradeFeedStatus["state"] = "connecting";
  let lastMessageMs: number | null = null;
  const clock = createVenueClock(now);
  let lastError: string | null = null;
  let opened: Promise<Watched> | undefined;
  let polled = 0;
  let events: TradeFeedEvents;
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();

  const exchangeOf = () => (opened ??= openExchange(options));
  /** A request: ccxt takes no signal, so that it may go on after its time, by ccxt's own at most. */
  const call = <T>(work: () => Promise<T>, limitMs?: number) =>
    gate.call((signal) => orAborted(work(), signal), undefined, limitMs);
  const goesOn = (one: Followed) => !stopped && followed.get(one.symbol) === one;

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });
  }

  function take(one: Followed, trade: Trade): void {
    const { timestamp: eventMs, price, amount, side } = trade;
    if (eventMs === undefined || price === undefined || amount === undefined) {
      counts.malformed += 1;
      return;
    }
    const id = idOf(trade);
    if (one.known.has(id)) {
      counts.duplicates += 1;
      return;
    }
    one.known.add(id);
    if (one.known.size > 2 * knownIds) one.known = new Set([...one.known].slice(-knownIds));
    const { place } = one;
    const lastMs = place?.last.eventMs ?? -Infinity;
    const isAhead = eventMs > clock.now() + mostAheadMs;
    if (eventMs > lastMs && !isAhead) one.place = { last: { tradeId: 0, eventMs }, holes: [], ids: [id] };
    else if (eventMs === lastMs) one.place = { ...place!, ids: [...place!.ids!, id] };
    events.trade({
      symbol: one.symbol,
      tradeId: null,
      eventMs,
      price,
      size: amount,
      side: side === "sell" ? "sell" : "buy",
    });
  }

  function heard(one: Followed): void {
    lastMessageMs = now();
    failing.delete(one.symbol);
    if (failing.size === 0) state = "live";
  }

  function takeAll(one: Followed, trades: readonly Trade[]): void {
    heard(one);
    for (const trade of trades) take(one, trade);
  }

  /** An answer that joins what is known has its last trade, or another of its millisecond: ids may differ by way of asking. */
  function lookForGap(
    one: Followed,
    place: TradePlace,
    page: readonly Trade[],
    fresh: readonly Trade[],
  ): void {
    const [first] = fresh;
    const joins = page.some((trade) => one.known.has(idOf(trade)) || trade.timestamp === place.last.eventMs);
    if (first?.timestamp === undefined || joins) return;
    const gap = { symbol: one.symbol, ...between(place, first) };
    log.error({ venue, ...gap }, "missing trades are not in the exchange's answer");
    events.gap({ ...gap, state: "open" });
    void pause(lostMs).then(() => events.gap({ ...gap, state: "lost" }));
  }

  /** Trades from the last one on, page by page. Those before it were handed on by an earlier process. */
  async function fetchSince(exchange: Watched, one: Followed): Promise<void> {
    while (goesOn(one)) {
      const sinceMs = one.place?.last.eventMs;
      // One before: some exchanges tell only what is later than asked for.
      const asked = sinceMs === undefined ? undefined : Math.floor(sinceMs) - 1;
      const page = await call(() => exchange.fetchTrades(one.symbol, asked, pageTrades));
      const fresh = page.filter(
        (trade) => !one.known.has(idOf(trade)) && (trade.timestamp ?? 0) >= (sinceMs ?? -Infinity),
      );
      if (!goesOn(one)) return;
      if (one.place !== undefined) lookForGap(one, one.place, page, fresh);
      takeAll(one, fresh);
      if (sinceMs === undefined || fresh.length === 0) return;
    }
  }

  async function watch(exchange: Watched, one: Followed): Promise<void> {
    // Asked for first, so that what comes while the rest is fetched is not missed.
    const watchNext = () => gate.watch(() => exchange.watchTrades(one.symbol));
    let next = watchNext();
    next.catch(() => undefined);
    if (one.place !== undefined) await fetchSince(exchange, one);
    while (goesOn(one)) {
      takeAll(one, await next);
      next = watchNext();
    }
    next.catch(() => undefined);
  }

  /** Symbols are asked for at different times of each period. */
  async function poll(exchange: Watched, one: Followed): Promise<void> {
    if (one.polledMs === undefined) {
      one.polledMs = performance.now();
      await pause(staggerMs(polled++, pollMs));
    }
    while (goesOn(one)) {
      await fetchSince(exchange, one);
      one.polledMs = performance.now();
      await pause(pollMs);
    }
  }

  /** Symbols whose answer is overdue: asked for twice over, and as long as an answer may take. */
  function late(): string[] {
    const beforeMs = performance.now() - 2 * pollMs - timeoutMs;
    return [...followed.values()]
      .filter(({ polledMs }) => polledMs !== undefined && polledMs < beforeMs)
      .map(({ symbol }) => symbol);
  }

  /** Again after a pause, longer each time, whatever it was that failed. */
  async function keepOn(
    one: Followed,
    what: string,
    work: (exchange: Watched) => Promise<void>,
  ): Promise<void> {
    for (let failures = 0; goesOn(one); failures++) {
      const sinceMs = performance.now();
      try {
        await work(await exchangeOf());
      } catch (error) {
        if (!goesOn(one)) return;
        lastError = error instanceof Error ? error.message.slice(0, 200) : String(error);
        log.info({ venue, symbol: one.symbol, what, err: error }, "an exchange did not answer; asked again");
        if (what === "trades") {
          failing.add(one.symbol);
          state = "down";
          counts.reconnects += 1;
        }
      }
      if (performance.now() - sinceMs > maxPauseMs) failures = 0;
      await pause(Math.min(maxPauseMs, pauseMs * 2 ** Math.min(failures, 10)) * (0.5 + 0.5 * random()));
    }
  }

  async function watchBook(exchange: Watched, one: Followed): Promise<void> {
    while (goesOn(one)) {
      const { bids, asks, timestamp } = await gate.watch(() => exchange.watchOrderBook(one.symbol));
      if (!goesOn(one)) return;
      heard(one);
      one.book.clear();
      for (const [price, size] of bids.slice(0, bookLevels)) one.book.set("bid", Number(price), Number(size));
      for (const [price, size] of asks.slice(0, bookLevels)) one.book.set("ask", Number(price), Number(size));
      events.book({ symbol: one.symbol, eventMs: timestamp ?? now(), book: one.book });
    }
  }

  async function begin(one: Followed): Promise<void> {
    const { has } = await exchangeOf();
    void keepOn(one, "trades", (exchange) =>
      has["watchTrades"] ? watch(exchange, one) : poll(exchange, one),
    );
    if (has["watchOrderBook"]) void keepOn(one, "book", (exchange) => watchBook(exchange, one));
  }

  function readClock(): void {
    exchangeOf()
      .then(async (exchange) => {
        if (exchange.has["fetchTime"]) await call(() => clock.measure(() => timeOf(exchange)));
      })
      .catch((error: unknown) => log.debug({ err: error, venue }, "the venue's clock was not read"));
  }

  return {
    async fetchInstruments() {
      const exchange = await exchangeOf();
      try {
        await call(() => exchange.loadMarkets(), marketsMs);
      } catch (error) {
        throw new AppError("venue.unavailable", `${venue} does not say what it trades.`, {
          retryable: true,
          cause: error,
        });
      }
      return options.symbols.map((symbol) => {
        const market = exchange.markets?.[symbol];
        if (market === undefined)
          throw new AppError("symbol.unknown", `${venue} does not trade ${symbol}; symbols are as BTC/USDT.`);
        const { precision, limits } = market;
        const text = (value: number | undefined) => (value === undefined ? null : String(value));
        return {
          symbol,
          currency: market.quote,
          assetClass: market.spot === true ? ("crypto" as const) : ("perpetual" as const),
          tickSize: text(precision.price),
          lotSize: text(precision.amount),
          minNotional: text(limits.cost?.min),
        };
      });
    },
    start(given) {
      events = given;
      readClock();
      timers.add(setInterval(readClock, 300_000));
    },
    follow(symbol, place) {
      const one: Followed = {
        symbol,
        place: place?.ids === undefined ? undefined : place,
        known: new Set(place?.ids),
        book: createOrderBook(),
        polledMs: undefined,
      };
      followed.set(symbol, one);
      begin(one).catch((error: unknown) => log.error({ err: error, venue }, "an exchange is not followed"));
    },
    leave: (symbol) => void followed.delete(symbol),
    places() {
      const places = new Map<string, TradePlace>();
      for (const [symbol, { place }] of followed) if (place !== undefined) places.set(symbol, place);
      return places;
    },
    status() {
      const overdue = late();
      return {
        state: overdue.length > 0 ? "down" : state,
        lastMessageMs,
        clockOffsetMs: clock.offsetMs(),
        ...counts,
        missing: 0,
        breaker: gate.state(),
        calls: gate.calls(),
        lastError: overdueMessage(overdue, followed.size) ?? lastError ?? gate.lastError(),
      };
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      opened?.then((exchange) => exchange.close()).catch(() => undefined);
    },
  };
}
