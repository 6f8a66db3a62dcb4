import { AppError, decimal, newId } from "@tapedeck/core";
import type { Caller, ExecutionVenue, VenueOrder, VenueOrderReport } from "@tapedeck/core";
import { createVenueDirectory } from "@tapedeck/platform/venues/directory";
import type { PaperTables } from "@tapedeck/platform/venues/paper";
import { availableVolume, matchBar } from "@tapedeck/trading";
import { testBlobs, testDatabase, testLog } from "@tapedeck/testkit";
import type { Kysely } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureContext, putBars } from "../backtest/books.fixture.ts";
import type { FixtureBar } from "../backtest/books.fixture.ts";
import type { Database, Db } from "../db.ts";
import { createSeriesReader } from "../series/reader.ts";
import type { SeriesReader } from "../series/contract.ts";
import { execute, OrderPayload } from "./contract.ts";
import type { VenueDirectory } from "./contract.ts";
import { createPaperPrices } from "./prices.ts";
import { orderRouteHandlers } from "./read.ts";
import { runExecute } from "./run.ts";
import { settlePaperOrders } from "./settle.ts";
import { createOrderSettler } from "./settler.ts";

const day = 86_400_000;
const start = Date.UTC(2025, 0, 1);
const opened: Array<() => Promise<void>> = [];
let db: Db;
let series: SeriesReader;
let venues: VenueDirectory;
let nowMs = start + 10 * day;
const now = () => nowMs;
const log = testLog();
const request = new Request("http://localhost/");

/** A tenant of its own for each test, and its instrument with ten flat days at 100. */
async function setUp(extra: Partial<Parameters<typeof putBars>[1]> = {}) {
  const tenantId = newId(nowMs);
  const caller: Caller = { principalId: "u1", kind: "user", tenantId, role: "operator", requestId: "r" };
  const instrument = { instrumentId: "ABC.TEST", space: tenantId, calendar: "24x7" as const, ...extra };
  const bars = Array.from({ length: 10 }, (_, i): FixtureBar => [start + i * day, 100, 101, 99, 100, 1_000]);
  nowMs = start + 10 * day;
  await putBars(db, instrument, "1d", bars);
  return {
    tenantId,
    caller,
    addBars: (...more: FixtureBar[]) => putBars(db, instrument, "1d", more),
    order: async (payload: object, options: { jobId?: string; venues?: VenueDirectory } = {}) => {
      const ctx = fixtureContext<never>(db, {
        tenantId,
        now,
        ...(options.jobId === undefined ? {} : { jobId: options.jobId }),
      });
      const parsed = OrderPayload.parse({ instrumentId: "ABC.TEST", ...payload });
      const result = await runExecute({ db, series, venues: options.venues ?? venues }, parsed, ctx);
      return execute.result.parse(result);
    },
    portfolio: async () => {
      const found = await orderRouteHandlers.getPortfolio(
        { db, venues, series, now },
        { params: undefined, query: {}, body: undefined, request },
        caller,
      );
      return found.accounts[0]!;
    },
  };
}

beforeAll(async () => {
  const database = await testDatabase<Database>();
  const store = await testBlobs();
  opened.push(database.close, store.close);
  db = database.db;
  series = createSeriesReader({ db, blobs: store.blobs, now });
  venues = createVenueDirectory({
    db: db as unknown as Kysely<PaperTables>,
    prices: createPaperPrices({ db, now }),
    matching: { matchBar, availableVolume },
    now,
  });
});

afterAll(async () => {
  for (const close of opened) await close();
});

const settle = () => settlePaperOrders({ db, venues, log }, nowMs);

