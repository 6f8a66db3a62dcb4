import { setTimeout as sleep } from "node:timers/promises";
import { testLog } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { createLoop } from "./loop.ts";

async function until(met: () => boolean): Promise<void> {
  while (!met()) await sleep(1);
}

test("work is done again and again, never twice at once, and ended before the loop stops", async () => {
  let [rounds, atOnce, most] = [0, 0, 0];
  const loop = createLoop({
    everyMs: 1,
    log: testLog(),
    failure: "it failed",
    work: async () => {
      most = Math.max(most, ++atOnce);
      await sleep(5);
      atOnce--;
      rounds++;
    },
  });
  loop.start();
  loop.start();
  await until(() => rounds >= 3);
  await loop.stop();
  expect([most, atOnce]).toEqual([1, 0]);
  const ended = rounds;
  await sleep(20);
  expect(rounds).toBe(ended);
});

test("a failure is told once, and again after a success", async () => {
  const log = testLog();
  const outcomes = [false, false, true, false];
  let rounds = 0;
  const loop = createLoop({
    everyMs: 1,
    log,
    failure: "it failed",
    work: () => ((outcomes[rounds++] ?? true) ? Promise.resolve() : Promise.reject(new Error("away"))),
  });
  loop.start();
  await until(() => rounds > outcomes.length);
  await loop.stop();
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ["warn", "it failed"],
    ["warn", "it failed"],
  ]);
});
