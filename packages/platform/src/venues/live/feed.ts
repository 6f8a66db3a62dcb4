import { AppError } from "@tapedeck/core";
import type {
  Log,
  TradeFeed,
  TradeFeedEvents,
  TradeFeedStatus,
  TradeGap,
  TradeHole,
  TradePlace,
  VenueTrade,
} from "@tapedeck/core";
import { createBookKeeper } from "./book.ts";
import type { BookKeeper, BookUpdate } from "./book.ts";
import { createGate } from "./gate.ts";
import type { GateOptions } from "./gate.ts";
import { defaultLinkTimes, openLink } from "./link.ts";
import type { Link, LinkTimes } from "./link.ts";
import type { VenueProtocol } from "./protocol.ts";
import { createSequence } from "./sequence.ts";
import type { Sequence } from "./sequence.ts";
import { createVenueClock } from "./venueClock.ts";

export interface TradeFeedOptions {
  protocol: VenueProtocol;
  symbols: readonly string[];
  now(): number;
  random(): number;
  log: Log;
  times?: Partial<LinkTimes>;
  gate?: Partial<GateOptions>;
  /** Spends weight at a venue that the processes of an address share; false: not now. Default: each counts its own alone. */
  spend?: ((spending: { venue: string; weight: number; perMinute: number }) => Promise<boolean>) | undefined;
  /** How often what is missing is asked for. Default 1 s. */
  healMs?: number;
  /** Trades older than this are not asked for: nobody takes them any more. Default 24 h. */
  historyMs?: number;
  /** A venue's history may be behind its socket: for how long it must have none of a hole's trades. Default 60 s. */
  emptyMs?: number;
  /** How long a new connection may tell no trade of a symbol before what came after the last one is asked for. Default 5 s. */
  catchUpMs?: number;
  /** How often the venue's clock is read. Default 5 min. */
  clockMs?: number;
}

/** A book that comes anew is asked for at most once in this time, so that a venue that sends wrong ones is not flooded. */
const bookPauseMs = 1_000;

/** A step of our clock beside the machine's steady one that is none of its usual drift. */
const jumpMs = 1_000;

/** Pages without a trade of a hole that are asked for, however short the time, before it is given up. */
const emptyPages = 3;

/** What was asked of a hole in vain; times by the steady clock. */
interface Vain {
  pages: number;
  sinceMs: number;
  lastMs: number;
}

interface FollowedBook {
  keeper: BookKeeper;
  /** Images of an older connection, and what follows them, are not mixed with those of a newer one. */
  connection: number;
  /** By the steady clock. */
  askedMs: number;
  asking: boolean;
}

/**
 * Trades of a venue over one WebSocket (two while it changes over). Each is handed on once, whatever the connections
 * repeat; ids that were skipped are fetched from the venue's history, page by page, until none is missing, and so is what
 * came after the last trade of a symbol that a new connection tells nothing of. Books are
 * kept by the venue's rule and read anew where an update was skipped.
 */