/** A venue whose answers a test decides; it counts what reaches it. */
function scriptedVenue(script: {
  submit?: (known: Map<string, VenueOrder>, order: VenueOrder) => VenueOrderReport;
  fetchOrder?: (known: Map<string, VenueOrder>, id: string) => VenueOrderReport | undefined;
}) {
  const known = new Map<string, VenueOrder>();
  const calls: string[] = [];
  const venue: ExecutionVenue = {
    id: "scripted",
    simulated: true,
    inFlightMs: 0,
    submit: async (order) => {
      calls.push("submit");
      return (script.submit ?? accept)(known, order);
    },
    cancel: async () => {
      throw silence();
    },
    fetchOrder: async (id) => {
      calls.push("fetch");
      return (script.fetchOrder ?? lookUp)(known, id);
    },
  };
  return { known, calls, directory: { open: () => venue } satisfies VenueDirectory };
}

const silence = () => new AppError("venue.unavailable", "no answer", { retryable: true });

function reportOf(order: VenueOrder): VenueOrderReport {
  const { clientOrderId } = order;
  return {
    clientOrderId,
    venueOrderId: `v-${clientOrderId}`,
    status: "accepted",
    filledQuantity: "0",
    fills: [],
  };
}

function accept(known: Map<string, VenueOrder>, order: VenueOrder): VenueOrderReport {
  known.set(order.clientOrderId, order);
  return reportOf(order);
}

function lookUp(known: Map<string, VenueOrder>, id: string): VenueOrderReport | undefined {
  const order = known.get(id);
  return order === undefined ? undefined : reportOf(order);
}

const buy = { side: "buy", type: "market", quantity: "10" };

describe("never sent twice, never sent blindly", () => {
  test("a send without an answer: the venue is asked, and has it", async () => {
    const { order } = await setUp();
    const venue = scriptedVenue({
      submit: (known, sent) => {
        accept(known, sent);
        throw silence();
      },
    });
    const placed = await order(buy, { venues: venue.directory });
    expect(placed.status).toBe("accepted");
    expect(venue.calls).toEqual(["submit", "fetch"]);
  });

  test("a send that never arrived: asked, then sent once more", async () => {
    const { order } = await setUp();
    let lost = true;
    const venue = scriptedVenue({
      submit: (known, sent) => {
        if (!lost) return accept(known, sent);
        lost = false;
        throw silence();
      },
    });
    const placed = await order(buy, { venues: venue.directory });
    expect(placed.status).toBe("accepted");
    expect(venue.calls).toEqual(["submit", "fetch", "submit"]);
    expect(venue.known.size).toBe(1);
  });

  test("a venue that says nothing leaves it unknown; a later pick-up asks first and does not send what is there", async () => {
    const { order, tenantId, caller } = await setUp();
    const jobId = newId(nowMs);
    let silent = true;
    const venue = scriptedVenue({
      submit: (known, sent) => {
        accept(known, sent);
        throw silence();
      },
      fetchOrder: (known, id) => {
        if (silent) throw silence();
        return lookUp(known, id);
      },
    });
    const placed = await order(buy, { jobId, venues: venue.directory });
    expect(placed.status).toBe("unknown");
    const unknown = await orderRouteHandlers.listOrders(
      { db, venues, series, now },
      { params: undefined, query: { limit: 50, status: "unknown" }, body: undefined, request },
      caller,
    );
    expect(unknown.items.map((item) => item.id)).toEqual([jobId]);
    silent = false;
    venue.calls.length = 0;
    const again = await order(buy, { jobId, venues: venue.directory });
    expect(again.status).toBe("accepted");
    expect(venue.calls).toEqual(["fetch"]);
    expect(
      (await db.selectFrom("orders").select("id").where("tenantId", "=", tenantId).execute()).length,
    ).toBe(1);
  });

  test("killed after `sending` was written and before the send: the next pick-up asks, then sends", async () => {
    const { tenantId } = await setUp();
    const jobId = newId(nowMs);
    const controller = new AbortController();
    // The worker stops at the moment of the send: its signal aborts, nothing is concluded.
    const ctx = fixtureContext<never>(db, { tenantId, jobId, now, signal: controller.signal });
    const stopping: VenueDirectory = {
      open: () => ({
        ...scriptedVenue({}).directory.open(),
        submit: async () => {
          controller.abort(new Error("worker stops"));
          throw silence();
        },
      }),
    };
    const payload = OrderPayload.parse({ instrumentId: "ABC.TEST", ...buy });
    await expect(runExecute({ db, series, venues: stopping }, payload, ctx)).rejects.toThrow("worker stops");
    const row = await db.selectFrom("orders").selectAll().where("id", "=", jobId).executeTakeFirstOrThrow();
    expect(row.status).toBe("sending");
    const venue = scriptedVenue({});
    const next = fixtureContext<never>(db, { tenantId: row.tenantId, jobId, pickup: 2, now });
    const placed = await runExecute({ db, series, venues: venue.directory }, payload, next);
    expect(placed.status).toBe("accepted");
    expect(venue.calls).toEqual(["fetch", "submit"]);
  });

  test("a clear no from the venue rejects the order and fails the job", async () => {
    const { order, tenantId } = await setUp();
    const venue = scriptedVenue({
      submit: () => {
        throw new AppError("order.rejected", "Market is closed for good.");
      },
    });
    await expect(order(buy, { venues: venue.directory })).rejects.toMatchObject({ code: "order.rejected" });
    const row = await db
      .selectFrom("orders")
      .selectAll()
      .where("tenantId", "=", tenantId)
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({ status: "rejected", reason: "Market is closed for good." });
  });

  test("an operator settles by hand what the venue cannot say", async () => {
    const { order, caller } = await setUp();
    const venue = scriptedVenue({
      submit: () => {
        throw silence();
      },
      fetchOrder: () => {
        throw silence();
      },
    });
    const jobId = newId(nowMs);
    await order(buy, { jobId, venues: venue.directory });
    const deps = { db, venues: venue.directory, series, now };
    const input = (body: { resolution: "ask" | "neverSent"; note?: string }) => ({
      params: { id: jobId },
      query: undefined,
      body,
      request,
    });
    await expect(
      orderRouteHandlers.reconcileOrder(deps, input({ resolution: "ask" }), caller),
    ).rejects.toMatchObject({ code: "venue.unavailable" });
    const settled = await orderRouteHandlers.reconcileOrder(
      deps,
      input({ resolution: "neverSent", note: "Asked them by telephone." }),
      caller,
    );
    expect(settled).toMatchObject({ status: "cancelled" });
    expect(settled.reason).toContain("telephone");
    venue.calls.length = 0;
    const again = await order(buy, { jobId, venues: venue.directory });
    expect(again.status).toBe("cancelled");
    expect(venue.calls).toEqual([]);
  });
});

