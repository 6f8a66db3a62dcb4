import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

/** A trade as Binance's aggregate trades have it. */
export interface LiveTrade {
  a: number;
  p: string;
  q: string;
  T: number;
  m: boolean;
}

export interface LiveBinanceOptions {
  /** futures: paths below /fapi, updates of books that name the one before. Default spot. */
  market?: "spot" | "usdm";
  /** Connections end at this age; Binance's own end after 24 hours. */
  lifeMs?: number;
  /** How often it pings; a connection that has not answered by the next one is ended. */
  pingMs?: number;
  /** What REST requests of a minute may weigh; beyond it 429, and 418 to who goes on, with `Retry-After`. */
  weightPerMinute?: number;
  /** How long its minute is. */
  minuteMs?: number;
}

export interface LiveBinance {
  socketUrl: string;
  restUrl: string;
  /** Connections so far. */
  connections(): number;
  /** Connections that it ended for a breach of its rules. */
  breaches(): readonly string[];
  /** Streams of the newest connection. */
  streams(): readonly string[];
  /** Does any connection have this stream? */
  sends(stream: string): boolean;
  /** Statuses of requests that were refused because they weighed too much. */
  refusals(): readonly number[];
  /** History requests so far. */
  asked(): number;
  /** Makes a trade and sends it, unless `hidden`: then only history has it. */
  trade(
    price: number,
    options?: { size?: number; hidden?: boolean; eventMs?: number; symbol?: string },
  ): LiveTrade;
  /** Sends a trade that was made already. */
  repeat(trade: LiveTrade, symbol?: string): void;
  /** Changes levels of BTCUSDT's book by one update, which is sent unless `hidden`. */
  book(changes: { bids?: [number, number][]; asks?: [number, number][]; hidden?: boolean }): void;
  /** Sends text as it is; to subscribers of a stream alone where one is named. */
  send(text: string, stream?: string): void;
  /** Ends every connection without a close frame. */
  drop(): void;
  /** Half-open: connections stay, nothing is sent or answered on them. */
  freeze(): void;
  /** Answers history requests with this status, as a proxy before it would, without the venue's headers; 200: with trades. */
  history(status: number): void;
  /** History ends at this number, as one that is behind the socket does. */
  historyUpTo(id: number): void;
  /** Milliseconds that its clock is ahead. */
  skew(ms: number): void;
  close(): Promise<void>;
}

/** Binance's own, of a connection. */
const framesPerSecond = 5;
const streamsOfConnection = 1_024;

/** Symbols that it trades. */
export const liveSymbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"];

function marketOf(symbol: string) {
  return {
    symbol,
    status: "TRADING",
    baseAsset: symbol.slice(0, -4),
    quoteAsset: "USDT",
    baseAssetPrecision: 8,
    quotePrecision: 8,
    orderTypes: ["LIMIT", "MARKET"],
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    permissions: ["SPOT"],
    filters: [
      { filterType: "PRICE_FILTER", minPrice: "0.01", maxPrice: "1000000", tickSize: "0.01" },
      { filterType: "LOT_SIZE", minQty: "0.00001", maxQty: "9000", stepSize: "0.00001" },
      { filterType: "NOTIONAL", minNotional: "5" },
    ],
  };
}

interface Connection {
  streams: Set<string>;
  frames: number[];
  answered: boolean;
}

/** As `trades` has it: each trade is an aggregate one by itself. */
const recentTrade = ({ a: id, p: price, q: qty, T: time, m: isBuyerMaker }: LiveTrade) => ({
  id,
  price,
  qty,
  quoteQty: String(Number(price) * Number(qty)),
  time,
  isBuyerMaker,
  isBestMatch: true,
});

/** What a request weighs by Binance's documents, of spot and of futures. */
function weightOf({ pathname }: URL, market: "spot" | "usdm"): number {
  const [spot, usdm] =
    Object.entries({
      "/depth": [50, 20],
      "/aggTrades": [4, 20],
      "/trades": [25, 5],
      "/exchangeInfo": [20, 1],
    }).find(([end]) => pathname.endsWith(end))?.[1] ?? [];
  return (market === "spot" ? spot : usdm) ?? 1;
}

