import { abnormalReturns, cumulateReturns } from "@tapedeck/quant/statistics/index";
import { seedBars } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSentimentReader, sentimentWriter } from "../../../sentiment/reader.ts";
import { runExtract } from "../../../events/run.ts";
import { saveSentDocument } from "../../../knowledge/store.ts";
import { analyzeFixture } from "../../fixture.ts";
import type { AnalyzeFixture } from "../../fixture.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let fixture: AnalyzeFixture;
let closeMs: number[];
let own: number[];
let market: number[];
/** Days on which Acme gains 5 % more than the market. */
const eventBars = [200, 260, 320, 380, 440];

beforeAll(async () => {
  fixture = await analyzeFixture();
  const spx = fixture.spx.slice(-500);
  let close = 100;
  const bars = spx.map((bar, i) => {
    const marketReturn = i === 0 ? 0 : bar.close / spx[i - 1]!.close - 1;
    const noise = 0.004 * Math.sin(i * 12.9898);
    close *= 1 + 1.2 * marketReturn + noise + (eventBars.includes(i) ? 0.05 : 0);
    return { ...bar, open: close, high: close, low: close, close };
  });
  await seedBars(fixture.db, { instrumentId: "ACME.XNYS", name: "Acme Corp." }, bars);
  closeMs = bars.map((bar) => bar.closeMs);
  own = bars.slice(1).map((bar, i) => bar.close / bars[i]!.close - 1);
  market = spx.slice(1).map((bar, i) => bar.close / spx[i]!.close - 1);
});
afterAll(() => fixture.close());

/** Known two hours before the close of the bar, as bar events[i]. */
const knownAt = (bar: number) => closeMs[bar]! - 2 * hourMs;
const dated = (bars: readonly number[]) => ({
  kind: "dated" as const,
  events: bars.map((bar) => ({ instrumentId: "ACME", atMs: knownAt(bar) })),
});
const study = (payload: object) =>
  fixture.run<"eventStudy">({ kind: "eventStudy", of: dated(eventBars), market: "SPX.INDEX", ...payload });