describe("what venues report", () => {
  const fillOf = (
    order: { clientOrderId: string },
    tradeId: string,
    quantity: string,
    extra: object = {},
  ) => ({
    tradeId,
    clientOrderId: order.clientOrderId,
    price: "100",
    quantity,
    fee: "1",
    feeCurrency: "USD",
    eventMs: nowMs,
    ...extra,
  });
  const reporting =
    (report: Partial<VenueOrderReport>, fills: Array<ReturnType<typeof fillOf>>) => (order: VenueOrder) => ({
      ...reportOf(order),
      ...report,
      fills: fills.map((fill) => ({ ...fill, clientOrderId: order.clientOrderId })),
    });

  test("fills that come with the acknowledgement are booked, and the same trade id only once", async () => {
    const { order, portfolio } = await setUp();
    const fills = [fillOf({ clientOrderId: "" }, "t1", "4"), fillOf({ clientOrderId: "" }, "t2", "6")];
    const answer = reporting({ status: "filled", filledQuantity: "10" }, [...fills, fills[0]!]);
    const venue = scriptedVenue({ submit: (_known, sent) => answer(sent) });
    const placed = await order(buy, { venues: venue.directory });
    expect(placed).toMatchObject({ status: "filled", filledQuantity: "10", averagePrice: "100" });
    expect(placed.fills).toHaveLength(2);
    expect(await portfolio()).toMatchObject({ cash: "98998", fees: "2", equity: "99998", unrealised: "-2" });
  });

  test("an order is not done before its fills are here", async () => {
    const { order } = await setUp();
    const late = reporting({ status: "filled", filledQuantity: "10" }, [
      fillOf({ clientOrderId: "" }, "t3", "4"),
    ]);
    const venue = scriptedVenue({
      submit: (known, sent) => {
        accept(known, sent);
        return late(sent);
      },
      fetchOrder: (known, id) =>
        reporting({ status: "filled", filledQuantity: "10" }, [
          fillOf({ clientOrderId: "" }, "t3", "4"),
          fillOf({ clientOrderId: "" }, "t4", "6"),
        ])(known.get(id)!),
    });
    const jobId = newId(nowMs);
    const first = await order(buy, { jobId, venues: venue.directory });
    expect(first).toMatchObject({ status: "partiallyFilled", filledQuantity: "4" });
    expect(first.message).toContain("its list of fills shows 4 so far");
    const second = await order(buy, { jobId, venues: venue.directory });
    expect(second).toMatchObject({ status: "filled", filledQuantity: "10" });
  });

  test("more than was ordered is refused loudly, and nothing of it is booked", async () => {
    const { order, portfolio } = await setUp();
    const tooMuch = reporting({ status: "filled", filledQuantity: "11" }, [
      fillOf({ clientOrderId: "" }, "t5", "11"),
    ]);
    const venue = scriptedVenue({ submit: (_known, sent) => tooMuch(sent) });
    await expect(order(buy, { venues: venue.directory })).rejects.toMatchObject({ code: "data.invalid" });
    expect(await portfolio()).toMatchObject({ cash: "100000", positions: [] });
  });

  test("a fee in the instrument counts at the fill's price; one without a rate is refused", async () => {
    const { order, portfolio } = await setUp();
    const inUnits = reporting({ status: "filled", filledQuantity: "10" }, [
      fillOf({ clientOrderId: "" }, "t6", "10", { fee: "0.01", feeCurrency: "ABC" }),
    ]);
    await order(buy, { venues: scriptedVenue({ submit: (_known, sent) => inUnits(sent) }).directory });
    expect(await portfolio()).toMatchObject({ fees: "1", cash: "98999" });
    const strange = reporting({ status: "filled", filledQuantity: "10" }, [
      fillOf({ clientOrderId: "" }, "t7", "10", { feeCurrency: "BNB" }),
    ]);
    const placing = order(buy, {
      venues: scriptedVenue({ submit: (_known, sent) => strange(sent) }).directory,
    });
    await expect(placing).rejects.toThrow("there is no rate between them");
  });

  test("a send whose job is gone becomes unknown, and is taken over when the venue has it after all", async () => {
    const { order, tenantId } = await setUp();
    const jobId = newId(nowMs);
    await order(buy, { jobId });
    await db.updateTable("orders").set({ status: "sending" }).where("id", "=", jobId).execute();
    const lost = scriptedVenue({});
    const statusOf = async () =>
      (
        await db
          .selectFrom("orders")
          .select("status")
          .where("tenantId", "=", tenantId)
          .executeTakeFirstOrThrow()
      ).status;
    nowMs += 60_000;
    await settlePaperOrders({ db, venues: lost.directory, log }, nowMs);
    expect(await statusOf()).toBe("sending");
    nowMs += 600_000;
    await settlePaperOrders({ db, venues: lost.directory, log }, nowMs);
    expect(await statusOf()).toBe("unknown");
    await settle();
    expect(await statusOf()).toBe("accepted");
  });
});

