import { testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRateLimiter } from "../auth/limits.ts";
import type { Database } from "../db.ts";
import { createVenuePace } from "./pace.ts";

let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
beforeAll(async () => {
  database = await testDatabase<Database>();
});
afterAll(() => database.close());

/** As one worker process has it. */
const process = () => createVenuePace(createRateLimiter({ db: database.db, now: Date.now }));
const { signal } = new AbortController();

test("two processes together keep a venue's pace; another venue does not wait for it", async () => {
  const [one, two] = [process(), process()];
  const everyMs = 50;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: 10 }, (_, request) => (request % 2 === 0 ? one : two)("slow", everyMs, signal)),
  );
  // Nine gaps; clocks of server and test may differ by a gap.
  expect(performance.now() - started).toBeGreaterThanOrEqual(8 * everyMs);
});

test("a job that is stopped does not wait on", async () => {
  const pace = process();
  const stop = new AbortController();
  await pace("hourly", 3_600_000, stop.signal);
  const waiting = pace("hourly", 3_600_000, stop.signal);
  setImmediate(() => stop.abort(new Error("stopped")));
  await expect(waiting).rejects.toThrow();
  await pace("another", 3_600_000, signal);
});
