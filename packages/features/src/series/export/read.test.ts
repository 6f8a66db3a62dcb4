import { gunzipSync } from "node:zlib";
import type { Caller } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../db.ts";
import { createSeriesReader } from "../reader.ts";
import { createSeriesWriter } from "../writer.ts";
import { fixtureInstrument } from "../instrument.fixture.ts";
import { exportRoutes } from "./contract.ts";
import { exportRouteHandlers as routes } from "./read.ts";

const nowMs = Date.UTC(2026, 0, 3);
const startMs = Date.UTC(2026, 0, 2);
const tenantId = "019b7a00-0000-7000-8000-000000000001";
const caller: Caller = { principalId: tenantId, kind: "user", tenantId, role: "viewer", requestId: "r" };
const count = 25_000;
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let blobs: Awaited<ReturnType<typeof testBlobs>>;

const deps = () => {
  const { db } = database;
  return { db, series: createSeriesReader({ db, blobs: blobs.blobs, now: () => nowMs }), now: () => nowMs };
};
const index = Array.from({ length: count }, (_, i) => i);
const ticks = {
  eventMs: index.map((i) => startMs + Math.floor(i / 3) * 1_000),
  ordinal: index.map((i) => i % 3),
  price: index.map((i) => 100 + (i % 17) / 4),
  size: index.map((i) => 1 + (i % 5)),
  venue: index.map(() => "hand"),
};

beforeAll(async () => {
  database = await testDatabase<Database>();
  blobs = await testBlobs();
  const { db } = database;
  const writer = createSeriesWriter({ db });
  const target = { space: "shared", instrumentId: "A.HAND", jobId: tenantId, recordedMs: nowMs };
  await db.transaction().execute(async (tx) => {
    await writer.ensureInstrument(
      tx,
      fixtureInstrument("A.HAND", { name: "A", assetClass: "other", calendar: "24x7" }),
      tenantId,
      nowMs,
    );
    await writer.writeTrades(tx, { ...target, timeframe: "tick" }, ticks);
    const bars = index.slice(0, 1_000);
    await writer.writeBars(
      tx,
      { ...target, timeframe: "1m" },
      {
        openMs: bars.map((i) => startMs + i * 60_000),
        closeMs: bars.map((i) => startMs + (i + 1) * 60_000),
        open: bars.map((i) => i),
        high: bars.map((i) => i + 2),
        low: bars.map((i) => i - 1),
        close: bars.map((i) => i + 1),
        volume: bars.map((i) => (i === 7 ? null : 10 * i)),
      },
    );
  });
});
afterAll(async () => {
  await blobs.close();
  await database.close();
});

const input = (route: keyof typeof exportRoutes, query: object, headers: Record<string, string> = {}) =>
  ({
    params: { symbol: "A" },
    query: exportRoutes[route].query!.parse(query),
    body: undefined,
    request: new Request("http://localhost/", { headers }),
  }) as never;

test("ticks and bars are the newest of a range, oldest first", async () => {
  const listed = await routes.listTicks(deps(), input("listTicks", { limit: "4" }), caller);
  expect(listed).toEqual({
    instrumentId: "A.HAND",
    items: index.slice(-4).map((i) => ({
      eventMs: ticks.eventMs[i],
      price: ticks.price[i],
      size: ticks.size[i],
      venue: "hand",
    })),
  });
  const toMs = startMs + 2_000;
  const early = await routes.listTicks(deps(), input("listTicks", { to: String(toMs) }), caller);
  expect((early as { items: unknown[] }).items).toHaveLength(6);
  const bars = (await routes.listOhlc(
    deps(),
    input("listOhlc", { timeframe: "1m", limit: "2", to: String(startMs + 9 * 60_000) }),
    caller,
  )) as { items: object[] };
  expect(bars.items).toEqual([
    {
      openMs: startMs + 420_000,
      closeMs: startMs + 480_000,
      open: 7,
      high: 9,
      low: 6,
      close: 8,
      volume: null,
    },
    {
      openMs: startMs + 480_000,
      closeMs: startMs + 540_000,
      open: 8,
      high: 10,
      low: 7,
      close: 9,
      volume: 80,
    },
  ]);
});

