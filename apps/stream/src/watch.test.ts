import { setImmediate as turn } from "node:timers/promises";
import { seededRandom } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import type { LiveBar } from "@tapedeck/features/ticks/contract";
import { createFormulaRun, evaluateFormulas } from "@tapedeck/formula";
import type { Bar, Dataset } from "@tapedeck/formula";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seriesHere } from "./fixture.ts";
import { createWatches, formulaWatch } from "./watch.ts";
import type { Watches, WatchOptions } from "./watch.ts";

const instrumentId = "A.HAND";
const on = { instrumentId, timeframe: "1s", tenantId: "tenant" } as const;
const day = Date.UTC(2026, 0, 5);

const barAt = (second: number, high: number, id = instrumentId): LiveBar => ({
  venue: "hand",
  instrumentId: id,
  timeframe: "1s",
  openMs: day + second * 1_000,
  closeMs: day + second * 1_000 + 1_000,
  open: 1,
  high,
  low: 1,
  close: 1,
  volume: 1,
  trades: 1,
  final: true,
  revision: 1,
});

function watchesOf(
  history: (id: string) => Promise<readonly Bar[]>,
  seriesOf: WatchOptions["seriesOf"] = seriesHere(history),
): Watches {
  return createWatches({ seriesOf, log: testLog(), retryMs: 1_000, patienceMs: 50 });
}

/** Until watches have taken what they were given. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await turn();
}

test("corrections that come while the history is taken are seen by formulas, as a batch sees them", async () => {
  const kept = Array.from({ length: 3_000 }, (_, second) => barAt(second, 1));
  const watches = watchesOf(() => Promise.resolve([...kept]));
  const seen = new Map<number, number>();
  const watch = watches.open(formulaWatch(on, ["highest(high, 5)"]), (closeMs, values) =>
    seen.set(closeMs, values[0]!),
  );
  const take = (bar: LiveBar) => {
    kept[(bar.openMs - day) / 1_000] = bar;
    watches.take([bar]);
  };
  // Some of the history is taken by then.
  while (seen.size === 0) await turn();
  expect(seen.size).toBeLessThan(kept.length);
  take(barAt(10, 50));
  take(barAt(2_990, 50));
  take(barAt(2_992, 60));
  take(barAt(2_992, 55));
  take(barAt(3_000, 20));
  take(barAt(3_000, 70));
  take(barAt(3_001, 1));
  await watch.ready;
  await settled();
  const highest = (i: number) =>
    i < 4 ? Number.NaN : Math.max(...kept.slice(i - 4, i + 1).map(({ high }) => high));
  expect(seen).toEqual(new Map(kept.map(({ closeMs }, i) => [closeMs, highest(i)])));
  watch.stop();
});

function datasetOf(bars: readonly Bar[]): Dataset {
  const column = (name: keyof Bar) => Float64Array.from(bars, (bar) => bar[name]);
  const [openMs, closeMs, open, high] = [column("openMs"), column("closeMs"), column("open"), column("high")];
  const [low, close, volume] = [column("low"), column("close"), column("volume")];
  return { length: bars.length, openMs, closeMs, open, high, low, close, volume, timeframeMs: 1_000 };
}

test("whatever the order in which bars of two instruments come and are corrected, the values end as a batch's", async () => {
  const formula = 'ema(high, 5) - sma(high["B.HAND"], 3) + highest(high["B.HAND"], 2, timeframe: "5s")';
  const some = fc.record({
    second: fc.integer({ min: 0, max: 60 }),
    high: fc.integer({ min: 1, max: 9 }),
    isBase: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(some, { minLength: 20, maxLength: 150 }), async (told) => {
      const kept = { [instrumentId]: new Map<number, LiveBar>(), "B.HAND": new Map<number, LiveBar>() };
      const rows = (id: string) =>
        [...kept[id as keyof typeof kept].values()].toSorted((a, b) => a.closeMs - b.closeMs);
      const watches = watchesOf((id) => Promise.resolve(rows(id)));
      const seen = new Map<number, number>();
      const watch = watches.open(formulaWatch(on, [formula]), (closeMs, values) =>
        seen.set(closeMs, values[0]!),
      );
      for (const { second, high, isBase } of told) {
        const bar = barAt(second, high, isBase ? instrumentId : "B.HAND");
        kept[isBase ? instrumentId : "B.HAND"].set(second, bar);
        watches.take([bar]);
        if (high === 1) await turn();
      }
      await settled();
      const data = datasetOf(rows(instrumentId));
      const [batch] = evaluateFormulas([formula], { ...data, resolve: () => datasetOf(rows("B.HAND")) });
      expect(seen).toEqual(new Map([...data.closeMs].map((closeMs, i) => [closeMs, batch![i]!])));
      watch.stop();
    }),
    { numRuns: 50 },
  );
});

test("a correction costs about as many bars as it is old, and the history is not read again", async () => {
  const random = seededRandom(1, "corrections");
  const kept = Array.from({ length: 4_000 }, (_, second) => barAt(second, 1 + random()));
  let reads = 0;
  const watches = watchesOf(() => {
    reads += 1;
    return Promise.resolve(kept);
  });
  let pushed = 0;
  const begin = () => {
    const run = createFormulaRun(["ema(high, 20) > 1"], { timeframeMs: 1_000 });
    return { ...run, push: (bar: Bar) => ((pushed += 1), run.push(bar)) };
  };
  const watch = watches.open({ ...on, begin, historyBars: 5_000 }, () => undefined);
  await watch.ready;
  expect(pushed).toBe(4_000);
  for (const age of [1, 5, 40, 300, 900]) {
    pushed = 0;
    watches.take([barAt(3_999 - age, 1 + random())]);
    await settled();
    expect(pushed).toBeGreaterThan(age);
    expect(pushed).toBeLessThan(3 * age + 40);
  }
  expect(reads).toBe(1);
  watch.stop();
});

test("a bar waits for that of another process, and goes on without one that does not come", async () => {
  const here = seriesHere(() => Promise.resolve([]));
  const watches = watchesOf(
    () => Promise.resolve([]),
    (name, request) => ({ ...here(name, request), isLate: () => name === "B.HAND" }),
  );
  const told: [number, number][] = [];
  const watch = watches.open(formulaWatch(on, ['high - high["B.HAND"]']), (closeMs, values) =>
    told.push([(closeMs - day) / 1_000, values[0]!]),
  );
  await watch.ready;
  watches.take([barAt(0, 5)]);
  await settled();
  expect(told).toEqual([]);
  watches.take([barAt(0, 2, "B.HAND")]);
  await settled();
  expect(told).toEqual([[1, 3]]);
  // Its value of one bar ago counts until it is older.
  watches.take([barAt(1, 6)]);
  await expect.poll(() => told.at(-1)).toEqual([2, 4]);
  watches.take([barAt(1, 1, "B.HAND")]);
  await expect.poll(() => told.at(-1)).toEqual([2, 5]);
  watch.stop();
});

test("an instrument that is quiet for long reads another one as a batch does", async () => {
  const watches = watchesOf(() => Promise.resolve([]));
  const told: number[] = [];
  const watch = watches.open(formulaWatch(on, ['high["B.HAND"]']), (_closeMs, values) =>
    told.push(values[0]!),
  );
  await watch.ready;
  for (let second = 0; second < 2_000; second++) watches.take([barAt(second, second, "B.HAND")]);
  watches.take([barAt(1_999, 1)]);
  await settled();
  expect(told).toEqual([1_999]);
  watch.stop();
});