describe("checks before anything is sent", () => {
  const expectRejected = async (placing: Promise<unknown>, text: string) => {
    const error: unknown = await placing.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe("order.rejected");
    expect((error as AppError).message).toContain(text);
  };

  test.each([
    ["cash", { side: "buy", type: "market", quantity: "1000" }, "free cash is 100000"],
    ["no short sale", { side: "sell", type: "market", quantity: "1" }, "has 0 ABC.TEST to sell"],
    ["lot", { side: "buy", type: "market", quantity: "0.4" }, "below one lot"],
    ["notional", { side: "buy", type: "limit", quantity: "1", limitPrice: "4" }, "the least is 5"],
  ])("%s", async (_name, payload, text) => {
    const { order, tenantId } = await setUp({ lotSize: "1", tickSize: "0.05", minNotional: "5" });
    await expectRejected(order(payload), text);
    expect(await db.selectFrom("orders").select("id").where("tenantId", "=", tenantId).execute()).toEqual([]);
  });

  test("rounds a buy's limit down to the tick, a sell's up, quantities down to the lot", async () => {
    const { order, addBars } = await setUp({ lotSize: "1", tickSize: "0.05" });
    const bought = await order({ side: "buy", type: "limit", quantity: "10.9", limitPrice: "99.99" });
    expect(bought).toMatchObject({ quantity: "10", limitPrice: "99.95" });
    nowMs = start + 11 * day;
    await addBars([start + 10 * day, 99, 100, 98, 99, 1_000]);
    await settle();
    const sold = await order({ side: "sell", type: "limit", quantity: "10", limitPrice: "120.01" });
    expect(sold).toMatchObject({ quantity: "10", limitPrice: "120.05" });
  });

  test("resting orders keep their cash and their shares", async () => {
    const { order, addBars } = await setUp();
    await order({ side: "buy", type: "limit", quantity: "600", limitPrice: "99" });
    await expectRejected(
      order({ side: "buy", type: "limit", quantity: "600", limitPrice: "99" }),
      "free cash",
    );
    nowMs = start + 11 * day;
    await addBars([start + 10 * day, 98, 100, 97, 99, 100_000]);
    await settle();
    await order({ side: "sell", type: "limit", quantity: "500", limitPrice: "120" });
    await expectRejected(
      order({ side: "sell", type: "market", quantity: "101" }),
      "has 100 ABC.TEST to sell",
    );
  });

  test("many orders at once cannot spend the same cash", async () => {
    const { order } = await setUp();
    const placed = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        order({ side: "buy", type: "limit", quantity: "300", limitPrice: "99" }),
      ),
    );
    expect(placed.filter((result) => result.status === "fulfilled")).toHaveLength(3);
  });

  test("the kill switch refuses new orders and cancels resting ones; resuming lifts it", async () => {
    const { order, caller, portfolio } = await setUp();
    const resting = await order({ side: "buy", type: "limit", quantity: "1", limitPrice: "50" });
    const deps = { db, venues, series, now };
    const halted = await orderRouteHandlers.haltAccount(
      deps,
      { params: { id: resting.accountId }, query: undefined, body: { reason: "drill" }, request },
      caller,
    );
    expect(halted).toMatchObject({ halted: true, cancelledOrders: 1, notCancelled: [] });
    await expectRejected(order(buy), "halted: drill");
    expect((await portfolio()).restingOrders).toBe(0);
    await orderRouteHandlers.resumeAccount(
      deps,
      { params: { id: resting.accountId }, query: undefined, body: undefined, request },
      caller,
    );
    expect((await order(buy)).status).toBe("accepted");
  });

  test("another tenant's account, order and portfolio are not there", async () => {
    const mine = await setUp();
    const placed = await mine.order(buy);
    const other = await setUp();
    const deps = { db, venues, series, now };
    await expect(other.order({ ...buy, accountId: placed.accountId })).rejects.toMatchObject({
      code: "resource.unknown",
    });
    const asked = { params: { id: placed.orderId }, query: undefined, body: undefined, request };
    for (const route of ["getOrder", "cancelOrder"] as const) {
      const call = orderRouteHandlers[route](deps, asked, other.caller);
      await expect(call).rejects.toMatchObject({ code: "resource.unknown" });
    }
  });
});

