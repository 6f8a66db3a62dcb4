import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { handSource, openSocket, quickLeases as leases, streamFixture } from "./fixture.ts";
import { computePair, pairOutputs } from "./pairs.ts";
import { relayHeader } from "./relay.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

const minute = 60_000;
const held = (stream: { stats(): Record<string, unknown> }) => stream.stats()["held"];

/** Two processes, each with one of the venue's two instruments. */
async function twoProcesses() {
  const sources = [handSource(), handSource()];
  const first = await fixture.start(sources[0]!, { leases });
  const second = await fixture.start(sources[1]!, { leases, dir: `${fixture.dir}/second` });
  await expect.poll(() => [held(first), held(second)]).toEqual([1, 1]);
  const openMs = Math.floor(Date.now() / minute) * minute - 2 * minute;
  return {
    streams: [first, second],
    openMs,
    /** A print of each instrument within a second of the past, whose bar is final at once. */
    send(at: number, prices: Readonly<Record<"A.HAND" | "B.HAND", number>>) {
      for (const source of sources)
        for (const [instrumentId, price] of Object.entries(prices))
          source.send({ instrumentId, eventMs: openMs + at * 1_000, price });
    },
  };
}

test("a pair of two processes' instruments has the values that one process would give it, asked of either", async () => {
  const { streams, openMs, send } = await twoProcesses();
  const prices = Array.from({ length: 34 }, (_, i) => ({
    "A.HAND": 10 + ((i * 7) % 5) + i / 10,
    "B.HAND": 20 + ((i * 3) % 4) + i / 5,
  }));
  const topic = { channel: "pairs", timeframe: "1s", window: 30, zWindow: 10 } as const;
  const clients = await Promise.all(streams.map(({ url }) => fixture.connect(url)));
  for (const client of clients) {
    client.send({ op: "subscribe", ...topic, y: "A.HAND", x: "B.HAND" });
    client.send({ op: "subscribe", ...topic, y: "B.HAND", x: "A.HAND" });
  }
  for (const { next } of clients)
    for (const y of ["A.HAND", "B.HAND"]) await next((one) => one.type === "snapshot" && one.y === y);
  for (const [i, both] of prices.entries()) send(i, both);
  const logs = (id: "A.HAND" | "B.HAND", i: number) =>
    Float64Array.from(prices.slice(i - 29, i + 1), (both) => Math.log(both[id]));
  for (const { next } of clients)
    for (const [y, x] of [
      ["A.HAND", "B.HAND"],
      ["B.HAND", "A.HAND"],
    ] as const)
      for (let i = 29; i < prices.length; i++) {
        const closeMs = openMs + (i + 1) * 1_000;
        const { data } = await next(
          (one) => one.type === "delta" && one.y === y && one.data.closeMs === closeMs,
        );
        const wanted = computePair(logs(y, i), logs(x, i), 10);
        expect(pairOutputs.map((name) => data[name])).toEqual(
          [...wanted].map((value) => (Number.isFinite(value) ? value : null)),
        );
      }
  for (const { socket } of clients) socket.close();
});

test("an alert over two instruments fires once though each is of another process", async () => {
  const { streams, openMs, send } = await twoProcesses();
  for (const [instrumentId, other] of [
    ["A.HAND", "B.HAND"],
    ["B.HAND", "A.HAND"],
  ] as const) {
    const formula = `abs(close - close["${other}"]) > 5`;
    await fixture.alertOn({ kind: "formula", timeframe: "1s", formula }, { instrumentId });
  }
  for (const stream of streams) await expect.poll(() => stream.stats()["alerts"]).toBe(1);
  for (const [i, apart] of [1, 2, 9, 8, 1].entries()) send(i, { "A.HAND": 10, "B.HAND": 10 + apart });
  const triggers = () =>
    fixture.db
      .selectFrom("alertTriggers")
      .innerJoin("alerts", "alerts.id", "alertTriggers.alertId")
      .select(["alerts.instrumentId", "alertTriggers.edgeMs"])
      .orderBy("alerts.instrumentId")
      .execute();
  const edgeMs = openMs + 3_000;
  await expect.poll(triggers).toEqual([
    { instrumentId: "A.HAND", edgeMs },
    { instrumentId: "B.HAND", edgeMs },
  ]);
});

test("a process is known by the key that all have, and by no other", async () => {
  const stream = await fixture.start(handSource());
  await expect(openSocket(stream.url, { [relayHeader]: "1" })).rejects.toMatchObject({ status: 401 });
  await expect(openSocket(stream.url, { [relayHeader]: "A".repeat(43) })).rejects.toMatchObject({
    status: 401,
  });
});

test("an address that answers with something else ends nothing; its instrument is looked for on", async () => {
  const { streams, send } = await twoProcesses();
  const stranger = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  let answered = 0;
  stranger.on("connection", (socket) => {
    socket.send("I am no stream");
    answered += 1;
  });
  const { address } = await fixture.db
    .selectFrom("streamRuns")
    .innerJoin("streamPlaces", "streamPlaces.runId", "streamRuns.id")
    .select("streamRuns.address")
    .where("instrumentId", "=", "B.HAND")
    .executeTakeFirstOrThrow();
  const move = (to: string | null) =>
    fixture.db
      .updateTable("streamRuns")
      .set({ address: to })
      .where("address", "in", [address!, toStranger])
      .execute();
  const toStranger = `ws://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  await move(toStranger);
  const client = await fixture.connect(streams.find(({ url }) => url !== `${address}/ws`)!.url);
  const formula = 'close["B.HAND"]';
  client.send({
    op: "subscribe",
    channel: "formulas",
    instrumentId: "A.HAND",
    timeframe: "1s",
    formula,
  });
  await client.next((frame) => frame.type === "snapshot");
  await expect.poll(() => answered).toBeGreaterThan(1);
  await move(address);
  send(0, { "A.HAND": 10, "B.HAND": 20 });
  await client.next((frame) => frame.type === "delta" && frame.data.value === 20);
  client.socket.close();
  await new Promise<void>((resolve) => stranger.close(() => resolve()));
});
