import { toTick } from "../tick.ts";

export const orderTypes = [
  "market",
  "limit",
  "stop",
  "stopLimit",
  "trailingStop",
  "takeProfit",
  "onOpen",
  "onClose",
] as const;
export type OrderType = (typeof orderTypes)[number];

export const timesInForce = ["gtc", "day", "ioc", "fok", "gtd"] as const;
export type TimeInForce = (typeof timesInForce)[number];

/**
 * An intent. Exactly one of `quantity`, `cashFraction` and `cashAmount`; the latter two are what is spent (or sold short) at the price
 * of the fill, fee included: a share of the free cash, or a sum in the instrument's currency.
 */
export interface OrderRequest {
  /** Default: the first. */
  readonly instrument?: number;
  readonly side: "buy" | "sell";
  readonly type?: OrderType;
  /** Above zero; rounded down to the lot. */
  readonly quantity?: number;
  readonly cashFraction?: number;
  readonly cashAmount?: number;
  /** Of limit, stopLimit and takeProfit. */
  readonly limitPrice?: number;
  /** Of stop and stopLimit. */
  readonly stopPrice?: number;
  /** Of trailingStop, one of them: distance from the best close-of-bar extreme since it became active. */
  readonly trailBy?: number;
  readonly trailFraction?: number;
  /** Default gtc. `day` ends with the session of its first bar, `gtd` at `expiresMs`; `ioc` and `fok` take what the first bar's open gives. */
  readonly timeInForce?: TimeInForce;
  readonly expiresMs?: number;
  /** Only lessens a position; cut to it, and cancelled when there is none. */
  readonly reduceOnly?: boolean;
  /**
   * Orders of one group are one-cancels-the-other: what one has filled is taken off those of its instrument; once it is filled, and for
   * orders on other instruments with its first fill, the rest are cancelled.
   */
  readonly group?: number;
  /** Placed when this order has filled, for the quantity filled, as one group: the bracket. */
  readonly bracket?: Bracket;
  readonly tag?: string;
}

/** Protective prices of an entry: fixed, or as fractions of its fill price. */
export interface Bracket {
  readonly stopPrice?: number;
  readonly stopFraction?: number;
  /** Away from the fill price, in currency a unit. */
  readonly stopBy?: number;
  readonly trailFraction?: number;
  readonly trailBy?: number;
  readonly targetPrice?: number;
  readonly targetFraction?: number;
  /** Targets for a part of the position each; they leave the others where they are. */
  readonly partialTargets?: readonly PartialTarget[];
}

/** A limit at `gain`, a fraction of the fill price, for `share` of what was filled. */
export interface PartialTarget {
  readonly gain: number;
  readonly share: number;
}

export const rejections = [
  "cash",
  "lot",
  "minNotional",
  "price",
  "reduceOnly",
  "unfilled",
  "expired",
  "halted",
] as const;
export type Rejection = (typeof rejections)[number];

/** An order in the book. Mutable: only the engine writes it. */
export interface BookOrder {
  readonly id: number;
  readonly instrument: number;
  readonly direction: 1 | -1;
  type: OrderType;
  /** What is left; NaN: by `cashFraction` or `cashAmount`. */
  quantity: number;
  readonly cashFraction: number;
  readonly cashAmount: number;
  limitPrice: number;
  stopPrice: number;
  trailBy: number;
  readonly trailFraction: number;
  readonly timeInForce: TimeInForce;
  readonly expiresMs: number;
  readonly reduceOnly: boolean;
  group: number;
  bracket: Bracket | undefined;
  readonly tag: string;
  /** From when it can trade. */
  readonly activeMs: number;
  /** Session of its first bar; -1 before. */
  session: number;
  /** It has rested through an earlier bar. */
  rested: boolean;
  /** Best price since it became active; of trailing stops. */
  extreme: number;
  /** Bar of the entry that placed it; -1: placed by a decision. */
  readonly bornBar: number;
  /** In that bar only one of the possible orders of events reaches it. */
  bornUnsure: boolean;
  /** A stop limit whose level was reached within the bar looked at: what its limit does in the rest of that bar is a guess. */
  triggered: boolean;
  /** Posting of that entry. */
  readonly entryRow: number;
  /** Placed by a decision. */
  readonly decided: boolean;
  /** Orders that end when this one can trade. */
  replaces: readonly number[];
  live: boolean;
}

/** On the tick, never worsened: a buy down, a sell up. */
export function limitTick(price: number, tickSize: number, direction: 1 | -1): number {
  return toTick(price, tickSize, direction < 0);
}

/** On the tick, acting no sooner: a buy up, a sell down. What a taker pays or gets is rounded so too. */
export function stopTick(price: number, tickSize: number, direction: 1 | -1): number {
  return toTick(price, tickSize, direction > 0);
}

/** Rounds a quantity down to the lot. */
export function toLot(quantity: number, lotSize: number): number {
  return lotSize > 0 ? Math.floor((quantity / lotSize) * (1 + 1e-12)) * lotSize : quantity;
}

/** Throws RangeError, in words for people, on an order that says nothing or nonsense. */
export function checkRequest(request: OrderRequest): void {
  const type = request.type ?? "market";
  const wrong = (what: string): never => {
    throw new RangeError(`An order (${request.side} ${type}) ${what}.`);
  };
  const { quantity, cashFraction, cashAmount } = request;
  const sizes = +(quantity !== undefined) + +(cashFraction !== undefined) + +(cashAmount !== undefined);
  if (sizes !== 1) wrong("has one of quantity, cashFraction and cashAmount");
  const size = (quantity ?? cashFraction ?? cashAmount)!;
  if (!(size > 0 && size < Infinity)) wrong(`has the size ${size}; it must be a number above zero`);
  if (cashFraction !== undefined && cashFraction > 1) wrong("has a cashFraction above 1");
  const needsLimit = type === "limit" || type === "stopLimit" || type === "takeProfit";
  if (needsLimit && !(request.limitPrice! > 0)) wrong("needs a limitPrice above zero");
  if ((type === "stop" || type === "stopLimit") && !(request.stopPrice! > 0))
    wrong("needs a stopPrice above zero");
  if (type === "trailingStop" && !(request.trailBy! > 0) && !(request.trailFraction! > 0)) {
    wrong("needs trailBy or trailFraction above zero");
  }
  if (request.timeInForce === "gtd" && !(request.expiresMs! > 0)) wrong("good till a date needs expiresMs");
}
