import { testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { spendWeight } from "./spending-store.ts";

let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
beforeAll(async () => {
  database = await testDatabase<Database>();
});
afterAll(() => database.close());

test("processes together spend what a minute allows at a venue and no more; a minute later it is there again", async () => {
  const { db } = database;
  const spend = (venue: string, weight: number) => spendWeight(db, { venue, weight, perMinute: 100 });
  const spent = await Promise.all(Array.from({ length: 30 }, () => spend("binance", 7)));
  expect(spent.filter(Boolean)).toHaveLength(14);
  expect(await spend("binance", 3)).toBe(false);
  expect(await spend("binance", 2)).toBe(true);
  expect(await spend("binanceusdm", 100)).toBe(true);
  await db
    .updateTable("venueSpending")
    .set((eb) => ({ atMs: eb("atMs", "-", 60_000) }))
    .where("venue", "=", "binance")
    .where("weight", "=", 7)
    .execute();
  expect(await spend("binance", 98)).toBe(true);
  expect(await spend("binance", 1)).toBe(false);
});
