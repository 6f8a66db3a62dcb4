import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { seedBars, testBlobs, testDatabase } from "@tapedeck/testkit";
import type { TestBar } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { insertAccount } from "../orders/store.ts";
import { InstrumentPatch } from "./contract.ts";
import { seriesRouteHandlers } from "./read.ts";
import { createSeriesReader } from "./reader.ts";

const tenantId = "01900000-0000-7000-8000-000000000001";
const nowMs = Date.parse("2026-01-01");
const now = () => nowMs;
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let store: Awaited<ReturnType<typeof testBlobs>>;
let deps: { db: typeof database.db; series: ReturnType<typeof createSeriesReader>; now: () => number };

const bars = (everyMs: number): TestBar[] =>
  Array.from({ length: 5 }, (_, i) => ({
    openMs: i * everyMs,
    closeMs: (i + 1) * everyMs,
    open: 1,
    high: 1,
    low: 1,
    close: 1,
    volume: 1,
  }));
const caller = (more: Partial<Caller> = {}): Caller => ({
  principalId: "u",
  kind: "user",
  tenantId,
  role: "analyst",
  requestId: "r",
  ...more,
});
const patch = (id: string, body: InstrumentPatch, who = caller()) =>
  seriesRouteHandlers.patchInstrument(
    deps,
    { params: { id }, body, query: undefined, request: new Request("http://localhost") } as never,
    who,
  );

beforeAll(async () => {
  database = await testDatabase<Database>();
  store = await testBlobs();
  deps = { db: database.db, series: createSeriesReader({ db: database.db, blobs: store.blobs, now }), now };
  const own = { space: tenantId, calendar: "24x7" };
  await seedBars(
    database.db,
    { instrumentId: "DAILY.LOCAL", name: "Daily", timeframe: "1d", ...own },
    bars(86_400_000),
  );
  await seedBars(
    database.db,
    { instrumentId: "FINE.LOCAL", name: "Fine", timeframe: "5m", ...own },
    bars(300_000),
  );
  await seedBars(database.db, { instrumentId: "ALL.XNYS", name: "All", timeframe: "5m" }, bars(300_000));
});
afterAll(async () => {
  await database.close();
  await store.close();
});

describe("PATCH of an instrument", () => {
  test("changes what is given, in datasets that exist too", async () => {
    const request = { tenantId, instrumentId: "FINE.LOCAL", timeframe: "5m", adjustment: "raw" as const };
    const before = await deps.series.dataset(request);
    expect(before.instrument).toMatchObject({ currency: "USD", calendar: "24x7" });
    expect(
      await patch("FINE", { currency: "EUR", calendar: "XNYS", name: "Finer", tickSize: "0.01" }),
    ).toMatchObject({
      instrumentId: "FINE.LOCAL",
      currency: "EUR",
      calendar: "XNYS",
      name: "Finer",
      tickSize: "0.01",
      lotSize: null,
    });
    const after = await deps.series.dataset(request);
    expect([after.hash, after.instrument.currency]).toEqual([before.hash, "EUR"]);
    expect(await patch("FINE", { tickSize: null })).toMatchObject({ tickSize: null, currency: "EUR" });
  });

  test("keeps a calendar that stored days were timed by, and a currency that orders were placed in", async () => {
    await expect(patch("DAILY", { calendar: "XNYS" })).rejects.toMatchObject({
      code: "resource.conflict",
      message: expect.stringContaining("1d") as string,
    });
    expect(await patch("DAILY", { calendar: "24x7", currency: "GBP" })).toMatchObject({ currency: "GBP" });
    const account = await insertAccount(
      database.db,
      {
        tenantId,
        name: "Main",
        venue: "paper",
        simulated: true,
        currency: "GBP",
        initialCash: "1",
        feeBps: "0",
        slippageBps: "0",
      },
      nowMs,
    );
    await database.db
      .insertInto("orders")
      .values({
        id: newId(nowMs),
        tenantId,
        accountId: account!.id,
        clientOrderId: "one",
        venueOrderId: null,
        venue: "paper",
        simulated: true,
        instrumentId: "DAILY.LOCAL",
        currency: "GBP",
        side: "buy",
        type: "market",
        quantity: "1",
        limitPrice: null,
        timeInForce: "gtc",
        reservePrice: null,
        referencePrice: "1",
        referenceMs: nowMs,
        status: "filled",
        filledQuantity: "1",
        reason: null,
        averagePrice: null,
        sentMs: null,
        submittedBy: "u",
        createdMs: nowMs,
        updatedMs: nowMs,
      })
      .execute();
    await expect(patch("DAILY", { currency: "USD" })).rejects.toMatchObject({ code: "resource.conflict" });
    expect(await patch("DAILY", { currency: "GBP", name: "Days" })).toMatchObject({ name: "Days" });
  });

  test("leaves shared instruments to operators of the deployment, and others' to them", async () => {
    await expect(patch("ALL.XNYS", { name: "Mine" })).rejects.toMatchObject({ code: "auth.forbidden" });
    const operator = caller({ role: "operator", operating: true });
    expect(await patch("ALL.XNYS", { name: "Everyone's" }, operator)).toMatchObject({ name: "Everyone's" });
    const stranger = caller({ tenantId: newId(0) });
    await expect(patch("FINE.LOCAL", { name: "x" }, stranger)).rejects.toMatchObject({
      code: "symbol.unknown",
    });
  });

  test.each([
    {},
    { currency: "euro" },
    { calendar: "XTKS" },
    { tickSize: "a" },
    { symbol: "X" },
    { name: "" },
  ])("refuses %j", (body) => {
    expect(InstrumentPatch.safeParse(body).success).toBe(false);
  });
});
