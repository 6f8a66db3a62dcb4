import { feeOfFill, feeRateOf } from "./costs.ts";
import { nextPosting, postingKinds } from "./fills.ts";
import type { PostingKind } from "./fills.ts";
import type { Bracket } from "./orders.ts";
import type { EngineState } from "./state.ts";

const dayMs = 86_400_000;
const daysPerYear = 365;

const kindCodes = Object.fromEntries(postingKinds.map((kind, code) => [kind, code])) as Record<
  PostingKind,
  number
>;

/** Cash of all currencies in the base. */
export function cashInBase(state: EngineState): number {
  let sum = state.cash[0]!;
  for (let c = 1; c < state.cash.length; c++) {
    if (state.cash[c] !== 0) sum += state.cash[c]! * state.rate[c]!;
  }
  return sum;
}

/** Cash and positions at their last prices, in the base currency. */
export function equityOf(state: EngineState): number {
  const { position, mark, unitValue } = state;
  let sum = cashInBase(state);
  if (state.openPositions === 0) return sum;
  for (let k = 0; k < position.length; k++) sum += position[k]! * mark[k]! * unitValue[k]!;
  return sum;
}

/** Equity that no position ties up; with long positions and no leverage it is the cash. */
export function freeCash(state: EngineState): number {
  let sum = cashInBase(state);
  if (state.openPositions === 0) return sum;
  const { position, mark, unitValue, instruments } = state;
  for (let k = 0; k < position.length; k++) {
    const held = position[k]!;
    if (held === 0) continue;
    const untied = held - Math.abs(held) * instruments[k]!.initialMargin;
    if (untied !== 0) sum += untied * mark[k]! * unitValue[k]!;
  }
  return sum;
}

interface Posting {
  kind: PostingKind;
  instrument: number;
  currency: number;
  quantity: number;
  price: number;
  amount: number;
}

/** Moves cash and writes the row; returns its index. */
function post(state: EngineState, posting: Posting): number {
  const { postings, cash } = state;
  const k = nextPosting(postings);
  cash[posting.currency] = cash[posting.currency]! + posting.amount;
  if (posting.instrument >= 0 && posting.kind !== "fill")
    state.tripCash[posting.instrument]! += posting.amount;
  postings.kind[k] = kindCodes[posting.kind];
  postings.instrument[k] = posting.instrument;
  postings.currency[k] = posting.currency;
  postings.bar[k] = posting.instrument < 0 ? -1 : state.bar[posting.instrument]!;
  postings.timeMs[k] = state.nowMs;
  postings.quantity[k] = posting.quantity;
  postings.price[k] = posting.price;
  postings.rate[k] = state.rate[posting.currency]!;
  postings.cash[k] = cash[posting.currency]!;
  postings.order[k] = -1;
  return k;
}

/** A currency below zero is bought with the base, at the rate of now. */
function settleCurrency(state: EngineState, currency: number): void {
  const short = -state.cash[currency]!;
  if (currency === 0 || !(short > 0)) return;
  const rate = state.rate[currency]!;
  const fee = short * rate * state.settings.costs.conversionRate;
  const k = post(state, {
    kind: "conversion",
    instrument: -1,
    currency,
    quantity: short,
    price: rate,
    amount: short,
  });
  state.postings.fee[k] = fee;
  state.postings.feeRate[k] = state.settings.costs.conversionRate;
  state.cash[currency] = 0;
  state.postings.cash[k] = 0;
  state.cash[0] = state.cash[0]! - short * rate - fee;
}

/** Rate of the fee for a fill made now. */
export function currentFeeRate(state: EngineState, maker: boolean): number {
  const { fees } = state.settings.costs;
  if (fees.tiers.length > 0) {
    const at = new Date(state.nowMs);
    const month = at.getUTCFullYear() * 12 + at.getUTCMonth();
    if (month !== state.month) {
      state.month = month;
      state.monthNotional = 0;
    }
  }
  return feeRateOf(fees, maker, state.monthNotional);
}

