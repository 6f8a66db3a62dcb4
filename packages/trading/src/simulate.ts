/**
 * One instrument, one position at a time, market orders decided at a bar's close and filled at the next bar's
 * open. Floats: research speed. `ledger.ts` repeats the money exactly.
 *
 * Order of events inside bar i: (1) what was decided at close i-1 fills at the open, a close before an entry;
 * (2) a position opened on an earlier bar leaves at the open when the open is at or beyond its stop, or at or
 * beyond its target; (3) the stop when the bar reaches it (touching is enough), else the target when the bar
 * trades through it (touching is not); when both lie inside the bar the stop is taken; (4) at the close: equity,
 * then the next decision. A position opened at this bar's open can leave in (3), not in (2).
 */

import { toTick } from "./tick.ts";

/** Bits of the signal column: true at the bar's close. */
export const signalBits = { entryLong: 1, exitLong: 2, entryShort: 4, exitShort: 8 } as const;

/** `[n]` each. */
export interface PriceColumns {
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
}

export interface SimulationSettings {
  initialCash: number;
  sizing: { kind: "fractionOfEquity" | "fixedQuantity" | "fixedCash"; value: number };
  /** Quantities are rounded down to multiples of it; 0: fractional. */
  lotSize: number;
  /** Stops and fills are rounded to multiples of it against the position, targets so that they are not worsened; 0: any price. */
  tickSize: number;
  /** Least notional of an entry; 0: none. */
  minNotional: number;
  /** Fee of a fill: max(minFee, notional × feeRate + quantity × feePerUnit). */
  feeRate: number;
  feePerUnit: number;
  minFee: number;
  /** A buy pays price × (1 + slippageRate) + slippagePerUnit, a sell gets as much less (never below zero); targets are limits and have none. */
  slippageRate: number;
  slippagePerUnit: number;
  /** Fractions of the entry price; 0: none. */
  stopLoss: number;
  takeProfit: number;
  /** Fraction of the best price of the bars closed since the entry (the entry price at first); 0: none. */
  trailingStop: number;
  /** Bars in the position before it is closed at the next open; 0: none. */
  maxBars: number;
}

/** Index = code in the reason column. */
export const fillReasons = [
  "entry",
  "signal",
  "stop",
  "stopGap",
  "target",
  "targetGap",
  "trailingStop",
  "trailingStopGap",
  "time",
  "ruin",
  "delisted",
] as const;
export type FillReason = (typeof fillReasons)[number];

const ENTRY = 0;
const SIGNAL = 1;
const STOP = 2;
const TARGET = 4;
const TRAILING = 6;
const TIME = 8;
const RUIN = 9;

const CLOSE = 1;
const OPEN_LONG = 2;
const OPEN_SHORT = 4;

/** What to do at the next open, by [flat-dead, short, flat, long] × signal bits. */
const decisions = buildDecisions();

function buildDecisions(): Uint8Array {
  const table = new Uint8Array(64);
  for (let bits = 0; bits < 16; bits++) {
    const entryLong = (bits & signalBits.entryLong) !== 0;
    const exitLong = (bits & signalBits.exitLong) !== 0;
    const entryShort = (bits & signalBits.entryShort) !== 0;
    const exitShort = (bits & signalBits.exitShort) !== 0;
    // Both entries at once contradict each other: nothing is opened.
    const openLong = entryLong && !entryShort ? OPEN_LONG : 0;
    const openShort = entryShort && !entryLong ? OPEN_SHORT : 0;
    table[16 + bits] = openLong !== 0 ? CLOSE | OPEN_LONG : exitShort ? CLOSE : 0;
    table[32 + bits] = openLong | openShort;
    table[48 + bits] = openShort !== 0 ? CLOSE | OPEN_SHORT : exitLong ? CLOSE : 0;
  }
  return table;
}

/** Fills in the order they were made; the first `count` of each column count. */
export interface FillColumns {
  count: number;
  bar: Int32Array;
  /** Signed: positive buys. */
  quantity: Float64Array;
  price: Float64Array;
  fee: Float64Array;
  /** Currency lost against the price before slippage. */
  slippage: Float64Array;
  /** Cash after the fill. */
  cash: Float64Array;
  reason: Uint8Array;
}

export interface Simulation {
  readonly prices: PriceColumns;
  /** Signal bits, `[n]`. */
  readonly signals: Uint8Array;
  readonly settings: SimulationSettings;
  /** Cash + position × close, `[n]`. */
  readonly equity: Float64Array;
  readonly fills: FillColumns;
  /** Entries that were not made: cash did not pay, the quantity rounded to zero, it was below the least notional, the price was not above zero. */
  readonly dropped: { cash: number; lot: number; minNotional: number; price: number };
  readonly state: SimulationState;
}

