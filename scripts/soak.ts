/**
 * `npm run soak -- --hours N [--pause S]`: two stream processes take a venue on loopback that trades all the time, while
 * faults follow each other with their waits whole: dropped connections, a half-open socket, refused history, a database that is
 * away for a minute, a killed process, malformed frames, a client that never reads. After each every trade must be stored
 * once. At the end it prints what leaked: memory, handles, connections, rows.
 * `npm run soak -- --hours N --recording FILE [--speed X]`: one process plays a recorded session beside a client that never
 * reads.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import type { Database } from "@tapedeck/features/db";
import { createDb, migrateToLatest, startPostgres } from "@tapedeck/platform/postgres/index";
import { tcpProxy } from "@tapedeck/testkit";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import { freePort, launch } from "@tapedeck/testkit/stack";
import type { StackProcess } from "@tapedeck/testkit/stack";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import { WebSocket } from "ws";
import { startMarket } from "../apps/stream/src/faults/market.ts";

const { values } = parseArgs({
  options: {
    hours: { type: "string", default: "1" },
    pause: { type: "string", default: "20" },
    recording: { type: "string" },
    speed: { type: "string", default: "20" },
  },
});
const untilMs = performance.now() + Number(values.hours) * 3_600_000;
const pauseMs = Number(values.pause) * 1_000;
if (!(untilMs > performance.now()) || !(pauseMs >= 0))
  throw new RangeError("--hours and --pause are numbers");

const tradesPerSecond = 200;
/** How soon everything is stored after a fault is over. */
const settleMs = 120_000;
const sampleMs = 5_000;
const apiKey = "tapedeck-soak-key-of-the-first-admin";

const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-soak-"));
const server = await startPostgres({ dir: path.join(dir, "postgres") });
await migrateToLatest(server.url, path.resolve(import.meta.dirname, "../migrations"));
const db = createDb<Database>(server.url, { max: 2, statementTimeoutMs: 60_000 });
await ensureFirstAdmin({ db, key: apiKey, now: Date.now });
const proxy = await tcpProxy(Number(new URL(server.url).port));
const databaseUrl = new URL(server.url);
databaseUrl.port = String(proxy.port);
const venue = await liveBinance({ pingMs: 20_000 });

interface Sample {
  heapMb: number;
  residentMb: number;
  handles: number;
}

interface Replica {
  name: string;
  port: number;
  process: StackProcess;
  samples: Sample[];
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string) => console.log(`${new Date().toISOString()} ${text}`);

const venueEnvironment = {
  STREAM_VENUE: "binance",
  STREAM_SYMBOLS: "BTCUSDT,ETHUSDT",
  STREAM_VENUE_WS_URL: venue.socketUrl,
  STREAM_VENUE_URL: venue.restUrl,
};

async function startReplica(name: string, env: Record<string, string> = venueEnvironment): Promise<Replica> {
  const port = await freePort();
  const process = launch("apps/stream/src/main.ts", [], {
    DATABASE_URL: databaseUrl.href,
    TAPEDECK_DIR: path.join(dir, name),
    STREAM_PORT: String(port),
    LOG_LEVEL: "error",
    ...env,
  });
  const replica = { name, port, process, samples: [] };
  while ((await healthOf(replica)) === undefined) await wait(200);
  return replica;
}

async function healthOf(replica: Replica): Promise<Record<string, number> | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${replica.port}/healthz`, {
      signal: AbortSignal.timeout(5_000),
    });
    return (await answer.json()) as Record<string, number>;
  } catch {
    return undefined;
  }
}

async function sample(replica: Replica): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${replica.port}/metrics`).catch(() => undefined);
  if (answer === undefined) return;
  const text = await answer.text();
  const read = (name: string) => Number(new RegExp(`^tapedeck_${name} (\\S+)$`, "m").exec(text)?.[1]);
  replica.samples.push({
    heapMb: read("nodejs_heap_size_used_bytes") / 1_048_576,
    residentMb: read("process_resident_memory_bytes") / 1_048_576,
    handles: read("nodejs_active_handles_total"),
  });
}

/** A client that subscribes and never reads. */
function openStalledClient(port: number, instrumentIds: readonly string[]): void {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  socket.on("error", () => undefined);
  socket.on("open", () => {
    for (const instrumentId of instrumentIds)
      socket.send(JSON.stringify({ op: "subscribe", channel: "ticks", instrumentId }));
    setTimeout(() => socket.pause(), 1_000);
  });
}

/** The least of a stretch: what stays when the collector has been. */
const floorOf = (stretch: readonly Sample[], of: keyof Sample) => Math.min(...stretch.map((one) => one[of]));

/** Prints how a figure's floor went from the second quarter to the last; is it a leak? */
function judge(name: string, all: readonly Sample[], of: keyof Sample, slack: number): boolean {
  const quarter = Math.floor(all.length / 4);
  const before = floorOf(all.slice(quarter, 2 * quarter), of);
  const after = floorOf(all.slice(-quarter), of);
  const leaked = after > before * 1.25 + slack;
  say(
    `${leaked ? "LEAK: " : ""}${name}: ${before.toFixed(0)} in the second quarter, ${after.toFixed(0)} in the last`,
  );
  return leaked;
}

