import { createHmac } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

/** What happens to the next order requests. `drop` closes the connection without an answer. */
export interface VenueFault {
  /** dropBefore: nothing is done; dropAfter: the order is taken; delay: taken, answered late. */
  kind: "none" | "dropBefore" | "dropAfter" | "delay" | "unavailable";
  delayMs?: number;
  /** How many requests; absent: all until told otherwise. */
  times?: number;
}

export interface BinanceOrder {
  symbol: string;
  orderId: number;
  clientOrderId: string;
  side: "BUY" | "SELL";
  type: "MARKET" | "LIMIT";
  price: string;
  origQty: string;
  executedQty: string;
  status: "NEW" | "PARTIALLY_FILLED" | "FILLED" | "CANCELED";
  timeInForce: string;
  time: number;
}

interface BinanceTrade {
  symbol: string;
  id: number;
  orderId: number;
  price: string;
  qty: string;
  commission: string;
  commissionAsset: string;
  time: number;
  isBuyer: boolean;
  isMaker: boolean;
}

export interface BinanceVenueOptions {
  apiKey: string;
  secret: string;
  port?: number;
  /** Orders and fills are kept here, a JSON line each, and read back at the start: it survives being killed. */
  journal?: string;
}

export interface BinanceVenue {
  url: string;
  orders(): BinanceOrder[];
  /** Order requests that were answered or dropped, in order: `POST`, `GET`, `DELETE`. */
  requests: string[];
  fault(fault: VenueFault): void;
  fill(clientOrderId: string, price: string, quantity: string): void;
  close(): Promise<void>;
}

const symbols = [
  { symbol: "BTCUSDT", base: "BTC", quote: "USDT" },
  { symbol: "ETHUSDT", base: "ETH", quote: "USDT" },
];

/**
 * A server on loopback that speaks the part of Binance's spot REST API that orders need: exchangeInfo, order
 * (POST, GET, DELETE) and myTrades, signatures checked. It fills nothing by itself: tests say what fills.
 */