interface SimulationState {
  cash: number;
  position: number;
  entryPrice: number;
  entryBar: number;
  best: number;
  pending: number;
  pendingReason: number;
  row: number;
}

/** Room for so many fills; it doubles when it is full. */
export function emptyFills(capacity: number): FillColumns {
  return {
    count: 0,
    bar: new Int32Array(capacity),
    quantity: new Float64Array(capacity),
    price: new Float64Array(capacity),
    fee: new Float64Array(capacity),
    slippage: new Float64Array(capacity),
    cash: new Float64Array(capacity),
    reason: new Uint8Array(capacity),
  };
}

function growFills(fills: FillColumns): void {
  const grown = emptyFills(fills.bar.length * 2);
  grown.bar.set(fills.bar);
  grown.quantity.set(fills.quantity);
  grown.price.set(fills.price);
  grown.fee.set(fills.fee);
  grown.slippage.set(fills.slippage);
  grown.cash.set(fills.cash);
  grown.reason.set(fills.reason);
  Object.assign(fills, grown, { count: fills.count });
}

/** Columns of a run that is over, to be written again: a search keeps one set for all its runs. */
export interface SimulationColumns {
  readonly equity: Float64Array;
  readonly fills: FillColumns;
}

/** All columns have the length of `signals`. Throws RangeError when one has another. */
export function createSimulation(
  prices: PriceColumns,
  signals: Uint8Array,
  settings: SimulationSettings,
  reuse?: SimulationColumns,
): Simulation {
  const n = signals.length;
  const equity = reuse?.equity ?? new Float64Array(n);
  const fills = reuse?.fills ?? emptyFills(Math.max(256, n >> 6));
  fills.count = 0;
  for (const column of [prices.open, prices.high, prices.low, prices.close, equity]) {
    if (column.length !== n) throw new RangeError("all columns of a simulation have one length");
  }
  return {
    prices,
    signals,
    settings,
    equity,
    fills,
    dropped: { cash: 0, lot: 0, minNotional: 0, price: 0 },
    state: {
      cash: settings.initialCash,
      position: 0,
      entryPrice: 0,
      entryBar: -1,
      best: 0,
      pending: 0,
      pendingReason: SIGNAL,
      row: 32,
    },
  };
}

export function feeOf(settings: SimulationSettings, quantity: number, price: number): number {
  const fee = quantity * price * settings.feeRate + quantity * settings.feePerUnit;
  return fee > settings.minFee ? fee : settings.minFee;
}

function sizeEntry(settings: SimulationSettings, cash: number, price: number): number {
  const { sizing, lotSize } = settings;
  let quantity: number;
  if (sizing.kind === "fixedQuantity") quantity = sizing.value;
  else {
    const budget = sizing.kind === "fixedCash" ? sizing.value : cash * sizing.value;
    quantity = budget / (price * (1 + settings.feeRate) + settings.feePerUnit);
    if (quantity * price * settings.feeRate + quantity * settings.feePerUnit < settings.minFee) {
      quantity = Math.max(0, (budget - settings.minFee) / price);
    }
  }
  // A quotient a hair below a whole number of lots is that number.
  return lotSize > 0 ? Math.floor((quantity / lotSize) * (1 + 1e-12)) * lotSize : quantity;
}

function recordFill(
  simulation: Simulation,
  bar: number,
  quantity: number,
  price: number,
  reference: number,
  reason: number,
): void {
  const { fills, state, settings } = simulation;
  if (fills.count === fills.bar.length) growFills(fills);
  const k = fills.count++;
  const size = Math.abs(quantity);
  const fee = feeOf(settings, size, price);
  const paid = quantity * price + fee;
  const allIn =
    reason === ENTRY &&
    quantity > 0 &&
    settings.lotSize === 0 &&
    settings.sizing.kind === "fractionOfEquity" &&
    settings.sizing.value === 1;
  state.cash = allIn ? 0 : state.cash - paid;
  fills.bar[k] = bar;
  fills.quantity[k] = quantity;
  fills.price[k] = price;
  fills.fee[k] = fee;
  fills.slippage[k] = size * Math.abs(price - reference);
  fills.cash[k] = state.cash;
  fills.reason[k] = reason;
}

function slipped(settings: SimulationSettings, price: number, buys: boolean): number {
  const exact = buys
    ? price * (1 + settings.slippageRate) + settings.slippagePerUnit
    : Math.max(0, price * (1 - settings.slippageRate) - settings.slippagePerUnit);
  return toTick(exact, settings.tickSize, buys);
}

