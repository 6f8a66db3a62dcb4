import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { dataDir, hasData, leaveOutUnless } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";
import { loadQuality } from "./store.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

/** A file of the data folder, imported as it is. */
async function run(file: string, payload: object = {}) {
  const name = path.basename(file);
  copyFileSync(path.join(dataDir, file), path.join(fixture.dir, name));
  return fixture.run({ source: { kind: "file", path: name }, ...payload });
}

const sessions = { instrument: { venue: "XNYS" } };

leaveOutUnless(hasData, "DATA_DIR")("import of real market data", () => {
  test("ten daily files: all rows, no gaps but those that the files have", async () => {
    for (const file of readdirSync(path.join(dataDir, "equities/daily"))) {
      const rows =
        readFileSync(path.join(dataDir, "equities/daily", file), "utf8")
          .trim()
          .split("\n").length - 1;
      const result = await run(`equities/daily/${file}`, sessions);
      const [series] = result.instruments;
      expect(result.quarantined, file).toBe(0);
      expect(series, file).toMatchObject({ timeframe: "1d", rows, inserted: rows });
      expect(result.mapping!.calendar, file).toBe("XNYS");
      expect(result.quality[0]!.outsideCalendar, file).toBe(0);
      expect(result.quality[0]!.bars + result.quality[0]!.missing!, file).toBe(result.quality[0]!.expected);
    }
    const spy = await fixture.series.dataset({
      tenantId,
      instrumentId: "SPY.XNYS",
      timeframe: "1d",
      adjustment: "raw",
    });
    expect(spy.length).toBe(5_849);
  });

  test("suspected splits are found before the factors are there, and not after", async () => {
    await run("equities/daily/AAPL.csv", sessions);
    const [whole] = await loadQuality(fixture.db, tenantId, "AAPL.XNYS");
    const dates = whole!.findings
      .filter((finding) => finding.kind === "suspectedSplit")
      .map((finding) => new Date(finding.atMs).toISOString().slice(0, 10));
    expect(dates).toEqual(["2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31"]);
    await run("equities/factors/AAPL.csv", { dataKind: "factors" });
    const after = await run("equities/daily/AAPL.csv", sessions);
    expect(after.quality[0]!.suspectedSplits).toBe(0);
  });

  test.each(["AAPL", "SPY", "AIG", "USO", "GOOG"])(
    "%s: adjusted price = raw × factors of the first row dated at the bar or later",
    async (symbol) => {
      await run(`equities/daily/${symbol}.csv`, sessions);
      await run(`equities/factors/${symbol}.csv`, { dataKind: "factors" });
      const factors = readFileSync(path.join(dataDir, `equities/factors/${symbol}.csv`), "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(",").map(Number));
      const request = { tenantId, instrumentId: `${symbol}.XNYS`, timeframe: "1d" } as const;
      const raw = await fixture.series.dataset({ ...request, adjustment: "raw" });
      const split = await fixture.series.dataset({ ...request, adjustment: "split" });
      const total = await fixture.series.dataset({ ...request, adjustment: "total" });
      for (let i = 0; i < raw.length; i++) {
        const date = Number(new Date(raw.columns.openMs[i]!).toISOString().slice(0, 10).replaceAll("-", ""));
        const [, price, splits] = factors.find((row) => row[0]! >= date)!;
        const close = raw.columns.close[i]!;
        expect(Math.abs(split.columns.close[i]! / (close * splits!) - 1)).toBeLessThan(1e-12);
        expect(Math.abs(total.columns.close[i]! / (close * splits! * price!) - 1)).toBeLessThan(1e-12);
        expect(Math.abs(split.columns.volume[i]! / (raw.columns.volume[i]! / splits!) - 1)).toBeLessThan(
          1e-12,
        );
      }
    },
  );

  test("as of a day before a split, the split is not applied", async () => {
    const request = { tenantId, instrumentId: "AAPL.XNYS", timeframe: "1d", adjustment: "split" } as const;
    const asOfMs = Date.parse("2020-08-28T20:00:00Z");
    const then = await fixture.series.dataset({ ...request, asOfMs });
    expect(then.columns.closeMs.at(-1)).toBe(asOfMs);
    expect(then.columns.close.at(-1)).toBeCloseTo(499.23, 2);
    const later = await fixture.series.dataset({ ...request, asOfMs: Date.parse("2020-08-31T20:00:00Z") });
    expect(later.columns.close.at(-2)).toBeCloseTo(499.23 / 4, 2);
  });

  test("minute bars of a perpetual: packed, around the clock", async () => {
    const result = await run("crypto/BTC-PERP-1m-202201.csv.gz", { instrument: { venue: "FTX" } });
    const rows =
      gunzipSync(readFileSync(path.join(dataDir, "crypto/BTC-PERP-1m-202201.csv.gz")))
        .toString()
        .trim()
        .split("\n").length - 1;
    expect(result.instruments[0]).toMatchObject({ instrumentId: "BTC-PERP.FTX", timeframe: "1m", rows });
    expect(result.mapping).toMatchObject({ calendar: "24x7", timeframe: "1m", stamp: "close" });
    expect(result.mapping!.guesses.find((guess) => guess.what === "stamp")?.why).toContain("one bar after");
    expect(result.quality[0]).toMatchObject({ bars: rows });
  });

  test("hourly bars whose header says that the time is the open", async () => {
    const result = await run("crypto/BTCUSDT-1h.csv.gz", { instrument: { venue: "BINANCE" } });
    expect(result.instruments[0]).toMatchObject({
      instrumentId: "BTCUSDT.BINANCE",
      timeframe: "1h",
      rows: 120,
    });
    expect(result.mapping).toMatchObject({ stamp: "open", calendar: "24x7" });
    expect(result.quality[0]).toMatchObject({ missing: 0, expected: 120 });
  });

  test("every trade print of a day, twice: nothing doubled", { timeout: 240_000 }, async () => {
    const payload = { dataKind: "trades", instrument: { venue: "XNYS" } };
    const first = await run("equities/SPY-trades-20131008.csv.gz", payload);
    expect(first.rowsRead).toBe(451_545);
    expect(first.quarantined + first.instruments[0]!.inserted).toBe(451_545);
    expect(first.instruments[0]).toMatchObject({
      instrumentId: "SPY.XNYS",
      kind: "trades",
      timeframe: "tick",
    });
    const again = await run("equities/SPY-trades-20131008.csv.gz", payload);
    expect(again.instruments[0]).toMatchObject({
      inserted: 0,
      revised: 0,
      unchanged: first.instruments[0]!.inserted,
    });
  });
});
