import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { VenueTrade } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GateOptions } from "./gate.ts";
import { createRestFeed, parseRestVenue } from "./restFeed.ts";

let server: Server;
let origin: string;
let answer: unknown;
let asked: string[];
let holds: (url: string) => boolean;
let gate: Partial<GateOptions>;
let stop: () => void = () => undefined;
beforeEach(async () => {
  holds = () => false;
  gate = {};
  asked = [];
  answer = undefined;
  server = createServer((request, response) => {
    asked.push(request.url!);
    if (holds(request.url!)) return;
    response
      .writeHead(answer === undefined ? 429 : 200)
      .end(JSON.stringify(answer ?? { error: "slow down" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  stop();
  server.closeAllConnections();
  server.close();
});

function follow(declared: object, ...symbols: string[]) {
  const trades: VenueTrade[] = [];
  const rest = parseRestVenue(JSON.stringify({ venue: "polled", everyMs: 100, ...declared }));
  const feed = createRestFeed({
    rest,
    symbols,
    key: "hidden",
    now: Date.now,
    log: testLog(),
    gate: { failures: 3, openMs: 200, ...gate },
  });
  stop = () => feed.stop();
  const ignore = () => undefined;
  feed.start({
    trade: (one) => trades.push(one),
    quote: ignore,
    book: ignore,
    mark: ignore,
    ownBar: ignore,
    gap: ignore,
  });
  for (const symbol of symbols) feed.follow(symbol, undefined);
  return { feed, trades };
}

const yahoo = (price: number, seconds: number, volume: number) => ({
  chart: {
    result: [
      { meta: { regularMarketPrice: price, regularMarketTime: seconds, regularMarketVolume: volume } },
    ],
  },
});

test("in Yahoo's form a print comes when price, time or volume is another; its size is what was traded since", async () => {
  answer = yahoo(190.5, 1_704_205_800, 1_000);
  const { feed, trades } = follow({ url: `${origin}/v8/finance/chart/{symbol}`, answer: "yahoo" }, "BRK-B");
  await expect.poll(() => asked.length).toBeGreaterThan(2);
  answer = yahoo(190.25, 1_704_205_815, 1_250);
  await expect.poll(() => trades).toHaveLength(2);
  expect(trades).toMatchObject([
    { symbol: "BRK-B", tradeId: null, eventMs: 1_704_205_800_000, price: 190.5, size: 0, side: "buy" },
    { eventMs: 1_704_205_815_000, price: 190.25, size: 250, side: "sell" },
  ]);
  expect(asked[0]).toBe("/v8/finance/chart/BRK-B");
  expect(feed.status()).toMatchObject({ state: "live", calls: { failed: 0 } });
});

test("in Alpha Vantage's form, with a key; refused it waits behind its breaker and goes on", async () => {
  const { feed, trades } = follow(
    { url: `${origin}/query?symbol={symbol}&apikey={key}`, answer: "alphavantage" },
    "IBM",
  );
  await expect.poll(() => feed.status().breaker).toBe("open");
  expect(feed.status()).toMatchObject({ state: "down", lastError: expect.stringMatching(/429/) });
  expect(JSON.stringify(feed.status())).not.toContain("hidden");
  expect(asked[0]).toBe("/query?symbol=IBM&apikey=hidden");
  // https://www.alphavantage.co/documentation/#latestprice
  answer = { "Global Quote": { "01. symbol": "IBM", "05. price": "161.5000", "06. volume": "3825044" } };
  await expect.poll(() => trades.length).toBe(1);
  expect(trades[0]).toMatchObject({ price: 161.5, size: 0 });
  expect(feed.status()).toMatchObject({ state: "live", breaker: "closed" });
});

test("more symbols than may be asked for at once each have their turn", async () => {
  answer = yahoo(190.5, 1_704_205_800, 1_000);
  const symbols = ["A", "B", "C", "D", "E", "F", "G"];
  gate = { atOnce: 1 };
  const { feed, trades } = follow({ url: `${origin}/{symbol}`, answer: "yahoo" }, ...symbols);
  const times = (symbol: string) => asked.filter((url) => url === `/${symbol}`).length;
  await expect.poll(() => Math.min(...symbols.map(times)), { timeout: 10_000 }).toBeGreaterThan(3);
  expect(trades.map(({ symbol }) => symbol).toSorted()).toEqual(symbols);
  expect(feed.status()).toMatchObject({ state: "live", calls: { failed: 0, heldBack: 0 } });
});

test("a symbol that has no turn in time is named, and the feed is down", async () => {
  answer = yahoo(190.5, 1_704_205_800, 1_000);
  holds = (url) => url === "/SLOW";
  gate = { atOnce: 1, waiting: 0, failures: 1_000, timeoutMs: 60_000 };
  const { feed } = follow({ url: `${origin}/{symbol}`, answer: "yahoo" }, "SLOW", "LATE");
  await expect.poll(() => feed.status().calls.heldBack, { timeout: 10_000 }).toBeGreaterThan(2);
  expect(feed.status()).toMatchObject({ state: "down", lastError: "0 calls wait already" });
  stop();
  gate = { atOnce: 1, failures: 1_000, timeoutMs: 500 };
  const next = follow({ url: `${origin}/{symbol}`, answer: "yahoo" }, "SLOW", "GOOD");
  await expect.poll(() => next.feed.status().lastError, { timeout: 10_000 }).toMatch(/1 of 2 .*: SLOW$/);
  expect(next.feed.status()).toMatchObject({ state: "down" });
});

test.each([
  ["{", /is not JSON/],
  ['{"venue":"a b","url":"http://x/{symbol}","answer":"yahoo"}', /venue: is small letters/],
  ['{"venue":"ab","url":"http://x/","answer":"yahoo"}', /url: must be an address with \{symbol\}/],
])("a declaration that is none is refused: %s", (text, message) => {
  expect(() => parseRestVenue(text)).toThrow(message);
});
