import { randomBytes } from "node:crypto";
import path from "node:path";
import { AppError, decimal, newId } from "@tapedeck/core";
import type { Bus, Log } from "@tapedeck/core";
import { insertTrigger, loadChangedAlerts, saveState } from "@tapedeck/features/alerts/store";
import { createRateLimiter } from "@tapedeck/features/auth/limits";
import { createAuthService } from "@tapedeck/features/auth/service";
import type { Db } from "@tapedeck/features/db";
import { createFormulaLibrary } from "@tapedeck/features/indicators/library";
import { insertNotification } from "@tapedeck/features/notifications/store";
import { readPortfolio } from "@tapedeck/features/orders/portfolio";
import { loadLastClose } from "@tapedeck/features/orders/prices";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { MarketTopic, Tick } from "@tapedeck/features/ticks/contract";
import {
  beatRun,
  closeRun,
  loadLatestBars,
  loadPlaces,
  loadTicks,
  openRun,
  trimSeries,
  writeGap,
  writePlaces,
} from "@tapedeck/features/ticks/store";
import type { Bar } from "@tapedeck/formula";
import { keptSecret } from "@tapedeck/platform/config/keptSecret";
import { createAlertEngine } from "./alerts.ts";
import { createBarMaker } from "./bars.ts";
import type { Chunk } from "./chunk.ts";
import { defaultLimits } from "./client.ts";
import type { ClientLimits } from "./client.ts";
import { createComputedTopics } from "./computed.ts";
import { createHub } from "./hub.ts";
import { createIntake } from "./intake.ts";
import { createPipeline, restore, restoreFrom } from "./pipeline.ts";
import { createRecorder } from "./recorder.ts";
import { createLivePortfolios } from "./portfolios.ts";
import { createRowTopics } from "./rowTopics.ts";
import type { RowTopics } from "./rowTopics.ts";
import { defaultServerLimits, startServer } from "./server.ts";
import type { ServerLimits } from "./server.ts";
import type { TickSource } from "./source.ts";
import { openSpill } from "./spill.ts";
import { createWatches } from "./watch.ts";

const hourMs = 3_600_000;
const beatMs = 2_000;
const silentMs = 10_000;
/** How old a tick may be that still corrects its bars. */
const lateLimitMs = 600_000;
/** Those of a venue that has a history: a gap as old is filled. */
const lateLimitOfHistoryMs = 3_600_000;
const graceMs = 500;
const portfolioMs = 1_000;

export interface StreamParts {
  db: Db;
  bus: Bus;
  log: Log;
  now(): number;
  /** Undefined: no ticks, job events only. */
  source: TickSource | undefined;
  codeVersion: string;
  dir: string;
  jwtSecret: string | undefined;
  host: string;
  port: number;
  keepMs: number;
  serverLimits?: Partial<ServerLimits>;
  clientLimits?: Partial<ClientLimits>;
  recorder?: { everyMs?: number; chunkRows?: number; maxRows?: number };
  maxSpillBytes?: number;
  /** Called when another process has taken the venue. */
  onLost(): void;
}

export interface RunningStream {
  port: number;
  stats(): Record<string, unknown>;
  /** Within the time; what is not stored by then is in the spill file. */
  close(deadlineMs: number): Promise<void>;
}

/** Stores a chunk in one transaction; series in a fixed order, so that two writers never wait for each other. */
function chunkStore(parts: Pick<StreamParts, "db" | "now">, venue: string): (chunk: Chunk) => Promise<void> {
  const writer = createSeriesWriter({ db: parts.db });
  return async (chunk) => {
    const common = { space: "shared", jobId: chunk.runId, recordedMs: parts.now() };
    await parts.db.transaction().execute(async (tx) => {
      await writePlaces(tx, venue, chunk.places);
      for (const instrumentId of Object.keys(chunk.instruments).toSorted()) {
        const { ticks, bars } = chunk.instruments[instrumentId]!;
        await writer.writeTrades(tx, { ...common, instrumentId, timeframe: "tick" }, ticks);
        for (const timeframe of liveTimeframes) {
          const rows = bars[timeframe];
          if (rows !== undefined) await writer.writeBars(tx, { ...common, instrumentId, timeframe }, rows);
        }
      }
    });
  };
}

