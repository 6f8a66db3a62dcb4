import path from "node:path";
import { evaluateFormulas } from "@tapedeck/formula";
import { projectRoot, seedBars } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureContext } from "../backtest/books.fixture.ts";
import { BacktestPayload } from "../backtest/contract.ts";
import { createStrategyModules } from "../backtest/modules/folder.ts";
import { runBacktest } from "../backtest/run.ts";
import { callerOf, eventsFixture, tenantA, tenantB } from "../events/events.fixture.ts";
import { createEvidenceStore } from "../evidence/store.ts";
import { createFormulaLibrary } from "../indicators/library.ts";
import { sentimentRouteHandlers } from "./read.ts";

const dayMs = 86_400_000;
const startMs = Date.parse("2024-03-04T14:30:00Z");
const nowMs = Date.parse("2024-04-01");
let f: Awaited<ReturnType<typeof eventsFixture>>;

beforeAll(async () => {
  f = await eventsFixture(nowMs);
  const bars = Array.from({ length: 15 }, (_, i) => ({
    openMs: startMs + i * dayMs,
    closeMs: startMs + i * dayMs + 6.5 * 3_600_000,
    open: 100 + i,
    high: 101 + i,
    low: 99 + i,
    close: 100 + i,
    volume: 1_000,
  }));
  await seedBars(f.db, { instrumentId: "AAPL.XNAS", name: "Apple Inc." }, bars);
  await seedBars(f.db, { instrumentId: "INTC.XNAS", name: "Intel Corporation" }, bars);
  await f.add("Apple profit rose strongly.", "2024-03-05T20:00:00Z");
  await f.add("Apple losses widened.", "2024-03-05T22:00:00Z");
  await f.add("Apple suffers a scandal.", "2024-03-05T22:00:00Z", { kind: "post" });
  await f.add("Apple beats estimates.", "2024-03-08T12:00:00Z", { tenantId: tenantB });
  await f.extract(tenantA);
  await f.extract(tenantB);
});
afterAll(() => f.close());

const read = (tenantId: string, query: Record<string, unknown> = {}) =>
  sentimentRouteHandlers.getSentiment(
    f.deps,
    {
      params: { instrumentId: "AAPL" },
      query: { limit: 50, ...query },
      body: undefined,
      request: new Request("http://localhost"),
    } as never,
    callerOf(tenantId),
  );

/** sentiment("AAPL") on the bars of Intel, as a chart or a backtest reads them. */
async function column(
  tenantId: string,
  asOfMs?: number,
): Promise<{ closeMs: Float64Array; values: Float64Array }> {
  const request = { tenantId, timeframe: "1d", adjustment: "raw" as const, asOfMs };
  const base = await f.deps.series.dataset({ ...request, instrumentId: "INTC.XNAS" });
  const { instrumentId } = await f.deps.series.resolve(tenantId, "sentiment:AAPL");
  expect(instrumentId).toBe("sentiment:AAPL.XNAS");
  const news = await f.deps.series.dataset({ ...request, instrumentId });
  const of = (one: typeof base) => ({ length: one.length, ...one.columns, timeframeMs: one.timeframeMs });
  const values = evaluateFormulas(['sentiment("AAPL")'], { ...of(base), resolve: () => of(news) })[0];
  return { closeMs: base.columns.closeMs, values: values as Float64Array };
}

describe("the sentiment series", () => {
  test("is in formulas what the reader says at each bar's close", async () => {
    for (const tenantId of [tenantA, tenantB]) {
      const { closeMs, values } = await column(tenantId);
      for (const [i, at] of closeMs.entries()) {
        const expected = await f.deps.sentiments.valueAt(tenantId, "AAPL.XNAS", at);
        if (expected === undefined) expect(values[i]).toBeNaN();
        else expect(values[i]).toBeCloseTo(expected.value, 12);
      }
    }
  });

  test("is good by the first close, and turned by what came after it only from the next", async () => {
    const { values } = await column(tenantA);
    expect(values[0]).toBeNaN();
    expect(values[1]).toBeGreaterThan(0.1);
    expect(values[2]).toBeLessThan(values[1]!);
  });

  test("as of a time is cut there and else the same", async () => {
    const asOfMs = startMs + 3 * dayMs;
    const whole = await column(tenantB);
    const cut = await column(tenantB, asOfMs);
    expect(cut.values.length).toBe(3);
    expect(cut.values).toEqual(whole.values.slice(0, 3));
  });

  test("decides a backtest bar by bar, and is named among what it read", async () => {
    const { db, blobs } = f;
    const ctx = fixtureContext<never>(db, { tenantId: tenantA, now: () => nowMs });
    const result = await runBacktest(
      {
        series: f.deps.series,
        evidence: createEvidenceStore({ db, now: () => nowMs }),
        blobs,
        formulas: createFormulaLibrary({ db }),
        strategies: createStrategyModules({ dir: path.join(projectRoot, "strategies") }),
      },
      BacktestPayload.parse({
        instrumentId: "INTC",
        strategy: { kind: "rules", entry: 'sentiment("AAPL") > 0.1', exit: 'sentiment("AAPL") < 0' },
        initialCash: "1000",
      }),
      ctx,
    );
    const { closeMs, values } = await column(tenantA);
    const good = values.findIndex((value) => value > 0.1);
    const trades = await db
      .selectFrom("backtestTrades")
      .select("entryMs")
      .where("runId", "=", result.runId)
      .execute();
    expect(trades.map(({ entryMs }) => entryMs > closeMs[good]! && entryMs < closeMs[good + 1]!)).toEqual([
      true,
    ]);
    expect(ctx.inputs.map(({ label }) => label.split(" ")[0])).toEqual(["INTC.XNAS", "sentiment:AAPL.XNAS"]);
  });

  test("says what to do where nothing was published", async () => {
    const asked = f.deps.series.dataset({
      tenantId: tenantA,
      instrumentId: "sentiment:INTC.XNAS",
      timeframe: "1d",
      adjustment: "raw",
    });
    await expect(asked).rejects.toMatchObject({
      code: "data.missing",
      message: expect.stringContaining("POST /api/documents") as string,
    });
    await expect(f.deps.series.resolve(tenantA, "sentiment:NONE")).rejects.toMatchObject({
      code: "symbol.unknown",
    });
  });

  test("is listed with its sources, the mean at the time, and page by page", async () => {
    const all = await read(tenantA);
    expect(all).toMatchObject({
      instrumentId: "AAPL.XNAS",
      asOfMs: nowMs,
      halfLifeMs: 3 * dayMs,
      nextCursor: null,
    });
    const { items } = all as { items: { source: string; weight: number; label: string }[] };
    expect(items.map(({ source, weight, label }) => [source, weight, label])).toEqual([
      ["post", 0.3, "negative"],
      ["news", 1, "negative"],
      ["news", 1, "positive"],
    ]);
    const first = (await read(tenantA, { limit: 2 })) as { items: unknown[]; nextCursor: string };
    const second = (await read(tenantA, { limit: 2, cursor: first.nextCursor })) as { items: unknown[] };
    expect([...first.items, ...second.items]).toEqual(items);
    expect(await read(tenantA, { asOf: startMs })).toMatchObject({ items: [], value: null });
    expect(await read(tenantB)).toMatchObject({
      items: [{ score: expect.any(Number) as number }, {}, {}, {}],
    });
  });
});