export interface FillFacts {
  instrument: number;
  /** Signed. */
  quantity: number;
  price: number;
  /** Before spread and slippage. */
  reference: number;
  feeRate: number;
  flags: number;
  order: number;
  /** Code of its reason. */
  reason: number;
  /** Spends all cash: what rounding leaves of it is gone. */
  allCash: boolean;
}

/** Books a fill: position, cash, fee. */
export function bookFill(state: EngineState, fill: FillFacts): void {
  const { instrument, quantity, price } = fill;
  const one = state.instruments[instrument]!;
  const currency = state.currencyOf[instrument]!;
  const size = Math.abs(quantity);
  const notional = size * price * one.multiplier;
  const fee = feeOfFill(state.settings.costs.fees, fill.feeRate, notional, size);
  const amount = fill.allCash ? -state.cash[currency]! : -(quantity * price * one.multiplier) - fee;
  const k = post(state, { kind: "fill", instrument, currency, quantity, price, amount });
  state.postings.fee[k] = fee;
  state.postings.feeRate[k] = fill.feeRate;
  state.postings.slippage[k] = size * Math.abs(price - fill.reference) * one.multiplier;
  state.postings.flags[k] = fill.flags;
  state.postings.order[k] = fill.order;
  state.postings.reason[k] = fill.reason;
  if (state.settings.costs.fees.tiers.length > 0) state.monthNotional += notional * state.rate[currency]!;
  followTrip(state, instrument, quantity, price * one.multiplier, fee);
  movePosition(state, instrument, quantity, price);
  settleCurrency(state, currency);
}

/** Before the position moves: what this fill means for the trade that is open, or begins. */
function followTrip(state: EngineState, k: number, quantity: number, unitPrice: number, fee: number): void {
  const { tripUnits, tripNotional, tripCash } = state;
  const before = state.position[k]!;
  const closes = before * quantity < 0 ? Math.min(Math.abs(quantity), Math.abs(before)) : 0;
  const size = Math.abs(quantity);
  const sign = quantity > 0 ? 1 : -1;
  if (closes > 0) {
    tripCash[k]! -= sign * closes * unitPrice + (fee * closes) / size;
    if (Math.abs(before) - closes > 1e-12 * Math.abs(before)) return;
    state.closedTrades.push({
      instrument: k,
      quantity: -sign * tripUnits[k]!,
      notional: tripNotional[k]!,
      profit: tripCash[k]!,
    });
    tripUnits[k] = tripNotional[k] = tripCash[k] = 0;
  }
  const opens = size - closes;
  if (opens <= 0) return;
  tripNotional[k]! += opens * unitPrice;
  tripCash[k]! -= sign * opens * unitPrice + (fee * opens) / size;
  tripUnits[k] = Math.max(tripUnits[k]!, (closes > 0 ? 0 : Math.abs(before)) + opens);
}

function movePosition(state: EngineState, k: number, quantity: number, price: number): void {
  const before = state.position[k]!;
  // What rounding leaves of a position that is closed is nothing.
  const sum = before + quantity;
  const after = before !== 0 && Math.abs(sum) < 1e-12 * Math.abs(before) ? 0 : sum;
  if (before === 0 && after !== 0) state.openPositions++;
  if (before !== 0 && after === 0) state.openPositions--;
  if (before === 0 || before * after < 0) {
    state.averagePrice[k] = price;
    // A fill within a bar of a longer timeframe is in the one that has yet to close.
    state.entryBar[k] = state.seen === state.bar ? state.bar[k]! : state.seen[k]! + 1;
  } else if (Math.abs(after) > Math.abs(before)) {
    state.averagePrice[k] = (state.averagePrice[k]! * before + price * quantity) / after;
  }
  state.position[k] = after;
}

