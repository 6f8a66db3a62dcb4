import type { VenueTrade } from "@tapedeck/core";

export type NumberedTrade = VenueTrade & { tradeId: number };

/**
 * An aggregate trade of Binance, of a frame or of history: `a` counts those of a symbol without a hole; `m`: the buyer
 * rested, so that the seller took liquidity. Throws where a member is absent or of another type. Checked by hand: a
 * schema takes more time than all the rest of a print's way.
 */
export function aggTradeOf(symbol: unknown, row: Record<string, unknown>): NumberedTrade {
  const { a, p, q, T, m } = row;
  const price = typeof p === "string" ? Number(p) : Number.NaN;
  const size = typeof q === "string" ? Number(q) : Number.NaN;
  if (
    typeof symbol !== "string" ||
    !Number.isSafeInteger(a) ||
    !Number.isSafeInteger(T) ||
    !Number.isFinite(price) ||
    !Number.isFinite(size) ||
    typeof m !== "boolean"
  )
    throw new TypeError("an aggregate trade lacks a member, or has one of another type");
  return {
    symbol,
    tradeId: a as number,
    eventMs: T as number,
    price,
    size,
    side: m ? "sell" : "buy",
  };
}

/**
 * A frame as Binance writes it: spot names the symbol before the number, futures after it. A pattern costs half of what
 * JSON.parse does.
 */
const written =
  /^\{"e":"aggTrade","E":\d+,(?:"s":"([^"\\]+)","a":(\d+)|"a":(\d+),"s":"([^"\\]+)"),"p":"(\d+(?:\.\d+)?)","q":"(\d+(?:\.\d+)?)",(?:"nq":"[\d.]+",)?"f":\d+,"l":\d+,"T":(\d+),"m":(true|false)(?:,"\w+":(?:\w+|"[^"\\]*"))*\}$/;

/** An aggregate trade's frame; undefined where it is another, or written in another way. */
export function parseAggTrade(text: string): NumberedTrade | undefined {
  const match = written.exec(text);
  if (match === null) return undefined;
  const tradeId = Number(match[2] ?? match[3]);
  const eventMs = Number(match[7]);
  if (!Number.isSafeInteger(tradeId) || !Number.isSafeInteger(eventMs)) return undefined;
  return {
    symbol: match[1] ?? match[4]!,
    tradeId,
    eventMs,
    price: Number(match[5]),
    size: Number(match[6]),
    side: match[8] === "true" ? "sell" : "buy",
  };
}
