/** From a venue's message to the client's frame at 10,000 messages a second, stored on the way; beside a relay that only passes messages on. */
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import type { Database } from "@tapedeck/features/db";
import { createBus } from "@tapedeck/platform/bus/index";
import { createDb } from "@tapedeck/platform/postgres/index";
import { openTradeFeed } from "@tapedeck/platform/venues/live/open";
import { WebSocket, WebSocketServer } from "ws";
import { createVenueSource } from "../apps/stream/src/venue.ts";
import { startStream } from "../apps/stream/src/wire.ts";
import { report } from "./figure.ts";
import { percentile } from "./load.ts";
import { benchDatabase } from "./server.ts";
import { silentLog as log } from "./streamServer.ts";

const PER_SECOND = 10_000;
const SECONDS = 6;
const key = "tdk_bench-key-of-the-first-admin-0123456789";

/** One of each run, so that no run finds trades of another. */
const symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT"];

interface Run {
  delaysMs: number[];
  /** Of this process, a message. */
  cpuUs: number;
}

interface Venue {
  socketUrl: string;
  restUrl: string;
  /** Has its messages go through an address. */
  run(url: string, symbol: string, greeting: object | undefined): Promise<Run>;
  close(): void;
}

async function openVenue(): Promise<Venue> {
  const child = fork(path.join(import.meta.dirname, "venueClient.ts"));
  const told = <T>() =>
    new Promise<T>((resolve) => child.once("message", (message) => resolve(message as T)));
  const addresses = await told<{ socketUrl: string; restUrl: string }>();
  return {
    ...addresses,
    async run(url, symbol, greeting) {
      const cpu = process.cpuUsage();
      const answer = told<{ delaysMs: number[] }>();
      const text = greeting === undefined ? "" : JSON.stringify(greeting);
      child.send({ url, key, symbol, greeting: text, perSecond: PER_SECOND, seconds: SECONDS });
      const { delaysMs } = await answer;
      const { user, system } = process.cpuUsage(cpu);
      return { delaysMs, cpuUs: (user + system) / (PER_SECOND * SECONDS) };
    },
    close: () => void child.kill(),
  };
}

const database = await benchDatabase();
const db = createDb<Database>(database.url, { max: 4 });
const bus = createBus({ databaseUrl: database.url }, { log });
await ensureFirstAdmin({ db, key, now: Date.now });
const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-bench-stream-"));

/** The stream as it runs in production, over the venue. */
async function throughStream(symbol: string): Promise<Run> {
  const venue = await openVenue();
  const feed = openTradeFeed({
    venue: "binance",
    symbols: [symbol],
    channels: [],
    socketUrl: venue.socketUrl,
    restUrl: venue.restUrl,
    now: Date.now,
    random: Math.random,
    log,
  });
  const stream = await startStream({
    db,
    bus,
    log,
    now: Date.now,
    source: await createVenueSource("binance", feed),
    codeVersion: "bench",
    dir,
    jwtSecret: "a secret of a bench only, 32 chars long",
    host: "127.0.0.1",
    port: 0,
    keepMs: 86_400_000,
  });
  const topic = { op: "subscribe", channel: "ticks", instrumentId: `${symbol}.BINANCE` };
  const run = await venue.run(`ws://127.0.0.1:${stream.port}/ws`, symbol, topic);
  await stream.close(10_000);
  venue.close();
  return run;
}

async function throughRelay(symbol: string): Promise<Run> {
  const venue = await openVenue();
  const relay = new WebSocketServer({
    server: createServer().listen(0, "127.0.0.1"),
    perMessageDeflate: false,
  });
  await new Promise((resolve) => relay.once("listening", resolve));
  const upstream = new WebSocket(`${venue.socketUrl}/ws`, { perMessageDeflate: false });
  await new Promise((resolve) => upstream.once("open", resolve));
  upstream.send(JSON.stringify({ method: "SUBSCRIBE", params: [`${symbol.toLowerCase()}@aggTrade`], id: 1 }));
  upstream.on("message", (data: Buffer) => {
    for (const socket of relay.clients) socket.send(data, { binary: false });
  });
  const relayUrl = `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const run = await venue.run(relayUrl, symbol, undefined);
  upstream.terminate();
  relay.close();
  venue.close();
  return run;
}

const runs: Record<"stream" | "relay", Run[]> = { stream: [], relay: [] };
for (const symbol of symbols) {
  runs.relay.push(await throughRelay(symbol));
  runs.stream.push(await throughStream(symbol));
}
for (const share of [0.5, 0.99])
  report({
    figure: `venue message to client frame, ${PER_SECOND}/s, p${share * 100}`,
    unit: "ms",
    ours: runs.stream.map(({ delaysMs }) => percentile(delaysMs, share)),
    peer: "ws relay that stores nothing",
    theirs: runs.relay.map(({ delaysMs }) => percentile(delaysMs, share)),
    smallerIsBetter: true,
  });
report({
  figure: "venue message to client frame, stored too",
  unit: "µs of CPU time",
  ours: runs.stream.map(({ cpuUs }) => cpuUs),
  peer: "ws relay that stores nothing",
  theirs: runs.relay.map(({ cpuUs }) => cpuUs),
  smallerIsBetter: true,
});
await bus.close();
await db.destroy();
await database.close();
await rm(dir, { recursive: true, force: true });
process.exit(0);