/** Splits, dividends and funding due before a bar that opens at `openMs`. */
export function applyEvents(state: EngineState, k: number, openMs: number): void {
  const { events, multiplier } = state.instruments[k]!;
  let next = state.nextEvent[k]!;
  for (; next < events.length && events[next]!.atMs <= openMs; next++) {
    const event = events[next]!;
    if (event.kind === "split") splitPosition(state, k, event.ratio);
    else if (state.position[k] !== 0) {
      const quantity = state.position[k]!;
      const price =
        event.kind === "dividend" ? event.perUnit * multiplier : -event.rate * state.mark[k]! * multiplier;
      const currency = state.currencyOf[k]!;
      post(state, {
        kind: event.kind,
        instrument: k,
        currency,
        quantity,
        price,
        amount: quantity * price,
      });
      settleCurrency(state, currency);
    }
  }
  state.nextEvent[k] = next;
  state.nextEventMs[k] = events[next]?.atMs ?? Infinity;
}

function splitPosition(state: EngineState, k: number, ratio: number): void {
  if (state.position[k] !== 0) {
    post(state, {
      kind: "split",
      instrument: k,
      currency: state.currencyOf[k]!,
      quantity: state.position[k]! * (ratio - 1),
      price: 0,
      amount: 0,
    });
  }
  state.tripUnits[k]! *= ratio;
  state.position[k] = state.position[k]! * ratio;
  state.averagePrice[k] = state.averagePrice[k]! / ratio;
  state.mark[k] = state.mark[k]! / ratio;
  for (const order of state.orders[k]!) {
    order.quantity *= ratio;
    order.limitPrice /= ratio;
    order.stopPrice /= ratio;
    order.trailBy /= ratio;
    order.extreme /= ratio;
    if (order.bracket !== undefined) order.bracket = splitBracket(order.bracket, ratio);
  }
}

function splitBracket(bracket: Bracket, ratio: number): Bracket {
  const split: { -readonly [name in keyof Bracket]: Bracket[name] } = { ...bracket };
  for (const price of ["stopPrice", "stopBy", "trailBy", "targetPrice"] as const) {
    if (bracket[price] !== undefined) split[price] = bracket[price] / ratio;
  }
  return split;
}

/** Borrow fees of shorts and interest on cash for the UTC days that have begun up to `untilMs`, on what is held now. */
export function chargeDays(state: EngineState, untilMs: number): void {
  const day = Math.floor(untilMs / dayMs);
  const days = day - state.chargedDay;
  const first = state.chargedDay < 0;
  state.chargedDay = day;
  if (first || days <= 0) return;
  const share = days / daysPerYear;
  for (let k = 0; k < state.position.length; k++) {
    const one = state.instruments[k]!;
    if (!(state.position[k]! < 0) || one.borrowRate === 0) continue;
    const price = state.mark[k]! * one.multiplier * one.borrowRate * share;
    const quantity = state.position[k]!;
    const currency = state.currencyOf[k]!;
    post(state, { kind: "borrow", instrument: k, currency, quantity, price, amount: quantity * price });
    settleCurrency(state, currency);
  }
  const { cashRate, debitRate } = state.settings.costs;
  for (let c = 0; c < state.cash.length; c++) {
    const quantity = state.cash[c]!;
    const price = (quantity > 0 ? cashRate : debitRate) * share;
    if (quantity === 0 || price === 0) continue;
    post(state, { kind: "interest", instrument: -1, currency: c, quantity, price, amount: quantity * price });
  }
}

/** Do interest or borrow fees arise at all? */
export function chargesDaily(state: EngineState): boolean {
  const { cashRate, debitRate } = state.settings.costs;
  return cashRate !== 0 || debitRate !== 0 || state.instruments.some((one) => one.borrowRate !== 0);
}

/** Equity is below what the positions need at least, or gone. */
export function isUnderwater(state: EngineState, equity: number): boolean {
  if (equity <= 0) return true;
  const { position, mark, unitValue, instruments } = state;
  let needed = 0;
  for (let k = 0; k < position.length; k++) {
    needed += Math.abs(position[k]!) * mark[k]! * unitValue[k]! * instruments[k]!.maintenanceMargin;
  }
  return equity < needed;
}
