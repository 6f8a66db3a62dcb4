import { newId } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { adjustColumns } from "./adjust.ts";
import { barBytes, datasetKey } from "./columns.ts";
import type { CorporateAction, Instrument, SeriesColumns } from "./contract.ts";
import { createSeriesReader } from "./reader.ts";
import { fixtureInstrument } from "./instrument.fixture.ts";
import { createSeriesWriter } from "./writer.ts";

const tenantId = "01900000-0000-7000-8000-000000000001";
const now = (): number => Date.parse("2026-01-01");
const jobId = newId(now());
const bars = 45_000;
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let store: Awaited<ReturnType<typeof testBlobs>>;

function instrument(symbol: string): Instrument {
  const facts = { name: symbol, assetClass: "crypto", calendar: "24x7", space: tenantId } as const;
  return fixtureInstrument(`${symbol}.LOCAL`, facts);
}

async function write(symbol: string, from: number, to: number, add = 0): Promise<void> {
  const writer = createSeriesWriter({ db: database.db });
  const index = Array.from({ length: to - from }, (_, i) => from + i);
  const values = index.map((i) => i + 1 + add);
  const rows = {
    openMs: index.map((i) => i * 60_000),
    closeMs: index.map((i) => (i + 1) * 60_000),
    open: values,
    high: values,
    low: values,
    close: values,
    volume: index.map((i) => (i % 2 === 0 ? i : null)),
  };
  await database.db.transaction().execute(async (tx) => {
    await writer.ensureInstrument(tx, instrument(symbol), jobId, now());
    await writer.writeBars(
      tx,
      { space: tenantId, instrumentId: `${symbol}.LOCAL`, timeframe: "1m", jobId, recordedMs: now() },
      rows,
    );
  });
}

beforeAll(async () => {
  database = await testDatabase<Database>();
  store = await testBlobs();
  await write("AAA", 0, bars);
  await write("BBB", 0, 1_000);
});
afterAll(async () => {
  await database.close();
  await store.close();
});

const request = (symbol: string) =>
  ({ tenantId, instrumentId: `${symbol}.LOCAL`, timeframe: "1m", adjustment: "raw" }) as const;
const reader = (cacheBytes?: number) =>
  createSeriesReader({
    db: database.db,
    blobs: store.blobs,
    now,
    ...(cacheBytes === undefined ? {} : { cacheBytes }),
  });

