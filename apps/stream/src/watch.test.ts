import { setImmediate as turn } from "node:timers/promises";
import { testLog } from "@tapedeck/testkit";
import type { LiveBar } from "@tapedeck/features/ticks/contract";
import { expect, test } from "vitest";
import { createWatches, formulaWatch } from "./watch.ts";

const instrumentId = "A.HAND";
const day = Date.UTC(2026, 0, 5);

const barAt = (second: number, high: number, revision = 1): LiveBar => ({
  venue: "hand",
  instrumentId,
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
  revision,
});

test("corrections that come while an earlier one is read in are seen by formulas, as a batch sees them", async () => {
  const kept = Array.from({ length: 3_000 }, (_, second) => barAt(second, 1));
  let reads = 0;
  const watches = createWatches({
    history() {
      reads += 1;
      return Promise.resolve([...kept]);
    },
    idOf: (name) => name,
    log: testLog(),
    retryMs: 1_000,
  });
  const seen = new Map<number, number>();
  const watch = watches.open(formulaWatch(instrumentId, "1s", ["highest(high, 5)"]), (closeMs, values) =>
    seen.set(closeMs, values[0]!),
  );
  await watch.ready;
  const take = (bar: LiveBar) => {
    kept[(bar.openMs - day) / 1_000] = bar;
    watches.take([bar]);
  };
  take(barAt(2_990, 50, 2));
  // The history is read, and some of it taken.
  while (reads < 2) await turn();
  await turn();
  await turn();
  take(barAt(2_992, 60, 2));
  take(barAt(2_992, 55, 3));
  take(barAt(3_000, 20));
  take(barAt(3_000, 70, 2));
  take(barAt(3_001, 1));
  const highest = (i: number) =>
    i < 4 ? Number.NaN : Math.max(...kept.slice(i - 4, i + 1).map(({ high }) => high));
  const wanted = new Map(kept.map(({ closeMs }, i) => [closeMs, highest(i)]));
  await expect.poll(() => seen).toEqual(wanted);
  expect(seen.get(day + 2_993_000)).toBe(55);
  watch.stop();
});
