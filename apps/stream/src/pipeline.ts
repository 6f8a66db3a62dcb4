import type { Book, LiveBar, Mark, MarketTopic, Quote, Tick } from "@tapedeck/features/ticks/contract";
import type { BarMaker } from "./bars.ts";
import { bookChanges, shownOf } from "./bookView.ts";
import type { ComputedTopic } from "./computed.ts";
import type { Hub } from "./hub.ts";
import type { Intake, PlacedTick } from "./intake.ts";
import type { QualityWatch } from "./quality.ts";
import type { Recorder } from "./recorder.ts";
import type { SourceBar, SourceBook, SourceGap, SourceMark, SourceQuote, TickSource } from "./source.ts";

export interface PipelineOptions {
  source: TickSource;
  intake: Intake;
  bars: BarMaker;
  hub: Hub;
  recorder: Recorder;
  quality: QualityWatch;
  onGap(gap: SourceGap): void;
  onTick(tick: Tick): void;
  /** Bars that became final together, or a correction of one. */
  onFinal(bars: readonly LiveBar[]): void;
  onMark(mark: Mark): void;
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
  /** Takes no more of them. */
  drop(instrumentId: string): void;
  snapshot(topic: Exclude<MarketTopic, ComputedTopic>): unknown;
  stats(): Record<string, number>;
  /** Takes no more ticks; what ended by now is final. */
  stop(): void;
}

/** The newest of an instrument, as subscribers know it. */
interface Newest {
  ticks: Tick[];
  /** Ends of bars that were in the making when ticks began to come are not whole. */
  sinceMs: number;
  quote: Quote | null;
  book: Book | null;
  mark: Mark | null;
}

/** Ticks in; numbered ticks, bars, books and rows out. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { source, intake, bars, hub, recorder, quality, now } = options;
  const { venue } = source;
  const newest = new Map<string, Newest>();
  const changedQuotes = new Set<string>();
  /** The newest book of each instrument that changed since the last announcement. */
  const changedBooks = new Map<string, SourceBook>();
  const ownBars: SourceBar[] = [];
  const counts = { barsFinal: 0, barsCorrected: 0, quotesCrossed: 0 };
  let timer: NodeJS.Timeout | undefined;

  const publishBar = (bar: LiveBar) =>
    hub.publish({ channel: "bars", instrumentId: bar.instrumentId, timeframe: bar.timeframe }, bar);

  function onTick(placed: PlacedTick): void {
    const { ordinal: _ordinal, ...tick } = placed;
    const { instrumentId } = tick;
    const kept = newest.get(instrumentId)!.ticks;
    kept.push(tick);
    if (kept.length >= 2 * options.recentTicks) kept.splice(0, kept.length - options.recentTicks);
    // Before it is recorded: what is kept of long bars with its row holds it.
    const corrected = bars.add(placed);
    recorder.tick(placed);
    hub.publish({ channel: "ticks", instrumentId }, tick);
    quality.tick(tick);
    options.onTick(tick);
    for (const bar of corrected) {
      counts.barsCorrected += 1;
      options.onFinal([bar]);
      publishBar(bar);
      recorder.bar(bar);
    }
  }

  function onQuote(told: SourceQuote): void {
    const { instrumentId, bid, ask, eventMs } = told;
    const one = newest.get(instrumentId);
    if (one === undefined) return;
    const crossed = !(bid < ask);
    if (crossed) counts.quotesCrossed += 1;
    quality.crossed(instrumentId, crossed, eventMs, "quote");
    one.quote = { venue, receivedMs: now(), crossed, ...told };
    changedQuotes.add(instrumentId);
  }

  function onMark(told: SourceMark): void {
    const one = newest.get(told.instrumentId);
    if (one === undefined) return;
    one.mark = { venue, receivedMs: now(), ...told };
    hub.publish({ channel: "marks", instrumentId: told.instrumentId }, one.mark);
    options.onMark(one.mark);
  }

  function publishBook({ instrumentId, eventMs, book }: SourceBook): void {
    const one = newest.get(instrumentId);
    if (one === undefined) return;
    const crossed = book.crossed();
    quality.crossed(instrumentId, crossed, eventMs, "book");
    const shown = shownOf(book);
    const changes = one.book === null ? shown : bookChanges(one.book, shown);
    one.book = { venue, instrumentId, eventMs, receivedMs: now(), ...shown, crossed };
    hub.publish({ channel: "book", instrumentId }, { ...one.book, ...changes });
  }

  /** The venue's own bars, beside ours once those are final. */
  function compareOwnBars(nowMs: number): void {
    while (ownBars.length > 0 && ownBars[0]!.closeMs + 2_000 <= nowMs) {
      const own = ownBars.shift()!;
      const { instrumentId, openMs } = own;
      if (openMs < (newest.get(instrumentId)?.sinceMs ?? Infinity)) continue;
      const ours = bars.recent(instrumentId, "1m", 10).find((bar) => bar.openMs === openMs && bar.final);
      quality.ownBar(own, ours);
    }
  }

  function announce(): void {
    const nowMs = now();
    for (const instrumentId of changedQuotes)
      hub.publish({ channel: "quotes", instrumentId }, newest.get(instrumentId)!.quote);
    changedQuotes.clear();
    for (const book of changedBooks.values()) publishBook(book);
    changedBooks.clear();
    const ended = bars.finish(nowMs);
    if (ended.length > 0) options.onFinal(ended);
    for (const bar of ended) {
      counts.barsFinal += 1;
      publishBar(bar);
      recorder.bar(bar);
    }
    for (const bar of bars.changed()) publishBar(bar);
    compareOwnBars(nowMs);
    quality.look(nowMs);
  }

  return {
    start() {
      timer = setInterval(announce, options.announceMs);
      source.start({
        tick(tick) {
          const { instrumentId, eventMs } = tick;
          const nowMs = now();
          const placed = intake.take(tick, nowMs);
          if (placed !== undefined) onTick(placed);
          else if (intake.isAhead(eventMs, nowMs)) quality.ahead(instrumentId, eventMs, nowMs);
        },
        quote: onQuote,
        book: (told) => void changedBooks.set(told.instrumentId, told),
        mark: onMark,
        ownBar: (bar) => void (bar.timeframe === "1m" && ownBars.push(bar)),
        gap: options.onGap,
      });
    },
    has: (instrumentId) => newest.has(instrumentId),
    add(instrumentId) {
      newest.set(instrumentId, { ticks: [], sinceMs: now(), quote: null, book: null, mark: null });
      intake.add(instrumentId);
      quality.add(instrumentId, now());
    },
    drop(instrumentId) {
      for (const part of [newest, changedQuotes, changedBooks]) part.delete(instrumentId);
      intake.drop(instrumentId);
      quality.drop(instrumentId);
      bars.drop(instrumentId);
    },
    snapshot(topic) {
      const one = newest.get(topic.instrumentId);
      if (one === undefined) return undefined;
      switch (topic.channel) {
        case "ticks":
          return one.ticks.slice(-options.recentTicks);
        case "quotes":
          return one.quote;
        case "book":
          return one.book;
        case "marks":
          return one.mark;
        case "bars":
          return bars.recent(topic.instrumentId, topic.timeframe, 300);
      }
    },
    stats: () => ({ ...intake.counts(), ...counts }),
    stop() {
      source.stop();
      clearInterval(timer);
      announce();
    },
  };
}