describe("a dataset", () => {
  test("has every bar over all pages, as columns of one shared buffer", async () => {
    const dataset = await reader().dataset(request("AAA"));
    expect(dataset.length).toBe(bars);
    expect(dataset.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(dataset.buffer.byteLength).toBe(bars * barBytes);
    for (const i of [0, 19_999, 20_000, 40_000, bars - 1]) {
      expect([dataset.columns.openMs[i], dataset.columns.closeMs[i], dataset.columns.close[i]]).toEqual([
        i * 60_000,
        (i + 1) * 60_000,
        i + 1,
      ]);
      expect(dataset.columns.volume[i]).toBe(i % 2 === 0 ? i : Number.NaN);
    }
  });

  test("is made once: another reader takes the file, without reading rows", async () => {
    const made = await reader().dataset(request("AAA"));
    const other = await reader().dataset(request("AAA"));
    expect(other.hash).toBe(made.hash);
    expect(Buffer.from(other.buffer).equals(Buffer.from(made.buffer))).toBe(true);
    const file = await store.blobs.size(datasetKey(made.hash));
    expect(file).toBe(bars * barBytes);
    const { rows } = await database.db
      .selectFrom("datasets")
      .select((eb) => eb.fn.countAll<number>().as("rows"))
      .where("instrumentId", "=", "AAA.LOCAL")
      .executeTakeFirstOrThrow();
    expect(Number(rows)).toBe(1);
  });

  test("is made anew when its file was lost", async () => {
    const made = await reader().dataset(request("BBB"));
    await store.blobs.delete(datasetKey(made.hash));
    const again = await reader().dataset(request("BBB"));
    expect(again.hash).toBe(made.hash);
    expect(await store.blobs.size(datasetKey(made.hash))).toBe(1_000 * barBytes);
  });

  test("asked for at once by many is loaded once", async () => {
    const one = reader();
    const all = await Promise.all(Array.from({ length: 20 }, () => one.dataset(request("AAA"))));
    expect(new Set(all).size).toBe(1);
  });

  test("one caller's abort leaves the others theirs", async () => {
    const one = reader();
    const stop = new AbortController();
    const given = one.dataset(request("AAA"), stop.signal);
    const kept = one.dataset(request("AAA"));
    stop.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    expect((await kept).length).toBe(bars);
  });

  test("new bars make a new dataset; the old one stays as it was", async () => {
    const one = reader();
    const before = await one.dataset(request("BBB"));
    await write("BBB", 1_000, 1_100);
    const after = await one.dataset(request("BBB"));
    expect([before.length, after.length]).toEqual([1_000, 1_100]);
    expect((await one.byHash(before.hash)).length).toBe(1_000);
  });

  test("beyond the cache's limit the one used longest ago goes", async () => {
    const one = reader(1_200 * barBytes);
    const first = await one.dataset({ ...request("BBB"), toMs: 600 * 60_000 });
    const second = await one.dataset({ ...request("BBB"), toMs: 601 * 60_000 - 1 });
    expect((await one.byHash(second.hash)).buffer).toBe(second.buffer);
    expect((await one.byHash(first.hash)).buffer).not.toBe(first.buffer);
  });

  test("a hash that is not there is an error", async () => {
    await expect(reader().byHash("0".repeat(64))).rejects.toMatchObject({ code: "data.missing" });
  });

  test("more bars than the limit are refused", async () => {
    const one = createSeriesReader({ db: database.db, blobs: store.blobs, now, maxBars: 10_000 });
    await expect(one.dataset({ ...request("AAA"), toMs: 12_000 * 60_000 })).rejects.toMatchObject({
      code: "payload.tooLarge",
    });
  });
});

describe("adjustment", () => {
  const day = 86_400_000;
  const columns = (closes: readonly number[]): SeriesColumns => ({
    openMs: Float64Array.from(closes, (_, i) => i * day),
    closeMs: Float64Array.from(closes, (_, i) => (i + 1) * day),
    open: Float64Array.from(closes),
    high: Float64Array.from(closes),
    low: Float64Array.from(closes),
    close: Float64Array.from(closes),
    volume: Float64Array.from(closes, () => 1_000),
  });
  const actions = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant("split" as const),
        exMs: fc.integer({ min: 0, max: 60 }).map((n) => n * day),
        ratio: fc.constantFrom(2, 3, 0.1, 1.5),
      }),
      fc.record({
        kind: fc.constant("dividend" as const),
        exMs: fc.integer({ min: 0, max: 60 }).map((n) => n * day),
        amount: fc.double({ min: 0.01, max: 5, noNaN: true }),
      }),
    ),
    { maxLength: 8 },
  );
  const prices = fc.array(fc.double({ min: 10, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 50 });

  test("leaves the newest bar as traded, and equals the product of the later actions, bar by bar", () => {
    fc.assert(
      fc.property(
        prices,
        actions,
        fc.constantFrom("split" as const, "total" as const),
        (closes, list: CorporateAction[], adjustment) => {
          const adjusted = columns(closes);
          adjustColumns(adjusted, list, adjustment);
          for (let i = 0; i < closes.length; i++) {
            let factor = 1;
            let splits = 1;
            for (const action of list) {
              if (action.exMs < (i + 1) * day) continue;
              const last = Math.min(closes.length, action.exMs / day) - 1;
              if (action.kind === "split") {
                factor /= action.ratio;
                splits /= action.ratio;
              } else if (action.kind === "dividend" && adjustment === "total")
                factor *= 1 - action.amount / closes[last]!;
            }
            expect(adjusted.close[i]!).toBeCloseTo(closes[i]! * factor, 6);
            expect(adjusted.volume[i]! * splits).toBeCloseTo(1_000, 6);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test("a dividend that is not below the price is an error that says which", () => {
    expect(() =>
      adjustColumns(columns([10, 10]), [{ kind: "dividend", exMs: day, amount: 11 }], "total"),
    ).toThrow(/1970-01-02/);
  });
});

describe("a timeframe that is not stored", () => {
  const minute = 60_000;

  test("is joined from the longest stored one that it is made of; the open bar is left out", async () => {
    const hourly = await reader().dataset({ ...request("AAA"), timeframe: "1h" });
    expect(hourly.length).toBe(bars / 60);
    expect(Array.from(hourly.columns.open.slice(0, 3))).toEqual([1, 61, 121]);
    expect(Array.from(hourly.columns.close.slice(0, 3))).toEqual([60, 120, 180]);
    expect(hourly.columns.closeMs[0]).toBe(3_600_000);
    // every second volume is not known
    expect(hourly.columns.volume[0]).toBeNaN();
    const daily = await reader().dataset({ ...request("AAA"), timeframe: "1d" });
    expect(daily.length).toBe(32);
    const early = await reader().dataset({ ...request("AAA"), timeframe: "1d", asOfMs: 3_000 * minute });
    expect(Array.from(early.columns.close)).toEqual([1_440, 2_880]);
  });

  test("holds whole bars at the ends of a range, and is found again by its hash", async () => {
    const range = { fromMs: 90 * minute, toMs: 300 * minute };
    const part = await reader().dataset({ ...request("AAA"), timeframe: "1h", ...range });
    expect(Array.from(part.columns.openMs)).toEqual([120, 180, 240].map((m) => m * minute));
    expect(part.columns.close[2]).toBe(300);
    const again = await reader().byHash(part.hash);
    expect(again).toMatchObject({ timeframe: "1h", timeframeMs: 3_600_000, length: 3 });
    expect(again.columns).toEqual(part.columns);
    expect((await reader().dataset({ ...request("AAA"), timeframe: "1h", ...range })).hash).toBe(part.hash);
  });

  test("that no stored one makes up is missing", async () => {
    await expect(reader().dataset({ ...request("BBB"), timeframe: "30s" })).rejects.toMatchObject({
      code: "data.missing",
    });
  });

  test("of a market with sessions ends with them: a week on Thursday where Friday is a holiday", async () => {
    const writer = createSeriesWriter({ db: database.db });
    const dates = ["2024-03-25", "2024-03-26", "2024-03-27", "2024-03-28", "2024-04-01"];
    const at = (time: string) => dates.map((date) => Date.parse(`${date}T${time}:00Z`));
    await database.db.transaction().execute(async (tx) => {
      await writer.ensureInstrument(tx, { ...instrument("NYS"), calendar: "XNYS" }, jobId, now());
      const values = dates.map((_, i) => i + 1);
      await writer.writeBars(
        tx,
        { space: tenantId, instrumentId: "NYS.LOCAL", timeframe: "1d", jobId, recordedMs: now() },
        {
          openMs: at("13:30"),
          closeMs: at("20:00"),
          open: values,
          high: values,
          low: values,
          close: values,
          volume: values,
        },
      );
    });
    const asked = { ...request("NYS"), timeframe: "1w", asOfMs: Date.parse("2024-04-02") };
    const weekly = await reader().dataset(asked);
    expect(Array.from(weekly.columns.closeMs, (ms) => new Date(ms).toISOString())).toEqual([
      "2024-03-28T20:00:00.000Z",
    ]);
    expect(weekly.columns.volume[0]).toBe(10);
  });

  test("is made of trades where no bars are stored, a corrected trade at its newest revision", async () => {
    const writer = createSeriesWriter({ db: database.db });
    const open = Date.parse("2024-07-03T13:30:00Z");
    const minutes = [-10, 0, 5, 29, 30, 185, 209, 215];
    const put = (price: (i: number) => number, recordedMs: number) =>
      database.db.transaction().execute(async (tx) => {
        await writer.ensureInstrument(tx, { ...instrument("TRD"), calendar: "XNYS" }, jobId, recordedMs);
        const target = { space: tenantId, instrumentId: "TRD.LOCAL", timeframe: "tick", jobId, recordedMs };
        await writer.writeTrades(tx, target, {
          eventMs: minutes.map((m) => open + m * minute),
          ordinal: minutes.map(() => 0),
          price: minutes.map((_, i) => price(i)),
          size: minutes.map(() => 2),
          venue: minutes.map(() => null),
        });
      });
    await put((i) => 100 + i, open + 300 * minute);
    const asked = { ...request("TRD"), timeframe: "30m" };
    const before = await reader().dataset(asked);
    // before the open and after the early close nothing counts
    expect(Array.from(before.columns.openMs, (ms) => (ms - open) / minute)).toEqual([0, 30, 180]);
    expect(Array.from(before.columns.close)).toEqual([103, 104, 106]);
    expect(Array.from(before.columns.volume)).toEqual([6, 2, 4]);
    expect(before.columns.closeMs[2]).toBe(open + 210 * minute);
    await put((i) => (i === 3 ? 90 : 100 + i), open + 400 * minute);
    const after = await reader().dataset(asked);
    expect([after.columns.close[0], after.columns.low[0]]).toEqual([90, 90]);
    const then = await reader().dataset({ ...asked, asOfMs: open + 350 * minute });
    expect(then.columns).toEqual(before.columns);
    const daily = await reader().dataset({ ...asked, timeframe: "1d" });
    expect(daily.columns).toMatchObject({ open: Float64Array.of(101), close: Float64Array.of(106) });
  });
});

test("a bare symbol is a simulated instrument only where there is no other", async () => {
  const writer = createSeriesWriter({ db: database.db });
  const at = (symbol: string, venue: string) => ({
    ...instrument(symbol),
    venue,
    instrumentId: `${symbol}.${venue}`,
  });
  await database.db.transaction().execute(async (tx) => {
    for (const one of [at("AAA", "SIMULATED"), at("ZZZ", "SIMULATED"), at("BBB", "ELSEWHERE")]) {
      await writer.ensureInstrument(tx, one, jobId, now());
    }
  });
  const found = async (ref: string) => (await reader().resolve(tenantId, ref)).instrumentId;
  expect(await found("aaa")).toBe("AAA.LOCAL");
  expect(await found("AAA.SIMULATED")).toBe("AAA.SIMULATED");
  expect(await found("zzz")).toBe("ZZZ.SIMULATED");
  await expect(found("BBB")).rejects.toMatchObject({ code: "symbol.ambiguous" });
});