describe("an event study", () => {
  test("finds what was put into the bars, on day 0 and nowhere else", async () => {
    const { result, context } = await study({});
    expect(result.figures.events.value).toBe(5);
    const day0 = result.path.find(({ bar }) => bar === 0)!;
    expect(day0.mean).toBeGreaterThan(0.04);
    for (const { bar, mean } of result.path) if (bar !== 0) expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(result.windows.map(({ from, to }) => [from, to])).toEqual([
      [-5, 5],
      [-1, 1],
      [0, 0],
    ]);
    for (const test of ["crossSectional", "timeSeries", "patell", "bmp"] as const)
      expect(result.windows[2]![test]!.p).toBeLessThan(0.02);
    expect(result.events.map((one) => one.closeMs)).toEqual(eventBars.map((bar) => closeMs[bar]));
    for (const one of result.events) expect(one.beta).toBeCloseTo(1.2, 0);
    expect(await fixture.evidenceOf(result.windows[0]!.evidenceId)).toMatchObject({
      value: result.windows[0]!.mean,
    });
    expect(context.recorded.inputs.map(({ kind }) => kind)).toEqual(["dataset", "dataset"]);
  });

  test.each(["market", "marketAdjusted", "mean"] as const)(
    "by %s is what the returns give by hand",
    async (model) => {
      const { result } = await study({ model, before: 2, after: 3, estimationBars: 60, gapBars: 4 });
      const around = <T>(list: readonly T[], bar: number, from: number, to: number) =>
        // The return of a bar is one place before it: there is none of the first.
        list.slice(bar - 1 + from, bar - 1 + to);
      const fits = eventBars.map((bar) =>
        abnormalReturns(
          {
            estimation: Float64Array.from(around(own, bar, -66, -6)),
            event: Float64Array.from(around(own, bar, -2, 4)),
            marketEstimation: Float64Array.from(around(market, bar, -66, -6)),
            marketEvent: Float64Array.from(around(market, bar, -2, 4)),
          },
          model,
        ),
      );
      const whole = cumulateReturns(fits, 0, 6);
      expect(result.figures.cumulated.value).toBeCloseTo(whole.mean, 12);
      expect(result.windows[0]!.patell.statistic).toBeCloseTo(whole.patell.statistic, 9);
      expect(result.path.at(-1)!.cumulated).toBeCloseTo(whole.mean, 12);
      expect(result.path.at(-1)!.high! - whole.mean).toBeCloseTo(whole.mean - result.path.at(-1)!.low!, 12);
      expect(result.market).toBe(model === "mean" ? null : "SPX.INDEX");
    },
  );

  test("takes what was known after a close to the next bar, and says what it leaves out", async () => {
    const after = closeMs[eventBars[0]!]!;
    const events = [
      { instrumentId: "ACME.XNYS", atMs: after },
      { instrumentId: "ACME.XNYS", atMs: after + hourMs },
      { instrumentId: "ACME", atMs: closeMs[10]! },
      { instrumentId: "ACME", atMs: closeMs.at(-2)! },
      { instrumentId: "ACME", atMs: closeMs.at(-1)! + dayMs },
      { instrumentId: "ACME", atMs: closeMs[0]! - 400 * dayMs },
    ];
    const { result } = await study({ of: { kind: "dated", events } });
    expect(result.events.map((one) => one.closeMs)).toEqual([closeMs[eventBars[0]! + 1]]);
    expect(result.leftOut.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/next bar closes only on/),
      expect.stringMatching(/^\d+ bars are missing before it$/),
      "another event of the instrument has the same day 0",
      expect.stringMatching(/bars are missing after it$/),
      "no bar closes after it",
    ]);
    expect([result.windows[0]!.crossSectional, result.path[0]!.low]).toEqual([null, null]);
  });

  test("studies stored events, of a kind and a direction, as they were known", async () => {
    const { db, deps } = fixture;
    for (const [i, bar] of eventBars.entries()) {
      await saveSentDocument(
        db,
        "shared",
        {
          title: "News",
          topic: "news",
          sources: [],
          formulas: [],
          publishedMs: knownAt(bar),
          text:
            i === 4
              ? "Acme cut its full-year revenue outlook."
              : "Acme raised its full-year revenue outlook.",
        },
        knownAt(bar),
        { kind: "news" },
      );
    }
    const ctx = { ...fixture.context(), commit: (fn: never) => db.transaction().execute(fn) };
    await runExtract({ db, sentimentWriter }, {}, ctx as never);
    expect(
      await createSentimentReader({ db, now: () => Date.now() }).points("t", "ACME.XNYS", Date.now()),
    ).toHaveLength(5);
    const of = { kind: "stored", instruments: ["ACME"], kinds: ["guidance"], direction: "good" };
    const { result } = await study({ of });
    expect(result.events.map(({ label }) => label)).toEqual(
      Array.from({ length: 4 }, () => "Acme raised its full-year revenue outlook."),
    );
    const [first] = (await deps.events.list("t", { limit: 10 })).items.toReversed();
    expect(result.events[0]).toMatchObject({ eventId: first!.id, atMs: knownAt(eventBars[0]!) });
    const resolved = await fixture.resolve({ kind: "eventStudy", of, market: "SPX" });
    expect(resolved.payload).toMatchObject({
      of: { kind: "dated", events: [{ instrumentId: "ACME.XNYS" }, {}, {}, {}] },
    });
    await expect(study({ of: { ...of, kinds: ["hack"] } })).rejects.toMatchObject({ code: "data.missing" });
  });

  test.each<[string, object, RegExp]>([
    ["no market", { market: undefined }, /name the market/],
    ["a window beyond", { windows: [{ from: -9, to: 0 }] }, /reaches beyond/],
    ["a window that ends before it begins", { windows: [{ from: 2, to: 1 }] }, /ends before/],
    ["an unknown instrument", { of: { kind: "dated", events: [{ instrumentId: "NONE", atMs: 0 }] } }, /NONE/],
    [
      "events without bars",
      { of: { kind: "dated", events: [{ instrumentId: "ACME", atMs: 0 }] } },
      /None of the 1/,
    ],
  ])("refuses %s", async (_, payload, message) => {
    await expect((async () => study(payload))()).rejects.toThrow(message);
  });

  test("stops when it is cancelled", async () => {
    const ctx = fixture.context({ signal: AbortSignal.abort(new Error("cancelled")) });
    const asked = fixture.run({ kind: "eventStudy", of: dated(eventBars), market: "SPX" }, ctx);
    await expect(asked).rejects.toThrow("cancelled");
  });
});
