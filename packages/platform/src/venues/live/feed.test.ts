import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { TradeGap, TradePlace, VenueTrade } from "@tapedeck/core";
import { dataDir, leaveOutUnless, testLog } from "@tapedeck/testkit";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import type { LiveBinance } from "@tapedeck/testkit/liveBinance";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { aggTradeOf, parseAggTrade } from "./aggTrade.ts";
import { binanceProtocol } from "./binance.ts";
import type { BinanceChannel } from "./binance.ts";
import { createTradeFeed } from "./feed.ts";
import { createGate, HoldOff } from "./gate.ts";
import { krakenProtocol } from "./kraken.ts";
import { fetchJson } from "./protocol.ts";
import { createSequence } from "./sequence.ts";

describe("a feed of a venue that fails in its usual ways", () => {
  let venue: LiveBinance;
  let stop: () => void = () => undefined;
  let trades: VenueTrade[];
  let gaps: TradeGap[];
  let shown: unknown;
  let wrongMs = 0;
  const ignore = () => undefined;

  beforeEach(async () => {
    venue = await liveBinance();
    trades = [];
    gaps = [];
    shown = undefined;
    wrongMs = 0;
  });
  afterEach(async () => {
    stop();
    await venue.close();
  });

  function follow(
    places: ReadonlyMap<string, TradePlace> = new Map(),
    lifeMs = 60_000,
    channels?: readonly BinanceChannel[],
    catchUpMs = 5_000,
  ) {
    const { socketUrl, restUrl } = venue;
    const feed = createTradeFeed({
      protocol: binanceProtocol({ market: "spot", channels, socketUrl, restUrl, now: Date.now }),
      symbols: ["BTCUSDT"],
      now: () => Date.now() + wrongMs,
      random: () => 0.5,
      log: testLog(),
      times: { idleMs: 1_500, lifeMs, overlapMs: 100, pauseMs: 20, maxPauseMs: 100 },
      gate: { failures: 3, openMs: 200 },
      healMs: 30,
      emptyMs: 600,
      catchUpMs,
    });
    stop = () => feed.stop();
    feed.start({
      trade: (one) => trades.push(one),
      gap: (one) => gaps.push(one),
      book: ({ book }) => (shown = [book.best("bid", 5), book.best("ask", 5)]),
      quote: ignore,
      mark: ignore,
      ownBar: ignore,
    });
    feed.follow("BTCUSDT", places.get("BTCUSDT"));
    return feed;
  }

  const subscribed = (connection = 1) =>
    expect
      .poll(() => [venue.connections() >= connection, venue.streams()], { timeout: 10_000 })
      .toEqual([true, ["btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth@100ms"]]);
  const ids = () => trades.map(({ tradeId }) => tradeId);
  const settled = (wanted: number[]) =>
    expect.poll(() => ids().toSorted((a, b) => a! - b!), { timeout: 10_000 }).toEqual(wanted);

  test("trades of a lost connection are fetched, each comes once, and the gap is opened and closed", async () => {
    const feed = follow();
    await subscribed();
    venue.trade(100);
    await settled([1_000]);
    venue.drop();
    venue.trade(101, { hidden: true });
    venue.trade(102, { hidden: true });
    await subscribed(2);
    venue.repeat(venue.trade(103));
    await settled([1_000, 1_001, 1_002, 1_003]);
    await expect
      .poll(() => gaps)
      .toEqual([
        { symbol: "BTCUSDT", fromId: 1_001, toId: 1_002, state: "open" },
        { symbol: "BTCUSDT", fromId: 1_001, toId: 1_002, state: "healed" },
      ]);
    expect(feed.status()).toMatchObject({ state: "live", reconnects: 1, duplicates: 1, missing: 0 });
  });

  test("what a lost connection missed is fetched though nothing is traded after it", async () => {
    const feed = follow(undefined, undefined, undefined, 200);
    await subscribed();
    venue.trade(100);
    await settled([1_000]);
    venue.drop();
    for (let price = 101; price < 1_301; price++) venue.trade(price, { hidden: true });
    await subscribed(2);
    await settled(Array.from({ length: 1_201 }, (_, i) => 1_000 + i));
    expect(gaps).toEqual([]);
    await expect.poll(() => venue.asked()).toBe(3);
    // A symbol that stays quiet is asked for once a connection.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(venue.asked()).toBe(3);
    expect(feed.status()).toMatchObject({ reconnects: 1, duplicates: 0, missing: 0 });
  });

  test("history that is refused opens the breaker; allowed again, the series is whole", async () => {
    const feed = follow();
    await subscribed();
    venue.trade(100);
    await settled([1_000]);
    venue.history(429);
    venue.trade(101, { hidden: true });
    venue.trade(102);
    await expect.poll(() => feed.status().breaker).toBe("open");
    expect(feed.status()).toMatchObject({ missing: 1, lastError: expect.stringMatching(/429/) });
    expect(venue.asked()).toBe(3);
    venue.history(200);
    await settled([1_000, 1_001, 1_002]);
    await expect.poll(() => feed.status()).toMatchObject({ breaker: "closed", missing: 0 });
  });

  test("history that is behind the socket is asked again; what it does not get is lost, and holds nothing else up", async () => {
    const feed = follow();
    await subscribed();
    venue.trade(100);
    await settled([1_000]);
    venue.historyUpTo(1_000);
    venue.trade(101, { hidden: true });
    venue.trade(102);
    await expect.poll(() => venue.asked()).toBeGreaterThan(1);
    expect(feed.status()).toMatchObject({ missing: 1, breaker: "closed" });
    venue.historyUpTo(1_002);
    await settled([1_000, 1_001, 1_002]);
    venue.trade(103, { hidden: true });
    venue.trade(104);
    await expect.poll(() => gaps.at(-1)).toMatchObject({ fromId: 1_003, toId: 1_003, state: "lost" });
    expect(gaps.map(({ fromId, state }) => [fromId, state])).toEqual([
      [1_001, "open"],
      [1_001, "healed"],
      [1_003, "open"],
      [1_003, "lost"],
    ]);
    venue.historyUpTo(Infinity);
    const hidden = venue.trade(105, { hidden: true });
    venue.trade(106);
    await settled([1_000, 1_001, 1_002, 1_004, hidden.a, 1_006]);
  });

  test("requests that weigh too much are refused once: nothing is asked before the venue allows it, and it bans nobody", async () => {
    await venue.close();
    venue = await liveBinance({ weightPerMinute: 6, minuteMs: 2_000 });
    const feed = follow();
    await subscribed();
    const made = [venue.trade(100).a];
    await settled(made);
    // The clock weighs 1, a page of trades 4.
    while (venue.refusals().length === 0) {
      made.push(venue.trade(101, { hidden: true }).a, venue.trade(102).a);
      await settled(made);
    }
    expect(venue.refusals()).toEqual([429]);
    expect(feed.status()).toMatchObject({
      missing: 0,
      lastError: expect.stringMatching(/429 \(weight \d+\)/),
    });
    expect(gaps.filter(({ state }) => state === "lost")).toEqual([]);
  });

  test("a connection that says nothing any more is replaced", async () => {
    const feed = follow();
    await subscribed();
    venue.trade(100);
    await settled([1_000]);
    venue.freeze();
    venue.trade(101);
    await subscribed(2);
    venue.trade(102);
    await settled([1_000, 1_001, 1_002]);
    expect(feed.status().lastError).toMatch(/nothing was heard/);
  });

  test("before a connection is too old, a second one takes over: no loss, no repetition", async () => {
    const feed = follow(new Map(), 300);
    await subscribed();
    const wanted: number[] = [];
    while (venue.connections() < 4) {
      wanted.push(venue.trade(100).a);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await settled(wanted.filter((id) => id >= ids()[0]!));
    expect(feed.status()).toMatchObject({ reconnects: 0, missing: 0 });
    expect(gaps).toEqual([]);
  });

  test("what came while nothing ran is fetched from the place that was kept; what the venue has no more is lost by name", async () => {
    for (let i = 0; i < 2_500; i++) venue.trade(100 + i, { hidden: true });
    follow(new Map([["BTCUSDT", { last: { tradeId: 995, eventMs: Date.now() }, holes: [] }]]));
    await subscribed();
    const { a: last } = venue.trade(5);
    await settled(Array.from({ length: last - 999 }, (_, i) => 1_000 + i));
    await expect
      .poll(() => gaps.map((gap) => [gap.fromId, gap.toId, gap.state]))
      .toEqual([
        [996, last - 1, "open"],
        [996, last - 1, "lost"],
      ]);
    expect(new Set(ids()).size).toBe(trades.length);
  });

  test("trades each by itself: the latest thousand are fetched without a key, those before them are lost by name", async () => {
    for (let i = 0; i < 1_500; i++) venue.trade(100 + i, { hidden: true });
    const last = { tradeId: 999, eventMs: Date.now() };
    const feed = follow(new Map([["BTCUSDT", { numbering: "trades", last, holes: [] }]]), 60_000, ["trades"]);
    await expect.poll(() => venue.sends("btcusdt@trade"), { timeout: 10_000 }).toBe(true);
    venue.trade(5);
    await settled(Array.from({ length: 1_000 }, (_, i) => 1_501 + i));
    await expect.poll(() => gaps.at(-1)).toMatchObject({ fromId: 1_000, toId: 2_499, state: "lost" });
    expect(trades.find(({ tradeId }) => tradeId === 1_501)).toMatchObject({
      price: 601,
      size: 1,
      side: "buy",
    });
    expect(feed.status()).toMatchObject({ missing: 0, calls: { failed: 0 } });
  });

  test("malformed frames and a clock ahead change nothing but what the status says", async () => {
    venue.skew(5_000);
    const feed = follow();
    await subscribed();
    for (const text of ["{", "[]", "null", '{"e":"aggTrade"}', '{"e":"aggTrade","s":"BTCUSDT","p":"x"}'])
      venue.send(text);
    venue.trade(100);
    await settled([1_000]);
    await expect.poll(() => feed.status().clockOffsetMs).toBeGreaterThan(4_000);
    expect(feed.status()).toMatchObject({ state: "live", malformed: 5 });
  });

  test.each([3_600_000, -3_600_000])(
    "our clock, set by %i ms, leaves the venue's time as it was",
    async (byMs) => {
      venue.skew(5_000);
      const feed = follow();
      await expect.poll(() => feed.status().clockOffsetMs).not.toBe(null);
      wrongMs = byMs;
      const venueMs = Date.now() + wrongMs + feed.status().clockOffsetMs!;
      expect(Math.abs(venueMs - Date.now() - 5_000)).toBeLessThan(60_000);
    },
  );

  test("a book is the venue's whatever was skipped: an update that is missing has it read anew", async () => {
    venue.book({
      bids: [
        [99, 1],
        [98, 2],
      ],
      asks: [[101, 1]],
    });
    const feed = follow();
    await subscribed();
    venue.book({ bids: [[99.5, 3]] });
    await expect
      .poll(() => shown, { timeout: 10_000 })
      .toEqual([
        [
          [99.5, 3],
          [99, 1],
          [98, 2],
        ],
        [[101, 1]],
      ]);
    venue.book({
      bids: [[99, 0]],
      asks: [
        [100.5, 4],
        [101, 5],
      ],
    });
    const wanted = [
      [
        [99.5, 3],
        [98, 2],
      ],
      [
        [100.5, 4],
        [101, 5],
      ],
    ];
    await expect.poll(() => shown).toEqual(wanted);
    expect(feed.status().bookResyncs).toBe(0);
    venue.book({ asks: [[100.5, 0]], hidden: true });
    await expect
      .poll(
        () => {
          venue.book({ bids: [[97, 9]] });
          return shown;
        },
        { timeout: 10_000 },
      )
      .toEqual([
        [
          [99.5, 3],
          [98, 2],
          [97, 9],
        ],
        [[101, 5]],
      ]);
    expect(feed.status().bookResyncs).toBeGreaterThan(0);
  });

  test("a symbol that the venue does not trade is refused by name", async () => {
    const futures = await liveBinance({ market: "usdm" });
    const { socketUrl, restUrl } = futures;
    const protocol = binanceProtocol({ market: "usdm", socketUrl, restUrl, now: Date.now });
    const feed = createTradeFeed({
      protocol,
      symbols: ["NONE"],
      now: Date.now,
      random: Math.random,
      log: testLog(),
    });
    await expect(feed.fetchInstruments()).rejects.toMatchObject({ code: "symbol.unknown" });
    expect(await protocol.fetchInstruments(["BTCUSDT"], AbortSignal.timeout(5_000))).toEqual([
      {
        symbol: "BTCUSDT",
        currency: "USDT",
        assetClass: "perpetual",
        tickSize: "0.01",
        lotSize: "0.00001",
        minNotional: "5",
      },
    ]);
    await futures.close();
  });
});

test("whatever the order and the repetitions, each id is new once, and the holes are what has not come", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 80 }), (arrivals) => {
      const sequence = createSequence({ last: { tradeId: 0, eventMs: 0 }, holes: [] });
      const fresh = arrivals.filter((id) => sequence.take({ tradeId: id, eventMs: id }).kind !== "duplicate");
      expect(fresh.toSorted((a, b) => a - b)).toEqual([...new Set(arrivals)].toSorted((a, b) => a - b));
      const missing = sequence
        .holes()
        .flatMap(({ fromId, toId }) => Array.from({ length: toId - fromId + 1 }, (_, i) => fromId + i));
      const highest = Math.max(...arrivals);
      expect(missing.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: highest }, (_, i) => i + 1).filter((id) => !arrivals.includes(id)),
      );
    }),
  );
});

