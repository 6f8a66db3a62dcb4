import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TradeGap, TradePlace, VenueTrade } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import type { LiveBinance } from "@tapedeck/testkit/liveBinance";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCcxtFeed } from "./ccxtFeed.ts";

let venue: LiveBinance;
let stop: () => void = () => undefined;
let trades: VenueTrade[];
let gaps: TradeGap[];
let shown: unknown;
beforeEach(async () => {
  venue = await liveBinance();
  trades = [];
  gaps = [];
  shown = undefined;
});
afterEach(async () => {
  stop();
  await venue.close();
});

async function follow(
  exchange = "binance",
  place?: TradePlace,
  { restUrl, symbol } = { restUrl: venue.restUrl, symbol: "BTC/USDT" },
) {
  const feed = createCcxtFeed({
    exchange,
    symbols: [symbol],
    socketUrl: venue.socketUrl,
    restUrl,
    now: Date.now,
    random: () => 0.5,
    log: testLog(),
    pauseMs: 20,
    pollMs: 50,
  });
  stop = () => feed.stop();
  const instruments = await feed.fetchInstruments();
  const ignore = () => undefined;
  feed.start({
    trade: (one) => trades.push(one),
    book: ({ book }) => (shown = [book.best("bid", 3), book.best("ask", 3)]),
    quote: ignore,
    mark: ignore,
    ownBar: ignore,
    gap: (one) => gaps.push(one),
  });
  feed.follow(symbol, place);
  return { feed, instruments };
}
const prices = () => trades.map(({ price }) => price);
const subscribed = () => expect.poll(() => venue.sends("btcusdt@trade"), { timeout: 10_000 }).toBe(true);

test("an exchange that ccxt can watch: its trades once each, its book, and what a lost connection missed", async () => {
  venue.book({ bids: [[99, 1]], asks: [[101, 2]] });
  const { feed, instruments } = await follow();
  expect(instruments).toMatchObject([{ symbol: "BTC/USDT", currency: "USDT", tickSize: "0.01" }]);
  await subscribed();
  venue.trade(100, { size: 2 });
  await expect.poll(prices).toEqual([100]);
  expect(trades[0]).toMatchObject({ symbol: "BTC/USDT", tradeId: null, size: 2, side: "buy" });
  await expect
    .poll(
      () => {
        venue.book({ bids: [[98, 3]] });
        return shown;
      },
      { timeout: 10_000 },
    )
    .toEqual([
      [
        [99, 1],
        [98, 3],
      ],
      [[101, 2]],
    ]);
  const before = venue.connections();
  venue.drop();
  venue.trade(101, { hidden: true, eventMs: Date.now() + 1 });
  await expect.poll(() => venue.connections(), { timeout: 10_000 }).toBeGreaterThan(before);
  await subscribed();
  venue.repeat(venue.trade(102, { eventMs: Date.now() + 2 }));
  await expect.poll(prices, { timeout: 10_000 }).toEqual([100, 101, 102]);
  expect(feed.status()).toMatchObject({ state: "live", missing: 0, breaker: "closed" });
});

test("a start goes on from the trades that are known, within their millisecond too", async () => {
  const eventMs = Date.now() - 60_000;
  const [first] = [1, 2, 3].map((price) => venue.trade(price, { hidden: true, eventMs }));
  venue.trade(4, { hidden: true, eventMs: eventMs + 5 });
  const place = { last: { tradeId: 0, eventMs }, holes: [], ids: [String(first!.a)] };
  const { feed } = await follow("binance", place);
  await expect.poll(prices, { timeout: 10_000 }).toEqual([2, 3, 4]);
  expect(gaps).toEqual([]);
  expect(feed.places().get("BTC/USDT")).toMatchObject({ last: { eventMs: eventMs + 5 }, ids: ["1003"] });
});

test("a trade from the future is handed on, and trades are asked for from the one before it on", async () => {
  const { feed } = await follow();
  await subscribed();
  const eventMs = Date.now();
  venue.trade(1, { eventMs });
  venue.trade(2, { eventMs: eventMs + 72_000_000 });
  await expect.poll(prices, { timeout: 10_000 }).toEqual([1, 2]);
  expect(feed.places().get("BTC/USDT")?.last).toEqual({ tradeId: 0, eventMs });
});