test("all prints of a range come as CSV over several pages, gzip where the client takes it", async () => {
  const answer = (await routes.exportTicks(deps(), input("exportTicks", {}), caller)) as Response;
  expect(answer.headers.get("content-encoding")).toBeNull();
  expect(answer.headers.get("content-disposition")).toBe('attachment; filename="A.HAND-ticks.csv"');
  const text = await answer.text();
  const lines = text.trimEnd().split("\n");
  expect(lines[0]).toBe("eventMs,price,size,venue");
  expect(lines.slice(1)).toEqual(
    index.map((i) => `${ticks.eventMs[i]},${ticks.price[i]},${ticks.size[i]},hand`),
  );
  const packed = (await routes.exportTicks(
    deps(),
    input("exportTicks", {}, { "accept-encoding": "br;q=1, gzip" }),
    caller,
  )) as Response;
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(gunzipSync(Buffer.from(await packed.arrayBuffer())).toString()).toBe(text);
  const refused = (await routes.exportTicks(
    deps(),
    input("exportTicks", { to: String(startMs) }, { "accept-encoding": "gzip;q=0" }),
    caller,
  )) as Response;
  expect(refused.headers.get("content-encoding")).toBeNull();
  expect(await refused.text()).toBe("eventMs,price,size,venue\n");
});

test("bars come as Parquet", async () => {
  const answer = (await routes.exportOhlc(
    deps(),
    input("exportOhlc", { format: "parquet", from: String(startMs + 60_000) }),
    caller,
  )) as Response;
  expect(answer.headers.get("content-type")).toBe("application/vnd.apache.parquet");
  const rows = await parquetReadObjects({ file: await answer.arrayBuffer() });
  expect(rows).toHaveLength(999);
  expect(rows[0]).toEqual({
    openMs: new Date(startMs + 60_000),
    closeMs: new Date(startMs + 120_000),
    open: 1,
    high: 3,
    low: 0,
    close: 2,
    volume: 10,
  });
  expect(rows[6]).toMatchObject({ open: 7, volume: null });
});

test.each(["csv", "parquet"] as const)(
  "a download of %s that broke off goes on where it was",
  async (format) => {
    // More rows than are read at once.
    const to = String(startMs + 4_000_000);
    const ask = async (headers: Record<string, string>) =>
      (await routes.exportTicks(deps(), input("exportTicks", { format, to }, headers), caller)) as Response;
    const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
    const whole = await ask({});
    const etag = whole.headers.get("etag")!;
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    const file = await bytesOf(whole);
    for (const [range, from, to] of [
      ["bytes=0-99", 0, 100],
      [`bytes=1000-${file.length + 5}`, 1_000, file.length],
      ["bytes=777-", 777, file.length],
      ["bytes=-50", file.length - 50, file.length],
    ] as const) {
      const part = await ask({ range, "if-range": etag, "accept-encoding": "gzip" });
      expect(part.status).toBe(206);
      expect(part.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/${file.length}`);
      expect(part.headers.get("content-encoding")).toBeNull();
      expect((await bytesOf(part)).equals(file.subarray(from, to))).toBe(true);
    }
    for (const headers of [
      { range: "bytes=5-", "if-range": '"another"' },
      { range: "bytes=5-9,20-30" },
      { range: "bytes=9-5" },
      { range: "lines=1-2" },
    ]) {
      const answer = await ask(headers as Record<string, string>);
      expect(answer.status).toBe(200);
      expect((await bytesOf(answer)).equals(file)).toBe(true);
    }
    const none = await ask({ range: `bytes=${file.length}-` });
    expect(none.status).toBe(416);
    expect(none.headers.get("content-range")).toBe(`bytes */${file.length}`);
    const other = (await routes.exportTicks(
      deps(),
      input("exportTicks", { format, to: String(startMs + 2_000) }),
      caller,
    )) as Response;
    expect(other.headers.get("etag")).not.toBe(etag);
    await other.body!.cancel();
  },
);
