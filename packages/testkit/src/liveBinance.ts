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

export interface LiveBinance {
  socketUrl: string;
  restUrl: string;
  /** Connections so far. */
  connections(): number;
  /** Streams of the newest connection. */
  streams(): readonly string[];
  /** History requests so far. */
  asked(): number;
  /** Makes a trade of BTCUSDT and sends it, unless `hidden`: then only history has it. */
  trade(price: number, options?: { size?: number; hidden?: boolean; eventMs?: number }): LiveTrade;
  /** Sends a trade that was made already. */
  repeat(trade: LiveTrade): void;
  /** Sends text as it is. */
  send(text: string): void;
  /** Ends every connection without a close frame. */
  drop(): void;
  /** Half-open: connections stay, nothing is sent or answered on them. */
  freeze(): void;
  /** Answers history requests with this status; 200: with trades. */
  history(status: number): void;
  /** Milliseconds that its clock is ahead. */
  skew(ms: number): void;
  close(): Promise<void>;
}

const framesPerSecond = 5;

/**
 * Speaks Binance's market streams on loopback: aggregate trades and best prices by SUBSCRIBE, `aggTrades`, `time` and
 * `exchangeInfo` by REST; more than five frames a second end the connection, as Binance does.
 */
export async function liveBinance(): Promise<LiveBinance> {
  const trades: LiveTrade[] = [];
  const subscribed = new Map<WebSocket, Set<string>>();
  const frozen = new WeakSet<WebSocket>();
  let newest: WebSocket | undefined;
  let connections = 0;
  let asked = 0;
  let historyStatus = 200;
  let skewMs = 0;

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://venue");
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.endsWith("/time")) return send(200, { serverTime: Date.now() + skewMs });
    if (url.pathname.endsWith("/exchangeInfo")) {
      const filters = [
        { filterType: "PRICE_FILTER", tickSize: "0.01" },
        { filterType: "LOT_SIZE", stepSize: "0.00001" },
        { filterType: "NOTIONAL", minNotional: "5" },
      ];
      return send(200, { symbols: [{ symbol: "BTCUSDT", quoteAsset: "USDT", filters }] });
    }
    if (!url.pathname.endsWith("/aggTrades")) return send(404, { code: -1, msg: "unknown address" });
    asked += 1;
    if (historyStatus !== 200) return send(historyStatus, { code: -1003, msg: "Too many requests." });
    const from = Number(url.searchParams.get("fromId"));
    const limit = Math.min(1_000, Number(url.searchParams.get("limit") ?? 500));
    send(200, trades.filter(({ a }) => a >= from).slice(0, limit));
  });
  const sockets = new WebSocketServer({ server, autoPong: false, perMessageDeflate: false });

  sockets.on("connection", (socket) => {
    connections += 1;
    newest = socket;
    const streams = new Set<string>();
    subscribed.set(socket, streams);
    let frames: number[] = [];
    socket.on("ping", () => {
      if (!frozen.has(socket)) socket.pong();
    });
    socket.on("close", () => subscribed.delete(socket));
    socket.on("message", (data) => {
      const nowMs = performance.now();
      frames = [...frames.filter((ms) => nowMs - ms < 1_000), nowMs];
      if (frames.length > framesPerSecond) return socket.close(1008, "too many requests");
      const { method, params, id } = JSON.parse((data as Buffer).toString()) as {
        method: string;
        params: string[];
        id: number;
      };
      if (method === "SUBSCRIBE") for (const stream of params) streams.add(stream);
      socket.send(JSON.stringify({ result: null, id }));
    });
  });

  function send(text: string, stream?: string): void {
    for (const [socket, streams] of subscribed)
      if (!frozen.has(socket) && (stream === undefined || streams.has(stream))) socket.send(text);
  }

  const repeat = (trade: LiveTrade) =>
    send(
      JSON.stringify({
        e: "aggTrade",
        E: Date.now() + skewMs,
        s: "BTCUSDT",
        f: trade.a,
        l: trade.a,
        M: true,
        ...trade,
      }),
      "btcusdt@aggTrade",
    );

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    socketUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    connections: () => connections,
    streams: () => [...(newest === undefined ? [] : (subscribed.get(newest) ?? []))],
    asked: () => asked,
    trade(price, { size = 1, hidden = false, eventMs = Date.now() } = {}) {
      const trade = { a: trades.length + 1_000, p: String(price), q: String(size), T: eventMs, m: false };
      trades.push(trade);
      if (!hidden) repeat(trade);
      return trade;
    },
    repeat,
    send: (text) => send(text),
    drop() {
      for (const socket of subscribed.keys()) socket.terminate();
    },
    freeze() {
      for (const socket of subscribed.keys()) frozen.add(socket);
    },
    history(status) {
      historyStatus = status;
    },
    skew(ms) {
      skewMs = ms;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of subscribed.keys()) socket.terminate();
        sockets.close();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