test("an open gate makes no call until its time is over; then one call decides", async () => {
  let nowMs = 0;
  let calls = 0;
  const gate = createGate({
    now: () => nowMs,
    timeoutMs: 1_000,
    atOnce: 1,
    waiting: 0,
    failures: 2,
    openMs: 100,
  });
  const fail = () =>
    gate.call(() => (calls++, Promise.reject(new Error("away")))).catch((e: unknown) => String(e));
  await fail();
  await fail();
  expect(gate.state()).toBe("open");
  expect(await fail()).toMatch(/held back: away/);
  expect(calls).toBe(2);
  nowMs = 100;
  expect(gate.state()).toBe("half-open");
  await fail();
  expect([gate.state(), calls]).toEqual(["open", 3]);
  nowMs = 200;
  expect(await gate.call(() => Promise.resolve(7))).toBe(7);
  expect(gate.state()).toBe("closed");
  const busy = gate.call(() => new Promise(() => undefined));
  await expect(gate.call(() => Promise.resolve(1))).rejects.toMatchObject({ code: "venue.unavailable" });
  busy.catch(() => undefined);
});

test("what is watched is refused while the gate is open; failures of one moment count once", async () => {
  let nowMs = 0;
  const gate = createGate({
    now: () => nowMs,
    timeoutMs: 1_000,
    atOnce: 1,
    waiting: 1,
    failures: 2,
    openMs: 5_000,
  });
  const lost = () => Promise.reject(new Error("the connection was lost"));
  const failTogether = () =>
    Promise.all(Array.from({ length: 5 }, () => expect(gate.watch(lost)).rejects.toThrow("was lost")));
  await failTogether();
  expect(gate.state()).toBe("closed");
  nowMs = 1_000;
  await failTogether();
  expect(gate.state()).toBe("open");
  const quiet = vi.fn(() => Promise.resolve(1));
  await expect(gate.watch(quiet)).rejects.toMatchObject({ code: "venue.unavailable" });
  await expect(gate.call(quiet)).rejects.toMatchObject({ code: "venue.unavailable" });
  expect(quiet).not.toHaveBeenCalled();
  nowMs = 6_000;
  await expect(gate.watch(quiet)).resolves.toBe(1);
  expect(gate.state()).toBe("closed");
});