describe("paper orders", () => {
  test("a market order rests until a later price, fills at its open, and the books add up", async () => {
    const { order, addBars, portfolio } = await setUp();
    const placed = await order({ side: "buy", type: "market", quantity: "50" });
    expect(placed).toMatchObject({ status: "accepted", filledQuantity: "0", simulated: true });
    expect(placed.message).toContain("rests until a price later than the order");
    expect(placed.message).toContain("the last one on file, 100, is of 2025-01-10");
    await settle();
    expect((await portfolio()).restingOrders).toBe(1);

    nowMs = start + 11 * day;
    await addBars([start + 10 * day, 110, 112, 108, 111, 10_000]);
    expect((await settle()).matched).toBe(1);
    const after = await portfolio();
    // 110 × 1.0005 slippage; fee 10 bps.
    const price = decimal("110.055");
    const fee = price.mul(50).mul("0.001");
    expect(after.positions[0]).toMatchObject({ quantity: "50", marketValue: "5550" });
    expect(after.cash).toBe(decimal(100_000).minus(price.mul(50)).minus(fee).toFixed());
    expect(after.positions[0]!.mark).toMatchObject({
      price: "111",
      atMs: nowMs,
      source: "close of ABC.TEST 1d",
    });
    expect(after.equity).toBe(
      decimal(after.initialCash).plus(after.realised).plus(after.unrealised!).toFixed(),
    );
    expect(after.restingOrders).toBe(0);
    // Nothing is doubled by settling again.
    await settle();
    expect(await portfolio()).toEqual(after);
  });

  test("a limit fills only when traded through, at its price, and no more than a tenth of a bar's volume", async () => {
    const { order, addBars, portfolio } = await setUp();
    await order({ side: "buy", type: "limit", quantity: "150", limitPrice: "95" });
    nowMs = start + 13 * day;
    await addBars(
      [start + 10 * day, 98, 99, 95, 97, 1_000], // touched: no fill
      [start + 11 * day, 97, 98, 94, 96, 1_000], // through: a tenth of 1,000 at 95
      [start + 12 * day, 93, 96, 92, 95, 1_000], // opens beyond: the rest at the open
    );
    await settle();
    const { positions, fees } = await portfolio();
    expect(positions[0]!.quantity).toBe("150");
    expect(positions[0]!.lots.map((lot) => [lot.quantity, lot.price])).toEqual([
      ["100", "95"],
      ["50", "93"],
    ]);
    expect(fees).toBe("14.15");
  });

  test("ioc takes what the first later bar gives; fok takes all of it or nothing", async () => {
    const { order, addBars, caller } = await setUp();
    const some = await order({ side: "buy", type: "market", quantity: "150", timeInForce: "ioc" });
    const none = await order({ side: "buy", type: "market", quantity: "150", timeInForce: "fok" });
    nowMs = start + 12 * day;
    await addBars(
      [start + 10 * day, 100, 101, 99, 100, 1_000],
      [start + 11 * day, 100, 101, 99, 100, 100_000],
    );
    await settle();
    const read = async (id: string) =>
      await orderRouteHandlers.getOrder(
        { db, venues, series, now },
        { params: { id }, query: undefined, body: undefined, request },
        caller,
      );
    expect(await read(some.orderId)).toMatchObject({ status: "cancelled", filledQuantity: "100" });
    expect(await read(none.orderId)).toMatchObject({ status: "cancelled", filledQuantity: "0", fills: [] });
  });

  test("the settler fills by itself soon after newer prices arrived, and stops", async () => {
    const { order, addBars, portfolio } = await setUp();
    await order({ side: "buy", type: "market", quantity: "5" });
    const settler = createOrderSettler({ db, venues, log, now, everyMs: 20 });
    settler.start();
    nowMs = start + 11 * day;
    await addBars([start + 10 * day, 100, 101, 99, 100, 1_000]);
    await expect.poll(async () => (await portfolio()).positions[0]?.quantity, { timeout: 20_000 }).toBe("5");
    await settler.stop();
  });

  test("settling from many sides at once makes each fill once", async () => {
    const { order, addBars, portfolio } = await setUp();
    for (let i = 0; i < 4; i++) await order({ side: "buy", type: "market", quantity: "40" });
    nowMs = start + 11 * day;
    await addBars([start + 10 * day, 100, 101, 99, 100, 1_000]);
    await Promise.all([settle(), settle(), settle()]);
    await settle();
    // A tenth of the bar's volume, over all four orders.
    expect((await portfolio()).positions[0]!.quantity).toBe("100");
  });
});
