import type { TradeGap, VenueTrade } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import type { LiveBinance, LiveBinanceOptions } from "@tapedeck/testkit/liveBinance";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { binanceProtocol } from "./binance.ts";
import { createTradeFeed } from "./feed.ts";

let venue: LiveBinance;
let stop: () => void = () => undefined;
afterEach(async () => {
  stop();
  await venue.close();
});

async function open(options: LiveBinanceOptions, symbols: readonly string[]) {
  venue = await liveBinance(options);
  const trades: VenueTrade[] = [];
  const gaps: TradeGap[] = [];
  const { socketUrl, restUrl } = venue;
  const feed = createTradeFeed({
    protocol: binanceProtocol({ market: "spot", socketUrl, restUrl, now: Date.now }),
    symbols,
    now: Date.now,
    random: () => 0.5,
    log: testLog(),
    healMs: 30,
  });
  stop = () => feed.stop();
  const ignore = () => undefined;
  feed.start({
    trade: (trade) => trades.push(trade),
    gap: (gap) => gaps.push(gap),
    book: ignore,
    quote: ignore,
    mark: ignore,
    ownBar: ignore,
  });
  return { feed, trades, gaps };
}

/** A client that keeps none of Binance's rules; gives how it was ended. */
async function client(breach: (socket: WebSocket) => void): Promise<[code: number, reason: string]> {
  const socket = new WebSocket(`${venue.socketUrl}/ws`, { autoPong: false });
  await new Promise((resolve) => socket.once("open", resolve));
  const ended = new Promise<[number, string]>((resolve) =>
    socket.once("close", (code, reason) => resolve([code, reason.toString()])),
  );
  breach(socket);
  return ended;
}
const subscription = (streams: string[], id: number) =>
  JSON.stringify({ method: "SUBSCRIBE", params: streams, id });

test("as many symbols as a connection carries are subscribed within the limits of frames and streams; one more is refused", async () => {
  const symbols = Array.from({ length: 341 }, (_, i) => `S${i}USDT`);
  const { feed } = await open({}, [...symbols, "S341USDT"]);
  for (const symbol of symbols) feed.follow(symbol, undefined);
  await expect.poll(() => venue.streams().length, { timeout: 20_000 }).toBe(1_023);
  // One by one, as leases give them back and take them.
  for (const symbol of symbols.slice(0, 10)) {
    feed.leave(symbol);
    feed.follow(symbol, undefined);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => venue.streams().length, { timeout: 20_000 }).toBe(1_023);
  expect(venue.breaches()).toEqual([]);
  expect(venue.connections()).toBe(1);
  await expect(feed.fetchInstruments()).rejects.toMatchObject({
    code: "config.invalid",
    message: expect.stringContaining("341 symbols") as string,
  });
  const streams = Array.from({ length: 1_025 }, (_, i) => `s${i}@trade`);
  expect(await client((socket) => socket.send(subscription(streams, 1)))).toEqual([1008, "too many streams"]);
  const flood = (socket: WebSocket) => {
    for (let id = 0; id < 6; id++) socket.send(subscription(["a@trade"], id));
  };
  expect(await client(flood)).toEqual([1008, "too many requests"]);
}, 60_000);

test("pings are answered; who does not answer them is ended", async () => {
  const { feed, trades } = await open({ pingMs: 100 }, ["BTCUSDT"]);
  feed.follow("BTCUSDT", undefined);
  expect(await client(() => undefined)).toEqual([1008, "a ping was not answered"]);
  await expect.poll(() => venue.sends("btcusdt@aggTrade"), { timeout: 10_000 }).toBe(true);
  venue.trade(100);
  await expect.poll(() => trades.length, { timeout: 10_000 }).toBe(1);
  expect(venue.breaches()).toEqual(["a ping was not answered"]);
});

test("trades that come in another order, and more than once, are handed on once each", async () => {
  const { feed, trades, gaps } = await open({}, ["BTCUSDT"]);
  feed.follow("BTCUSDT", undefined);
  await expect.poll(() => venue.sends("btcusdt@aggTrade"), { timeout: 10_000 }).toBe(true);
  venue.trade(1);
  await expect.poll(() => trades.length, { timeout: 10_000 }).toBe(1);
  const made = Array.from({ length: 100 }, (_, i) => venue.trade(i + 2, { hidden: true }));
  // 37 is prime to 100: each place comes once, then each once more in another order.
  for (let i = 0; i < 100; i++) venue.repeat(made[(i * 37) % 100]!);
  for (let i = 0; i < 100; i++) venue.repeat(made[(i * 63) % 100]!);
  const wanted = Array.from({ length: 101 }, (_, i) => 1_000 + i);
  await expect
    .poll(() => trades.map(({ tradeId }) => tradeId).toSorted((a, b) => a! - b!), { timeout: 10_000 })
    .toEqual(wanted);
  await expect.poll(() => feed.status().missing, { timeout: 10_000 }).toBe(0);
  await expect.poll(() => gaps.filter(({ state }) => state === "healed").length).toBeGreaterThan(0);
  expect(gaps.filter(({ state }) => state === "lost")).toEqual([]);
  expect(trades).toHaveLength(101);
});
