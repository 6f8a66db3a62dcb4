import type { Tick } from "@tapedeck/features/ticks/contract";
import type { WebSocket } from "ws";
import type { Transport } from "./session.ts";

/** What `/ws/stocks/{ticker}` sends for each print. */
export interface TickerPrice {
  ticker: string;
  instrumentId: string;
  venue: string;
  price: number;
  size: number;
  side: "buy" | "sell";
  eventMs: number;
}

/** The simple form of a tick stream: the last print at first, then each one, as JSON without a frame around it. */
export function tickerTransport(socket: WebSocket, ticker: string): Transport {
  const price = ({ instrumentId, venue, price, size, side, eventMs }: Tick): TickerPrice => ({
    ticker,
    instrumentId,
    venue,
    price,
    size,
    side,
    eventMs,
  });
  const send = (value: object) => socket.send(JSON.stringify(value));
  return {
    isOpen: () => socket.readyState === socket.OPEN,
    unread: () => socket.bufferedAmount,
    send(frame) {
      if (frame.type === "error") send({ ticker, code: frame.code, message: frame.message });
      if (frame.type === "delta") send(price(frame.data as Tick));
      if (frame.type !== "snapshot") return;
      const last = (frame.data as Tick[]).at(-1);
      if (last !== undefined) send(price(last));
    },
    deliver: (message) => send(price(message.data as Tick)),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** The ticker of an address `/ws/stocks/{ticker}`; undefined for any other. */
export function tickerOf(pathname: string): string | undefined {
  const match = /^\/ws\/stocks\/([^/]{1,180})$/.exec(pathname);
  if (match === null) return undefined;
  try {
    return decodeURIComponent(match[1]!).toUpperCase();
  } catch {
    return undefined;
  }
}