function openPosition(simulation: Simulation, bar: number, direction: 1 | -1): void {
  const { settings, state, dropped, prices } = simulation;
  const reference = prices.open[bar]!;
  const price = slipped(settings, reference, direction > 0);
  if (!(price > 0)) {
    dropped.price++;
    return;
  }
  const quantity = sizeEntry(settings, state.cash, price);
  if (!(quantity > 0)) {
    dropped.lot++;
    return;
  }
  if (quantity * price + feeOf(settings, quantity, price) > state.cash * (1 + 1e-12)) {
    dropped.cash++;
    return;
  }
  if (quantity * price < settings.minNotional) {
    dropped.minNotional++;
    return;
  }
  recordFill(simulation, bar, direction * quantity, price, reference, ENTRY);
  state.position = direction * quantity;
  state.entryPrice = price;
  state.entryBar = bar;
  state.best = price;
  state.row = direction > 0 ? 48 : 16;
}

function closePosition(
  simulation: Simulation,
  bar: number,
  price: number,
  reference: number,
  reason: number,
): void {
  const { state } = simulation;
  recordFill(simulation, bar, -state.position, price, reference, reason);
  state.position = 0;
  state.row = reason === RUIN ? 0 : 32;
}

function fillPending(simulation: Simulation, bar: number): void {
  const { state, settings, prices } = simulation;
  const pending = state.pending;
  state.pending = 0;
  if ((pending & CLOSE) !== 0 && state.position !== 0) {
    const open = prices.open[bar]!;
    closePosition(simulation, bar, slipped(settings, open, state.position < 0), open, state.pendingReason);
  }
  if ((pending & OPEN_LONG) !== 0) openPosition(simulation, bar, 1);
  else if ((pending & OPEN_SHORT) !== 0) openPosition(simulation, bar, -1);
}

/** Levels on the axis `sign × price`, on which more is better for the position, long or short. */
function fixedStop({ settings, state }: Simulation, sign: 1 | -1): number {
  if (settings.stopLoss <= 0) return -Infinity;
  return sign * toTick(state.entryPrice * (1 - sign * settings.stopLoss), settings.tickSize, sign < 0);
}

function trailingStop({ settings }: Simulation, sign: 1 | -1, best: number): number {
  return settings.trailingStop > 0 ? sign * (best * (1 - sign * settings.trailingStop)) : -Infinity;
}

function target({ settings, state }: Simulation, sign: 1 | -1): number {
  if (settings.takeProfit <= 0) return Infinity;
  return sign * toTick(state.entryPrice * (1 + sign * settings.takeProfit), settings.tickSize, sign > 0);
}

/** Steps (2) and (3) of the bar. */
function protect(simulation: Simulation, bar: number): void {
  const { state, settings, prices } = simulation;
  const long = state.position > 0;
  const sign = long ? 1 : -1;
  const open = sign * prices.open[bar]!;
  const worst = sign * (long ? prices.low[bar]! : prices.high[bar]!);
  const best = sign * (long ? prices.high[bar]! : prices.low[bar]!);
  const fixed = fixedStop(simulation, sign);
  const trailing = trailingStop(simulation, sign, state.best);
  const stop = Math.max(fixed, trailing);
  const stopReason = trailing > fixed ? TRAILING : STOP;
  const goal = target(simulation, sign);
  const earlier = state.entryBar !== bar;
  if (earlier && open <= stop) {
    closePosition(simulation, bar, slipped(settings, sign * open, !long), sign * open, stopReason + 1);
  } else if (earlier && open >= goal) {
    closePosition(simulation, bar, sign * open, sign * open, TARGET + 1);
  } else if (worst <= stop) {
    closePosition(simulation, bar, slipped(settings, sign * stop, !long), sign * stop, stopReason);
  } else if (best > goal) {
    closePosition(simulation, bar, sign * goal, sign * goal, TARGET);
  } else if (best > sign * state.best) {
    state.best = sign * best;
  }
}

/**
 * Bars [from, to), going on from where the last call stopped: runs over [0, k) then [k, n) equal one over [0, n).
 * Call it in chunks of a few thousand bars: shorter ones keep the compiled loop, and a caller can stop between them.
 * What happens rarely is in functions; the bars between two events pass in loops that do nothing else.
 */
