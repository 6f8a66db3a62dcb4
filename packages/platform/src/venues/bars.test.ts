import { testBinance, testLog } from "@tapedeck/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createBarSources, venueUrls } from "./bars.ts";

const hourMs = 3_600_000;
const startMs = Date.parse("2024-01-01T00:00:00Z");
const totalBars = 2_000;

let venue: Awaited<ReturnType<typeof testBinance>>;
let source: ReturnType<typeof createBarSources>;
beforeAll(async () => {
  venue = await testBinance({ startMs, bars: totalBars });
  source = createBarSources({
    log: testLog(),
    urls: venueUrls([`binance=${venue.url}`]),
    pauseMs: 20,
    attempts: 3,
    timeoutMs: 5_000,
  });
});
afterAll(() => venue.close());
beforeEach(() => {
  venue.asked.length = 0;
  venue.faults.length = 0;
});

const request = {
  symbol: "BTC/USDT",
  timeframe: "1h",
  fromMs: startMs,
  toMs: startMs + 300 * hourMs,
  limit: 300,
};
const signal = new AbortController().signal;

describe("an exchange by ccxt", () => {
  test("gives a page of bars in order, in the range", async () => {
    const bars = await source("binance").fetchBars(request, signal);
    expect(bars).toHaveLength(300);
    expect(bars[0]).toEqual({ openMs: startMs, open: 100.5, high: 102, low: 99, close: 101, volume: 0 });
    expect(bars.at(-1)!.openMs).toBe(startMs + 299 * hourMs);
  });

  test("gives nothing after its last bar", async () => {
    const fromMs = startMs + totalBars * hourMs;
    expect(await source("binance").fetchBars({ ...request, fromMs, toMs: fromMs + hourMs }, signal)).toEqual(
      [],
    );
  });

  test("waits as long as Retry-After says, then goes on", async () => {
    await source("binance").fetchBars(request, signal);
    venue.asked.length = 0;
    venue.faults.push({
      status: 429,
      headers: { "retry-after": "1" },
      body: { code: -1003, msg: "Too many requests" },
    });
    expect(await source("binance").fetchBars(request, signal)).toHaveLength(300);
    const [first, second] = venue.asked.filter((item) => item.path.endsWith("/klines"));
    expect(second!.atMs - first!.atMs).toBeGreaterThan(950);
  });

  test("tries again after server errors, and says so when it gives up", async () => {
    venue.faults.push({ status: 503, body: {} });
    expect(await source("binance").fetchBars(request, signal)).toHaveLength(300);
    venue.faults.push(...Array.from({ length: 3 }, () => ({ status: 503, body: {} })));
    await expect(source("binance").fetchBars(request, signal)).rejects.toMatchObject({
      code: "venue.unavailable",
      retryable: true,
      message: expect.not.stringContaining("127.0.0.1") as string,
    });
  });

  test("does not repeat what the venue refuses", async () => {
    venue.faults.push({ status: 400, body: { code: -1102, msg: "Mandatory parameter was not sent" } });
    await expect(source("binance").fetchBars(request, signal)).rejects.toMatchObject({
      code: "venue.unavailable",
      retryable: false,
    });
    expect(venue.asked.filter((item) => item.path.endsWith("/klines"))).toHaveLength(1);
  });

  test("stops when it is told to", async () => {
    venue.faults.push({
      status: 429,
      headers: { "retry-after": "60" },
      body: { code: -1003, msg: "Too many requests" },
    });
    const stop = AbortSignal.timeout(200);
    await expect(source("binance").fetchBars(request, stop)).rejects.toMatchObject({ name: "TimeoutError" });
  });

  test.each([
    [{ symbol: "BTC/USD" }, "binance", "symbol.unknown", /Did you mean BTC\/USDT/],
    [{ timeframe: "7m" }, "binance", "payload.invalid", /it has 1s, 1m/],
    [{}, "binanze", "payload.invalid", /Did you mean binance/],
  ])("%o of %s is refused with a hint", async (change, venue, code, message) => {
    await expect(source(venue).fetchBars({ ...request, ...change }, signal)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});