test("a call waits for weight that other processes spent; where they cannot be asked, its own counts", async () => {
  const answers = [
    () => Promise.resolve(false),
    () => Promise.resolve(true),
    () => Promise.reject(new Error("away")),
  ];
  const spent: number[] = [];
  const gate = createGate({
    now: () => 0,
    timeoutMs: 1_000,
    atOnce: 1,
    waiting: 1,
    failures: 5,
    openMs: 1_000,
    weightPerMinute: 100,
    spendShared(weight) {
      spent.push(weight);
      return answers.shift()!();
    },
  });
  const call = () => gate.call(() => Promise.resolve("told"), 30);
  await expect(call()).rejects.toMatchObject({ code: "venue.unavailable", retryable: true });
  expect(gate.lastError()).toMatch(/all processes/);
  await expect(call()).resolves.toBe("told");
  await expect(call()).resolves.toBe("told");
  await expect(call()).rejects.toThrow("weigh 90 of 100");
  expect(spent).toEqual([30, 30, 30]);
});

test("calls beyond the places wait in order, those beyond the queue are refused, and a hold-off refuses all", async () => {
  let nowMs = 0;
  const gate = createGate({
    now: () => nowMs,
    timeoutMs: 1_000,
    atOnce: 1,
    waiting: 2,
    failures: 9,
    openMs: 1,
  });
  const done: number[] = [];
  const ends: (() => void)[] = [];
  const call = (i: number) =>
    gate.call(() => new Promise<void>((resolve) => ends.push(resolve))).then(() => done.push(i));
  const first = [call(0), call(1), call(2)];
  await expect(call(3)).rejects.toThrow("2 calls wait already");
  for (let i = 0; i < 3; i++) {
    await expect.poll(() => ends.length).toBe(i + 1);
    expect(gate.calls().underWay).toBe(1);
    ends[i]!();
  }
  await Promise.all(first);
  expect(done).toEqual([0, 1, 2]);
  const banned = gate.call(() => Promise.reject(new HoldOff("banned", 120_000)));
  const behind = gate.call(() => Promise.resolve(1));
  await expect(banned).rejects.toThrow("banned");
  await expect(behind).rejects.toThrow("held back: banned");
  nowMs = 119_999;
  await expect(gate.call(() => Promise.resolve(1))).rejects.toThrow("held back: banned");
  nowMs = 120_000;
  expect(await gate.call(() => Promise.resolve(1))).toBe(1);
});