/** Waits until no other process holds the venue, then takes it. */
async function takeVenue(parts: StreamParts, source: TickSource, runId: string): Promise<void> {
  const writer = createSeriesWriter({ db: parts.db });
  for (let waited = false; ; waited = true) {
    const nowMs = parts.now();
    const run = {
      id: runId,
      venue: source.venue,
      simulated: source.simulated,
      seed: source.seed,
      codeVersion: parts.codeVersion,
      startedMs: nowMs,
      heartbeatMs: nowMs,
      stoppedMs: null,
      feed: null,
    };
    if (await openRun(parts.db, writer, run, source.instruments, nowMs - silentMs)) return;
    if (!waited)
      parts.log.warn(
        { venue: source.venue },
        "another stream process has this venue; waiting until it stops or is silent",
      );
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Everything joined and running. */
export async function startStream(parts: StreamParts): Promise<RunningStream> {
  const { db, log, now, source } = parts;
  const runId = newId(now());
  const hub = createHub(runId, 1_024);
  const limiter = createRateLimiter({ db, now });
  const jwtSecret =
    parts.jwtSecret ??
    (await keptSecret(path.join(parts.dir, "jwt-secret"), () => randomBytes(32).toString("base64url")));
  const auth = createAuthService({ db, jwtSecret, limiter, now, log });
  const rows = createRowTopics({ db, bus: parts.bus, log, pollMs: 1_000 });
  const ticking = source === undefined ? undefined : await startTicks(parts, source, runId, hub, rows);
  const formulas = createFormulaLibrary({ db });
  const markOf = async (tenantId: string, instrumentId: string) =>
    ticking?.lastMark(instrumentId) ?? (await loadLastClose(db, tenantId, instrumentId));
  const portfolios = createLivePortfolios({
    load: (tenantId) => readPortfolio({ db, now, markOf }, tenantId, undefined),
    hub,
    log,
    everyMs: portfolioMs,
  });
  const stats = () => ({
    venue: source?.venue ?? null,
    simulated: source?.simulated ?? false,
    epoch: hub.epoch,
    ...ticking?.stats(),
  });
  const server = await startServer({
    host: parts.host,
    port: parts.port,
    auth,
    limiter,
    hello: () => ({
      type: "hello",
      epoch: hub.epoch,
      venue: source?.venue ?? null,
      simulated: source?.simulated ?? false,
      instruments: source?.instruments.map((one) => one.instrumentId) ?? [],
    }),
    instrumentOf(ticker) {
      if (source === undefined) throw new AppError("symbol.unknown", "This stream has no venue.");
      return ticker.includes(".") ? ticker : `${ticker}.${source.venue.toUpperCase()}`;
    },
    client: {
      hub,
      rows,
      now,
      snapshot: (topic) => ticking?.snapshot(topic),
      compute: async (topic) => {
        if (ticking === undefined) throw new AppError("symbol.unknown", "This stream has no venue.");
        return ticking.compute(topic);
      },
      expand: async (tenantId, formula) => (await formulas.expand(tenantId, [formula]))[0]!,
      portfolio: portfolios,
      add: async (instrumentId) => ticking?.add(instrumentId),
      limits: { ...defaultLimits, ...parts.clientLimits },
    },
    limits: { ...defaultServerLimits, ...parts.serverLimits },
    health: () => ({ ok: true, facts: stats() }),
    log,
  });
  return {
    port: server.port,
    stats,
    async close(deadlineMs) {
      const [closed] = await Promise.allSettled([server.close(), ticking?.stop(deadlineMs)]);
      rows.close();
      portfolios.close();
      if (closed.status === "rejected") throw closed.reason;
    },
  };
}

async function startTicks(
  parts: StreamParts,
  source: TickSource,
  runId: string,
  hub: ReturnType<typeof createHub>,
  rows: RowTopics,
) {
  const { db, log, now } = parts;
  await takeVenue(parts, source, runId);
  const { venue } = source;
  const lateMs = source.status() === null ? lateLimitMs : lateLimitOfHistoryMs;
  const store = chunkStore(parts, venue);
  const spill = await openSpill(
    path.join(parts.dir, `stream-${venue}.spill`),
    parts.maxSpillBytes ?? 1_073_741_824,
    log,
  );
  // What the last process could not store comes before anything is read or made.
  if (spill.bytes() > 0) log.info({ rows: await spill.replay(store) }, "the spill file was stored");
  const places = await loadPlaces(db, venue);
  const recorder = createRecorder({
    runId,
    store,
    spill,
    log,
    places: () => source.places(),
    everyMs: parts.recorder?.everyMs ?? 500,
    chunkRows: parts.recorder?.chunkRows ?? 5_000,
    maxRows: parts.recorder?.maxRows ?? 50_000,
  });
  const bars = createBarMaker({ venue, graceMs, lateLimitMs: lateMs });
  const instrumentIds = source.instruments.map((one) => one.instrumentId);
  const intake = createIntake({ venue, instrumentIds, lateLimitMs: lateMs });
  // A recording is played from its beginning: what an earlier play stored comes again.
  const clock = source.now?.bind(source) ?? now;
  if (source.now === undefined)
    await restore({ source, intake, bars, recorder, now, log }, (instrument) =>
      loadTicks(db, instrument, restoreFrom(now(), lateMs)),
    );
  const watches = createWatches({
    async history(instrumentId, timeframe, limit) {
      const kept = new Map<number, Bar>();
      for (const bar of await loadLatestBars(db, {
        instrumentId,
        timeframe,
        beforeMs: clock(),
        limit,
      }))
        kept.set(bar.closeMs, bar);
      for (const bar of bars.recent(instrumentId, timeframe, limit))
        if (bar.final) kept.set(bar.closeMs, bar);
      return [...kept.values()].toSorted((a, b) => a.closeMs - b.closeMs).slice(-limit);
    },
    idOf: (name) => (name.includes(".") ? name : `${name}.${venue.toUpperCase()}`),
    log,
    retryMs: 1_000,
  });
  const has = (instrumentId: string) => source.instruments.some((one) => one.instrumentId === instrumentId);
  const computed = createComputedTopics({ watches, hub, has });
  const alerts = createAlertEngine({
    has,
    loadChanged: (afterChange) => loadChangedAlerts(db, afterChange),
    async save({ alertId, state, trigger }) {
      await db.transaction().execute(async (tx) => {
        if (trigger !== undefined) await insertTrigger(tx, trigger, insertNotification, now());
        await saveState(tx, alertId, state);
      });
      if (trigger !== undefined) rows.triggered(trigger.tenantId);
    },
    watches,
    now: clock,
    beginsAnew: source.now !== undefined,
    log,
    everyMs: 500,
  });
  await alerts.start();
  const pipeline = createPipeline({
    source,
    intake,
    bars,
    hub,
    recorder,
    places,
    onGap: (gap) =>
      void writeGap(db, { venue, ...gap }, now()).catch((error: unknown) =>
        log.warn({ err: error, ...gap }, "a gap was not recorded"),
      ),
    onTick: (tick) => alerts.tick(tick),
    onFinal: (finals) => watches.take(finals),
    now: clock,
    announceMs: 100,
    recentTicks: 100,
  });
  pipeline.start();
  const beats = setInterval(() => {
    beatRun(db, runId, now(), source.status()).then(
      (held) => {
        if (!held) parts.onLost();
      },
      (error: unknown) => log.debug({ err: error }, "heartbeat not written"),
    );
  }, beatMs);
  const trim = () => {
    // Real prints are kept: only what was made up is erased.
    if (!source.simulated) return;
    trimSeries(db, venue.toUpperCase(), now() - parts.keepMs).then(
      (rows) => rows > 0 && log.info({ rows }, "old simulated rows erased"),
      (error: unknown) => log.warn({ err: error }, "old simulated rows not erased"),
    );
  };
  trim();
  const trims = setInterval(trim, hourMs);
  const writer = createSeriesWriter({ db });
  const addings = new Map<string, Promise<void>>();
  return {
    snapshot: (topic: MarketTopic) =>
      topic.channel === "formulas" || topic.channel === "pairs"
        ? computed.snapshot(topic)
        : pipeline.snapshot(topic),
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
    /** Has the venue take one more instrument, where it can; its row is there before its ticks are. */
    async add(instrumentId: string): Promise<void> {
      const suffix = `.${venue.toUpperCase()}`;
      if (!instrumentId.endsWith(suffix) || pipeline.has(instrumentId)) return;
      let adding = addings.get(instrumentId);
      if (adding === undefined) {
        adding = source.add(instrumentId.slice(0, -suffix.length), async (instrument) => {
          await db.transaction().execute((tx) => writer.ensureInstrument(tx, instrument, runId, now()));
          pipeline.add(instrumentId);
        });
        addings.set(instrumentId, adding);
      }
      await adding.finally(() => addings.delete(instrumentId));
    },
    stats: () => ({ ...pipeline.stats(), ...recorder.stats(), ...alerts.stats() }),
    async stop(deadlineMs: number) {
      clearInterval(trims);
      pipeline.stop();
      await Promise.all([recorder.close(deadlineMs), alerts.stop()]);
      clearInterval(beats);
      await closeRun(db, runId, now()).catch((error: unknown) =>
        log.debug({ err: error }, "the run's end was not written; it is taken for silent"),
      );
    },
  };
}
