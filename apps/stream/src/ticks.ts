import path from "node:path";
import { AppError, decimal } from "@tapedeck/core";
import type { Log, TradePlace } from "@tapedeck/core";
import { loadChangedAlerts } from "@tapedeck/features/alerts/store";
import type { Db } from "@tapedeck/features/db";
import type { Instrument } from "@tapedeck/features/series/contract";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import type { Mark, Tick } from "@tapedeck/features/ticks/contract";
import {
  claimInstruments,
  loadPlace,
  releaseInstruments,
  renewInstruments,
  loadHolder,
} from "@tapedeck/features/ticks/place-store";
import {
  beatRun,
  closeRun,
  countRuns,
  endFindings,
  loadExtremePrints,
  loadLatestBars,
  loadTicks,
  openRun,
  trimSeries,
  writeFinding,
  writeFunding,
  writeGap,
  setRunAddress,
} from "@tapedeck/features/ticks/store";
import type { Bar } from "@tapedeck/formula";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import { createAlertEngine } from "./alerts.ts";
import { createAlertStore } from "./alertStore.ts";
import { createBarMaker, longestShortMs } from "./bars.ts";
import type { OpenBar } from "./bars.ts";
import { createChunkStore } from "./chunkStore.ts";
import { createComputedTopics } from "./computed.ts";
import type { Hub } from "./hub.ts";
import { createIntake } from "./intake.ts";
import { createElsewhere } from "./elsewhere.ts";
import { createLeases } from "./leases.ts";
import { createLiveSeries } from "./liveSeries.ts";
import { createOrderedWrites } from "./orderedWrites.ts";
import { createPipeline } from "./pipeline.ts";
import { createQualityWatch } from "./quality.ts";
import type { ProcessKey } from "./processKey.ts";
import { createRecorder } from "./recorder.ts";
import { createRelay } from "./relay.ts";
import type { RowTopics } from "./rowTopics.ts";
import { createLiveSentiments } from "./sentiments.ts";
import type { TickSource } from "./source.ts";
import { openSpill } from "./spill.ts";
import { createWatches } from "./watch.ts";

const hourMs = 3_600_000;
/** How old a tick may be that still corrects its bars. */
const lateLimitMs = 600_000;
/** Those of a gap that a venue's history fills may be as old as it, up to this. */
const historyLimitMs = 86_400_000;
const graceMs = 500;
/** Instruments whose stored ticks are read at once when they are taken. */
const readAtOnce = 3;
/** How long a bar waits for that of another instrument, which another process has. */
const patienceMs = 2_000;
/** How often instruments of other processes, and what was published, are looked for. */
const lookMs = 500;
/** Between two times that what is known of a venue's trades is looked at for how old ticks may be. */
const floorsMs = 1_000;

export interface LeaseTimes {
  /** How often instruments are renewed and shared, and how long they are held without. */
  everyMs: number;
  ttlMs: number;
  /** How often a process says that it is there, and after which silence no share is left to it. */
  beatMs: number;
  silentMs: number;
}

/** A dead process's instruments are taken within `everyMs` and the longer of `ttlMs` and `silentMs`, and what it takes to read what is stored of them. */
const defaultLeases: LeaseTimes = { everyMs: 2_000, ttlMs: 8_000, beatMs: 2_000, silentMs: 10_000 };

export interface TickParts {
  db: Db;
  log: Log;
  now(): number;
  source: TickSource;
  runId: string;
  hub: Hub;
  rows: RowTopics;
  processKey: ProcessKey;
  codeVersion: string;
  dir: string;
  /** How long simulated rows are kept. */
  keepMs: number;
  recorder?: { everyMs?: number; chunkRows?: number; maxRows?: number } | undefined;
  maxSpillBytes?: number | undefined;
  leases?: Partial<LeaseTimes> | undefined;
}

/** The oldest tick that may come of an instrument: what its venue's history still fills is taken. */
export function oldestTick(nowMs: number, place: TradePlace | undefined): number {
  const usual = nowMs - lateLimitMs;
  if (place === undefined) return usual;
  const known = Math.min(place.last.eventMs, ...place.holes.map((hole) => hole.sinceMs));
  return Math.max(nowMs - historyLimitMs, Math.min(usual, known));
}

