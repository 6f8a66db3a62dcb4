import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { dataDir, leaveOutUnless, testLog } from "@tapedeck/testkit";
import { afterEach, expect, test } from "vitest";
import { createBarSources } from "../bars.ts";
import { createCcxtVenue } from "../ccxtExecution.ts";
import { binanceProtocol } from "./binance.ts";
import { krakenProtocol } from "./kraken.ts";

const folder = path.join(dataDir, "venues");
const spot = "binance/spot/http_json";
const text = (name: string) => readFileSync(path.join(folder, name), "utf8");
const signal = () => AbortSignal.timeout(30_000);

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Answers with what was recorded: the first whose method and end of path fit; gives the origin. */
async function serve(answers: readonly [request: string, body: string][]): Promise<string> {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://venue");
    const found = answers.find(([one]) => `${request.method} ${pathname}`.match(new RegExp(`^${one}$`)));
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(found?.[1] ?? "{}");
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

leaveOutUnless(existsSync(folder), "DATA_DIR/venues")("answers that venues gave", () => {
  test("Binance spot: what it trades, its clock, the latest trades", async () => {
    const restUrl = await serve([
      ["GET .*/exchangeInfo", text(`${spot}/exchange_info_response.json`)],
      ["GET .*/time", text(`${spot}/server_time_response.json`)],
      ["GET .*/trades", text(`${spot}/trades_response.json`)],
    ]);
    const binance = binanceProtocol({ market: "spot", channels: ["trades"], restUrl, now: () => 7 });
    expect(await binance.fetchInstruments(["ETHBTC"], signal())).toEqual([
      {
        symbol: "ETHBTC",
        currency: "BTC",
        assetClass: "crypto",
        tickSize: null,
        lotSize: null,
        minNotional: null,
      },
    ]);
    await expect(binance.fetchInstruments(["LTCBTC"], signal())).rejects.toMatchObject({
      code: "symbol.unknown",
    });
    expect(await binance.fetchClock(signal())).toBe(1_499_827_319_559);
    expect(await binance.fetchTrades("BNBBTC", { fromId: 1, sinceMs: 0 }, signal())).toEqual([
      {
        symbol: "BNBBTC",
        tradeId: 28_457,
        eventMs: 1_499_865_549_590,
        price: 4.000001,
        size: 12,
        side: "sell",
      },
    ]);
  });

  test("Binance spot: bars, by ccxt", async () => {
    const origin = await serve([
      ["GET .*/exchangeInfo", text(`${spot}/exchange_info_response.json`)],
      ["GET .*/klines", text(`${spot}/klines_response.json`)],
    ]);
    const source = createBarSources({ log: testLog(), urls: { binance: origin } })("binance");
    const openMs = 1_499_040_000_000;
    const request = { symbol: "ETH/BTC", timeframe: "1w", fromMs: openMs, toMs: openMs + 1, limit: 10 };
    expect(await source.fetchBars(request, signal())).toEqual([
      { openMs, open: 0.0163479, high: 0.8, low: 0.015758, close: 0.015771, volume: 148_976.11427815 },
    ]);
  });

  test("Binance spot: an order that was sent, asked for, and cancelled, by ccxt", async () => {
    const baseUrl = await serve([
      ["GET .*/exchangeInfo", text(`${spot}/exchange_info_response.json`)],
      ["POST .*/order", text(`${spot}/new_order_full_response.json`)],
      ["GET .*/order", text(`${spot}/order_response.json`)],
      ["DELETE .*/order", text(`${spot}/cancel_order_response.json`)],
      ["GET .*/myTrades", text(`${spot}/account_trades_response.json`)],
    ]);
    const venue = createCcxtVenue({ id: "binance", exchange: "binance", apiKey: "k", secret: "s", baseUrl });
    const instrumentId = "ETH-BTC.BINANCE";
    const filled = await venue.submit(
      { clientOrderId: "6gCrw2kRUAF9CvJDGP16IP", instrumentId, side: "sell", type: "market", quantity: "10" },
      signal(),
    );
    // Fills of another order, which is what was recorded, are none of this one.
    expect(filled).toMatchObject({ venueOrderId: "28", status: "filled", filledQuantity: "10", fills: [] });
    const open = { clientOrderId: "myOrder1", venueOrderId: "1", status: "accepted", filledQuantity: "0" };
    expect(await venue.fetchOrder("myOrder1", instrumentId, signal())).toMatchObject(open);
    expect(await venue.cancel("myOrder1", instrumentId, signal())).toMatchObject(open);
  });

  test("whatever is no market data is taken for none: accounts, orders, summaries, as frames", () => {
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".json"),
    );
    const market = new Set([
      "agg_trade_stream.json",
      "book_ticker_stream.json",
      "depth_update_stream.json",
      "kline_stream_closed.json",
      "kline_stream_open.json",
      "mark_price_stream.json",
      "trade_stream.json",
    ]);
    const others = names.filter((name) => !market.has(path.basename(name)));
    expect([names.length, others.length]).toEqual([59, 52]);
    const protocols = [
      binanceProtocol({ market: "spot", now: () => 7 }),
      binanceProtocol({ market: "usdm", now: () => 7 }),
      krakenProtocol({ now: () => 7 }),
    ];
    for (const name of others)
      for (const protocol of protocols)
        expect(() => protocol.parse(text(name)), `${name} at ${protocol.venue}`).toThrow();
  });
});
