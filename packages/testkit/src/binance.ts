import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const hourMs = 3_600_000;

export interface TestBinanceOptions {
  /** Open of the first bar; bars are hourly. */
  startMs: number;
  bars: number;
  /** Bars [from, to) by number that it does not have. */
  outage?: { from: number; to: number };
  /** Most bars of one answer; Binance's own is 1,000. */
  pageBars?: number;
}

export interface TestBinance {
  url: string;
  /** Requests so far, with the time on the performance clock. */
  asked: { path: string; query: URLSearchParams; atMs: number }[];
  /** Answers to the next kline requests instead of bars. */
  faults: { status: number; headers?: Record<string, string>; body: unknown }[];
  close(): Promise<void>;
}

function market(base: string, quote: string) {
  return {
    symbol: `${base}${quote}`,
    status: "TRADING",
    baseAsset: base,
    quoteAsset: quote,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    orderTypes: ["LIMIT", "MARKET"],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    permissions: ["SPOT"],
    filters: [
      { filterType: "PRICE_FILTER", minPrice: "0.01", maxPrice: "1000000", tickSize: "0.01" },
      { filterType: "LOT_SIZE", minQty: "0.00001", maxQty: "9000", stepSize: "0.00001" },
    ],
  };
}

/**
 * A server that speaks Binance's public REST, as far as markets and klines go: BTCUSDT and ETHUSDT, hourly bars. Bar n
 * opens at 100.5 + n, closes at 101 + n and has a volume of n.
 */
export async function testBinance(options: TestBinanceOptions): Promise<TestBinance> {
  const { startMs, bars, outage, pageBars = 1_000 } = options;
  const asked: TestBinance["asked"] = [];
  const faults: TestBinance["faults"] = [];

  function klines(query: URLSearchParams): unknown[] {
    const from = Number(query.get("startTime") ?? startMs);
    const to = Number(query.get("endTime") ?? Infinity);
    const limit = Math.min(pageBars, Number(query.get("limit") ?? 500));
    const rows: unknown[] = [];
    for (let n = Math.max(0, Math.ceil((from - startMs) / hourMs)); n < bars && rows.length < limit; n++) {
      const openMs = startMs + n * hourMs;
      if (openMs > to) break;
      if (outage !== undefined && n >= outage.from && n < outage.to) continue;
      const prices = [100.5 + n, 102 + n, 99 + n, 101 + n].map(String);
      rows.push([openMs, ...prices, String(n), openMs + hourMs - 1, "0", 1, "0", "0", "0"]);
    }
    return rows;
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://venue");
    asked.push({ path: url.pathname, query: url.searchParams, atMs: performance.now() });
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.endsWith("/exchangeInfo")) {
      const symbols = url.pathname.startsWith("/api/") ? [market("BTC", "USDT"), market("ETH", "USDT")] : [];
      return send(200, { timezone: "UTC", serverTime: startMs, rateLimits: [], symbols });
    }
    if (!url.pathname.endsWith("/klines")) return send(404, { code: -1, msg: "unknown address" });
    const fault = faults.shift();
    if (fault !== undefined) return send(fault.status, fault.body, fault.headers);
    send(200, klines(url.searchParams));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
