import type { TradeGap, VenueTrade } from "@tapedeck/core";
import { testLog } from "@tapedeck/testkit";
import { liveKraken } from "@tapedeck/testkit/liveKraken";
import { expect, test } from "vitest";
import { createTradeFeed } from "./feed.ts";
import { krakenProtocol } from "./kraken.ts";

test("over a socket: trades once each, what a lost connection missed by REST, and a book that its checksum keeps right", async () => {
  const venue = await liveKraken();
  const { socketUrl, restUrl } = venue;
  const trades: VenueTrade[] = [];
  const gaps: TradeGap[] = [];
  let shown: unknown;
  const feed = createTradeFeed({
    protocol: krakenProtocol({ socketUrl, restUrl, now: Date.now }),
    symbols: ["BTC/USD"],
    now: Date.now,
    random: () => 0.5,
    log: testLog(),
    times: { pauseMs: 20, maxPauseMs: 100, frameGapMs: 5 },
    healMs: 30,
  });
  expect(await feed.fetchInstruments()).toMatchObject([{ symbol: "BTC/USD", tickSize: "0.1" }]);
  venue.book({ bids: [["45283.5", "0.10000000"]], asks: [["45285.2", "0.00100000"]] });
  const ignore = () => undefined;
  feed.start({
    trade: (one) => trades.push(one),
    book: ({ book }) => (shown = [book.best("bid", 3), book.best("ask", 3)]),
    gap: (one) => gaps.push(one),
    quote: ignore,
    mark: ignore,
    ownBar: ignore,
  });
  feed.follow("BTC/USD", undefined);
  const subscribed = () => expect.poll(() => venue.channels()).toEqual(["trade", "ticker", "book"]);
  await subscribed();
  await expect.poll(() => shown).toEqual([[[45_283.5, 0.1]], [[45_285.2, 0.001]]]);
  venue.book({
    asks: [
      ["45285.2", "0"],
      ["45286.4", "1.54571953"],
    ],
  });
  await expect.poll(() => shown).toEqual([[[45_283.5, 0.1]], [[45_286.4, 1.54571953]]]);
  expect(feed.status().bookResyncs).toBe(0);

  // An update that does not come shows in the next one's checksum.
  venue.book({ bids: [["45283.4", "1.54582015"]], hidden: true });
  venue.book({ bids: [["45281.0", "0.20000000"]] });
  await expect
    .poll(() => shown)
    .toEqual([
      [
        [45_283.5, 0.1],
        [45_283.4, 1.54582015],
        [45_281, 0.2],
      ],
      [[45_286.4, 1.54571953]],
    ]);
  expect(feed.status().bookResyncs).toBe(1);

  venue.trade(1);
  await expect.poll(() => trades.length).toBe(1);
  venue.drop();
  venue.trade(2, { hidden: true });
  await expect.poll(() => venue.connections()).toBe(2);
  await subscribed();
  venue.trade(3);
  const ids = () => trades.map(({ tradeId }) => tradeId!).toSorted((a, b) => a - b);
  await expect.poll(ids).toEqual([500, 501, 502]);
  await expect.poll(() => gaps.map(({ state }) => state)).toEqual(["open", "healed"]);
  venue.book({ asks: [["45290.0", "0.10000000"]] });
  await expect.poll(() => JSON.stringify(shown)).toContain("45290");
  expect(feed.status()).toMatchObject({ state: "live", reconnects: 1, malformed: 0, missing: 0 });
  feed.stop();
  await venue.close();
});
