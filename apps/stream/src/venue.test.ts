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
