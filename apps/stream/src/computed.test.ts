import { testLog } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { createComputedTopics } from "./computed.ts";
import type { ComputedTopic } from "./computed.ts";
import { seriesHere } from "./fixture.ts";
import { createHub } from "./hub.ts";
import { createWatches } from "./watch.ts";

const computedTopics = () =>
  createComputedTopics({
    watches: createWatches({
      seriesOf: seriesHere(() => Promise.resolve([])),
      log: testLog(),
      retryMs: 1_000,
      patienceMs: 1_000,
    }),
    hub: createHub("test", 10),
    require: () => Promise.resolve(),
  });
const formula = (n: number): ComputedTopic => ({
  channel: "formulas",
  instrumentId: "A.HAND",
  timeframe: "1s",
  formula: `close > ${n}`,
});

test("one tenant cannot take all formulas; those that it shares with others count for each", async () => {
  const computed = computedTopics();
  const opened = await Promise.all(
    Array.from({ length: 250 }, (_, n) => computed.open(formula(n), "greedy")),
  );
  const refused = { code: "rate.limited" };
  await expect(computed.open(formula(250), "greedy")).rejects.toMatchObject(refused);
  // What it has already it may have again, and others have theirs.
  const again = await computed.open(formula(0), "greedy");
  const others = await Promise.all([
    computed.open(formula(0), "modest"),
    computed.open(formula(250), "modest"),
  ]);
  await expect(computed.open(formula(250), "greedy")).rejects.toMatchObject(refused);
  again.release();
  await expect(computed.open(formula(250), "greedy")).rejects.toMatchObject(refused);
  opened[0]!.release();
  await computed.open(formula(250), "greedy");
  // The other tenant's goes on, though the first to ask for it left.
  expect(others.map((one) => one.snapshot())).toEqual([[], []]);
});

test("all tenants together have no more than the stream computes", async () => {
  const computed = computedTopics();
  const of = (tenant: number) => Array.from({ length: 250 }, (_, n) => formula(tenant * 250 + n));
  for (let tenant = 0; tenant < 4; tenant++)
    await Promise.all(of(tenant).map((topic) => computed.open(topic, `tenant ${tenant}`)));
  await expect(computed.open(formula(-1), "fifth")).rejects.toMatchObject({ code: "rate.limited" });
  await computed.open(formula(7), "fifth");
});
