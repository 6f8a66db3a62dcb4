import { AppError, newId } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

const minuteMs = 60_000;
const startMs = Date.parse("2020-01-01T00:00:00Z");

/** Minute bars around the clock, with a refused row in each thousand. */
function minutes(count: number, shuffle = false): string {
  const rows = Array.from({ length: count }, (_, i) => {
    const price = 100 + (i % 17);
    const high = i % 1_000 === 999 ? price - 5 : price + 1;
    return `${startMs + i * minuteMs},${price},${high},${price - 1},${price},${i}`;
  });
  if (shuffle) for (let i = 0; i + 7 < count; i += 11) [rows[i], rows[i + 7]] = [rows[i + 7]!, rows[i]!];
  return `open_ms,open,high,low,close,volume\n${rows.join("\n")}\n`;
}

describe("an import that is cut off", () => {
  test.each([
    ["in order", false],
    ["not in order", true],
  ])("goes on where it was, source %s: nothing lost, nothing doubled", async (name, shuffle) => {
    const jobId = newId(Date.now());
    const symbol = shuffle ? "MIX" : "RUN";
    const payload = { instrument: { symbol, calendar: "24x7" } };
    const content = minutes(45_000, shuffle);
    const cut = new Error("killed");
    for (const at of [1, 0, 2]) {
      await expect(
        fixture.runFile(`${symbol}.csv`, content, payload, {
          jobId,
          onCommit: (commits) => {
            if (commits === at) throw cut;
          },
        }),
        name,
      ).rejects.toBe(cut);
    }
    const result = await fixture.runFile(`${symbol}.csv`, content, payload, { jobId });
    expect(result.rowsRead).toBe(45_000);
    expect(result.quarantined).toBe(45);
    expect(result.quarantineReasons).toEqual({ "ohlc.violation": 45 });
    expect(result.instruments[0]).toMatchObject({ rows: 44_955, inserted: 44_955, revised: 0, unchanged: 0 });
    const kept = await fixture.db
      .selectFrom("ingestQuarantine")
      .select((eb) => eb.fn.countAll<number>().as("rows"))
      .where("jobId", "=", jobId)
      .executeTakeFirstOrThrow();
    expect(Number(kept.rows)).toBe(45);
    const { columns } = await fixture.series.dataset({
      tenantId,
      instrumentId: `${symbol}.LOCAL`,
      timeframe: "1m",
      adjustment: "raw",
    });
    expect(columns.volume.reduce((sum, value) => sum + value, 0)).toBe(
      (45_000 * 44_999) / 2 - Array.from({ length: 45 }, (_, k) => k * 1_000 + 999).reduce((a, b) => a + b),
    );
  });

  test("and whose file changed meanwhile is refused", async () => {
    const jobId = newId(Date.now());
    const payload = { instrument: { symbol: "CHG", calendar: "24x7" } };
    await expect(
      fixture.runFile("chg.csv", minutes(25_000), payload, {
        jobId,
        onCommit: (commits) => {
          if (commits === 1) throw new Error("killed");
        },
      }),
    ).rejects.toThrow("killed");
    await expect(fixture.runFile("chg.csv", minutes(26_000), payload, { jobId })).rejects.toMatchObject({
      code: "data.invalid",
      message: expect.stringContaining("changed") as string,
    });
  });

  test("stops between chunks when it is cancelled", async () => {
    const stop = new AbortController();
    const reason = new AppError("job.cancelled", "cancelled");
    const running = fixture.runFile(
      "stop.csv",
      minutes(45_000),
      { instrument: { symbol: "STOP", calendar: "24x7" } },
      {
        signal: stop.signal,
        onCommit: (commits) => {
          if (commits === 1) stop.abort(reason);
        },
      },
    );
    await expect(running).rejects.toBe(reason);
    const [stored] = await fixture.series.coverage(tenantId, "STOP.LOCAL");
    expect(stored!.bars).toBeGreaterThan(0);
    expect(stored!.bars).toBeLessThan(44_000);
  });

  test("reports bytes and rows as it goes", async () => {
    fixture.progress.length = 0;
    const content = minutes(30_000);
    await fixture.runFile("prog.csv", content, { instrument: { symbol: "PROG", calendar: "24x7" } });
    const reading = fixture.progress.filter((item) => item.phase === "reading");
    expect(reading.length).toBeGreaterThan(2);
    expect(reading.at(-1)).toMatchObject({
      bytesDone: content.length,
      bytesTotal: content.length,
      rowsDone: 30_000,
    });
    expect(reading.map((item) => item.rowsDone)).toEqual(
      reading.map((item) => item.rowsDone).toSorted((a, b) => a - b),
    );
  });
});