export async function startTicks(parts: TickParts) {
  const { db, log, now, source, runId, hub, rows } = parts;
  const { venue } = source;
  const writer = createSeriesWriter({ db });
  // The venue's own time, as far as it has been measured: our clock may be wrong, or be set.
  const clock = source.now?.bind(source) ?? (() => now() + (source.status()?.clockOffsetMs ?? 0));
  const nowMs = now();
  await openRun(db, {
    id: runId,
    venue,
    simulated: source.simulated,
    seed: source.seed,
    codeVersion: parts.codeVersion,
    startedMs: nowMs,
    heartbeatMs: nowMs,
    stoppedMs: null,
    feed: null,
  });
  const spill = await openSpill(
    path.join(parts.dir, `stream-${venue}.spill`),
    parts.maxSpillBytes ?? 1_073_741_824,
    log,
  );
  const chunks = createChunkStore({ db, venue, now, putAside: spill.putAside, log });
  // What the last process could not store comes before anything is read or made.
  if (spill.bytes() > 0) log.info({ rows: await spill.replay(chunks.store) }, "the spill file was stored");

  const floors = new Map<string, number>();
  const fromMs = (instrumentId: string) => floors.get(instrumentId) ?? clock() - lateLimitMs;
  function setFloors(): void {
    const places = source.places();
    const atMs = clock();
    for (const instrumentId of floors.keys())
      floors.set(instrumentId, oldestTick(atMs, places.get(instrumentId)));
  }
  const bars = createBarMaker({ venue, graceMs, fromMs });
  const intake = createIntake({ venue, fromMs });
  /** Where instruments that were left a moment ago ended: what came of them may not be stored yet. */
  const left = new Map<string, TradePlace>();
  const recorder = createRecorder({
    runId,
    store: chunks.store,
    spill,
    log,
    keep: (instrumentId) => ({
      place: source.places().get(instrumentId) ?? left.get(instrumentId) ?? null,
      bars: source.now === undefined ? bars.long(instrumentId) : [],
    }),
    everyMs: parts.recorder?.everyMs ?? 500,
    chunkRows: parts.recorder?.chunkRows ?? 5_000,
    maxRows: parts.recorder?.maxRows ?? 50_000,
  });
  const has = (instrumentId: string) => pipeline.has(instrumentId);
  const idOf = (name: string) => (name.includes(".") ? name : `${name}.${venue.toUpperCase()}`);
  /** The address of another process that takes an instrument's ticks; undefined where there is none. */
  const holderOf = async (instrumentId: string) =>
    leases.has(instrumentId) ? undefined : loadHolder(db, venue, instrumentId);
  const elsewhere = createElsewhere({
    relay: createRelay({ kind: "process", token: parts.processKey.token }, log),
    holderOf,
    has,
    take: (bars) => watches.take(bars),
    log,
    everyMs: lookMs,
  });
  const sentiments = createLiveSentiments({ db, idOf, now: clock, log, everyMs: lookMs });
  const seriesOf = createLiveSeries({
    idOf,
    has,
    elsewhere,
    sentiments,
    takeRows: (key, found) => watches.takeRows(key, found),
    async history(instrumentId, timeframe, limit) {
      const kept = new Map<number, Bar>();
      const stored = { instrumentId, timeframe, beforeMs: clock(), limit };
      for (const bar of await loadLatestBars(db, stored)) kept.set(bar.closeMs, bar);
      for (const bar of bars.recent(instrumentId, timeframe, limit))
        if (bar.final) kept.set(bar.closeMs, bar);
      return [...kept.values()].toSorted((a, b) => a.closeMs - b.closeMs).slice(-limit);
    },
  });
  const watches = createWatches({ seriesOf, log, retryMs: 1_000, patienceMs });
  const computed = createComputedTopics({ watches, hub, require: (name) => requireTicks(idOf(name)) });
  const alerts = createAlertEngine({
    has,
    loadChanged: (afterChange) => loadChangedAlerts(db, afterChange),
    save: createAlertStore({ db, venue, runId, now, triggered: rows.triggered, log }),
    watches,
    loadPrints: (instrumentId, fromMs) => loadExtremePrints(db, { instrumentId, fromMs, toMs: clock() }),
    now: clock,
    beginsAnew: source.now !== undefined,
    log,
    everyMs: 500,
  });
  const writes = createOrderedWrites({ log, retryMs: 1_000 });
  const quality = createQualityWatch((finding) => writes.add(() => writeFinding(db, { venue, ...finding })));
  const recordFunding = createFundingRecorder(db, log);
  const pipeline = createPipeline({
    source,
    intake,
    bars,
    hub,
    recorder,
    quality,
    onGap(gap) {
      // Before the trades that fill it come.
      setFloors();
      const atMs = now();
      writes.add(() => writeGap(db, { venue, ...gap }, atMs));
    },
    onTick: (tick) => alerts.tick(tick),
    onFinal: (finals) => watches.take(finals),
    onMark: recordFunding,
    now: clock,
    announceMs: 100,
    recentTicks: 100,
  });

  /** Everything that is stored of an instrument that its ticks go on from; gives where the venue's history begins. */
  async function restore(instrument: Instrument): Promise<TradePlace | undefined> {
    const { instrumentId } = instrument;
    await db.transaction().execute((tx) => writer.ensureInstrument(tx, instrument, runId, now()));
    const kept = await loadPlace<OpenBar>(db, venue, instrumentId);
    const place = kept.place ?? undefined;
    floors.set(instrumentId, oldestTick(clock(), place));
    pipeline.add(instrumentId);
    bars.open(instrumentId, calendarOf(instrument.calendar), kept.bars);
    // A recording is played from its beginning: what an earlier play stored comes again.
    if (source.now !== undefined) return place;
    const readFromMs = Math.floor(fromMs(instrumentId) / longestShortMs) * longestShortMs;
    for await (const page of loadTicks(db, instrument, readFromMs))
      for (const tick of page) {
        intake.known(instrumentId, tick.eventMs, tick.ordinal);
        bars.restore({ instrumentId, ...tick });
      }
    // Those that ended while nobody had it are stored now; equal ones are not stored again.
    for (const bar of bars.finishOf(instrumentId, clock())) recorder.bar(bar);
    return place;
  }

  async function take(instrumentIds: readonly string[]): Promise<void> {
    await endFindings(db, instrumentIds, now());
    const waiting = source.instruments.filter((one) => instrumentIds.includes(one.instrumentId));
    const places = new Map<string, TradePlace | undefined>();
    const readers = Array.from({ length: readAtOnce }, async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
        places.set(next.instrumentId, await restore(next));
    });
    await Promise.all(readers);
    alerts.instrumentsChanged();
    for (const [instrumentId, place] of places) source.follow(instrumentId, place);
  }

  const times = { ...defaultLeases, ...parts.leases };
  const givenUp = new Set<(instrumentId: string) => void>();
  const leases = createLeases({
    book: {
      countRuns: () => countRuns(db, venue, now() - times.silentMs),
      renew: (instrumentIds) => renewInstruments(db, { venue, runId, instrumentIds, ttlMs: times.ttlMs }),
      claim: (instrumentIds, most) =>
        claimInstruments(db, { venue, runId, instrumentIds, most, ttlMs: times.ttlMs }),
      release: (instrumentIds) => releaseInstruments(db, { venue, runId, instrumentIds }),
    },
    instrumentIds: () => source.instruments.map((one) => one.instrumentId),
    take,
    async giveUp(instrumentId) {
      const place = source.places().get(instrumentId);
      if (place !== undefined) left.set(instrumentId, place);
      source.leave(instrumentId);
      const stored = await recorder.flush();
      left.delete(instrumentId);
      pipeline.drop(instrumentId);
      floors.delete(instrumentId);
      alerts.instrumentsChanged();
      for (const listener of givenUp) listener(instrumentId);
      return (await alerts.settled()) && stored;
    },
    log,
    everyMs: times.everyMs,
  });
  pipeline.start();
  await leases.start();
  await alerts.start();
  const timers = [
    setInterval(() => {
      const beat = { feed: source.status(), instruments: leases.count() };
      beatRun(db, runId, now(), beat).catch((error: unknown) =>
        log.debug({ err: error }, "heartbeat not written"),
      );
    }, times.beatMs),
    setInterval(setFloors, floorsMs),
    setInterval(trim, hourMs),
  ];
  trim();

  function trim(): void {
    // Real prints are kept: only what was made up is erased.
    if (!source.simulated) return;
    trimSeries(db, venue.toUpperCase(), now() - parts.keepMs).then(
      (count) => count > 0 && log.info({ rows: count }, "old simulated rows erased"),
      (error: unknown) => log.warn({ err: error }, "old simulated rows not erased"),
    );
  }

  /**
   * Has the venue take one more instrument, where it can; its row is there before its ticks are. Nothing for one that
   * another process has.
   */
  async function add(instrumentId: string): Promise<void> {
    const suffix = `.${venue.toUpperCase()}`;
    if (!instrumentId.endsWith(suffix) || leases.has(instrumentId)) return;
    const known = source.instruments.some((one) => one.instrumentId === instrumentId);
    if (known || source.add(instrumentId.slice(0, -suffix.length)) !== undefined)
      await leases.want(instrumentId);
  }

  async function requireTicks(instrumentId: string): Promise<void> {
    await add(instrumentId);
    if (!has(instrumentId) && (await holderOf(instrumentId)) === undefined)
      throw new AppError("symbol.unknown", `No ticks come of ${instrumentId} here.`);
  }

  return {
    snapshot: pipeline.snapshot,
    compute: computed.open,
    /** What a position is marked with; undefined before the first print. */
    lastMark(instrumentId: string) {
      const last = (pipeline.snapshot({ channel: "ticks", instrumentId }) as Tick[] | undefined)?.at(-1);
      return last === undefined
        ? undefined
        : {
            price: decimal(last.price).toFixed(),
            atMs: last.eventMs,
            source: `print of ${instrumentId}`,
            datasetHash: null,
          };
    },
    add,
    holderOf,
    /** Calls when this process has given an instrument up, until what it gives is called. */
    onGivenUp(listener: (instrumentId: string) => void): () => void {
      givenUp.add(listener);
      return () => givenUp.delete(listener);
    },
    /** Tells the other processes of the venue where this one is reached. */
    listensAt: (address: string) => setRunAddress(db, runId, address),
    stats: () => ({
      ...pipeline.stats(),
      ...recorder.stats(),
      ...alerts.stats(),
      held: leases.count(),
      fenced: chunks.fenced(),
    }),
    async stop(deadlineMs: number) {
      for (const timer of timers) clearInterval(timer);
      elsewhere.stop();
      sentiments.stop();
      pipeline.stop();
      await Promise.all([recorder.close(deadlineMs), alerts.stop(), writes.stop(deadlineMs)]);
      await Promise.all([leases.stop(), closeRun(db, runId, now())]).catch((error: unknown) =>
        log.debug({ err: error }, "the run's end was not written; it is taken for silent"),
      );
    },
  };
}

export type Ticking = Awaited<ReturnType<typeof startTicks>>;

/** How often the rate that will be paid is written, while nothing is settled. */
const fundingMs = 60_000;

/** Keeps the last funding rate that was told before each settlement. */
function createFundingRecorder(db: Db, log: Log): (mark: Mark) => void {
  const writtenMs = new Map<string, number>();
  return ({ venue, instrumentId, nextFundingMs, fundingRate, markPrice, eventMs }) => {
    const sinceMs = eventMs - (writtenMs.get(instrumentId) ?? -Infinity);
    const isSoon = nextFundingMs - eventMs < fundingMs;
    if (nextFundingMs <= 0 || sinceMs < (isSoon ? fundingMs / 30 : fundingMs)) return;
    writtenMs.set(instrumentId, eventMs);
    const row = { venue, instrumentId, fundingMs: nextFundingMs, rate: fundingRate, markPrice, eventMs };
    writeFunding(db, row).catch((error: unknown) => {
      writtenMs.delete(instrumentId);
      log.debug({ err: error, instrumentId }, "a funding rate was not written");
    });
  };
}
