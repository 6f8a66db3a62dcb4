import { simulatedVenue } from "@tapedeck/features/series/contract";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { Database, Db } from "@tapedeck/features/db";
import { isOutage } from "@tapedeck/features/jobs/store";
import { spendWeight } from "@tapedeck/features/ticks/spending-store";
import { loadSymbols } from "@tapedeck/features/ticks/store";
import { createBus } from "@tapedeck/platform/bus/index";
import { readCodeVersion } from "@tapedeck/platform/config/codeVersion";
import { createLog } from "@tapedeck/platform/log/index";
import { createDb, pendingMigrations } from "@tapedeck/platform/postgres/index";
import type { StreamConfig } from "./config.ts";
import type { TickSource } from "./source.ts";
import { createVenueSource } from "./venue.ts";
import { startStream } from "./wire.ts";
import type { RunningStream } from "./wire.ts";

const databaseWaitMs = 60_000;
const dayMs = 86_400_000;

/** Until the database answers and has this program's schema. */
async function awaitDatabase(config: StreamConfig, log: Log, now: () => number): Promise<void> {
  const until = now() + databaseWaitMs;
  const db = createDb<unknown>(config.databaseUrl, { max: 1, connectTimeoutMs: 2_000 });
  try {
    for (;;) {
      const fault = await pendingMigrations(db, config.migrationsDir).then(
        (pending) =>
          pending.length === 0
            ? undefined
            : new AppError(
                "config.invalid",
                `the database lacks ${pending.length} migrations (next: ${pending[0]}); run: npx tapedeck migrate`,
              ),
        (error: unknown) => {
          if (!isOutage(error)) throw error;
          return new AppError("service.unavailable", "PostgreSQL (DATABASE_URL) does not answer", {
            cause: error,
          });
        },
      );
      if (fault === undefined) return;
      if (now() > until) throw fault;
      log.warn({ err: fault }, "waiting for the database");
      await sleep(500);
    }
  } finally {
    await db.destroy();
  }
}

/** The clock and random numbers of this machine. */
interface Outside {
  now(): number;
  random(): number;
}

async function readDeclared(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new AppError("config.invalid", `the file of STREAM_REST cannot be read: ${file}`, { cause: error });
  }
}

async function openSource(
  config: StreamConfig,
  db: Db,
  log: Log,
  { now, random }: Outside,
): Promise<TickSource | undefined> {
  const { environment } = config;
  if (environment.STREAM_RECORDING !== undefined) {
    const { createRecordedSource, readRecording } = await import("./recorded.ts");
    const recording = await readRecording(environment.STREAM_RECORDING);
    return createRecordedSource({ recording, speed: environment.STREAM_SPEED, now });
  }
  const venue = environment.STREAM_VENUE;
  if (venue === "none") return undefined;
  const { symbols } = config;
  const addresses = {
    socketUrl: environment.STREAM_VENUE_WS_URL,
    restUrl: environment.STREAM_VENUE_URL,
  };
  if (venue === "ccxt") {
    const { createCcxtFeed } = await import("@tapedeck/platform/venues/live/ccxtFeed");
    const exchange = environment.STREAM_EXCHANGE!;
    return createVenueSource(exchange, createCcxtFeed({ exchange, symbols, ...addresses, now, random, log }));
  }
  if (venue === "rest") {
    const { createRestFeed, parseRestVenue } = await import("@tapedeck/platform/venues/live/restFeed");
    const rest = parseRestVenue(await readDeclared(environment.STREAM_REST!));
    return createVenueSource(
      rest.venue,
      createRestFeed({ rest, symbols, key: environment.STREAM_REST_KEY, now, log }),
    );
  }
  if (venue !== "simulated") {
    const { openTradeFeed } = await import("@tapedeck/platform/venues/live/open");
    const channels = environment.STREAM_CHANNELS;
    return createVenueSource(
      venue,
      openTradeFeed({
        venue,
        symbols,
        channels,
        ...addresses,
        now,
        random,
        log,
        spend: (spending) => spendWeight(db, spending),
      }),
    );
  }
  const { createSimulatedSource, maxSymbols } = await import("./simulated.ts");
  return createSimulatedSource({
    // Those that clients asked for in earlier runs too: alerts may watch them.
    symbols: [...new Set([...config.symbols, ...(await loadSymbols(db, simulatedVenue, maxSymbols))])],
    seed: environment.STREAM_SEED,
    ticksPerSecond: environment.STREAM_TICKS_PER_SECOND,
    now,
    log,
  });
}

/** Streams until it is told to stop. */
export async function runStream(config: StreamConfig, outside: Outside): Promise<void> {
  const { now } = outside;
  const { environment, databaseUrl } = config;
  const log = createLog({ level: environment.LOG_LEVEL, name: "stream" });
  await awaitDatabase(config, log, now);
  const db = createDb<Database>(databaseUrl, { max: 4, log, applicationName: "tapedeck-stream" });
  const bus = createBus(
    environment.REDIS_URL === undefined ? { databaseUrl } : { redisUrl: environment.REDIS_URL },
    { log, prefix: environment.TAPEDECK_QUEUE_PREFIX },
  );
  let stopping = false;
  let running: RunningStream | undefined;
  const stop = (signal: string, code = 0) => {
    if (stopping) return;
    stopping = true;
    const deadlineMs = environment.TAPEDECK_STOP_MS;
    log.info({ signal, deadlineMs }, "stream stops");
    setTimeout(() => {
      log.warn({}, "the stream did not stop in time");
      process.exit(code);
    }, deadlineMs).unref();
    // While it still starts, or waits for the venue, there is nothing to store.
    void Promise.allSettled([running?.close(deadlineMs * 0.6)])
      .then(() => Promise.allSettled([bus.close(), db.destroy()]))
      .then(() => {
        log.info({}, "stream stopped");
        process.exit(code);
      });
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  running = await startStream({
    db,
    bus,
    log,
    now,
    source: await openSource(config, db, log, outside),
    codeVersion: readCodeVersion(config.root),
    dir: config.dir,
    jwtSecret: environment.TAPEDECK_JWT_SECRET,
    host: environment.HOST,
    port: environment.STREAM_PORT,
    address: environment.STREAM_ADDRESS,
    keepMs: environment.STREAM_KEEP_DAYS * dayMs,
    serverLimits: { clients: environment.STREAM_MAX_CLIENTS },
  });
  log.info({ host: environment.HOST, port: running.port, venue: environment.STREAM_VENUE }, "stream listens");
}
