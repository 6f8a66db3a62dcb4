import { AppError, decimal, floorTo, isoDate, roundPrice } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import type { Instrument } from "../series/contract.ts";
import type { OrderPayload, OrderStatus } from "./contract.ts";

/** What the venue has ended; nothing changes it any more. */
export const endedStatuses: readonly OrderStatus[] = ["filled", "cancelled", "rejected", "expired"];
/** Cash or position is kept for these. */
export const liveStatuses: readonly OrderStatus[] = [
  "created",
  "sending",
  "unknown",
  "accepted",
  "partiallyFilled",
];

export function hasEnded(status: OrderStatus): boolean {
  return endedStatuses.includes(status);
}

/** Derived from the job's id, so that every attempt of a job means the same order. 35 characters. */
export function clientOrderIdOf(jobId: string): string {
  return `td-${jobId.replaceAll("-", "")}`;
}

/** Share by which the next price may be worse than the last before a market buy's cash is short. */
const marketReserve = decimal("1.05");

export interface PreparedOrder {
  quantity: Decimal;
  limitPrice: Decimal | undefined;
  /** What one unit is reckoned at: the limit, or the last price. */
  referencePrice: Decimal;
  /** What one unit of a buy keeps back of the cash, fees in; undefined for a sell. */
  reservePrice: Decimal | undefined;
}

/** Rounds to the instrument's increments: a buy's limit down to the tick, a sell's up, the quantity down to the lot. Throws `order.rejected`. */
export function prepareOrder(
  payload: OrderPayload,
  instrument: Instrument,
  lastPrice: Decimal,
  feeBps: Decimal,
): PreparedOrder {
  const asked = decimal(payload.quantity);
  const quantity = instrument.lotSize === null ? asked : floorTo(asked, decimal(instrument.lotSize));
  if (!quantity.gt(0)) {
    reject(`The quantity ${payload.quantity} is below one lot (${instrument.lotSize}).`);
  }
  const tick = instrument.tickSize;
  const askedPrice = payload.limitPrice === undefined ? undefined : decimal(payload.limitPrice);
  const limitPrice =
    askedPrice === undefined || tick === null
      ? askedPrice
      : roundPrice(askedPrice, decimal(tick), payload.side);
  if (limitPrice !== undefined && !limitPrice.gt(0)) {
    reject(`The limit price ${payload.limitPrice} rounds down to zero ticks of ${tick}.`);
  }
  const referencePrice = limitPrice ?? lastPrice;
  const notional = quantity.mul(referencePrice);
  if (instrument.minNotional !== null && notional.lt(decimal(instrument.minNotional))) {
    reject(
      `The order is worth ${notional.toFixed()} ${instrument.currency}; the least is ${instrument.minNotional}.`,
    );
  }
  const fee = feeBps.div(10_000).plus(1);
  const reservePrice =
    payload.side === "sell"
      ? undefined
      : (limitPrice ?? lastPrice.mul(marketReserve)).mul(fee).toDecimalPlaces(18);
  return { quantity, limitPrice, referencePrice, reservePrice };
}

export interface AccountLimits {
  currency: string;
  cash: Decimal;
  /** Kept for other resting buys. */
  reserved: Decimal;
  halted: boolean;
  haltReason: string | null;
  maxOrderNotional: Decimal | undefined;
  maxPositionNotional: Decimal | undefined;
}

export interface InstrumentHolding {
  quantity: Decimal;
  /** Left to sell of other resting sells. */
  promised: Decimal;
  /** Left to buy of other resting buys. */
  incoming: Decimal;
}

/** The checks before anything is sent. Throws AppError `order.rejected` that says which and by how much. */
export function checkOrder(
  side: "buy" | "sell",
  order: PreparedOrder,
  instrument: Instrument,
  account: AccountLimits,
  holding: InstrumentHolding,
): void {
  if (account.halted) {
    reject(`The account is halted: ${account.haltReason ?? "no reason given"}. Resume it first.`);
  }
  if (instrument.currency !== account.currency) {
    reject(
      `${instrument.instrumentId} trades in ${instrument.currency}; the account holds ${account.currency}.`,
    );
  }
  const notional = order.quantity.mul(order.referencePrice);
  if (account.maxOrderNotional?.lt(notional) === true) {
    reject(
      `The order is worth ${notional.toFixed()}; the account's limit is ${account.maxOrderNotional.toFixed()}.`,
    );
  }
  if (side === "sell") {
    const free = holding.quantity.minus(holding.promised);
    if (free.lt(order.quantity)) {
      reject(
        `The account has ${free.toFixed()} ${instrument.instrumentId} to sell, the order is for ${order.quantity.toFixed()}; it does not sell short.`,
      );
    }
    return;
  }
  const after = holding.quantity.plus(holding.incoming).plus(order.quantity).mul(order.referencePrice);
  if (account.maxPositionNotional?.lt(after) === true) {
    reject(
      `The position would be worth ${after.toFixed()}; the account's limit is ${account.maxPositionNotional.toFixed()}.`,
    );
  }
  const free = account.cash.minus(account.reserved);
  const needed = order.quantity.mul(order.reservePrice ?? order.referencePrice);
  if (free.lt(needed)) {
    reject(
      `The order needs up to ${needed.toDecimalPlaces(2, 0).toFixed()} ${account.currency} with fees${order.limitPrice === undefined ? " and 5% for a worse next price" : ""}; free cash is ${free.toDecimalPlaces(2, 1).toFixed()}.`,
    );
  }
}

function reject(message: string): never {
  throw new AppError("order.rejected", message);
}

/** A sentence for people on where an order stands. */
export function describeOrder(order: {
  status: OrderStatus;
  quantity: string;
  filledQuantity: string;
  averagePrice: string | null;
  simulated: boolean;
  reason: string | null;
  referencePrice: string;
  referenceMs: number;
}): string {
  const paper = order.simulated ? "Paper order: " : "";
  const filled = `${order.filledQuantity} of ${order.quantity} filled${order.averagePrice === null ? "" : ` at ${order.averagePrice} on average`}`;
  const reason = order.reason === null ? "" : ` ${order.reason}`;
  const text: Record<OrderStatus, string> = {
    created: "on disk, not sent yet.",
    sending: "being sent.",
    unknown: "the venue has not said whether it has it.",
    accepted: order.simulated
      ? `it rests until a price later than the order is ingested or streamed; the last one on file, ${order.referencePrice}, is of ${isoDate(order.referenceMs - 1)}.`
      : "it rests at the venue.",
    partiallyFilled: `${filled}; the rest rests.`,
    filled: `${filled}.`,
    cancelled: `cancelled; ${filled}.`,
    rejected: "rejected.",
    expired: `expired; ${filled}.`,
  };
  return `${paper}${text[order.status]}${reason}`;
}
