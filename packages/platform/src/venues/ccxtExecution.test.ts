import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { VenueOrder } from "@tapedeck/core";
import { startBinanceVenue } from "@tapedeck/testkit/binanceVenue";
import type { BinanceVenue } from "@tapedeck/testkit/binanceVenue";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createCcxtVenue } from "./ccxtExecution.ts";

const apiKey = "key";
const secret = "secret";
let server: BinanceVenue;
let venue: ReturnType<typeof createCcxtVenue>;
const signal = () => AbortSignal.timeout(20_000);

const order: VenueOrder = {
  clientOrderId: "td-0190aaaabbbbccccddddeeeeffff0001",
  instrumentId: "BTC-USDT.BINANCE",
  side: "buy",
  type: "limit",
  quantity: "0.12345",
  limitPrice: "20000.01",
};

beforeEach(async () => {
  server = await startBinanceVenue({ apiKey, secret });
  venue = createCcxtVenue({
    id: "binance",
    exchange: "binance",
    apiKey,
    secret,
    baseUrl: server.url,
    timeoutMs: 1_000,
  });
});
afterEach(() => server.close());

describe("an exchange of ccxt, spoken to over HTTP", () => {
  test("places an order with our id and the exact decimals, and reads it back", async () => {
    const placed = await venue.submit(order, signal());
    expect(placed).toMatchObject({
      clientOrderId: order.clientOrderId,
      status: "accepted",
      filledQuantity: "0",
      fills: [],
    });
    expect(server.orders()).toMatchObject([
      {
        clientOrderId: order.clientOrderId,
        symbol: "BTCUSDT",
        origQty: "0.12345",
        price: "20000.01",
        timeInForce: "GTC",
      },
    ]);
    expect(await venue.fetchOrder(order.clientOrderId, order.instrumentId, signal())).toEqual(placed);
    expect(venue.simulated).toBe(true);
  });

  test("says that it does not know an order, and only then", async () => {
    expect(await venue.fetchOrder("td-nobody", order.instrumentId, signal())).toBeUndefined();
    server.fault({ kind: "unavailable" });
    await expect(venue.fetchOrder("td-nobody", order.instrumentId, signal())).rejects.toMatchObject({
      code: "venue.unavailable",
    });
  });

  test.each([
    ["the connection is cut before the order is taken", { kind: "dropBefore" } as const, 0],
    ["the connection is cut after the order is taken", { kind: "dropAfter" } as const, 1],
    ["the answer comes too late", { kind: "delay", delayMs: 2_500 } as const, 1],
    ["the exchange is out of order", { kind: "unavailable" } as const, 0],
  ])("no answer when %s", async (_name, fault, kept) => {
    await venue.fetchOrder("td-warm", order.instrumentId, signal());
    server.fault({ ...fault, times: 1 });
    await expect(venue.submit(order, signal())).rejects.toMatchObject({
      code: "venue.unavailable",
      retryable: true,
    });
    expect(server.orders()).toHaveLength(kept);
    const known = await venue.fetchOrder(order.clientOrderId, order.instrumentId, signal());
    expect(known === undefined ? 0 : 1).toBe(kept);
  });

  test("the same client order id again is the same order", async () => {
    const first = await venue.submit(order, signal());
    expect(await venue.submit(order, signal())).toEqual(first);
    expect(server.orders()).toHaveLength(1);
  });

  test("a clear no is a rejection in the exchange's words, without the signature", async () => {
    const refused = venue.submit({ ...order, quantity: "0.000001" }, signal());
    await expect(refused).rejects.toMatchObject({ code: "order.rejected" });
    await expect(refused).rejects.not.toThrow(/signature/i);
  });

  test("a wrong secret places nothing", async () => {
    const wrong = createCcxtVenue({
      id: "binance",
      exchange: "binance",
      apiKey,
      secret: "no",
      baseUrl: server.url,
      timeoutMs: 1_000,
    });
    await expect(wrong.submit(order, signal())).rejects.toMatchObject({ code: "order.rejected" });
    await expect(wrong.fetchOrder(order.clientOrderId, order.instrumentId, signal())).rejects.toMatchObject({
      code: "venue.unavailable",
    });
    expect(server.orders()).toEqual([]);
  });

  test("fills with their trade ids and fees; cancelling the rest", async () => {
    await venue.submit(order, signal());
    server.fill(order.clientOrderId, "19999.5", "0.1");
    const partly = await venue.fetchOrder(order.clientOrderId, order.instrumentId, signal());
    expect(partly).toMatchObject({ status: "partiallyFilled", filledQuantity: "0.1" });
    expect(partly!.fills).toMatchObject([
      { tradeId: "5000", price: "19999.5", quantity: "0.1", fee: "1.99995", feeCurrency: "USDT" },
    ]);
    const cancelled = await venue.cancel(order.clientOrderId, order.instrumentId, signal());
    expect(cancelled).toMatchObject({ status: "cancelled", filledQuantity: "0.1" });
  });

  test("an aborted wait ends at once", async () => {
    await venue.fetchOrder("td-warm", order.instrumentId, signal());
    server.fault({ kind: "delay", delayMs: 900 });
    const controller = new AbortController();
    const waiting = venue.submit(order, controller.signal);
    controller.abort(new Error("worker stops"));
    await expect(waiting).rejects.toThrow("worker stops");
  });

  test.each([
    ["no such exchange", { exchange: "nowhere" }, "has no exchange nowhere"],
    ["an exchange without a testnet, not live", { exchange: "kraken" }, "has no testnet"],
  ])("%s", async (_name, given, text) => {
    const other = createCcxtVenue({ id: "x", apiKey, secret, ...given });
    await expect(other.submit(order, signal())).rejects.toThrow(text);
  });
});

test("the loopback exchange keeps its orders over a restart", async () => {
  const journal = path.join(tmpdir(), `tapedeck-venue-${process.pid}.jsonl`);
  const first = await startBinanceVenue({ apiKey, secret, journal });
  const one = createCcxtVenue({ id: "b", exchange: "binance", apiKey, secret, baseUrl: first.url });
  await one.submit(order, signal());
  first.fill(order.clientOrderId, "19999", "0.12345");
  await first.close();
  const second = await startBinanceVenue({ apiKey, secret, journal });
  const two = createCcxtVenue({ id: "b", exchange: "binance", apiKey, secret, baseUrl: second.url });
  expect(await two.fetchOrder(order.clientOrderId, order.instrumentId, signal())).toMatchObject({
    status: "filled",
  });
  await second.close();
  await rm(journal);
});
