import { createTradeFeed } from "@tapedeck/platform/venues/live/feed";
import { binanceProtocol } from "@tapedeck/platform/venues/live/binance";
import { liveBinance } from "@tapedeck/testkit/liveBinance";
import type { LiveBinance } from "@tapedeck/testkit/liveBinance";
import { afterEach, beforeEach, expect, test } from "vitest";
import { streamFixture } from "./fixture.ts";
import { createVenueSource } from "./venue.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
let venue: LiveBinance;
beforeEach(async () => {
  [fixture, venue] = await Promise.all([streamFixture(), liveBinance()]);
});
afterEach(async () => {
  await fixture.close();
  await venue.close();
});

const instrumentId = "BTCUSDT.BINANCE";

function source() {
  const { socketUrl, restUrl } = venue;
  const feed = createTradeFeed({
    protocol: binanceProtocol({ market: "spot", socketUrl, restUrl, now: Date.now }),
    symbols: ["BTCUSDT"],
    now: Date.now,
    random: () => 0.5,
    log: fixture.log,
    times: { pauseMs: 20 },
    healMs: 30,
  });
  return createVenueSource("binance", feed);
}

const storedPrices = async () => {
  const rows = await fixture.db
    .selectFrom("trades")
    .innerJoin("series", "series.seriesId", "trades.seriesId")
    .select("trades.price")
    .where("series.instrumentId", "=", instrumentId)
    .orderBy("trades.price")
    .execute();
  return rows.map(({ price }) => price);
};
const isStored = (prices: number[]) => expect.poll(storedPrices, { timeout: 10_000 }).toEqual(prices);
const subscribed = () => expect.poll(() => venue.streams(), { timeout: 10_000 }).toHaveLength(3);
const prices = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("trades and quotes of a venue reach clients and the store; a gap is recorded and closed", async () => {
  const stream = await fixture.start(await source());
  await subscribed();
  const client = await fixture.connect(stream.url);
  expect(await client.next((frame) => frame.type === "hello")).toMatchObject({
    venue: "binance",
    simulated: false,
    instruments: [instrumentId],
  });
  client.send({ op: "subscribe", channel: "quotes", instrumentId });
  expect(await client.next((frame) => frame.type === "snapshot")).toMatchObject({ data: null });
  venue.send('{"u":1,"s":"BTCUSDT","b":"99.5","B":"2","a":"100.5","A":"3"}');
  expect(await client.next((frame) => frame.type === "delta")).toMatchObject({
    channel: "quotes",
    data: { venue: "binance", instrumentId, bid: 99.5, bidSize: 2, ask: 100.5, askSize: 3, crossed: false },
  });
  venue.send('{"u":2,"s":"BTCUSDT","b":"101","B":"2","a":"100.5","A":"3"}');
  await client.next((frame) => frame.data?.crossed === true);
  venue.trade(1);
  venue.trade(2, { hidden: true });
  venue.trade(3);
  await isStored([1, 2, 3]);
  await expect
    .poll(() => fixture.db.selectFrom("streamGaps").selectAll().execute())
    .toMatchObject([{ venue: "binance", instrumentId, fromId: 1_001, toId: 1_001, state: "healed" }]);
  await expect
    .poll(() => fixture.db.selectFrom("streamRuns").select("feed").executeTakeFirst(), { timeout: 10_000 })
    .toMatchObject({ feed: { state: "live", missing: 0, breaker: "closed" } });
  client.socket.close();
});

test("what came while no process ran is stored once by the next, whatever the last one had stored", async () => {
  const first = await fixture.start(await source());
  await subscribed();
  for (const price of prices(1, 101)) venue.trade(price);
  await isStored(prices(1, 101));
  await first.close(1_000);
  for (const price of prices(101, 1_301)) venue.trade(price);
  await fixture.start(await source());
  await subscribed();
  venue.trade(1_301);
  await isStored(prices(1, 1_302));
});

