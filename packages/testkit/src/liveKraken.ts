import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

/** A level as Kraken writes it, with all its decimals. */
export type KrakenLevel = [price: string, size: string];

export interface LiveKraken {
  socketUrl: string;
  restUrl: string;
  connections(): number;
  /** Channels that the newest connection is subscribed to. */
  channels(): readonly string[];
  /** Makes a trade of BTC/USD and sends it, unless `hidden`: then only history has it. */
  trade(price: number, options?: { hidden?: boolean }): number;
  /** Changes levels of BTC/USD's book; size "0" is gone. Sent unless `hidden`, so that the next checksum shows it. */
  book(changes: { bids?: KrakenLevel[]; asks?: KrakenLevel[]; hidden?: boolean }): void;
  send(text: string): void;
  /** Ends every connection without a close frame. */
  drop(): void;
  close(): Promise<void>;
}

const pair = { wsname: "XBT/USD", pair_decimals: 1, lot_decimals: 8, tick_size: "0.1", costmin: "0.5" };
const depth = 10;

/**
 * Speaks Kraken's WebSocket version 2 and public REST on loopback, for one pair: trades, best prices and a book with its
 * checksum. By hand from https://docs.kraken.com/api/docs/websocket-v2/book, …/trade and …/rest-api/get-recent-trades.
 */
export async function liveKraken(): Promise<LiveKraken> {
  const trades: { id: number; price: number; seconds: number }[] = [];
  const bids = new Map<string, string>();
  const asks = new Map<string, string>();
  const connected = new Map<WebSocket, Set<string>>();
  let newest: WebSocket | undefined;
  let connections = 0;

  const best = (side: Map<string, string>, sign: 1 | -1) =>
    [...side].toSorted(([a], [b]) => sign * (Number(a) - Number(b)));
  const digits = (text: string) => text.replace(".", "").replace(/^0+/, "");
  const checksum = () =>
    crc32(
      [...best(asks, 1).slice(0, 10), ...best(bids, -1).slice(0, 10)]
        .map(([price, size]) => digits(price) + digits(size))
        .join(""),
    );
  const levels = (rows: readonly KrakenLevel[]) =>
    rows.map(([price, size]) => ({ price: Number(price), qty: Number(size) }));

  function snapshot(): string {
    const image = {
      symbol: "BTC/USD",
      bids: levels(best(bids, -1).slice(0, depth)),
      asks: levels(best(asks, 1).slice(0, depth)),
      checksum: checksum(),
    };
    return JSON.stringify({ channel: "book", type: "snapshot", data: [image] });
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://venue");
    const send = (result: unknown) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: [], result }));
    };
    if (url.pathname.endsWith("/Time")) return send({ unixtime: Math.floor(Date.now() / 1_000) });
    if (url.pathname.endsWith("/AssetPairs")) return send({ XXBTZUSD: pair });
    const since = Number(BigInt(url.searchParams.get("since") ?? "0") / 1_000_000n) / 1_000;
    const rows = trades
      .filter(({ seconds }) => seconds > since - 1e-6)
      .slice(0, 1_000)
      .map(({ id, price, seconds }) => [String(price), "1.00000000", seconds, "b", "m", "", id]);
    send({ XXBTZUSD: rows, last: "0" });
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    connections += 1;
    newest = socket;
    const channels = new Set<string>();
    connected.set(socket, channels);
    socket.on("close", () => connected.delete(socket));
    socket.on("message", (data) => {
      const { method, params } = JSON.parse((data as Buffer).toString()) as {
        method: "subscribe" | "unsubscribe";
        params: { channel: string; symbol: string[] };
      };
      const { channel } = params;
      const known = channels.has(channel);
      const refused = method === "subscribe" ? known : !known;
      const error = method === "subscribe" ? "Already subscribed" : "Subscription Not Found";
      socket.send(JSON.stringify({ method, success: !refused, ...(refused ? { error } : {}) }));
      if (refused) return;
      if (method === "unsubscribe") return void channels.delete(channel);
      channels.add(channel);
      if (channel === "book") socket.send(snapshot());
    });
  });

  function send(channel: string, text: string): void {
    for (const [socket, channels] of connected) if (channels.has(channel)) socket.send(text);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    socketUrl: `ws://127.0.0.1:${port}`,
    restUrl: `http://127.0.0.1:${port}`,
    connections: () => connections,
    channels: () => [...(newest === undefined ? [] : (connected.get(newest) ?? []))],
    trade(price, { hidden = false } = {}) {
      const nowMs = Date.now();
      const id = 500 + trades.length;
      trades.push({ id, price, seconds: nowMs / 1_000 });
      const trade = {
        symbol: "BTC/USD",
        side: "buy",
        price,
        qty: 1,
        ord_type: "market",
        trade_id: id,
        timestamp: new Date(nowMs).toISOString(),
      };
      if (!hidden) send("trade", JSON.stringify({ channel: "trade", type: "update", data: [trade] }));
      return id;
    },
    book({ bids: newBids = [], asks: newAsks = [], hidden = false }) {
      for (const [side, rows] of [
        [bids, newBids],
        [asks, newAsks],
      ] as const)
        for (const [price, size] of rows)
          if (Number(size) === 0) side.delete(price);
          else side.set(price, size);
      const update = {
        symbol: "BTC/USD",
        bids: levels(newBids),
        asks: levels(newAsks),
        checksum: checksum(),
        timestamp: new Date().toISOString(),
      };
      if (!hidden) send("book", JSON.stringify({ channel: "book", type: "update", data: [update] }));
    },
    send(text) {
      for (const socket of connected.keys()) socket.send(text);
    },
    drop() {
      for (const socket of connected.keys()) socket.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of connected.keys()) socket.terminate();
        sockets.close();
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