test("the calls of any minute weigh no more than they may", () => {
  const call = fc.record({
    afterMs: fc.integer({ min: 0, max: 40_000 }),
    weight: fc.integer({ min: 1, max: 50 }),
  });
  return fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
      let nowMs = 0;
      const made: { atMs: number; weight: number }[] = [];
      const within = () =>
        made.filter(({ atMs }) => nowMs - atMs < 60_000).reduce((sum, { weight }) => sum + weight, 0);
      const gate = createGate({
        now: () => nowMs,
        timeoutMs: 1_000,
        atOnce: 1,
        waiting: 0,
        failures: 1,
        openMs: 1,
        weightPerMinute: 100,
      });
      for (const { afterMs, weight } of calls) {
        nowMs += afterMs;
        const fits = within() + weight <= 100;
        const outcome = gate.call(() => Promise.resolve("made"), weight).catch(() => "refused");
        expect(await outcome).toBe(fits ? "made" : "refused");
        if (fits) made.push({ atMs: nowMs, weight });
      }
      expect(gate.state()).toBe("closed");
    }),
  );
});

test.each([
  [429, { "retry-after": "7" }, 7_000],
  [503, { "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" }, 30_000],
  [418, { "x-mbx-used-weight-1m": "6100" }, 60_000],
  [429, {}, undefined],
])("an answer %i with %o holds off for %s ms", async (status, headers, afterMs) => {
  const server = createServer((_request, response) => response.writeHead(status, headers).end("slow down"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const refused = await fetchJson(`http://127.0.0.1:${port}`, AbortSignal.timeout(5_000)).catch(
    (error: unknown) => error as Error,
  );
  server.closeAllConnections();
  server.close();
  expect(refused).toMatchObject({ message: expect.stringMatching(`answered ${status}.*slow down`) });
  expect(refused instanceof HoldOff ? refused.afterMs : undefined).toBe(afterMs);
});

test("a trade's frame is read the same whichever way it is written", () => {
  const trade = fc.record({
    a: fc.nat(),
    p: fc.nat().map((cents) => (cents / 100).toFixed(2)),
    q: fc.nat().map((units) => (units / 1e8).toFixed(8)),
    f: fc.nat(),
    l: fc.nat(),
    T: fc.nat(),
    m: fc.boolean(),
  });
  fc.assert(
    fc.property(trade, fc.boolean(), (row, futures) => {
      const { a, ...rest } = row;
      const named = futures ? { a, s: "BTCUSDT" } : { s: "BTCUSDT", a };
      const text = JSON.stringify({
        e: "aggTrade",
        E: 1,
        ...named,
        ...rest,
        ...(futures ? {} : { M: true }),
      });
      expect(parseAggTrade(text)).toEqual(aggTradeOf("BTCUSDT", row));
      expect(parseAggTrade(text.slice(0, -1))).toBe(undefined);
      expect(parseAggTrade(JSON.stringify(JSON.parse(text), null, 1))).toBe(undefined);
    }),
  );
});

const hasVenues = existsSync(path.join(dataDir, "venues"));
const recorded = (name: string) => readFileSync(path.join(dataDir, "venues", name), "utf8");

leaveOutUnless(hasVenues, "DATA_DIR/venues")("recorded payloads", () => {
  const binance = binanceProtocol({ market: "usdm", now: () => 7 });
  const stream = (name: string) => binance.parse(recorded(`binance/futures/market_data_json/${name}.json`));

  test("Binance: trades, best prices, a book's update, closed bars, mark prices; other events are malformed", () => {
    expect(stream("agg_trade_stream")).toEqual([
      {
        kind: "trade",
        trade: {
          symbol: "BTCUSDT",
          tradeId: 5_933_014,
          eventMs: 123_456_785,
          price: 0.001,
          size: 100,
          side: "sell",
        },
      },
    ]);
    expect(stream("book_ticker_stream")).toEqual([
      {
        kind: "quote",
        quote: {
          symbol: "BNBUSDT",
          eventMs: 1_568_014_460_891,
          bid: 25.3519,
          bidSize: 31.21,
          ask: 25.3652,
          askSize: 40.66,
        },
      },
    ]);
    expect(stream("trade_stream")).toEqual([
      {
        kind: "trade",
        trade: {
          symbol: "BTCUSDT",
          tradeId: 5_933_014,
          eventMs: 123_456_785,
          price: 0.001,
          size: 100,
          side: "sell",
        },
      },
    ]);
    expect(stream("depth_update_stream")).toEqual([
      {
        kind: "book",
        update: {
          symbol: "BTCUSDT",
          eventMs: 123_456_789,
          isImage: false,
          firstId: 157,
          lastId: 160,
          previousId: 149,
          bids: [[0.0024, 10]],
          asks: [[0.0026, 100]],
        },
      },
    ]);
    expect(stream("kline_stream_open")).toEqual([]);
    expect(stream("kline_stream_closed")).toEqual([
      {
        kind: "ownBar",
        bar: {
          symbol: "BTCUSDT",
          timeframe: "1m",
          openMs: 1_638_747_660_000,
          closeMs: 1_638_747_720_000,
          open: 0.001,
          high: 0.0025,
          low: 0.001,
          close: 0.002,
          volume: 1_000,
        },
      },
    ]);
    expect(stream("mark_price_stream")).toEqual([
      {
        kind: "mark",
        mark: {
          symbol: "BTCUSDT",
          eventMs: 1_562_305_380_000,
          markPrice: 11_794.15,
          indexPrice: 11_784.62659091,
          fundingRate: 0.00038167,
          nextFundingMs: 1_562_306_400_000,
        },
      },
    ]);
    for (const name of ["liquidation_stream", "ticker_stream"]) expect(() => stream(name)).toThrow();
  });

  test("Kraken: a page of history, its ids without a hole", async () => {
    const page = recorded("kraken/http_trades.json");
    const server = createServer((_request, response) => response.end(page));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const kraken = krakenProtocol({ restUrl: `http://127.0.0.1:${port}`, now: () => 7 });
    const trades = await kraken.fetchTrades(
      "BTC/USDT",
      { fromId: 0, sinceMs: 0 },
      AbortSignal.timeout(5_000),
    );
    server.close();
    expect(trades).toHaveLength(1_000);
    expect(trades[0]).toEqual({
      symbol: "BTC/USDT",
      tradeId: 10_218_208,
      eventMs: 1_762_795_433_971,
      price: 105_433.6,
      size: 0.000_276_25,
      side: "buy",
    });
    expect(trades.map(({ tradeId }) => tradeId)).toEqual(trades.map((_trade, i) => 10_218_208 + i));
  });
});

test("Kraken's frames as its documentation shows them", () => {
  const kraken = krakenProtocol({ now: () => 7 });
  // https://docs.kraken.com/api/docs/websocket-v2/trade
  const trade = {
    symbol: "MATIC/USD",
    side: "sell",
    price: 0.5117,
    qty: 40,
    ord_type: "market",
    trade_id: 4_665_906,
    timestamp: "2023-09-25T07:49:37.708706Z",
  };
  expect(kraken.parse(JSON.stringify({ channel: "trade", type: "update", data: [trade] }))).toEqual([
    {
      kind: "trade",
      trade: {
        symbol: "MATIC/USD",
        tradeId: 4_665_906,
        eventMs: 1_695_628_177_708,
        price: 0.5117,
        size: 40,
        side: "sell",
      },
    },
  ]);
  expect(kraken.parse('{"channel":"heartbeat"}')).toEqual([]);
  expect(
    kraken.parse('{"method":"subscribe","success":false,"error":"Currency pair not supported"}'),
  ).toEqual([{ kind: "refused", reason: "Currency pair not supported" }]);
  expect(() => kraken.parse('{"channel":"trade","data":[{"symbol":"MATIC/USD"}]}')).toThrow();
});
