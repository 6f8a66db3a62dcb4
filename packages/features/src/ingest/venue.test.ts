import { newId } from "@tapedeck/core";
import { createBarSources, testBinance, testLog } from "@tapedeck/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

const hourMs = 3_600_000;
const startMs = Date.parse("2024-01-01T00:00:00Z");
/** Longer than a page. */
const outage = { from: 700, to: 1_300 };

let venue: Awaited<ReturnType<typeof testBinance>>;
let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  venue = await testBinance({ startMs, bars: 2_000, outage, pageBars: 400 });
  fixture = await ingestFixture(
    createBarSources({ log: testLog(), urls: { binance: venue.url }, pauseMs: 20 }),
  );
});
afterAll(async () => {
  await fixture.close();
  await venue.close();
});
beforeEach(() => {
  venue.asked.length = 0;
});

const source = (symbol: string, bars: number) => ({
  source: {
    kind: "venue" as const,
    venue: "binance",
    symbol,
    timeframe: "1h",
    fromMs: startMs,
    toMs: startMs + bars * hourMs,
  },
});

describe("bars of a venue", () => {
  test("all pages, over an outage, killed and gone on; kept pages are not asked for again", async () => {
    const jobId = newId(Date.now());
    await expect(
      fixture.run(source("BTC/USDT", 2_000), {
        jobId,
        onCommit: (commits) => {
          if (commits === 2) throw new Error("killed");
        },
      }),
    ).rejects.toThrow("killed");
    const result = await fixture.run(source("BTC/USDT", 2_000), { jobId });
    expect(result.instruments[0]).toMatchObject({
      instrumentId: "BTC-USDT.BINANCE",
      rows: 1_400,
      inserted: 1_400,
      revised: 0,
    });
    expect(result.quality[0]).toMatchObject({ missing: 600, expected: 2_000 });
    const { columns } = await fixture.series.dataset({
      tenantId,
      instrumentId: "BTC-USDT.BINANCE",
      timeframe: "1h",
      adjustment: "raw",
    });
    expect(columns.volume.at(-1)).toBe(1_999);

    const before = venue.asked.length;
    const again = await fixture.run(source("BTC/USDT", 2_000));
    expect(again.instruments[0]).toMatchObject({ inserted: 0, revised: 0, unchanged: 1_400 });
    expect(venue.asked.length).toBe(before);
  });

  test("the bar that is still forming is left out", async () => {
    fixture.clock.ms = startMs + 10.5 * hourMs;
    const result = await fixture.run(source("ETH/USDT", 24));
    expect(result.instruments[0]).toMatchObject({ rows: 10, toMs: startMs + 10 * hourMs });
    fixture.clock.ms = startMs + 12.5 * hourMs;
    const later = await fixture.run(source("ETH/USDT", 24));
    expect(later.instruments[0]).toMatchObject({ rows: 12, inserted: 2, unchanged: 10 });
  });

  test("a range in which the venue has nothing says so", async () => {
    fixture.clock.ms = startMs + 3_000 * hourMs;
    await expect(
      fixture.run({
        source: {
          kind: "venue",
          venue: "binance",
          symbol: "BTC/USDT",
          timeframe: "1h",
          fromMs: startMs + outage.from * hourMs,
          toMs: startMs + outage.to * hourMs,
        },
      }),
    ).rejects.toMatchObject({
      code: "data.missing",
      message: expect.stringContaining("binance has no 1h bars") as string,
    });
  });
});
