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
import { createGate } from "./gate.ts";
import type { GateOptions } from "./gate.ts";
import { defaultLinkTimes, openLink } from "./link.ts";
import type { Link, LinkTimes } from "./link.ts";
import type { VenueProtocol } from "./protocol.ts";
import { createSequence } from "./sequence.ts";
import type { Sequence } from "./sequence.ts";

export interface TradeFeedOptions {
  protocol: VenueProtocol;
  symbols: readonly string[];
  now(): number;
  random(): number;
  log: Log;
  times?: Partial<LinkTimes>;
  gate?: Partial<GateOptions>;
  /** How often what is missing is asked for. Default 1 s. */
  healMs?: number;
  /** Trades older than this are not asked for: nobody takes them any more. Default 1 h. */
  historyMs?: number;
  /** How often the venue's clock is read. Default 5 min. */
  clockMs?: number;
}

/**
 * Trades of a venue over one WebSocket (two while it changes over). Each is handed on once, whatever the connections
 * repeat; ids that were skipped are fetched from the venue's history, page by page, until none is missing.
 */
export function createTradeFeed(options: TradeFeedOptions): TradeFeed {
  const { protocol, symbols, now, log } = options;
  const sequences = new Map<string, Sequence>();
  /** Gaps that are not closed, each with the state that it will be closed with. */
  const gaps = new Map<TradeGap, "healed" | "lost">();
  const gate = createGate({
    now,
    timeoutMs: 10_000,
    atOnce: 2,
    failures: 5,
    openMs: 30_000,
    ...options.gate,
  });
  let state: TradeFeedStatus["state"] = "connecting";
  let lastMessageMs: number | null = null;
  let clockOffsetMs: number | null = null;
  let lastError: string | null = null;
  const counts = { reconnects: 0, malformed: 0, duplicates: 0 };
  let link: Link | undefined;
  let events: TradeFeedEvents;
  let healing = false;
  let stopped = false;
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
        const { fromId, toId } = arrival.hole;
        const gap = { symbol, fromId, toId, state: "open" } as const;
        gaps.set(gap, "healed");
        log.warn({ venue: protocol.venue, ...gap }, "trades are missing");
        events.gap(gap);
      }
    }
    events.trade(trade);
  }

  function onMessage(text: string): void {
    lastMessageMs = now();
    try {
      for (const message of protocol.parse(text)) {
        if (message.kind === "trade") take(message.trade);
        else if (message.kind === "quote") events.quote(message.quote);
        else if (message.kind === "ending") link?.renew();
        else {
          lastError = message.reason;
          log.error({ venue: protocol.venue, reason: message.reason }, "the venue refused a subscription");
        }
      }
    } catch (error) {
      counts.malformed += 1;
      lastError = error instanceof Error ? error.message : String(error);
    }
  }

  /** One page of a hole's trades; those that are too old, or not in the venue's history, are given up. */
  async function fillOnce(symbol: string, sequence: Sequence, hole: TradeHole): Promise<void> {
    if (now() - hole.sinceMs > (options.historyMs ?? 3_600_000)) return giveUp(symbol, sequence, hole);
    const page = await gate.call((signal) => protocol.fetchTrades(symbol, hole, signal));
    const found = page.filter(({ tradeId }) => tradeId >= hole.fromId && tradeId <= hole.toId);
    for (const trade of found) take(trade);
    if (found.length === 0 && !stopped) giveUp(symbol, sequence, hole);
  }

  function giveUp(symbol: string, sequence: Sequence, hole: TradeHole): void {
    sequence.forget(hole);
    for (const gap of gaps.keys()) if (overlaps(gap, symbol, hole)) gaps.set(gap, "lost");
  }

  const overlaps = (gap: TradeGap, symbol: string, hole: TradeHole) =>
    gap.symbol === symbol && gap.fromId <= hole.toId && gap.toId >= hole.fromId;

  async function heal(): Promise<void> {
    for (const [symbol, sequence] of sequences) {
      for (let hole = sequence.holes()[0]; hole !== undefined && !stopped; hole = sequence.holes()[0])
        await fillOnce(symbol, sequence, hole);
    }
    for (const [gap, state] of gaps) {
      const { symbol } = gap;
      if (
        sequences
          .get(symbol)!
          .holes()
          .some((hole) => overlaps(gap, symbol, hole))
      )
        continue;
      gaps.delete(gap);
      const closed = { ...gap, state };
      if (state === "healed") log.info({ venue: protocol.venue, ...closed }, "missing trades were fetched");
      else log.error({ venue: protocol.venue, ...closed }, "missing trades are not in the venue's history");
      events.gap(closed);
    }
  }

  function healSoon(): void {
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
    const askedMs = now();
    gate
      .call((signal) => protocol.fetchClock(signal))
      .then(
        (venueMs) => {
          clockOffsetMs = Math.round(venueMs - (askedMs + now()) / 2);
        },
        (error: unknown) =>
          log.debug({ err: error, venue: protocol.venue }, "the venue's clock was not read"),
      );
  }

  return {
    async fetchInstruments() {
      try {
        return await gate.call((signal) => protocol.fetchInstruments(symbols, signal));
      } catch (error) {
        if (error instanceof AppError) throw error;
        throw new AppError("venue.unavailable", `${protocol.venue} does not say what it trades.`, {
          retryable: true,
          cause: error,
        });
      }
    },
    start(given, places) {
      events = given;
      for (const symbol of symbols) {
        const place = places.get(symbol);
        sequences.set(symbol, createSequence(place));
        for (const { fromId, toId } of place?.holes ?? [])
          gaps.set({ symbol, fromId, toId, state: "open" }, "healed");
      }
      timers.push(
        setInterval(healSoon, options.healMs ?? 1_000),
        setInterval(readClock, options.clockMs ?? 300_000),
      );
      readClock();
      link = openLink({
        url: protocol.socketUrl,
        times: { ...defaultLinkTimes, ...options.times },
        frames: protocol.subscribe(symbols),
        onMessage,
        onLive() {
          state = "live";
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
    places() {
      const places = new Map<string, TradePlace>();
      for (const [symbol, sequence] of sequences) {
        const place = sequence.place();
        if (place !== undefined) places.set(symbol, place);
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
        clockOffsetMs,
        ...counts,
        missing,
        breaker,
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