describe("revisions", () => {
  const request = { tenantId, instrumentId: "REV.LOCAL", timeframe: "1d", adjustment: "raw" } as const;
  const closes = async (asOf?: string) => [
    ...(
      await fixture.series.dataset({ ...request, asOfMs: asOf === undefined ? undefined : Date.parse(asOf) })
    ).columns.close,
  ];

  test("a changed bar is a new revision, seen only from when it was recorded; the first one from its close", async () => {
    const payload = { instrument: { symbol: "REV" } };
    fixture.clock.ms = Date.parse("2026-01-05T00:00:00Z");
    await fixture.runFile("rev.csv", "date,close\n2020-01-02,1\n2020-01-03,2\n2020-01-06,3\n", payload);
    const before = await fixture.series.dataset(request);
    fixture.clock.ms = Date.parse("2026-02-01T00:00:00Z");
    const result = await fixture.runFile(
      "rev.csv",
      "date,close\n2020-01-02,1\n2020-01-03,2.5\n2020-01-06,3\n2020-01-07,4\n",
      payload,
    );
    expect(result.instruments[0]).toMatchObject({ inserted: 1, revised: 1, unchanged: 2, rows: 4 });

    expect(await closes()).toEqual([1, 2.5, 3, 4]);
    expect(await closes("2026-01-31")).toEqual([1, 2, 3, 4]);
    expect(await closes("2020-01-03T20:59:59Z")).toEqual([1]);
    expect(await closes("2020-01-03T21:00:00Z")).toEqual([1, 2]);
    const replay = await fixture.series.byHash(before.hash);
    expect([...replay.columns.close]).toEqual([1, 2, 3]);
  });

  test("datasets are named by content: the same values have one hash, others another", async () => {
    const all = await fixture.series.dataset(request);
    const same = await fixture.series.dataset({ ...request, asOfMs: fixture.clock.ms });
    expect(same.hash).toBe(all.hash);
    const part = await fixture.series.dataset({ ...request, toMs: Date.parse("2020-01-06") });
    expect(part.hash).not.toBe(all.hash);
    expect([...part.columns.close]).toEqual([1, 2.5]);
  });

  test("a range without bars says what is there", async () => {
    await expect(fixture.series.dataset({ ...request, timeframe: "1h" })).rejects.toMatchObject({
      code: "data.missing",
      message: expect.stringContaining("1d (2020-01-02 to 2020-01-07)") as string,
    });
    await expect(
      fixture.series.dataset({ ...request, fromMs: Date.parse("2021-01-01") }),
    ).rejects.toMatchObject({ code: "data.missing" });
    // Nor does the refusal tell what came after asOf.
    const early = { ...request, timeframe: "1h", asOfMs: Date.parse("2020-01-04") };
    const refusal = await fixture.series.dataset(early).catch((error: unknown) => error as AppError);
    expect(JSON.stringify([(refusal as AppError).message, (refusal as AppError).details])).toContain(
      "1d (2020-01-02 to 2020-01-03)",
    );
    expect((refusal as AppError).details).toMatchObject({
      coverage: [{ timeframe: "1d", toMs: Date.parse("2020-01-04") }],
    });
  });
});

describe("spaces", () => {
  const other = "01900000-0000-7000-8000-000000000009";
  test("a tenant's own bars are seen by it alone; shared ones by all; its own come first", async () => {
    await fixture.runFile("sp.csv", "date,close\n2020-01-02,1\n2020-01-03,2\n", {
      instrument: { symbol: "SP" },
    });
    await expect(fixture.series.resolve(other, "SP")).rejects.toMatchObject({ code: "symbol.unknown" });
    await fixture.runFile("sp.csv", "date,close\n2020-01-02,7\n2020-01-03,8\n", {
      instrument: { symbol: "SP" },
      space: "shared",
    });
    const request = { instrumentId: "SP.LOCAL", timeframe: "1d", adjustment: "raw" } as const;
    const [own, shared] = [
      await fixture.series.dataset({ ...request, tenantId }),
      await fixture.series.dataset({ ...request, tenantId: other }),
    ];
    expect([...own.columns.close]).toEqual([1, 2]);
    expect([...shared.columns.close]).toEqual([7, 8]);
  });
  test("a symbol of two venues is ambiguous and names both", async () => {
    const content = "date,close\n2020-01-02,1\n2020-01-03,2\n";
    await fixture.runFile("two.csv", content, { instrument: { symbol: "TWO", venue: "XNYS" } });
    await fixture.runFile("two.csv", content, { instrument: { symbol: "TWO", venue: "XLON" } });
    await expect(fixture.series.resolve(tenantId, "two")).rejects.toMatchObject({
      code: "symbol.ambiguous",
      details: { candidates: ["TWO.XLON", "TWO.XNYS"] },
    });
    expect(await fixture.series.resolve(tenantId, "two.xlon")).toMatchObject({ venue: "XLON" });
  });
});
