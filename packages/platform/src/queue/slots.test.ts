import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { createSlots } from "./slots.ts";

/** Runs of no length, one after the other. */
async function shortRuns(slots: ReturnType<typeof createSlots>, count: number): Promise<void> {
  for (let run = 0; run < count; run++) (await slots.take())!.leave();
}

test("no more run than there are places; who waits runs when one is left, in order", async () => {
  const slots = createSlots(2, () => undefined);
  const [first, second] = [(await slots.take())!, (await slots.take())!];
  const order: string[] = [];
  const third = slots.take().then((slot) => (order.push("third"), slot!));
  const fourth = slots.take().then((slot) => (order.push("fourth"), slot!));
  first.leave();
  first.leave();
  await third;
  expect(order).toEqual(["third"]);
  second.leave();
  await fourth;
  expect(order).toEqual(["third", "fourth"]);
});

test("while runs are short more are fetched, up to a limit", async () => {
  const fetched: number[] = [];
  const slots = createSlots(2, (deliveries) => fetched.push(deliveries));
  await shortRuns(slots, 20);
  expect(fetched).toEqual([3, 4, 5, 6, 7, 8]);
});

test("behind a long run a delivery goes back, and no more are fetched than can run", async () => {
  const fetched: number[] = [];
  const slots = createSlots(2, (deliveries) => fetched.push(deliveries));
  await shortRuns(slots, 2);
  const long = [(await slots.take())!, (await slots.take())!];
  expect(await slots.take()).toBeUndefined();
  expect(fetched).toEqual([3, 4, 2]);
  for (const one of long) one.leave();
  await shortRuns(slots, 5);
  expect(fetched).toEqual([3, 4, 2]);
});

test("a single place fetches no more than it can run, so that the queue's order holds", async () => {
  const fetched: number[] = [];
  const slots = createSlots(1, (deliveries) => fetched.push(deliveries));
  await shortRuns(slots, 20);
  expect(fetched).toEqual([]);
});

test("a long run does not make it fetch more", async () => {
  const fetched: number[] = [];
  const slots = createSlots(1, (deliveries) => fetched.push(deliveries));
  const long = (await slots.take())!;
  await sleep(150);
  long.leave();
  expect(fetched).toEqual([]);
});

test("closed, all that wait go back, and later ones too", async () => {
  const slots = createSlots(1, () => undefined);
  const running = (await slots.take())!;
  const waiting = slots.take();
  slots.close();
  expect(await waiting).toBeUndefined();
  running.leave();
  expect(await slots.take()).toBeUndefined();
});
