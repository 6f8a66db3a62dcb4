import { newId } from "@tapedeck/core";
import type { ExecutionVenue, VenueOrder } from "@tapedeck/core";
import { testDatabase } from "@tapedeck/testkit";
import { startBinanceVenue } from "@tapedeck/testkit/binanceVenue";
import { availableVolume, matchBar } from "@tapedeck/trading";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCcxtVenue } from "./ccxtExecution.ts";
import { createVenueDirectory } from "./directory.ts";
import { createPaperVenue } from "./paper.ts";
import type { PaperTables } from "./paper.ts";

interface Side {
  venue: ExecutionVenue;
  /** Makes what is left of the order fill at the price. */
  fill(order: VenueOrder, price: number): Promise<void>;
  close(): Promise<void>;
}

const day = 86_400_000;

async function paperSide(): Promise<Side> {
  const { db, close } = await testDatabase<PaperTables>();
  const bars: Array<{
    openMs: number;
    closeMs: number;
    open: number;
    high: number;
    low: number;
    close: number;
    volume: number;
  }> = [];
  const account = { id: newId(0), tenantId: newId(0), currency: "USDT", feeBps: "10", slippageBps: "0" };
  const venue = createPaperVenue({
    db,
    account,
    now: () => bars.length * day,
    matching: { matchBar, availableVolume },
    prices: {
      barsFrom: async (_tenantId, _instrumentId, fromMs) => ({
        timeframe: "1d",
        bars: bars.filter((bar) => bar.openMs >= fromMs),
      }),
    },
  });
  return {
    venue,
    async fill(_order, price) {
      const openMs = bars.length * day;
      bars.push({
        openMs,
        closeMs: openMs + day,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Number.NaN,
      });
      await venue.settle(AbortSignal.timeout(5_000));
    },
    close,
  };
}

async function exchangeSide(): Promise<Side> {
  const server = await startBinanceVenue({ apiKey: "key", secret: "secret" });
  return {
    venue: createCcxtVenue({
      id: "binance",
      exchange: "binance",
      apiKey: "key",
      secret: "secret",
      baseUrl: server.url,
    }),
    async fill(order, price) {
      server.fill(order.clientOrderId, String(price), order.quantity);
    },
    close: () => server.close(),
  };
}

describe.each([
  ["paper", paperSide],
  ["an exchange of ccxt", exchangeSide],
])("the port of execution venues: %s", (_name, open) => {
  let side: Side;
  let count = 0;
  const signal = () => AbortSignal.timeout(20_000);
  const order = (given: Partial<VenueOrder> = {}): VenueOrder => ({
    clientOrderId: `td-${String(++count).padStart(32, "0")}`,
    instrumentId: "BTC-USDT.BINANCE",
    side: "buy",
    type: "limit",
    quantity: "0.5",
    limitPrice: "20000",
    timeInForce: "gtc",
    ...given,
  });

  beforeAll(async () => {
    side = await open();
  });
  afterAll(() => side.close());

  test("takes an order, knows it by our id, and gives the same report each time", async () => {
    const one = order();
    const report = await side.venue.submit(one, signal());
    expect(report).toMatchObject({
      clientOrderId: one.clientOrderId,
      status: "accepted",
      filledQuantity: "0",
      fills: [],
    });
    expect(await side.venue.fetchOrder(one.clientOrderId, one.instrumentId, signal())).toEqual(report);
    expect(await side.venue.submit(one, signal())).toEqual(report);
  });

  test("says undefined of an order that it does not know", async () => {
    const { clientOrderId, instrumentId } = order();
    expect(await side.venue.fetchOrder(clientOrderId, instrumentId, signal())).toBeUndefined();
  });

  test("reports a fill with its trade id, price, quantity and fee, once", async () => {
    const one = order();
    await side.venue.submit(one, signal());
    await side.fill(one, 19_999);
    const report = await side.venue.fetchOrder(one.clientOrderId, one.instrumentId, signal());
    expect(report).toMatchObject({ status: "filled", filledQuantity: "0.5" });
    expect(report!.fills).toHaveLength(1);
    expect(report!.fills[0]).toMatchObject({
      price: "19999",
      quantity: "0.5",
      fee: "9.9995",
      feeCurrency: "USDT",
    });
    const again = await side.venue.fetchOrder(one.clientOrderId, one.instrumentId, signal());
    expect(again!.fills.map((fill) => fill.tradeId)).toEqual(report!.fills.map((fill) => fill.tradeId));
  });

  test("cancels a resting order; an unknown one is a clear no", async () => {
    const one = order({ limitPrice: "10000" });
    await side.venue.submit(one, signal());
    const report = await side.venue.cancel(one.clientOrderId, one.instrumentId, signal());
    expect(report).toMatchObject({ clientOrderId: one.clientOrderId, status: "cancelled" });
    const nobody = side.venue.cancel(order().clientOrderId, one.instrumentId, signal());
    await expect(nobody).rejects.toMatchObject({ code: "order.rejected" });
  });

  test("says that its money is not real", () => {
    expect(side.venue.simulated).toBe(true);
    expect(side.venue.inFlightMs).toBeGreaterThanOrEqual(0);
  });
});

test("a database that is gone is a paper venue that does not answer", async () => {
  const { venue, close } = await paperSide();
  await close();
  await expect(venue.fetchOrder("td-1", "X.Y", AbortSignal.timeout(5_000))).rejects.toMatchObject({
    code: "venue.unavailable",
    retryable: true,
  });
});

test("the directory opens what is configured and names it when something else is asked for", async () => {
  const { db, close } = await testDatabase<PaperTables>();
  const account = { id: newId(0), tenantId: newId(0), currency: "USD", feeBps: "0", slippageBps: "0" };
  const exchange = createCcxtVenue({ id: "binance", exchange: "binance", apiKey: "k", secret: "s" });
  const directory = createVenueDirectory({
    db,
    prices: { barsFrom: async () => ({ timeframe: "", bars: [] }) },
    matching: { matchBar, availableVolume },
    now: () => 0,
    venues: { binance: () => exchange },
  });
  expect(directory.open({ ...account, venue: "paper" }).id).toBe("paper");
  expect(directory.open({ ...account, venue: "binance" })).toBe(exchange);
  expect(() => directory.open({ ...account, venue: "moon" })).toThrow("there are paper, binance");
  await close();
});
