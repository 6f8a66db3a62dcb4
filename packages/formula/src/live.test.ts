import { expect, test } from "vitest";
import { seededRandom } from "@tapedeck/core";
import {
  createFormulaRun,
  evaluateFormulas,
  functionCatalogue,
  indicatorCatalogue,
  sentimentSeries,
} from "./index.ts";
import { FIELDS } from "./functions.ts";
import type { Bar, CatalogueEntry, Dataset } from "./index.ts";

const minute = 60_000;
const frame = 5 * minute;
const news = sentimentSeries("B");

/** A walk of bars, a tenth of them missing. */
function walk(n: number, seed: number): Bar[] {
  const random = seededRandom(seed, "live");
  const bars: Bar[] = [];
  let last = 100;
  for (let i = 0; i < n; i++) {
    const open = last;
    last *= 1 + (random() - 0.5) / 50;
    const high = Math.max(open, last) * (1 + random() / 200);
    const low = Math.min(open, last) * (1 - random() / 200);
    const times = { openMs: i * frame, closeMs: (i + 1) * frame };
    if (random() > 0.1) bars.push({ ...times, open, high, low, close: last, volume: 1 + 1_000 * random() });
  }
  return bars;
}

/** Scores published at odd times. */
function published(n: number): Bar[] {
  const random = seededRandom(3, "news");
  return Array.from({ length: n }, (_, i) => {
    const atMs = i * 7 * minute + 1;
    const score = 2 * random() - 1;
    const price = { open: score, high: score, low: score, close: score };
    return { openMs: atMs, closeMs: atMs, ...price, volume: 0.1 + random() };
  });
}

const others: Readonly<Record<string, Bar[]>> = { B: walk(701, 2), [news]: published(600) };
const bars = walk(700, 1);

function datasetOf(rows: readonly Bar[]): Dataset {
  const column = (name: keyof Bar) => Float64Array.from(rows, (bar) => bar[name]);
  const [openMs, closeMs, open, high] = [column("openMs"), column("closeMs"), column("open"), column("high")];
  const [low, close, volume] = [column("low"), column("close"), column("volume")];
  return { length: rows.length, openMs, closeMs, open, high, low, close, volume, timeframeMs: frame };
}

/** An indicator at its default parameters, each output of it. */
function callsOf({ name, inputs, outputs }: CatalogueEntry): string[] {
  const columns = inputs.map((input) => ((FIELDS as readonly string[]).includes(input) ? input : "close"));
  const call = `${name}(${columns.join(", ")})`;
  return outputs.length === 1 ? [call] : outputs.map((output) => `${call}.${output}`);
}

/** An argument of each kind that a function of the language takes. */
const argumentOf = new Map([
  ["x", "close"],
  ["a", "close"],
  ["b", "sma(close, 9)"],
  ["condition", "close > open"],
  ["then", "high"],
  ["else", "low"],
  ["n", "7"],
  ["k", "3"],
  ["instrument", '"B"'],
  ["halfLife", "2"],
]);

const functionCalls = functionCatalogue().map(({ name, signature }) => {
  const names = signature.slice(name.length + 1, -1).split(", ");
  return `${name}(${names.flatMap((one) => (one === "..." ? [] : argumentOf.get(one)!)).join(", ")})`;
});

const indicators = indicatorCatalogue()
  .filter(({ lookAhead }) => !lookAhead)
  .flatMap(callsOf);
const calls = [
  ...functionCalls,
  ...indicators,
  'zscore(log(close) - log(close["B"]), 20) > 1',
  'ema(close["B"], 20, timeframe: "1h")',
  'sma(close, 5)["B"]',
];

const data: Dataset = {
  ...datasetOf(bars),
  resolve: (name) => (others[name] === undefined ? undefined : datasetOf(others[name])),
};

test.each(calls)("%s gives live the bits of a batch, whatever is taken back and pushed again", (call) => {
  const formulas = indicators.includes(call) ? [call, `lag(${call}, 1, timeframe: "15m")`] : [call];
  const batch = evaluateFormulas(formulas, data);
  const run = createFormulaRun(formulas, { timeframeMs: frame });
  const random = seededRandom(5, call);
  const at: Record<string, number> = { B: 0, [news]: 0 };
  let saved = { i: -1, at: { ...at }, run: run.save() };
  let restores = 0;
  for (let i = 0; i < bars.length; i++) {
    for (const name of run.instruments)
      for (const bar of others[name]!.slice(at[name])) {
        if (bar.closeMs > bars[i]!.closeMs) break;
        run.pushOther(name, bar);
        at[name]! += 1;
      }
    const live = run.push(bars[i]!);
    for (const [f, text] of formulas.entries())
      if (!Object.is(live[f], batch[f]![i]))
        expect.fail(`${text}, bar ${i}, ${restores} restores: ${live[f]} instead of ${batch[f]![i]}`);
    if (random() < 0.02) saved = { i, at: { ...at }, run: run.save() };
    if (random() < 0.02 && restores < 20) {
      restores += 1;
      run.restore(saved.run);
      Object.assign(at, saved.at);
      ({ i } = saved);
    }
  }
  expect(restores).toBeGreaterThan(0);
});
