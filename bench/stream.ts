/** The live stream: venue messages to bars against JSON.parse alone, and fan-out to 200 clients against a raw ws broadcast. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "@tapedeck/core";
import { WebSocket, WebSocketServer } from "ws";
import { createBarMaker } from "../apps/stream/src/bars.ts";
import { defaultLimits } from "../apps/stream/src/client.ts";
import { createHub } from "../apps/stream/src/hub.ts";
import { createIntake } from "../apps/stream/src/intake.ts";
import { defaultServerLimits, startServer } from "../apps/stream/src/server.ts";
import { binanceProtocol } from "../packages/platform/src/venues/live/binance.ts";
import { createSequence } from "../packages/platform/src/venues/live/sequence.ts";
import { calendarOf } from "../packages/trading/src/calendar/index.ts";
import { report } from "./figure.ts";

const REPEATS = 7;
const MESSAGES = 200_000;
const CLIENTS = 200;
const BROADCASTS = 500;

const startMs = Date.UTC(2026, 0, 5);
const frames = Array.from({ length: MESSAGES }, (_, i) =>
  JSON.stringify({
    e: "aggTrade",
    E: startMs + i,
    s: "BTCUSDT",
    a: i + 1,
    p: (60_000 + (i % 997) / 10).toFixed(2),
    q: "0.01500",
    f: i,
    l: i,
    T: startMs + i,
    m: i % 2 === 0,
    M: true,
  }),
);

/** Messages a second of CPU time. */
function rate(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return MESSAGES / ((user + system) / 1e6);
}

function toBars(): void {
  const instrumentId = "BTCUSDT.BINANCE";
  const protocol = binanceProtocol({ market: "spot", now: () => startMs });
  const sequence = createSequence(undefined);
  const lateLimitMs = 600_000;
  const fromMs = () => nowMs - lateLimitMs;
  const intake = createIntake({ venue: "binance", fromMs, aheadMs: lateLimitMs });
  const bars = createBarMaker({ venue: "binance", graceMs: 500, fromMs });
  intake.add(instrumentId);
  bars.open(instrumentId, calendarOf("24x7"), []);
  let nowMs = startMs;
  for (const frame of frames) {
    for (const message of protocol.parse(frame)) {
      if (message.kind !== "trade") continue;
      const { tradeId, symbol: _symbol, ...print } = message.trade;
      if (sequence.take({ tradeId: tradeId!, eventMs: print.eventMs }).kind === "duplicate") continue;
      nowMs = print.eventMs;
      const placed = intake.take({ instrumentId, ...print }, nowMs);
      if (placed !== undefined) bars.add(placed);
    }
    if (nowMs % 100 === 0) {
      bars.finish(nowMs);
      bars.changed();
    }
  }
}

function parseAlone(): void {
  let last = 0;
  for (const frame of frames) last = (JSON.parse(frame) as { a: number }).a;
  if (last !== MESSAGES) throw new Error("not every frame was parsed");
}

toBars();
parseAlone();
const ours: number[] = [];
const theirs: number[] = [];
for (let i = 0; i < REPEATS; i++) {
  ours.push(rate(toBars));
  theirs.push(rate(parseAlone));
}
report({
  figure: "Binance trades parsed, checked, numbered and made into bars",
  unit: "messages/s of CPU time",
  ours,
  peer: "JSON.parse of the same frames",
  theirs,
});

const headers = { authorization: "Bearer bench" };
const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Log;
const topic = { channel: "ticks", instrumentId: "BTCUSDT.BINANCE" } as const;
const tick = {
  venue: "binance",
  ...topic,
  seq: 1,
  eventMs: startMs,
  receivedMs: startMs,
  price: 60_000,
  size: 1,
  side: "buy",
};

/** Opens the clients; gives a function that broadcasts and resolves, with sends a second, when each has all. */
async function connect(url: string, greet?: object) {
  let received = 0;
  let wanted = Infinity;
  let done: () => void = silent;
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = new WebSocket(url, { perMessageDeflate: false, headers });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      const settled = new Promise((resolve) => {
        socket.on("message", (data) => {
          if ((data as Buffer).includes('"delta"')) {
            received += 1;
            if (received === wanted) done();
          } else if ((data as Buffer).includes('"snapshot"')) resolve(undefined);
        });
      });
      if (greet !== undefined) socket.send(JSON.stringify(greet));
      return { socket, settled };
    }),
  );
  return {
    settled: () => Promise.all(sockets.map((one) => one.settled)),
    async run(broadcast: () => void): Promise<number> {
      received = 0;
      wanted = CLIENTS * BROADCASTS;
      const all = new Promise<void>((resolve) => {
        done = resolve;
      });
      const from = performance.now();
      for (let i = 0; i < BROADCASTS; i++) {
        broadcast();
        // As prints come: the loop turns between them.
        if (i % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
      }
      await all;
      return wanted / ((performance.now() - from) / 1_000);
    },
    close: () => sockets.forEach(({ socket }) => socket.terminate()),
  };
}

const hub = createHub("bench", 1_024);
const server = await startServer({
  host: "127.0.0.1",
  port: 0,
  auth: {
    authenticate: () =>
      Promise.resolve({ principalId: "bench", tenantId: "bench", kind: "key", role: "viewer" }),
  } as never,
  limiter: { take: () => Promise.resolve({ allowed: true }) } as never,
  hello: () => ({ type: "hello", epoch: "bench", venue: "binance", simulated: false, instruments: [] }),
  instrumentOf: (ticker) => ticker,
  client: {
    hub,
    rows: {} as never,
    now: () => performance.now(),
    snapshot: () => [],
    compute: () => Promise.resolve(silent),
    expand: (_tenantId, formula) => Promise.resolve(formula),
    portfolio: { follow: () => Promise.resolve(silent), snapshot: () => ({}) },
    add: () => Promise.resolve(),
    limits: defaultLimits,
  },
  limits: { ...defaultServerLimits, clientsOfOne: CLIENTS },
  health: () => ({ ok: true, facts: {} }),
  log,
});
const raw = new WebSocketServer({ server: createServer().listen(0, "127.0.0.1"), perMessageDeflate: false });
await new Promise((resolve) => raw.once("listening", resolve));
const rawPort = (raw.address() as AddressInfo).port;
const text = JSON.stringify({ type: "delta", ...topic, seq: 1, data: tick });

const mine = await connect(`ws://127.0.0.1:${server.port}/ws`, { op: "subscribe", ...topic });
await mine.settled();
const plain = await connect(`ws://127.0.0.1:${rawPort}`);
const broadcast = () => {
  for (const socket of raw.clients) socket.send(text);
};
const [sends, rawSends]: [number[], number[]] = [[], []];
for (let i = 0; i <= REPEATS; i++) {
  const [stream, peer] = [await mine.run(() => hub.publish(topic, tick)), await plain.run(broadcast)];
  // The first warms both.
  if (i === 0) continue;
  sends.push(stream);
  rawSends.push(peer);
}
report({
  figure: `ticks to ${CLIENTS} clients, numbered and resumable`,
  unit: "messages/s delivered, clients in the same process",
  ours: sends,
  peer: "ws, sending the same text to each",
  theirs: rawSends,
  aim: 0.9,
});
mine.close();
plain.close();
raw.close();
await server.close();
process.exit(0);