/** Beyond what a minute allows requests are refused, and beyond twice that the caller is banned. */
function createLimit(perMinute: number, minuteMs: number) {
  let startedMs = performance.now();
  let used = 0;
  return (weight: number) => {
    const nowMs = performance.now();
    if (nowMs - startedMs > minuteMs) {
      startedMs = nowMs;
      used = 0;
    }
    used += weight;
    const status = used <= perMinute ? 200 : used <= 2 * perMinute ? 429 : 418;
    return { status, used, afterSeconds: Math.ceil((startedMs + minuteMs - nowMs) / 1_000) };
  };
}

/**
 * Speaks Binance's market streams on loopback: trades, best prices and books by SUBSCRIBE, `aggTrades`, `trades`, `depth`, `time` and
 * `exchangeInfo` by REST, with Binance's limits: five frames a second and 1,024 streams of a connection, its life, pings,
 * and what requests of a minute may weigh.
 */
export async function liveBinance(options: LiveBinanceOptions = {}): Promise<LiveBinance> {
  const { market = "spot", lifeMs, pingMs, weightPerMinute = 6_000, minuteMs = 60_000 } = options;
  const trades = new Map<string, LiveTrade[]>();
  const bids = new Map<number, number>();
  const asks = new Map<number, number>();
  const connected = new Map<WebSocket, Connection>();
  const frozen = new WeakSet<WebSocket>();
  const timers = new Set<NodeJS.Timeout>();
  const breaches: string[] = [];
  const refusals: number[] = [];
  const spend = createLimit(weightPerMinute, minuteMs);
  let newest: WebSocket | undefined;
  let connections = 0;
  let asked = 0;
  let historyStatus = 200;
  let historyEnd = Infinity;
  let skewMs = 0;
  let updateId = 100;

  const tradesOf = (symbol: string) => {
    const made = trades.get(symbol) ?? [];
    trades.set(symbol, made);
    return made;
  };
  const levels = (side: Map<number, number>) =>
    [...side].map(([price, size]) => [String(price), String(size)]);

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://venue");
    const { status, used, afterSeconds } = spend(weightOf(url, market));
    const headers = { "content-type": "application/json", "x-mbx-used-weight-1m": String(used) };
    const send = (sent: number, body: unknown) => {
      response.writeHead(sent, headers);
      response.end(JSON.stringify(body));
    };
    if (status !== 200) {
      refusals.push(status);
      response.setHeader("retry-after", String(afterSeconds));
      return send(status, { code: -1003, msg: "Too much request weight used." });
    }
    if (url.pathname.endsWith("/time")) return send(200, { serverTime: Date.now() + skewMs });
    if (url.pathname.endsWith("/exchangeInfo")) {
      const own = market === "spot" ? "/api/" : "/fapi/";
      return send(200, { symbols: url.pathname.startsWith(own) ? liveSymbols.map(marketOf) : [] });
    }
    if (url.pathname.endsWith("/depth"))
      return send(200, { lastUpdateId: updateId, bids: levels(bids), asks: levels(asks) });
    // Nobody has a key here.
    if (url.pathname.endsWith("/historicalTrades"))
      return send(401, { code: -2014, msg: "API-key format invalid." });
    const isRecent = url.pathname.endsWith("/trades");
    if (!isRecent && !url.pathname.endsWith("/aggTrades"))
      return send(404, { code: -1, msg: "unknown address" });
    asked += 1;
    if (historyStatus !== 200) {
      response.writeHead(historyStatus).end("not now");
      return;
    }
    const from = Number(url.searchParams.get("fromId"));
    const limit = Math.min(1_000, Number(url.searchParams.get("limit") ?? 500));
    const kept = tradesOf(url.searchParams.get("symbol")!).filter(({ a }) => a <= historyEnd);
    if (isRecent) return send(200, kept.slice(-limit).map(recentTrade));
    const sinceMs = Number(url.searchParams.get("startTime") ?? 0);
    send(200, kept.filter(({ a, T }) => a >= from && T >= sinceMs).slice(0, limit));
  });
  const sockets = new WebSocketServer({ server, autoPong: false, perMessageDeflate: false });

  function breach(socket: WebSocket, reason: string): void {
    breaches.push(reason);
    socket.close(1008, reason);
  }

  function ping(socket: WebSocket, connection: Connection): void {
    if (frozen.has(socket)) return;
    if (!connection.answered) return breach(socket, "a ping was not answered");
    connection.answered = false;
    socket.ping();
  }

  sockets.on("connection", (socket) => {
    connections += 1;
    newest = socket;
    const connection: Connection = { streams: new Set(), frames: [], answered: true };
    connected.set(socket, connection);
    const own: NodeJS.Timeout[] = [];
    if (pingMs !== undefined) own.push(setInterval(() => ping(socket, connection), pingMs));
    if (lifeMs !== undefined) own.push(setTimeout(() => socket.close(1001, "24 hours are over"), lifeMs));
    for (const timer of own) timers.add(timer);
    socket.on("ping", () => {
      if (!frozen.has(socket)) socket.pong();
    });
    socket.on("pong", () => {
      connection.answered = true;
    });
    socket.on("close", () => {
      connected.delete(socket);
      for (const timer of own) {
        clearInterval(timer);
        timers.delete(timer);
      }
    });
    socket.on("message", (data) => {
      if (frozen.has(socket)) return;
      const nowMs = performance.now();
      connection.frames = [...connection.frames.filter((ms) => nowMs - ms < 1_000), nowMs];
      if (connection.frames.length > framesPerSecond) return breach(socket, "too many requests");
      const { method, params, id } = JSON.parse((data as Buffer).toString()) as {
        method: string;
        params: string[];
        id: number;
      };
      for (const stream of params)
        if (method === "SUBSCRIBE") connection.streams.add(stream);
        else connection.streams.delete(stream);
      if (connection.streams.size > streamsOfConnection) return breach(socket, "too many streams");
      socket.send(JSON.stringify({ result: null, id }));
    });
  });

  function send(text: string, stream?: string): void {
    for (const [socket, { streams }] of connected)
      if (!frozen.has(socket) && (stream === undefined || streams.has(stream))) socket.send(text);
  }

  function repeat(trade: LiveTrade, symbol = "BTCUSDT"): void {
    const { a: t, p, q, T, m } = trade;
    const E = Date.now() + skewMs;
    send(
      JSON.stringify({ e: "trade", E, s: symbol, t, p, q, T, m, M: true }),
      `${symbol.toLowerCase()}@trade`,
    );
    send(
      JSON.stringify({ e: "aggTrade", E, s: symbol, a: t, p, q, f: t, l: t, T, m, M: true }),
      `${symbol.toLowerCase()}@aggTrade`,
    );
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    socketUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    connections: () => connections,
    breaches: () => breaches,
    streams: () => [...(newest === undefined ? [] : (connected.get(newest)?.streams ?? []))],
    sends: (stream) => [...connected.values()].some(({ streams }) => streams.has(stream)),
    refusals: () => refusals,
    asked: () => asked,
    trade(price, { size = 1, hidden = false, eventMs = Date.now(), symbol = "BTCUSDT" } = {}) {
      const made = tradesOf(symbol);
      const trade = { a: made.length + 1_000, p: String(price), q: String(size), T: eventMs, m: false };
      made.push(trade);
      if (!hidden) repeat(trade, symbol);
      return trade;
    },
    repeat,
    book({ bids: newBids = [], asks: newAsks = [], hidden = false }) {
      for (const [side, changes] of [
        [bids, newBids],
        [asks, newAsks],
      ] as const)
        for (const [price, size] of changes)
          if (size === 0) side.delete(price);
          else side.set(price, size);
      const previous = updateId;
      const first = updateId + 1;
      // A change of a level has a number of its own.
      updateId += newBids.length + newAsks.length;
      if (hidden) return;
      const text = (rows: [number, number][]) => rows.map((row) => row.map(String));
      send(
        JSON.stringify({
          e: "depthUpdate",
          E: Date.now() + skewMs,
          s: "BTCUSDT",
          U: first,
          u: updateId,
          ...(market === "usdm" ? { T: Date.now() + skewMs, pu: previous } : {}),
          b: text(newBids),
          a: text(newAsks),
        }),
        "btcusdt@depth@100ms",
      );
    },
    send,
    drop() {
      for (const socket of connected.keys()) socket.terminate();
    },
    freeze() {
      for (const socket of connected.keys()) frozen.add(socket);
    },
    history(status) {
      historyStatus = status;
    },
    historyUpTo(id) {
      historyEnd = id;
    },
    skew(ms) {
      skewMs = ms;
    },
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearInterval(timer);
        for (const socket of connected.keys()) socket.terminate();
        sockets.close();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