/** How many figures of a process grew. */
function judgeMemory(taken: readonly Sample[]): number {
  if (taken.length < 8) {
    say("too short to say what leaked: at least a minute of samples is needed");
    return 0;
  }
  const figures = [
    ["heapMb", "heap, MB", 16],
    ["residentMb", "resident memory, MB", 64],
    ["handles", "handles", 4],
  ] as const;
  return figures.filter(([of, what, slack]) => judge(what, taken, of, slack)).length;
}

async function end(...replicas: Replica[]): Promise<void> {
  for (const { process } of replicas) {
    process.kill("SIGTERM");
    await process.ended;
  }
  await Promise.all([db.destroy(), venue.close(), proxy.close()]);
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

if (values.recording !== undefined) {
  const player = await startReplica("player", {
    STREAM_RECORDING: path.resolve(values.recording),
    STREAM_SPEED: values.speed,
  });
  const symbol = path.basename(values.recording).split(/[-.]/)[0]!.toUpperCase();
  for (let sampled = 0; performance.now() < untilMs; sampled++) {
    // It is cut off when it has not read for long, and comes again.
    if (sampled % 12 === 0) openStalledClient(player.port, [`${symbol}.RECORDED`]);
    await wait(sampleMs);
    await sample(player);
  }
  const facts = await healthOf(player);
  const leaks = judgeMemory(player.samples);
  say(
    `${facts?.["taken"]} prints played at ${values.speed} times their speed, ${facts?.["stored"]} rows stored, ${facts?.["lost"]} lost`,
  );
  await end(player);
  say(`${leaks} leaks`);
  process.exit(leaks === 0 ? 0 : 1);
}

const first = await startReplica("first");
let second = await startReplica("second");
const market = startMarket({ venue, db: db as unknown as Kysely<unknown>, tradesPerSecond });
await wait(5_000);
await market.whole(settleMs);
const connections = async () =>
  (
    await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where application_name like 'tapedeck%'`.execute(db)
  ).rows[0]!.count;
const connectionsBefore = await connections();
const samples = setInterval(() => {
  for (const replica of [first, second]) void sample(replica);
}, sampleMs);

const junk = ["{", "[]", "null", '{"e":"aggTrade","s":"BTCUSDT"}', "x".repeat(500)];
const faults: { name: string; run(): Promise<void> }[] = [
  {
    name: "the venue drops every 5 s, 12 times",
    async run() {
      for (let drops = 0; drops < 12; drops++) {
        await wait(5_000);
        venue.drop();
      }
    },
  },
  {
    name: "a half-open connection",
    async run() {
      const before = venue.connections();
      venue.freeze();
      while (venue.connections() === before) await wait(500);
    },
  },
  {
    name: "history refused for a minute, then allowed",
    async run() {
      venue.history(429);
      venue.drop();
      await wait(60_000);
      venue.history(200);
    },
  },
  {
    name: "the database is away for a minute",
    async run() {
      proxy.blackHole();
      await wait(60_000);
      proxy.heal();
    },
  },
  {
    name: "a process is killed, and started again",
    async run() {
      second.process.kill("SIGKILL");
      while ((await healthOf(first))?.["held"] !== 2) await wait(200);
      second = await startReplica("second");
    },
  },
  {
    name: "100,000 malformed frames",
    async run() {
      for (let sent = 0; sent < 100_000; sent++) {
        venue.send(junk[sent % junk.length]!);
        if (sent % 500 === 499) await wait(1);
      }
    },
  },
  {
    name: "a client that never reads",
    async run() {
      openStalledClient(first.port, ["BTCUSDT.BINANCE", "ETHUSDT.BINANCE"]);
      await wait(40_000);
    },
  },
];

let broken = 0;
for (let round = 0; performance.now() < untilMs; round++) {
  const { name, run } = faults[round % faults.length]!;
  await run();
  try {
    const tookMs = await market.whole(settleMs);
    say(`${name}: whole after ${(tookMs / 1_000).toFixed(1)} s; ${market.made()} trades so far`);
  } catch (error) {
    broken += 1;
    say(`BROKEN: ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  await wait(Math.min(pauseMs, Math.max(0, untilMs - performance.now())));
}
market.stop();
await market.whole(settleMs);
await wait(5_000);
clearInterval(samples);

let leaks = 0;
leaks += judgeMemory(first.samples);
const connectionsAfter = await connections();
say(`database connections: ${connectionsBefore} before, ${connectionsAfter} after`);
if (connectionsAfter > connectionsBefore + 4) leaks += 1;
const { rows } = await sql<{ places: number; openGaps: number; openFindings: number }>`
  select (select count(*)::int from stream_places) as places,
    (select count(*)::int from stream_gaps where state = 'open') as open_gaps,
    (select count(*)::int from stream_findings where to_ms is null) as open_findings`.execute(db);
const left = rows[0]!;
const barFault = await market.barsWhole(settleMs).then(
  () => undefined,
  (error: Error) => error.message,
);
say(
  `rows: ${left.places} places, ${left.openGaps} gaps open, ${left.openFindings} findings open, bars: ${barFault ?? "all right"}`,
);
if (left.places !== market.symbols.length || left.openGaps > 0 || barFault !== undefined) leaks += 1;
const facts = await healthOf(first);
say(`stream: ${facts?.["stored"]} rows stored, ${facts?.["lost"]} lost, ${facts?.["fenced"]} fenced`);

await end(first, second);
say(`${broken} bounds broken, ${leaks} leaks`);
process.exit(broken + leaks === 0 ? 0 : 1);
