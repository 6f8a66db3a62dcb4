import { readFileSync, existsSync } from "node:fs";
import path from "node:path";
import { createOrderBook } from "@tapedeck/core";
import { dataDir, leaveOutUnless } from "@tapedeck/testkit";
import { expect, test } from "vitest";
import { binanceProtocol } from "./binance.ts";
import { createBookKeeper } from "./book.ts";
import type { BookUpdate } from "./book.ts";
import { krakenChecksum, krakenProtocol } from "./kraken.ts";

const keeper = (market: "spot" | "usdm") =>
  createBookKeeper(binanceProtocol({ market, now: () => 0 }).bookRule!);
const bid = (price: number, size: number, numbers: Partial<BookUpdate>): BookUpdate => ({
  symbol: "BTCUSDT",
  eventMs: 0,
  isImage: false,
  bids: [[price, size]],
  asks: [],
  ...numbers,
});
const image = (lastId: number) => bid(10, 1, { isImage: true, lastId });

test("spot: what waits is laid on the image by its numbers; one that is older than what waits is not taken", () => {
  const spot = keeper("spot");
  expect(spot.take(bid(9, 1, { firstId: 1, lastId: 4 }))).toBe("waiting");
  expect(spot.take(bid(8, 1, { firstId: 5, lastId: 7 }))).toBe("waiting");
  expect(spot.take(bid(7, 1, { firstId: 8, lastId: 9 }))).toBe("waiting");
  expect(spot.take(image(5))).toBe("changed");
  expect(spot.book.best("bid", 9)).toEqual([
    [10, 1],
    [8, 1],
    [7, 1],
  ]);
  expect(spot.take(bid(6, 1, { firstId: 8, lastId: 9 }))).toBe("unchanged");
  expect(spot.take(bid(6, 1, { firstId: 10, lastId: 10 }))).toBe("changed");
  expect(spot.take(bid(5, 1, { firstId: 12, lastId: 12 }))).toBe("broken");
  expect(spot.book.depth("bid")).toBe(0);
  expect(spot.take(image(10))).toBe("broken");
  expect(spot.take(image(11))).toBe("changed");
  expect(spot.book.best("bid", 9)).toEqual([
    [10, 1],
    [5, 1],
  ]);
});

test("futures: the first update holds the image's number, each names the last of the one before", () => {
  const usdm = keeper("usdm");
  expect(usdm.take(bid(9, 1, { firstId: 1, lastId: 4, previousId: 0 }))).toBe("waiting");
  expect(usdm.take(bid(8, 1, { firstId: 5, lastId: 7, previousId: 4 }))).toBe("waiting");
  expect(usdm.take(image(6))).toBe("changed");
  expect(usdm.book.best("bid", 9)).toEqual([
    [10, 1],
    [8, 1],
  ]);
  // Numbers may jump as long as the one before is named.
  expect(usdm.take(bid(7, 1, { firstId: 20, lastId: 25, previousId: 7 }))).toBe("changed");
  expect(usdm.take(bid(6, 1, { firstId: 30, lastId: 35, previousId: 26 }))).toBe("broken");
});

// https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2.md
const documented = {
  asks: [
    [45285.2, 0.001],
    [45286.4, 1.54571953],
    [45286.6, 1.54571109],
    [45289.6, 1.54560911],
    [45290.2, 0.1589066],
    [45291.8, 1.54553491],
    [45294.7, 0.04454749],
    [45296.1, 0.3538],
    [45297.5, 0.09945542],
    [45299.5, 0.18772827],
  ],
  bids: [
    [45283.5, 0.1],
    [45283.4, 1.54582015],
    [45282.1, 0.1],
    [45281, 0.1],
    [45280.3, 1.54592586],
    [45279, 0.0799],
    [45277.6, 0.03310103],
    [45277.5, 0.3],
    [45277.3, 1.54602737],
    [45276.6, 0.15445238],
  ],
} as const;

test("Kraken's checksum of the book that its documentation shows", () => {
  const book = createOrderBook();
  for (const [price, size] of documented.asks) book.set("ask", price, size);
  for (const [price, size] of documented.bids) book.set("bid", price, size);
  expect(krakenChecksum(book, { price: 1, size: 8 })).toBe(3_310_070_434);
  book.set("ask", 45_400, 1);
  expect(krakenChecksum(book, { price: 1, size: 8 })).toBe(3_310_070_434);
  book.set("bid", 45_283.5, 0.2);
  expect(krakenChecksum(book, { price: 1, size: 8 })).not.toBe(3_310_070_434);
});

const file = path.join(dataDir, "venues/binance/spot/http_json/depth_response.json");
leaveOutUnless(existsSync(file), "DATA_DIR/venues")("a recorded image", () => {
  test("Binance's depth is an image with its number", async () => {
    const answer = readFileSync(file, "utf8");
    const asked: string[] = [];
    const { createServer } = await import("node:http");
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const spot = binanceProtocol({ market: "spot", restUrl: `http://127.0.0.1:${port}`, now: () => 5 });
    expect(await spot.fetchBook!("LTCBTC", AbortSignal.timeout(5_000))).toEqual({
      symbol: "LTCBTC",
      eventMs: 5,
      isImage: true,
      lastId: 1_027_024,
      bids: [[4, 431]],
      asks: [[4.000002, 12]],
    });
    expect(asked).toEqual(["/api/v3/depth?symbol=LTCBTC&limit=1000"]);
    server.close();
  });
});

test("a frame that is not whole is refused", () => {
  const kraken = krakenProtocol({ now: () => 7 });
  expect(() => kraken.parse('{"channel":"book","type":"update","data":[{"symbol":"BTC/USD"}]}')).toThrow();
});