test("books, mark prices and funding reach clients; what looks wrong is recorded with its end", async () => {
  const futures = await liveBinance({ market: "usdm" });
  const { socketUrl, restUrl } = futures;
  const feed = createTradeFeed({
    protocol: binanceProtocol({ market: "usdm", socketUrl, restUrl, now: Date.now }),
    symbols: ["BTCUSDT"],
    now: Date.now,
    random: () => 0.5,
    log: fixture.log,
  });
  futures.book({ bids: [[99, 1]], asks: [[101, 2]] });
  const stream = await fixture.start(await createVenueSource("binanceusdm", feed));
  await expect.poll(() => futures.sends("btcusdt@markPrice@1s"), { timeout: 10_000 }).toBe(true);
  const client = await fixture.connect(stream.url);
  const of = { instrumentId: "BTCUSDT.BINANCEUSDM" };
  for (const channel of ["book", "marks"]) client.send({ op: "subscribe", channel, ...of });
  futures.book({ bids: [[98, 4]] });
  const book = await client.next((frame) => frame.channel === "book" && frame.data !== null);
  expect(book.data).toMatchObject({
    bids: [
      [99, 1],
      [98, 4],
    ],
    asks: [[101, 2]],
    crossed: false,
  });
  futures.book({ bids: [[99, 0]], asks: [[101, 3]] });
  const changed = await client.next((frame) => frame.type === "delta" && frame.data.asks?.[0]?.[1] === 3);
  expect(changed.data.bids).toEqual([[99, 0]]);

  const nextFundingMs = Date.now() + 3_600_000;
  const frame = {
    e: "markPriceUpdate",
    E: Date.now(),
    s: "BTCUSDT",
    p: "100.5",
    i: "100.25",
    r: "0.0001",
    T: nextFundingMs,
  };
  futures.send(JSON.stringify(frame), "btcusdt@markPrice@1s");
  const mark = await client.next((one) => one.channel === "marks" && one.type === "delta");
  expect(mark.data).toMatchObject({
    markPrice: 100.5,
    indexPrice: 100.25,
    fundingRate: 0.0001,
    nextFundingMs,
  });
  await expect
    .poll(() => fixture.db.selectFrom("fundingRates").selectAll().execute())
    .toMatchObject([{ ...of, fundingMs: nextFundingMs, rate: 0.0001, markPrice: 100.5 }]);

  futures.book({ bids: [[102, 1]] });
  const findings = () => fixture.db.selectFrom("streamFindings").selectAll().execute();
  await expect.poll(findings).toMatchObject([{ ...of, kind: "crossed", toMs: null }]);
  futures.book({ bids: [[102, 0]] });
  await expect.poll(async () => (await findings())[0]!.toMs).not.toBeNull();
  client.socket.close();
  await stream.close(1_000);
  await futures.close();
});

test("a gap of hours is fetched, its prints are stored and its bars are whole, those of its edges too", async () => {
  const minuteMs = 60_000;
  const fromMs = Math.floor((Date.now() - 3 * 3_600_000) / minuteMs) * minuteMs;
  const first = await fixture.start(await source());
  await subscribed();
  venue.trade(1);
  await isStored([1]);
  await first.close(1_000);
  // As if the last process had ended three hours ago, in the middle of a minute.
  await fixture.db.deleteFrom("trades").execute();
  await fixture.db.deleteFrom("bars").execute();
  await fixture.db.updateTable("series").set({ rows: 0, fromMs: null, toMs: null }).execute();
  const place = { numbering: "aggTrades", last: { tradeId: 1_000, eventMs: fromMs + 5_000 }, holes: [] };
  await fixture.db
    .updateTable("streamPlaces")
    .set({ place: JSON.stringify(place), bars: "[]" })
    .execute();
  for (let minute = 0; minute < 180; minute++)
    venue.trade(100 + minute, { hidden: true, size: 2, eventMs: fromMs + minute * minuteMs + 30_000 });
  await fixture.start(await source());
  await subscribed();
  venue.trade(7, { size: 2 });
  await expect.poll(async () => (await storedPrices()).length, { timeout: 15_000 }).toBe(181);
  const bars = () =>
    fixture.db
      .selectFrom("bars")
      .innerJoin("series", "series.seriesId", "bars.seriesId")
      .select(["bars.openMs", "bars.close", "bars.volume"])
      .distinctOn("bars.openMs")
      .where("series.timeframe", "=", "1m")
      .orderBy("bars.openMs")
      .orderBy("bars.revision", "desc")
      .execute();
  const wanted = Array.from({ length: 170 }, (_, minute) => ({
    openMs: fromMs + minute * minuteMs,
    close: 100 + minute,
    volume: 2,
  }));
  await expect.poll(async () => (await bars()).slice(0, 170), { timeout: 15_000 }).toEqual(wanted);
  const gaps = await fixture.db.selectFrom("streamGaps").select(["fromId", "state"]).execute();
  expect(gaps).toContainEqual({ fromId: 1_001, state: "healed" });
}, 60_000);
