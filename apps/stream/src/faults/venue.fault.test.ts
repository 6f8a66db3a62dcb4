import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createTradeFeed } from "@tapedeck/platform/venues/live/feed";
import { binanceProtocol } from "@tapedeck/platform/venues/live/binance";
import { tcpProxy } from "@tapedeck/testkit";
import type { TcpProxy } from "@tapedeck/testkit";
import { recordFault } from "@tapedeck/testkit/faultTable";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import type { LiveBinance } from "@tapedeck/testkit/liveBinance";
import { freePort, launch } from "@tapedeck/testkit/stack";
import type { StackProcess } from "@tapedeck/testkit/stack";
import type { Kysely } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClientLimits } from "../client.ts";
import { streamFixture } from "../fixture.ts";
import { createVenueSource } from "../venue.ts";
import { startMarket } from "./market.ts";
import type { Market } from "./market.ts";

const tradesPerSecond = 100;
/** How soon a connection without a frame is given up and another one made. */
const halfOpenMs = 5_000;
/** Ticks of which a client that stops reading is sent no more than these, 40,000 a second at most. */
const cutOffTicks = 400_000;
/** For a machine that is busy with other work to come to what is no bound of a fault: start a process, read 100,000 frames. */
const busyMs = 90_000;
/** Rows that the recorder keeps in memory. */
const maxRows = 300;
/** What a hundred thousand frames may leave behind in memory. */
const leftMb = 16;
/** Of a wait that is shortened here; the soak has it whole. */
const settleMs = 15_000;

let fixture: Awaited<ReturnType<typeof streamFixture>>;
let venue: LiveBinance;
let proxy: TcpProxy;
let market: Market;
/** Milliseconds that our clock is wrong by. */
let wrongMs = 0;
const now = () => Date.now() + wrongMs;

beforeEach(async () => {
  [fixture, venue] = await Promise.all([streamFixture(), liveBinance()]);
  proxy = await tcpProxy(Number(new URL(fixture.databaseUrl).port));
  wrongMs = 0;
});
afterEach(async () => {
  market.stop();
  await fixture.close();
  await venue.close();
  await proxy.close();
});

/** A stream of the loopback venue in this process, with short waits, once its first trades are stored. */
async function start(clientLimits: Partial<ClientLimits> = {}) {
  const { socketUrl, restUrl } = venue;
  const feed = createTradeFeed({
    protocol: binanceProtocol({ market: "spot", socketUrl, restUrl, now }),
    symbols: ["BTCUSDT", "ETHUSDT"],
    now,
    random: Math.random,
    log: fixture.log,
    times: { idleMs: 1_000, pauseMs: 50, maxPauseMs: 500 },
    gate: { openMs: 1_000 },
    healMs: 100,
    catchUpMs: 1_000,
  });
  const url = new URL(fixture.databaseUrl);
  url.port = String(proxy.port);
  const stream = await fixture.start(await createVenueSource("binance", feed), {
    databaseUrl: url.href,
    recorder: { everyMs: 50, chunkRows: 100, maxRows },
    now,
    clientLimits,
  });
  market = startMarket({ venue, db: fixture.db as unknown as Kysely<unknown>, tradesPerSecond });
  await until(() => (stream.stats()["stored"] as number) > 0);
  return stream;
}

async function until(check: () => boolean | Promise<boolean>, withinMs = settleMs): Promise<void> {
  const startedMs = performance.now();
  while (!(await check())) {
    if (performance.now() - startedMs > withinMs) throw new Error("it did not come to that in time");
    await wait(20);
  }
}
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** Of what is still reachable. */
function heapMb(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed / 1_048_576;
}
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

/** Every trade is stored once, and no bar is wrong; the row of the table says how soon. */
async function settled(fault: string, measured = ""): Promise<void> {
  const tookMs = await market.whole(settleMs);
  market.stop();
  await market.whole(settleMs);
  await market.barsWhole(settleMs);
  recordFault({
    fault,
    backend: "stream",
    bound: `every trade stored once within ${seconds(settleMs)}, no wrong bar`,
    measured: `${market.made()} trades, whole after ${seconds(tookMs)}${measured}`,
  });
}