export async function startBinanceVenue(options: BinanceVenueOptions): Promise<BinanceVenue> {
  const orders = new Map<string, BinanceOrder>();
  const trades: BinanceTrade[] = [];
  const requests: string[] = [];
  let fault: VenueFault = { kind: "none" };

  const record = (kind: "order" | "trade", value: BinanceOrder | BinanceTrade) => {
    if (options.journal !== undefined)
      appendFileSync(options.journal, `${JSON.stringify({ kind, value })}\n`);
  };
  if (options.journal !== undefined && existsSync(options.journal)) {
    for (const line of readFileSync(options.journal, "utf8").split("\n").filter(Boolean)) {
      const entry = JSON.parse(line) as { kind: string; value: unknown };
      if (entry.kind === "order") {
        const order = entry.value as BinanceOrder;
        orders.set(order.clientOrderId, order);
      } else trades.push(entry.value as BinanceTrade);
    }
  }

  function takeFault(): VenueFault {
    const current = fault;
    if (current.times !== undefined) {
      fault = current.times > 1 ? { ...current, times: current.times - 1 } : { kind: "none" };
    }
    return current;
  }

  function place(query: URLSearchParams): { status: number; body: unknown } {
    const clientOrderId = query.get("newClientOrderId") ?? "";
    if (orders.has(clientOrderId))
      return { status: 400, body: { code: -2010, msg: "Duplicate order sent." } };
    if (!(Number(query.get("quantity")) > 0)) {
      return { status: 400, body: { code: -1013, msg: "Invalid quantity." } };
    }
    const order: BinanceOrder = {
      symbol: query.get("symbol") ?? "",
      orderId: 1_000 + orders.size,
      clientOrderId,
      side: query.get("side") as BinanceOrder["side"],
      type: query.get("type") as BinanceOrder["type"],
      price: query.get("price") ?? "0",
      origQty: query.get("quantity") ?? "0",
      executedQty: "0",
      status: "NEW",
      timeInForce: query.get("timeInForce") ?? "GTC",
      time: Number(query.get("timestamp")),
    };
    orders.set(clientOrderId, order);
    record("order", order);
    return { status: 200, body: { ...order, transactTime: order.time, fills: [] } };
  }

  function onOrder(method: string, query: URLSearchParams): { status: number; body: unknown } {
    if (method === "POST") return place(query);
    const order = orders.get(query.get("origClientOrderId") ?? "");
    if (order === undefined) return { status: 400, body: { code: -2013, msg: "Order does not exist." } };
    if (method === "DELETE") {
      order.status = "CANCELED";
      record("order", order);
    }
    return { status: 200, body: order };
  }

  function route(method: string, path: string, query: URLSearchParams): { status: number; body: unknown } {
    if (path === "/api/v3/exchangeInfo") return { status: 200, body: exchangeInfo() };
    if (path === "/api/v3/order") return onOrder(method, query);
    if (path === "/api/v3/myTrades") {
      const orderId = Number(query.get("orderId"));
      return { status: 200, body: trades.filter((trade) => trade.orderId === orderId) };
    }
    return { status: 404, body: { code: -1100, msg: `no such path: ${path}` } };
  }

  function signed(text: string, request: IncomingMessage): boolean {
    const [payload, signature] = text.split("&signature=");
    const wanted = createHmac("sha256", options.secret)
      .update(payload ?? "")
      .digest("hex");
    return signature === wanted && request.headers["x-mbx-apikey"] === options.apiKey;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    let body = "";
    for await (const part of request) body += String(part);
    if (url.pathname.startsWith("/control/")) return control(url, body, response);
    const method = request.method ?? "GET";
    const text = body === "" ? url.search.slice(1) : body;
    const isOrder = url.pathname === "/api/v3/order";
    if ((isOrder || url.pathname === "/api/v3/myTrades") && !signed(text, request)) {
      return answer(response, 401, { code: -1022, msg: "Signature for this request is not valid." });
    }
    if (isOrder) requests.push(method);
    const current: VenueFault = isOrder ? takeFault() : { kind: "none" };
    if (current.kind === "dropBefore") return void request.socket.destroy();
    if (current.kind === "unavailable") return answer(response, 503, { code: -1001, msg: "Internal error." });
    const result = route(method, url.pathname, new URLSearchParams(text));
    if (current.kind === "dropAfter") return void request.socket.destroy();
    if (current.kind === "delay") await sleep(current.delayMs ?? 1_000);
    answer(response, result.status, result.body);
  }

  function control(url: URL, body: string, response: ServerResponse): void {
    if (url.pathname === "/control/orders")
      return answer(response, 200, { orders: [...orders.values()], requests });
    const told = JSON.parse(body) as VenueFault & { clientOrderId: string; price: string; quantity: string };
    if (url.pathname === "/control/fault") fault = told;
    else fill(told.clientOrderId, told.price, told.quantity);
    answer(response, 200, {});
  }

  function fill(clientOrderId: string, price: string, quantity: string): void {
    const order = orders.get(clientOrderId);
    if (order === undefined) throw new Error(`the venue has no order ${clientOrderId}`);
    const trade: BinanceTrade = {
      symbol: order.symbol,
      id: 5_000 + trades.length,
      orderId: order.orderId,
      price,
      qty: quantity,
      commission: (Number(price) * Number(quantity) * 0.001).toFixed(8),
      commissionAsset: "USDT",
      time: order.time + 1,
      isBuyer: order.side === "BUY",
      isMaker: order.type === "LIMIT",
    };
    trades.push(trade);
    order.executedQty = String(Number(order.executedQty) + Number(quantity));
    order.status = Number(order.executedQty) >= Number(order.origQty) ? "FILLED" : "PARTIALLY_FILLED";
    record("trade", trade);
    record("order", order);
  }

  const server: Server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => answer(response, 500, { msg: String(error) }));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders: () => [...orders.values()],
    requests,
    fault: (next) => void (fault = next),
    fill,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function exchangeInfo() {
  return {
    timezone: "UTC",
    serverTime: 0,
    rateLimits: [],
    exchangeFilters: [],
    symbols: symbols.map(({ symbol, base, quote }) => ({
      symbol,
      status: "TRADING",
      baseAsset: base,
      quoteAsset: quote,
      baseAssetPrecision: 8,
      quotePrecision: 8,
      orderTypes: ["LIMIT", "MARKET"],
      isSpotTradingAllowed: true,
      permissions: ["SPOT"],
      permissionSets: [["SPOT"]],
      filters: [
        { filterType: "PRICE_FILTER", minPrice: "0.01", maxPrice: "1000000.00", tickSize: "0.01" },
        { filterType: "LOT_SIZE", minQty: "0.00001", maxQty: "9000.0", stepSize: "0.00001" },
        { filterType: "NOTIONAL", minNotional: "5.0" },
      ],
    })),
  };
}

// As a process of its own: prints its address; the rest is told over /control.
if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      journal: { type: "string" },
      key: { type: "string", default: "test-key" },
      secret: { type: "string", default: "test-secret" },
    },
  });
  const venue = await startBinanceVenue({
    apiKey: values.key,
    secret: values.secret,
    port: Number(values.port),
    ...(values.journal === undefined ? {} : { journal: values.journal }),
  });
  process.stdout.write(`${JSON.stringify({ url: venue.url })}\n`);
}
