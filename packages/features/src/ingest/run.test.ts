import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

describe("bundled sources", () => {
  test("sp500 is the S&P 500's daily bars, and a second import changes nothing", async () => {
    const first = await fixture.run({ source: { kind: "bundled", name: "sp500" } });
    expect(first.instruments).toMatchObject([
      {
        instrumentId: "SPX.INDEX",
        name: "S&P 500",
        timeframe: "1d",
        rows: 5_105,
        inserted: 5_105,
        revised: 0,
        unchanged: 0,
      },
    ]);
    expect(first.quarantined).toBe(0);
    expect(first.quality[0]).toMatchObject({ calendar: "XNYS", bars: 5_105, missing: 0, outsideCalendar: 0 });
    const again = await fixture.run({ source: { kind: "bundled", name: "sp500" } });
    expect(again.instruments[0]).toMatchObject({ inserted: 0, revised: 0, unchanged: 5_105 });

    const dataset = await fixture.series.dataset({
      tenantId,
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      adjustment: "split",
    });
    expect(dataset.length).toBe(5_105);
    expect(dataset.columns.openMs[0]).toBe(Date.parse("2000-01-03T14:30:00Z"));
    expect(dataset.columns.closeMs[0]).toBe(Date.parse("2000-01-03T21:00:00Z"));
    expect(dataset.columns.close[0]).toBe(1455.219971);
    const same = await fixture.series.dataset({
      tenantId,
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      adjustment: "split",
    });
    expect(same.columns).toBe(dataset.columns);
  });

  test("stocks is five instruments of monthly prices", async () => {
    const result = await fixture.run({ source: { kind: "bundled", name: "stocks" } });
    expect(result.instruments.map((item) => [item.instrumentId, item.timeframe, item.rows])).toEqual([
      ["AAPL.XNAS", "1mo", 123],
      ["AMZN.XNAS", "1mo", 123],
      ["GOOG.XNAS", "1mo", 68],
      ["IBM.XNYS", "1mo", 123],
      ["MSFT.XNAS", "1mo", 123],
    ]);
    expect(result.mapping).toMatchObject({
      priceOnly: true,
      columns: { date: "date", symbol: "symbol", price: "price" },
    });
    expect(result.quality[4]).toMatchObject({ instrumentId: "MSFT.XNAS", missing: 0, expected: 123 });
  });
});
