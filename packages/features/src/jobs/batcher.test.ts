import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBatcher } from "./batcher.ts";

const options = { maxItems: 10, maxInFlight: 2, maxPending: 1_000, full: () => new Error("full") };

test("every item gets its own answer, in batches within the bounds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 60 }), async (pauses) => {
      let inFlight = 0;
      let most = 0;
      const sizes: number[] = [];
      const batcher = createBatcher<number, string>({
        ...options,
        async flush(items) {
          most = Math.max(most, ++inFlight);
          sizes.push(items.length);
          await sleep(1);
          inFlight--;
          return items.map((item) => `got ${item}`);
        },
      });
      const answers: Promise<string>[] = [];
      for (const [at, pause] of pauses.entries()) {
        answers.push(batcher.add(at));
        if (pause === 0) await sleep(0);
      }
      expect(await Promise.all(answers)).toEqual(pauses.map((_pause, at) => `got ${at}`));
      expect(most).toBeLessThanOrEqual(2);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
      expect(batcher.pending()).toBe(0);
    }),
    { numRuns: 30 },
  );
});

test("what arrives together is flushed together", async () => {
  const sizes: number[] = [];
  const batcher = createBatcher<number, number>({
    ...options,
    flush: (items) => {
      sizes.push(items.length);
      return Promise.resolve(items);
    },
  });
  await Promise.all(Array.from({ length: 7 }, (_item, at) => batcher.add(at)));
  expect(sizes).toEqual([7]);
});

test("an error is every item's of its batch and no other's; beyond the bound items are refused", async () => {
  let round = 0;
  const batcher = createBatcher<number, number>({
    ...options,
    maxItems: 2,
    maxInFlight: 1,
    maxPending: 4,
    flush: (items) => (++round === 1 ? Promise.reject(new Error("first")) : Promise.resolve(items)),
  });
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
  expect(
    outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : String(outcome.reason))),
  ).toEqual(["Error: first", "Error: first", 3, 4, "Error: full"]);
});