export function createTradeFeed(options: TradeFeedOptions): TradeFeed {
  const { protocol, now, log } = options;
  const sequences = new Map<string, Sequence>();
  const books = new Map<string, FollowedBook>();
  /** Gaps that are not closed, each with the state that it will be closed with. */
  const gaps = new Map<TradeGap, "healed" | "lost">();
  const vain = new WeakMap<TradeHole, Vain>();
  /**
   * Symbols of which no trade came since a connection was made, and since when, by the steady clock: what was traded before
   * it may be missing, and no later number tells so.
   */
  const quiet = new Map<string, number>();
  const { weights, venue } = protocol;
  const { spend } = options;
  const gate = createGate({
    now: () => performance.now(),
    timeoutMs: 10_000,
    atOnce: 2,
    waiting: 100,
    weightPerMinute: weights?.perMinute,
    ...(weights !== undefined && spend !== undefined
      ? { spendShared: (weight: number) => spend({ venue, weight, perMinute: weights.perMinute }) }
      : {}),
    failures: 5,
    openMs: 30_000,
    ...options.gate,
  });
  let state: TradeFeedStatus["state"] = "connecting";
  let lastMessageMs: number | null = null;
  const clock = createVenueClock(now);
  let lastError: string | null = null;
  const counts = { reconnects: 0, malformed: 0, duplicates: 0, bookResyncs: 0 };
  let link: Link | undefined;
  let events: TradeFeedEvents;
  let healing = false;
  let ownClockMs = now() - performance.now();
  let stopped = false;
  let telling = false;
  const toFollow = new Set<string>();
  const timers: NodeJS.Timeout[] = [];

  function take(trade: VenueTrade): void {
    const sequence = sequences.get(trade.symbol);
    // A symbol that was not asked for.
    if (sequence === undefined) {
      counts.malformed += 1;
      return;
    }
    const { symbol, tradeId, eventMs } = trade;
    if (tradeId !== null) {
      const arrival = sequence.take({ tradeId, eventMs });
      if (arrival.kind === "duplicate") {
        counts.duplicates += 1;
        return;
      }
      if (arrival.kind === "gap") {
        markLost(symbol, sequence.takeLost());
        const { fromId, toId } = arrival.hole;
        const gap = { symbol, fromId, toId, state: "open" } as const;
        gaps.set(gap, "healed");
        log.warn({ venue: protocol.venue, ...gap }, "trades are missing");
        events.gap(gap);
      }
    }
    events.trade(trade);
  }

  function takeBook(update: BookUpdate, connection: number): void {
    const followed = books.get(update.symbol);
    if (followed === undefined) return;
    const { keeper } = followed;
    if (protocol.bookRule!.image === "sent") {
      if (connection < followed.connection) return;
      if (connection > followed.connection) keeper.reset();
      followed.connection = connection;
    }
    const state = keeper.take(update);
    if (state === "changed")
      events.book({ symbol: update.symbol, eventMs: update.eventMs, book: keeper.book });
    else if (state === "broken") {
      counts.bookResyncs += 1;
      log.warn({ venue: protocol.venue, symbol: update.symbol }, "an order book is read anew");
    }
    if (state === "broken" || state === "waiting") askBook(update.symbol, followed);
  }

  /** Where the image comes on the socket a new connection sends it unasked; only a broken book is asked for. */
  function askBook(symbol: string, followed: FollowedBook): void {
    if (followed.asking || performance.now() - followed.askedMs < bookPauseMs) return;
    followed.askedMs = performance.now();
    if (protocol.askBook !== undefined) return link?.tell(protocol.askBook(symbol));
    followed.asking = true;
    gate
      .call((signal) => protocol.fetchBook!(symbol, signal), protocol.weights?.book)
      .then(
        (image) => {
          followed.asking = false;
          if (books.get(symbol) === followed) takeBook(image, followed.connection);
        },
        (error: unknown) => {
          followed.asking = false;
          log.debug({ err: error, venue: protocol.venue, symbol }, "an order book was not read; tried again");
        },
      );
  }

  function onMessage(text: string, connection: number): void {
    lastMessageMs = now();
    try {
      for (const message of protocol.parse(text)) {
        switch (message.kind) {
          case "trade":
            quiet.delete(message.trade.symbol);
            take(message.trade);
            break;
          case "quote":
            events.quote(message.quote);
            break;
          case "book":
            takeBook(message.update, connection);
            break;
          case "mark":
            events.mark(message.mark);
            break;
          case "ownBar":
            events.ownBar(message.bar);
            break;
          case "ending":
            link?.renew();
            break;
          case "refused":
            lastError = message.reason;
            log.error({ venue: protocol.venue, reason: message.reason }, "the venue refused a subscription");
            break;
        }
      }
    } catch (error) {
      counts.malformed += 1;
      lastError = error instanceof Error ? error.message : String(error);
    }
  }

  /** One page of a hole's trades; false: none came, and it is asked for again later. What is too old is given up. */
  async function fillOnce(symbol: string, sequence: Sequence, hole: TradeHole): Promise<boolean> {
    if (clock.now() - hole.sinceMs > (options.historyMs ?? 86_400_000)) {
      giveUp(symbol, sequence, hole);
      return true;
    }
    const before = vain.get(hole);
    // As long again as it has been asked for in vain: after 1, 2, 4 … of the first pause.
    if (before !== undefined && performance.now() - before.lastMs < before.lastMs - before.sinceMs)
      return false;
    const page = await gate.call(
      (signal) => protocol.fetchTrades(symbol, hole, signal),
      protocol.weights?.trades,
    );
    if (stopped) return false;
    const found = page.filter(({ tradeId }) => tradeId >= hole.fromId && tradeId <= hole.toId);
    for (const trade of found) take(trade);
    if (found.length > 0) return true;
    const lastMs = performance.now();
    const asked = { pages: (before?.pages ?? 0) + 1, sinceMs: before?.sinceMs ?? lastMs, lastMs };
    vain.set(hole, asked);
    const isPast = page.some(({ tradeId }) => tradeId > hole.toId);
    const isLong = asked.pages >= emptyPages && lastMs - asked.sinceMs >= (options.emptyMs ?? 60_000);
    if (isPast || isLong) giveUp(symbol, sequence, hole);
    return isPast || isLong;
  }

  /** What is left of a hole, page by page, as long as there is more. */
  async function fill(symbol: string, sequence: Sequence, { fromId, toId }: TradeHole): Promise<void> {
    const goesOn = () => !stopped && sequences.get(symbol) === sequence;
    const left = () => sequence.holes().find((hole) => hole.fromId <= toId && hole.toId >= fromId);
    for (let hole = left(); hole !== undefined && goesOn(); hole = left())
      if (!(await fillOnce(symbol, sequence, hole))) return;
  }

  /** A page of what came after a quiet symbol's last trade; again later where there was something. */
  async function catchUp(symbol: string): Promise<void> {
    const sequence = sequences.get(symbol);
    const last = sequence?.place()?.last;
    if (last === undefined || clock.now() - last.eventMs > (options.historyMs ?? 86_400_000)) {
      quiet.delete(symbol);
      return;
    }
    const from = { fromId: last.tradeId + 1, sinceMs: last.eventMs };
    // Where it fails, the others have their turn before it is asked for again.
    quiet.set(symbol, performance.now());
    const page = await gate.call((signal) => protocol.fetchTrades(symbol, from, signal), weights?.trades);
    if (stopped || sequences.get(symbol) !== sequence) return;
    const later = page.filter(({ tradeId }) => tradeId > last.tradeId);
    for (const trade of later) take(trade);
    if (later.length === 0) quiet.delete(symbol);
    else quiet.set(symbol, -Infinity);
  }

  function giveUp(symbol: string, sequence: Sequence, hole: TradeHole): void {
    sequence.forget(hole);
    markLost(symbol, [hole]);
  }

  function markLost(symbol: string, holes: readonly TradeHole[]): void {
    for (const hole of holes)
      for (const gap of gaps.keys()) if (overlaps(gap, symbol, hole)) gaps.set(gap, "lost");
  }

  const overlaps = (gap: TradeGap, symbol: string, hole: TradeHole) =>
    gap.symbol === symbol && gap.fromId <= hole.toId && gap.toId >= hole.fromId;

  async function heal(): Promise<void> {
    for (const [symbol, sequence] of sequences)
      for (const hole of sequence.holes().slice()) await fill(symbol, sequence, hole);
    for (const [symbol, sequence] of sequences) markLost(symbol, sequence.takeLost());
    for (const [gap, state] of gaps) {
      const { symbol } = gap;
      const holes = sequences.get(symbol)?.holes();
      if (holes?.some((hole) => overlaps(gap, symbol, hole)) === true) continue;
      gaps.delete(gap);
      // Whoever follows the symbol now closes it.
      if (holes === undefined) continue;
      const closed = { ...gap, state };
      if (state === "healed") log.info({ venue: protocol.venue, ...closed }, "missing trades were fetched");
      else log.error({ venue: protocol.venue, ...closed }, "missing trades are not in the venue's history");
      events.gap(closed);
    }
    const beforeMs = performance.now() - (options.catchUpMs ?? 5_000);
    for (const [symbol, sinceMs] of quiet) if (sinceMs <= beforeMs) await catchUp(symbol);
  }

  /** Our clock was set, or the machine slept, while its steady clock may have stood still: the venue's is read at once. */
  function lookAtClock(): void {
    const aheadMs = now() - performance.now();
    if (Math.abs(aheadMs - ownClockMs) > jumpMs) {
      log.warn({ venue: protocol.venue, byMs: Math.round(aheadMs - ownClockMs) }, "our clock jumped");
      readClock();
    }
    ownClockMs = aheadMs;
  }

  function healSoon(): void {
    lookAtClock();
    if (healing || stopped) return;
    healing = true;
    heal()
      .catch((error: unknown) => {
        log.debug({ err: error, venue: protocol.venue }, "missing trades not fetched; tried again");
      })
      .finally(() => {
        healing = false;
      });
  }

  function readClock(): void {
    gate
      .call((signal) => clock.measure(() => protocol.fetchClock(signal)))
      .catch((error: unknown) =>
        log.debug({ err: error, venue: protocol.venue }, "the venue's clock was not read"),
      );
  }

  /** Symbols that are followed in one go are asked for by as few frames as they take. */
  function tellSoon(): void {
    if (telling) return;
    telling = true;
    setImmediate(() => {
      telling = false;
      const symbols = [...toFollow];
      toFollow.clear();
      if (symbols.length > 0 && !stopped) link?.tell(protocol.subscribe(symbols));
    });
  }

  return {
    async fetchInstruments() {
      const { maxSymbols = Infinity } = protocol;
      if (options.symbols.length > maxSymbols)
        throw new AppError(
          "config.invalid",
          `A connection to ${venue} carries ${maxSymbols} symbols with these channels; ${options.symbols.length} are named.`,
        );
      try {
        return await gate.call(
          (signal) => protocol.fetchInstruments(options.symbols, signal),
          protocol.weights?.instruments,
        );
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw new AppError("venue.unavailable", `${protocol.venue} does not say what it trades.`, {
          retryable: true,
          cause: error,
        });
      }
    },
    start(given) {
      events = given;
      timers.push(
        setInterval(healSoon, options.healMs ?? 1_000),
        setInterval(readClock, options.clockMs ?? 300_000),
      );
      readClock();
      link = openLink({
        url: protocol.socketUrl,
        times: { ...defaultLinkTimes, ...options.times },
        greeting() {
          toFollow.clear();
          return protocol.subscribe([...sequences.keys()]);
        },
        onMessage,
        onLive() {
          state = "live";
          const atMs = performance.now();
          for (const symbol of sequences.keys()) quiet.set(symbol, atMs);
        },
        onDown(reason) {
          state = "down";
          lastError = reason;
          counts.reconnects += 1;
        },
        random: options.random,
        log,
      });
    },
    follow(symbol, given) {
      const { numbering } = protocol;
      const place = (given?.numbering ?? numbering) === numbering ? given : undefined;
      sequences.set(symbol, createSequence(place));
      for (const { fromId, toId } of place?.holes ?? [])
        gaps.set({ symbol, fromId, toId, state: "open" }, "healed");
      const { bookRule } = protocol;
      if (bookRule !== undefined)
        books.set(symbol, {
          keeper: createBookKeeper(bookRule),
          connection: 0,
          askedMs: -Infinity,
          asking: false,
        });
      quiet.set(symbol, performance.now());
      toFollow.add(symbol);
      tellSoon();
    },
    leave(symbol) {
      sequences.delete(symbol);
      quiet.delete(symbol);
      books.delete(symbol);
      if (!toFollow.delete(symbol)) link?.tell(protocol.unsubscribe([symbol]));
    },
    places() {
      const places = new Map<string, TradePlace>();
      for (const [symbol, sequence] of sequences) {
        const place = sequence.place();
        if (place !== undefined) places.set(symbol, { numbering: protocol.numbering, ...place });
      }
      return places;
    },
    status() {
      let missing = 0;
      for (const sequence of sequences.values())
        for (const { fromId, toId } of sequence.holes()) missing += toId - fromId + 1;
      const breaker = gate.state();
      return {
        state,
        lastMessageMs,
        clockOffsetMs: clock.offsetMs(),
        ...counts,
        missing,
        breaker,
        calls: gate.calls(),
        lastError: lastError ?? gate.lastError(),
      };
    },
    stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      link?.stop();
    },
  };
}
