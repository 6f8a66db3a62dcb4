import { stat } from "node:fs/promises";
import { AppError } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { watchDatabase } from "./databaseWatch.ts";

test("a database that hangs is noticed: waiting requests fail, new ones at once, until it answers", async () => {
  let answer: (() => void) | undefined;
  let hangs = false;
  const watch = watchDatabase({
    ping: () => (hangs ? new Promise<void>((resolve) => (answer = resolve)) : Promise.resolve()),
    everyMs: 10,
    patienceMs: 100,
    log: testLog(),
  });
  expect(await watch.guard(Promise.resolve(7))).toBe(7);
  hangs = true;
  const stuck = watch.guard(new Promise(() => undefined));
  await expect(stuck).rejects.toMatchObject({ code: "service.unavailable", retryable: true });
  expect(() => watch.assertUp()).toThrow(AppError);
  hangs = false;
  answer!();
  await expect.poll(() => watch.assertUp()).toBeUndefined();
  watch.stop();
});

test("an answer that arrived while this process was held up counts", async () => {
  const log = testLog();
  let pings = 0;
  const watch = watchDatabase({
    ping: () => {
      const answer = stat(import.meta.filename);
      // Held up for longer than the patience, once its question is on the way.
      if (++pings === 1)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200));
      return answer;
    },
    everyMs: 10,
    patienceMs: 50,
    log,
  });
  await expect.poll(() => pings).toBeGreaterThan(2);
  expect(log.lines).toEqual([]);
  watch.stop();
});

test("an error of the work itself comes through", async () => {
  const watch = watchDatabase({
    ping: () => Promise.resolve(),
    everyMs: 50,
    patienceMs: 100,
    log: testLog(),
  });
  await expect(watch.guard(Promise.reject(new RangeError("mine")))).rejects.toThrow("mine");
  watch.stop();
});