/** https://lightning.bitflyer.com/docs?lang=en: its markets and executions, the newest first. */
async function bitflyer(executions: () => readonly object[]) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://venue");
    response.writeHead(200, { "content-type": "application/json" });
    const markets = pathname.endsWith("/getmarkets")
      ? [{ product_code: "BTC_JPY", market_type: "Spot" }]
      : [];
    response.end(JSON.stringify(pathname.endsWith("/getexecutions") ? executions() : markets));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, restUrl: `http://127.0.0.1:${port}` };
}

test("an exchange without a WebSocket is asked again and again", async () => {
  const made: object[] = [];
  const { server, restUrl } = await bitflyer(() => made.toReversed());
  const execution = (id: number, second: number) =>
    made.push({
      id,
      side: id % 2 === 0 ? "BUY" : "SELL",
      price: 1_000 + id,
      size: 0.01,
      exec_date: `2026-01-05T10:00:0${second}.500`,
    });
  execution(1, 1);
  const { feed } = await follow("bitflyer", undefined, { restUrl, symbol: "BTC/JPY" });
  await expect.poll(prices, { timeout: 10_000 }).toEqual([1_001]);
  execution(2, 2);
  execution(3, 2);
  await expect.poll(prices, { timeout: 10_000 }).toEqual([1_001, 1_002, 1_003]);
  expect(trades.map(({ side }) => side)).toEqual(["sell", "buy", "sell"]);
  expect(trades[2]).toMatchObject({ eventMs: Date.UTC(2026, 0, 5, 10, 0, 2, 500), size: 0.01 });
  expect(feed.status()).toMatchObject({ state: "live", breaker: "closed" });
  expect(gaps).toEqual([]);
  made.length = 0;
  execution(7, 5);
  await expect.poll(prices, { timeout: 10_000 }).toEqual([1_001, 1_002, 1_003, 1_007]);
  await expect
    .poll(() => gaps, { timeout: 10_000 })
    .toEqual(["open", "lost"].map((state) => ({ symbol: "BTC/JPY", fromId: 4, toId: 6, state })));
  stop();
  server.closeAllConnections();
  server.close();
});

test("symbols that are polled are asked for at different times, and one whose answer is overdue is named", async () => {
  const asked: { symbol: string; atMs: number }[] = [];
  const silent = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, "http://venue");
    const code = searchParams.get("product_code") ?? "";
    if (silent.has(code)) return;
    response.writeHead(200, { "content-type": "application/json" });
    if (pathname.endsWith("/getexecutions")) asked.push({ symbol: code, atMs: performance.now() });
    const markets = ["BTC_JPY", "ETH_JPY"].map((product_code) => ({ product_code, market_type: "Spot" }));
    response.end(JSON.stringify(pathname.endsWith("/getmarkets") ? markets : []));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const feed = createCcxtFeed({
    exchange: "bitflyer",
    symbols: ["BTC/JPY", "ETH/JPY"],
    restUrl: `http://127.0.0.1:${port}`,
    now: Date.now,
    random: () => 0.5,
    log: testLog(),
    pauseMs: 20,
    pollMs: 1_000,
    gate: { timeoutMs: 3_000, failures: 2, openMs: 200 },
  });
  stop = () => feed.stop();
  await feed.fetchInstruments();
  const ignore = () => undefined;
  feed.start({ trade: ignore, book: ignore, quote: ignore, mark: ignore, ownBar: ignore, gap: ignore });
  for (const symbol of ["BTC/JPY", "ETH/JPY"]) feed.follow(symbol, undefined);
  const first = (code: string) => asked.find(({ symbol }) => symbol === code)?.atMs ?? Number.NaN;
  await expect.poll(() => first("ETH_JPY") - first("BTC_JPY"), { timeout: 10_000 }).toBeGreaterThan(300);
  await expect.poll(() => feed.status().state, { timeout: 10_000 }).toBe("live");
  silent.add("ETH_JPY");
  await expect
    .poll(() => feed.status(), { timeout: 20_000 })
    .toMatchObject({
      state: "down",
      lastError: "1 of 2 symbols had no answer in time: ETH/JPY",
      calls: { timedOut: expect.toSatisfy((count: number) => count > 0) },
    });
  silent.clear();
  await expect.poll(() => feed.status().state, { timeout: 20_000 }).toBe("live");
  stop();
  server.closeAllConnections();
  server.close();
});

test("an exchange that there is not is refused", async () => {
  const none = createCcxtFeed({
    exchange: "nowhere",
    symbols: ["BTC/USDT"],
    now: Date.now,
    random: Math.random,
    log: testLog(),
  });
  await expect(none.fetchInstruments()).rejects.toMatchObject({ code: "config.invalid" });
});