describe("faults of a venue, of the database and of the clock, while it trades", () => {
  test("the venue drops its connections again and again", async () => {
    const stream = await start();
    for (let drops = 0; drops < 6; drops++) {
      await wait(700);
      venue.drop();
    }
    await settled("venue drops every 0.7 s, 6 times");
    expect(stream.stats()).toMatchObject({ lost: 0, malformed: 0 });
  });

  test("a half-open connection", async () => {
    await start();
    venue.freeze();
    const before = venue.connections();
    const frozenMs = performance.now();
    await until(() => venue.connections() > before);
    const againMs = performance.now() - frozenMs;
    expect(againMs).toBeLessThan(halfOpenMs);
    await settled(
      `half-open socket, another within ${seconds(halfOpenMs)}`,
      `, connected after ${seconds(againMs)}`,
    );
  });

  test("a gap whose history is refused, then allowed", async () => {
    await start();
    venue.history(429);
    venue.drop();
    await until(async () => {
      const gaps = await fixture.db.selectFrom("streamGaps").select("state").execute();
      return gaps.some(({ state }) => state === "open");
    });
    await wait(2_000);
    await expect(market.whole(100)).rejects.toThrow("are stored");
    venue.history(200);
    await settled("gap, history refused for 2 s, then allowed");
    await until(async () => {
      const gaps = await fixture.db.selectFrom("streamGaps").select("state").execute();
      return gaps.every(({ state }) => state === "healed");
    });
  });

  test("the database is away", async () => {
    const stream = await start();
    proxy.blackHole();
    let most = 0;
    await until(() => {
      const { pending, spilled } = stream.stats() as { pending: number; spilled: number };
      most = Math.max(most, pending);
      return spilled > 500;
    });
    proxy.heal();
    expect(most).toBeLessThanOrEqual(maxRows);
    await settled(
      `database away until 500 rows are spilled, at most ${maxRows} in memory`,
      `, at most ${most} rows in memory`,
    );
    expect(stream.stats()).toMatchObject({ lost: 0, spillBytes: 0 });
  });

  test("our clock jumps an hour on, an hour back, and right again", async () => {
    const stream = await start();
    for (const jump of [3_600_000, -3_600_000, 0]) {
      wrongMs = jump;
      await wait(2_000);
    }
    await settled("our clock jumps 1 h on, 2 h back, 1 h on");
    expect(stream.stats()).toMatchObject({ tooLate: 0 });
  });

  test("a client that stops reading", async () => {
    const stream = await start({ conflateBytes: 16_384, slowMs: 1_000 });
    const client = await fixture.connect(stream.url);
    client.send({ op: "subscribe", channel: "ticks", instrumentId: "BTCUSDT.BINANCE" });
    await client.next((frame) => frame.type === "snapshot");
    client.socket.pause();
    const clients = async () =>
      ((await (await fetch(`http://127.0.0.1:${stream.port}/healthz`)).json()) as { clients: number })
        .clients;
    const startedMs = performance.now();
    let sent = 0;
    const busy = setInterval(() => {
      for (let i = 0; i < 2_000; i++) venue.trade(100, { symbol: "BTCUSDT", size: 0.5 });
      sent += 2_000;
    }, 50);
    await until(async () => (await clients()) === 0, busyMs).finally(() => clearInterval(busy));
    const cutMs = performance.now() - startedMs;
    client.socket.terminate();
    expect(sent).toBeLessThan(cutOffTicks);
    recordFault({
      fault: "a client stops reading",
      backend: "stream",
      bound: `cut off 1 s after its buffer is full, before ${cutOffTicks} ticks`,
      measured: `cut off after ${sent} ticks in ${seconds(cutMs)}`,
    });
  });

  test("a hundred thousand malformed frames", async () => {
    const stream = await start();
    const junk = [
      "{",
      "[]",
      "null",
      '{"e":"aggTrade","s":"BTCUSDT"}',
      '{"e":"trade"}',
      "\u0000",
      "x".repeat(500),
    ];
    const before = heapMb();
    for (let sent = 0; sent < 100_000; sent++) {
      venue.send(`${junk[sent % junk.length]}`);
      if (sent % 1_000 === 999) await new Promise((resolve) => setImmediate(resolve));
    }
    type Told = { feed: { malformed: number } | null };
    await until(async () => {
      const rows = (await fixture.db.selectFrom("streamRuns").select("feed").execute()) as Told[];
      return rows.some(({ feed }) => feed?.malformed === 100_000);
    }, busyMs);
    const grownMb = heapMb() - before;
    expect(grownMb).toBeLessThan(leftMb);
    await settled(
      `100,000 malformed frames, each counted, heap at most ${leftMb} MB larger`,
      `, heap ${grownMb.toFixed(1)} MB larger`,
    );
    expect(stream.stats()).toMatchObject({ lost: 0 });
  });
});

describe("replicas as real processes", () => {
  const running: StackProcess[] = [];
  afterEach(async () => {
    for (const one of running) {
      one.kill("SIGKILL");
      await one.ended;
    }
  });

  async function replica(name: string) {
    const port = await freePort();
    const one = launch("apps/stream/src/main.ts", [], {
      DATABASE_URL: fixture.databaseUrl,
      TAPEDECK_DIR: `${fixture.dir}/${name}`,
      STREAM_PORT: String(port),
      STREAM_VENUE: "binance",
      STREAM_SYMBOLS: "BTCUSDT,ETHUSDT",
      STREAM_VENUE_WS_URL: venue.socketUrl,
      STREAM_VENUE_URL: venue.restUrl,
      LOG_LEVEL: "warn",
    });
    running.push(one);
    const held = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
      return answer === undefined ? 0 : ((await answer.json()) as { held: number }).held;
    };
    return { one, held };
  }

  test("one that is killed: its symbols are taken over, no trade is doubled or missing", async () => {
    market = startMarket({ venue, db: fixture.db as unknown as Kysely<unknown>, tradesPerSecond });
    const first = await replica("first");
    await until(async () => (await first.held()) === 2, busyMs);
    const second = await replica("second");
    await until(async () => (await first.held()) === 1 && (await second.held()) === 1, busyMs);
    await market.whole(settleMs);
    const killedMs = performance.now();
    first.one.kill("SIGKILL");
    await until(async () => (await second.held()) === 2, 20_000);
    const takenMs = performance.now() - killedMs;
    const wholeMs = await market.whole(20_000);
    expect(takenMs).toBeLessThan(15_000);
    market.stop();
    await market.whole(settleMs);
    await market.barsWhole(settleMs);
    recordFault({
      fault: "a replica is killed (SIGKILL)",
      backend: "stream",
      bound: "its symbols are taken over within 15 s, every trade stored once, every bar right",
      measured: `taken after ${seconds(takenMs)}, whole ${seconds(wholeMs)} later`,
    });
  });
});
