import { timeframeMs } from "@tapedeck/core";
import type { Log, TradePlace } from "@tapedeck/core";
import type { LiveBar, MarketTopic, Quote, Tick } from "@tapedeck/features/ticks/contract";
import type { StoredTick } from "@tapedeck/features/ticks/store";
import type { BarMaker } from "./bars.ts";
import type { ComputedTopic } from "./computed.ts";
import type { Hub } from "./hub.ts";
import type { Intake, PlacedTick } from "./intake.ts";
import type { Recorder } from "./recorder.ts";
import type { SourceGap, SourceQuote, TickSource } from "./source.ts";

export interface PipelineOptions {
  source: TickSource;
  intake: Intake;
  bars: BarMaker;
  hub: Hub;
  recorder: Recorder;
  /** What an earlier process stored of the venue's trades, by instrument. */
  places: ReadonlyMap<string, TradePlace>;
  onGap(gap: SourceGap): void;
  onTick(tick: Tick): void;
  /** Bars that became final together, or a correction of one. */
  onFinal(bars: readonly LiveBar[]): void;
  now(): number;
  /** How often changed bars are announced and ended ones become final. */
  announceMs: number;
  /** Ticks of an instrument that a snapshot holds. */
  recentTicks: number;
}

export interface Pipeline {
  start(): void;
  has(instrumentId: string): boolean;
  /** Takes an instrument's ticks from now on. */
  add(instrumentId: string): void;
  snapshot(topic: Exclude<MarketTopic, ComputedTopic>): unknown;
  stats(): Record<string, number>;
  /** Takes no more ticks; what ended by now is final. */
  stop(): void;
}

/** How far back ticks must be read so that every bar that a late tick may change is whole. */
export function restoreFrom(nowMs: number, lateLimitMs: number): number {
  const longest = timeframeMs("5m");
  return Math.floor((nowMs - lateLimitMs) / longest) * longest;
}

/** Brings back the bars that were being made when the last process ended, from what it stored. */
export async function restore(
  parts: Pick<PipelineOptions, "source" | "intake" | "bars" | "recorder"> & { now(): number; log: Log },
  ticksOf: (instrument: TickSource["instruments"][number]) => AsyncIterable<StoredTick[]>,
): Promise<void> {
  let count = 0;
  for (const instrument of parts.source.instruments) {
    const { instrumentId } = instrument;
    for await (const page of ticksOf(instrument)) {
      count += page.length;
      for (const tick of page) {
        parts.intake.known(instrumentId, tick.eventMs, tick.ordinal);
        parts.bars.add({ instrumentId, ...tick });
      }
    }
  }
  parts.bars.changed();
  // Those that ended while nothing ran are stored now; equal ones are not stored again.
  const ended = parts.bars.finish(parts.now());
  for (const bar of ended) parts.recorder.bar(bar);
  if (count > 0) parts.log.info({ ticks: count, bars: ended.length }, "bars restored from stored ticks");
}

/** Ticks in; numbered ticks, bars and rows out. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { source, intake, bars, hub, recorder, now } = options;
  const recent = new Map<string, Tick[]>(source.instruments.map((one) => [one.instrumentId, []]));
  const quotes = new Map<string, Quote>();
  const changedQuotes = new Set<string>();
  let corrected = 0;
  let crossed = 0;
  let finals = 0;
  let timer: NodeJS.Timeout | undefined;

  function onTick(placed: PlacedTick): void {
    const { ordinal: _ordinal, ...tick } = placed;
    const { instrumentId } = tick;
    const kept = recent.get(instrumentId)!;
    kept.push(tick);
    if (kept.length >= 2 * options.recentTicks) kept.splice(0, kept.length - options.recentTicks);
    hub.publish({ channel: "ticks", instrumentId }, tick);
    recorder.tick(placed);
    options.onTick(tick);
    for (const bar of bars.add(placed)) {
      corrected += 1;
      options.onFinal([bar]);
      hub.publish({ channel: "bars", instrumentId, timeframe: bar.timeframe }, bar);
      recorder.bar(bar);
    }
  }

  function onQuote(told: SourceQuote): void {
    const { instrumentId, bid, ask } = told;
    if (!recent.has(instrumentId)) return;
    if (!(bid < ask)) crossed += 1;
    quotes.set(instrumentId, { venue: source.venue, receivedMs: now(), crossed: !(bid < ask), ...told });
    changedQuotes.add(instrumentId);
  }

  function announce(): void {
    for (const instrumentId of changedQuotes)
      hub.publish({ channel: "quotes", instrumentId }, quotes.get(instrumentId));
    changedQuotes.clear();
    const ended = bars.finish(now());
    if (ended.length > 0) options.onFinal(ended);
    for (const bar of ended) {
      finals += 1;
      hub.publish({ channel: "bars", instrumentId: bar.instrumentId, timeframe: bar.timeframe }, bar);
      recorder.bar(bar);
    }
    for (const bar of bars.changed())
      hub.publish({ channel: "bars", instrumentId: bar.instrumentId, timeframe: bar.timeframe }, bar);
  }

  return {
    start() {
      timer = setInterval(announce, options.announceMs);
      source.start(
        {
          tick(tick) {
            const placed = intake.take(tick, now());
            if (placed !== undefined) onTick(placed);
          },
          quote: onQuote,
          gap: options.onGap,
        },
        options.places,
      );
    },
    has: (instrumentId) => recent.has(instrumentId),
    add(instrumentId) {
      recent.set(instrumentId, []);
      intake.add(instrumentId);
    },
    snapshot(topic) {
      const kept = recent.get(topic.instrumentId);
      if (kept === undefined) return undefined;
      if (topic.channel === "ticks") return kept.slice(-options.recentTicks);
      if (topic.channel === "quotes") return quotes.get(topic.instrumentId) ?? null;
      if (topic.channel === "book") return null;
      return bars.recent(topic.instrumentId, topic.timeframe, 300);
    },
    stats: () => ({
      ...intake.counts(),
      barsFinal: finals,
      barsCorrected: corrected,
      quotesCrossed: crossed,
    }),
    stop() {
      source.stop();
      clearInterval(timer);
      announce();
    },
  };
}