export function runSimulation(simulation: Simulation, from: number, to: number): void {
  const { state, settings } = simulation;
  const protects = settings.stopLoss > 0 || settings.takeProfit > 0 || settings.trailingStop > 0;
  const maxBars = settings.maxBars > 0 ? settings.maxBars : Infinity;
  for (let i = from; i < to;) {
    if (state.pending !== 0) fillPending(simulation, i);
    if (protects && state.position !== 0) protect(simulation, i);
    if (state.position === 0) {
      i = passFlat(simulation, i, to);
      continue;
    }
    const end = Math.min(to, state.entryBar + maxBars);
    i = protects ? passProtected(simulation, i, end) : passHeld(simulation, i, end);
    if (state.pending === 0 && i - state.entryBar >= maxBars) {
      state.pending = CLOSE;
      state.pendingReason = TIME;
    }
    if (simulation.equity[i - 1]! <= 0) {
      state.pending = CLOSE;
      state.pendingReason = RUIN;
    }
  }
}

/** Step (4) of bars without a position, up to the first that decides on one; returns the bar after it. */
function passFlat({ state, signals, equity }: Simulation, from: number, to: number): number {
  const { cash, row } = state;
  let pending = 0;
  let i = from;
  for (; i < to && pending === 0; i++) {
    equity[i] = cash;
    pending = decisions[row + signals[i]!]!;
  }
  state.pending = pending;
  state.pendingReason = SIGNAL;
  return i;
}

/** The same with a position that only a decision ends. */
function passHeld({ state, signals, equity, prices }: Simulation, from: number, to: number): number {
  const { close } = prices;
  const { cash, row, position } = state;
  let pending = 0;
  let value = cash;
  let i = from;
  do {
    value = cash + position * close[i]!;
    equity[i] = value;
    pending = decisions[row + signals[i]!]!;
    i++;
  } while (i < to && pending === 0 && value > 0);
  state.pending = pending;
  state.pendingReason = SIGNAL;
  return i;
}

/** The same with a position whose stop or target the bars after the first do not reach; the one that does is left to `protect`. */
function passProtected(simulation: Simulation, from: number, to: number): number {
  const { state, signals, equity, prices } = simulation;
  const { open, close } = prices;
  const { cash, row, position } = state;
  const long = position > 0;
  const sign = long ? 1 : -1;
  const bad = long ? prices.low : prices.high;
  const good = long ? prices.high : prices.low;
  const fixed = fixedStop(simulation, sign);
  const goal = target(simulation, sign);
  let { best } = state;
  let stop = Math.max(fixed, trailingStop(simulation, sign, best));
  let pending = 0;
  let i = from;
  for (;;) {
    const value = cash + position * close[i]!;
    equity[i] = value;
    pending = decisions[row + signals[i]!]!;
    i++;
    if (i === to || pending !== 0 || value <= 0) break;
    const opened = sign * open[i]!;
    const top = sign * good[i]!;
    if (opened <= stop || opened >= goal || sign * bad[i]! <= stop || top > goal) break;
    if (top > sign * best) {
      best = sign * top;
      stop = Math.max(fixed, trailingStop(simulation, sign, best));
    }
  }
  state.best = best;
  state.pending = pending;
  state.pendingReason = SIGNAL;
  return i;
}

/** Signed quantity at each bar's close, `[bars]`. */
export function positionColumn(fills: FillColumns, bars: number): Float64Array {
  const position = new Float64Array(bars);
  let held = 0;
  let from = 0;
  for (let k = 0; k < fills.count; k++) {
    position.fill(held, from, fills.bar[k]!);
    from = fills.bar[k]!;
    // An exit's quantity is that of its entry: nothing is left by rounding.
    held += fills.quantity[k]!;
  }
  position.fill(held, from);
  return position;
}

export interface SimulatedTrade {
  side: "long" | "short";
  quantity: number;
  entryBar: number;
  entryPrice: number;
  /** -1 while it is open. */
  exitBar: number;
  exitPrice: number;
  exitReason: Exclude<FillReason, "entry"> | null;
  fees: number;
  /** Fees off; an open trade is valued at `lastClose`. */
  profit: number;
}

/** Pairs each entry with its exit. */
export function tradesOf(fills: FillColumns, lastClose: number): SimulatedTrade[] {
  const trades: SimulatedTrade[] = [];
  for (let k = 0; k < fills.count; k += 2) {
    const quantity = fills.quantity[k]!;
    const open = k + 1 >= fills.count;
    const exitPrice = open ? lastClose : fills.price[k + 1]!;
    const fees = fills.fee[k]! + (open ? 0 : fills.fee[k + 1]!);
    const reason = open ? null : fillReasons[fills.reason[k + 1]!]!;
    trades.push({
      side: quantity > 0 ? "long" : "short",
      quantity: Math.abs(quantity),
      entryBar: fills.bar[k]!,
      entryPrice: fills.price[k]!,
      exitBar: open ? -1 : fills.bar[k + 1]!,
      exitPrice,
      exitReason: reason === "entry" ? null : reason,
      fees,
      profit: quantity * (exitPrice - fills.price[k]!) - fees,
    });
  }
  return trades;
}
