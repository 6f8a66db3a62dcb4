import { fillReasons } from "../simulate.ts";
import type { FillReason } from "../simulate.ts";
import { bookFill, currentFeeRate, equityOf, freeCash } from "./account.ts";
import { feeOfFill, takerPrice } from "./costs.ts";
import { fillFlags } from "./fills.ts";
import type { BarNow } from "./match.ts";
import { finerRange, readBar, readFinerBar } from "./clock.ts";
import {
  followTrail,
  isStop,
  priceAtOpen,
  priceInside,
  reachesStop,
  stopLevel,
  triggerLimit,
} from "./match.ts";
import { logEnd, logOrder } from "./orderLog.ts";
import type { OrderStatus } from "./orderLog.ts";
import { checkRequest, limitTick, stopTick, toLot } from "./orders.ts";
import type { BookOrder, OrderRequest } from "./orders.ts";
import type { EngineState } from "./state.ts";

/** Cash and quantities are compared with this much room for rounding, relative. */
const rounding = 1e-12;

/** Tag of an order that closes a position for its age. */
export const timeTag = "time";
/** Tag of a stop that follows the price. */
export const trailTag = "trail";
const liquidationTag = "liquidation";

/** From when an order of now can trade. */
function activeFrom(state: EngineState, instrument: number): number {
  const { delayBars = 0, costs } = state.settings;
  const arrivesMs = state.nowMs + costs.latencyMs;
  if (delayBars === 0) return arrivesMs;
  const { bars, signalBars = bars } = state.instruments[instrument]!;
  return Math.max(arrivesMs, signalBars.openMs[state.seen[instrument]! + 1 + delayBars] ?? Infinity);
}

const noOrders: readonly number[] = [];

/** What sets an order of the engine apart from a decision's. */
type Origin = Pick<BookOrder, "activeMs" | "replaces">;

/** Takes an order into the book; returns its id, 0 when none is taken any more. Throws RangeError on nonsense. */
export function placeOrder(state: EngineState, request: OrderRequest, origin?: Origin): number {
  checkRequest(request);
  const instrument = request.instrument ?? 0;
  const one = state.instruments[instrument];
  if (one === undefined) throw new RangeError(`There is no instrument ${instrument}.`);
  if (state.halted) {
    state.rejected.halted++;
    return 0;
  }
  const direction = request.side === "buy" ? 1 : -1;
  return addOrder(state, {
    id: ++state.lastOrder,
    instrument,
    direction,
    type: request.type ?? "market",
    quantity: request.quantity ?? Number.NaN,
    cashFraction: request.cashFraction ?? 0,
    cashAmount: request.cashAmount ?? 0,
    limitPrice: limitTick(request.limitPrice ?? 0, one.tickSize, direction),
    stopPrice: stopTick(request.stopPrice ?? 0, one.tickSize, direction),
    trailBy: request.trailBy ?? 0,
    trailFraction: request.trailFraction ?? 0,
    timeInForce: request.timeInForce ?? "gtc",
    expiresMs: request.expiresMs ?? Infinity,
    reduceOnly: request.reduceOnly ?? false,
    group: request.group ?? 0,
    bracket: request.bracket,
    tag: request.tag ?? "",
    decided: origin === undefined,
    activeMs: origin?.activeMs ?? activeFrom(state, instrument),
    replaces: origin?.replaces ?? noOrders,
    session: -1,
    rested: false,
    extreme: state.mark[instrument]!,
    bornBar: -1,
    bornUnsure: false,
    triggered: false,
    entryRow: -1,
    live: true,
  });
}

function addOrder(state: EngineState, order: BookOrder): number {
  state.orders[order.instrument]!.push(order);
  state.openOrders++;
  logOrder(state.orderLog, order, state.nowMs);
  return order.id;
}

function endOrder(state: EngineState, order: BookOrder, how: Exclude<OrderStatus, "open">): void {
  if (!order.live) return;
  order.live = false;
  state.openOrders--;
  logEnd(state.orderLog, order.id, how, state.nowMs);
  if (how !== "filled" && how !== "cancelled") state.rejected[how]++;
}

export function cancelOrder(state: EngineState, id: number): boolean {
  for (const list of state.orders) {
    const order = list.find((one) => one.id === id && one.live);
    if (order === undefined) continue;
    endOrder(state, order, "cancelled");
    return true;
  }
  return false;
}

/**
 * Takes the stops that protect an instrument's position to `price` where they would give up later; a position without one gets one.
 * Nothing happens when there is no position.
 */
export function tightenStops(state: EngineState, instrument: number, price: number): void {
  const held = state.position[instrument]!;
  if (held === 0) return;
  const direction = held > 0 ? -1 : 1;
  const level = stopTick(price, state.instruments[instrument]!.tickSize, direction);
  const stops = state.orders[instrument]!.filter(
    (order) => order.live && order.reduceOnly && order.direction === direction && isStop(order),
  );
  // A buy stop above another, or a sell stop below it, gives up later.
  if (stops.some((order) => direction * (stopLevel(order) - level) <= 0)) return;
  const activeMs = activeFrom(state, instrument);
  const id = placeOrder(
    state,
    {
      instrument,
      side: direction > 0 ? "buy" : "sell",
      quantity: Math.abs(held),
      type: "stop",
      stopPrice: price,
      reduceOnly: true,
      tag: trailTag,
    },
    { activeMs, replaces: stops.map((order) => order.id) },
  );
  if (id > 0 && activeMs <= state.nowMs) for (const order of stops) endOrder(state, order, "cancelled");
}

/** Ends every order of an instrument. */
export function cancelOrders(state: EngineState, instrument: number): void {
  for (const order of state.orders[instrument]!) endOrder(state, order, "cancelled");
}

export function isOpen(state: EngineState, id: number): boolean {
  return id > 0 && state.orderLog.status[id - 1] === 0 && id <= state.orderLog.count;
}

function sweepDead(state: EngineState, k: number): void {
  const list = state.orders[k]!;
  let kept = 0;
  for (const order of list) if (order.live) list[kept++] = order;
  // Assigning the length would give the memory back, which the next order needs again.
  while (list.length > kept) list.pop();
}

const canTrade = (order: BookOrder, bar: BarNow) =>
  order.live && order.activeMs <= bar.openMs && order.bornBar !== bar.index;

/** Does the order lessen the position? Such orders fill first: their cash pays for the others, whatever the instruments' order. */
const lessens = (state: EngineState, order: BookOrder) =>
  state.position[order.instrument]! * order.direction < 0;

/**
 * The orders of all instruments that closed a bar at this instant, against those bars. In each phase (the opens, inside the bars, the
 * closes) those that lessen a position fill before the others, and instruments follow one another by their oldest orders: names decide
 * nothing. An instrument with finer bars goes through its bar at once, among the first when one of its orders lessens its position.
 */
export function matchBars(state: EngineState, group: Int32Array, count: number): void {
  const { now, instruments, orders, queue } = state;
  let length = 0;
  for (let g = 0; g < count; g++) {
    const k = group[g]!;
    state.usedVolume[k] = 0;
    // Also without orders of its own: a position is worth its open when others are paid at their opens.
    state.mark[k] = instruments[k]!.bars.open[state.bar[k]!]!;
    if (orders[k]!.length === 0) continue;
    queue[length++] = k;
    readBar(now[k]!, instruments[k]!, state.bar[k]!);
    expireOrders(state, k, now[k]!);
  }
  if (length > 1) queue.subarray(0, length).sort((a, b) => orders[a]![0]!.id - orders[b]![0]!.id);
  for (const reducing of [true, false]) {
    for (let q = 0; q < length; q++) fillAtOpen(state, queue[q]!, now[queue[q]!]!, reducing);
  }
  const early: number[] = [];
  for (let q = 0; q < length; q++) {
    const k = queue[q]!;
    if (instruments[k]!.finerBars !== undefined && orders[k]!.some((one) => one.live && lessens(state, one)))
      early.push(k);
  }
  for (const reducing of [true, false]) {
    for (let q = 0; q < length; q++) {
      const k = queue[q]!;
      if (instruments[k]!.finerBars === undefined) fillPhase(state, k, now[k]!, reducing);
      else if (early.includes(k) === reducing) fillAlong(state, k, now[k]!);
    }
  }
  for (const reducing of [true, false]) {
    for (let q = 0; q < length; q++) fillAtClose(state, queue[q]!, now[queue[q]!]!, reducing);
  }
  for (let q = 0; q < length; q++) settleOrders(state, queue[q]!, now[queue[q]!]!);
}

/** Ends what is over before a bar: orders past their time, and stops whose tighter successor is active now. */
function expireOrders(state: EngineState, k: number, bar: BarNow): void {
  const session = Math.floor(bar.openMs / 86_400_000);
  for (const order of state.orders[k]!) {
    if (order.activeMs > bar.openMs) continue;
    if (order.session < 0) order.session = session;
    for (const id of order.replaces) cancelOrder(state, id);
    order.replaces = noOrders;
    const dayOver = order.timeInForce === "day" && session > order.session;
    if (dayOver || bar.openMs >= order.expiresMs) endOrder(state, order, "expired");
  }
}

const isAtMarket = ({ type }: BookOrder) => type === "market" || type === "onOpen";

/** Orders at the market before those with a level: what was decided before comes first, whatever the open. */
function fillAtOpen(state: EngineState, k: number, bar: BarNow, reducing: boolean): void {
  const orders = state.orders[k]!;
  // Orders born here are not looked at: they come after the open.
  const { length } = orders;
  for (const atMarket of [true, false]) {
    for (let j = 0; j < length; j++) {
      const order = orders[j]!;
      if (isAtMarket(order) !== atMarket) continue;
      if (!canTrade(order, bar) || lessens(state, order) !== reducing) continue;
      const price = priceAtOpen(order, bar);
      if (Number.isNaN(price)) continue;
      fillOrder(state, order, bar, price, isStop(order) ? fillFlags.gap : 0, false);
    }
  }
}

function fillAtClose(state: EngineState, k: number, bar: BarNow, reducing: boolean): void {
  if (!bar.closesSession) return;
  for (const order of state.orders[k]!) {
    if (order.type !== "onClose" || !canTrade(order, bar) || lessens(state, order) !== reducing) continue;
    state.mark[k] = bar.close;
    fillOrder(state, order, bar, bar.close, 0, false);
  }
}

/** The finer bars of a bar in their order: each is a bar of its own inside; none there: the bar itself, as it is assumed. */
function fillAlong(state: EngineState, k: number, bar: BarNow): void {
  const finer = state.instruments[k]!.finerBars!;
  const [from, to] = finerRange(finer, state.finerAt, k, bar);
  if (from === to) {
    state.assumedBars[k]!++;
    fillInside(state, k, bar);
    return;
  }
  const part = { ...bar };
  for (let j = from; j < to && state.orders[k]!.length > 0; j++) {
    readFinerBar(part, finer, j);
    // What a gap before a finer bar jumps over fills at its open; that of the bar itself was matched already.
    if (finer.openMs[j]! > bar.openMs) {
      for (const order of state.orders[k]!.slice()) {
        if (!order.live || order.activeMs > bar.openMs || order.timeInForce === "ioc") continue;
        if (order.timeInForce === "fok" || isAtMarket(order)) continue;
        const price = priceAtOpen(order, part);
        if (!Number.isNaN(price))
          fillOrder(state, order, part, price, isStop(order) ? fillFlags.gap : 0, true);
      }
    }
    fillInside(state, k, part);
    for (const order of state.orders[k]!) order.bornUnsure = order.triggered = false;
  }
}

function fillInside(state: EngineState, k: number, bar: BarNow): void {
  fillPhase(state, k, bar, true);
  fillPhase(state, k, bar, false);
}

/** Stops before limits, or the other way round, until no fill brings new orders; `reducing`: of those that lessen the position. */
function fillPhase(state: EngineState, k: number, bar: BarNow, reducing: boolean): void {
  const orders = state.orders[k]!;
  if (orders.length === 0 || (reducing && state.position[k] === 0)) return;
  const stopsFirst = state.settings.innerPath === "pessimistic";
  for (let looked = -1; looked < orders.length;) {
    looked = orders.length;
    for (const stops of [stopsFirst, !stopsFirst]) {
      for (let j = 0; j < orders.length; j++) {
        const order = orders[j]!;
        if (!order.live || isStop(order) !== stops || (reducing && !lessens(state, order))) continue;
        tryInside(state, order, bar);
      }
    }
  }
}

function tryInside(state: EngineState, order: BookOrder, bar: BarNow): void {
  if (order.activeMs > bar.openMs || order.timeInForce === "ioc" || order.timeInForce === "fok") return;
  if (bar.closeMs > order.expiresMs || bar.openMs === bar.closeMs) return;
  const stop = isStop(order);
  let price = priceInside(order, bar);
  if (order.type === "stopLimit" && Number.isNaN(price) && reachesStop(order, bar)) {
    triggerLimit(order);
    order.triggered = true;
    price = priceInside(order, bar);
  }
  if (Number.isNaN(price)) return;
  // A close beyond the limit shows that the bar came back to it.
  const guessed = order.triggered && order.direction * (order.limitPrice - bar.close) <= 0;
  if (guessed && state.settings.innerPath === "pessimistic") return;
  if (order.bornUnsure) {
    state.postings.flags[order.entryRow]! |= fillFlags.pathDependent;
    if (stop !== (state.settings.innerPath === "pessimistic")) return;
  }
  const rivals = state.orders[order.instrument]!.filter(
    (other) =>
      other !== order &&
      other.live &&
      other.group > 0 &&
      other.group === order.group &&
      !Number.isNaN(priceInside(other, bar)),
  );
  const nearer = (other: BookOrder) =>
    isStop(other) && order.direction * (stopLevel(other) - stopLevel(order)) < 0;
  if (stop && rivals.some(nearer)) return;
  const rival = state.orders[order.instrument]!.some(
    (other) =>
      other !== order &&
      other.live &&
      isStop(other) !== stop &&
      (other.group === order.group ? order.group > 0 : other.reduceOnly && order.reduceOnly) &&
      !Number.isNaN(priceInside(other, bar)),
  );
  if (order.type === "stopLimit") triggerLimit(order);
  fillOrder(state, order, bar, price, rival || guessed ? fillFlags.pathDependent : 0, true);
}

/** After the bar: immediate orders end, trailing stops follow, dead ones leave the book. */
function settleOrders(state: EngineState, k: number, bar: BarNow): void {
  for (const order of state.orders[k]!) {
    if (!order.live || order.activeMs > bar.openMs) continue;
    const immediate = order.timeInForce === "ioc" || order.timeInForce === "fok";
    const past =
      (order.type === "onOpen" && bar.opensSession) || (order.type === "onClose" && bar.closesSession);
    if (immediate || past) endOrder(state, order, "unfilled");
    order.rested = true;
    order.bornUnsure = order.triggered = false;
    followTrail(order, bar);
  }
  sweepDead(state, k);
}

/** Units that the cap on the bar's volume leaves. */
function leftOfVolume(state: EngineState, k: number, bar: BarNow): number {
  const share = state.settings.costs.volumeShare;
  if (share <= 0 || Number.isNaN(bar.volume)) return Infinity;
  return Math.max(0, bar.volume * share - state.usedVolume[k]!);
}

interface Terms {
  quantity: number;
  /** Nothing was cut off what the order asked for. */
  whole: boolean;
  price: number;
  feeRate: number;
}

/** Fills what can be filled of an order at `reference`; ends it when it cannot be filled at all. */
function fillOrder(
  state: EngineState,
  order: BookOrder,
  bar: BarNow,
  reference: number,
  flags: number,
  inside: boolean,
): void {
  const k = order.instrument;
  const held = state.position[k]!;
  const against = held * order.direction < 0;
  if (order.reduceOnly && !against) return endOrder(state, order, "reduceOnly");
  const maker = isLimit(order) && order.rested;
  const feeRate = currentFeeRate(state, maker);
  const left = leftOfVolume(state, k, bar);
  const asked = askedOf(state, order, bar, reference, feeRate, left);
  const wanted = order.reduceOnly ? Math.min(asked.quantity, Math.abs(held)) : asked.quantity;
  if (order.timeInForce === "fok" && left < wanted) return endOrder(state, order, "unfilled");
  let quantity = Math.min(wanted, left);
  const one = state.instruments[k]!;
  // The whole of a position may be an odd lot after a split.
  const closes = against && quantity === Math.abs(held);
  if (!closes) quantity = toLot(quantity, one.lotSize);
  if (!(quantity > 0)) {
    if (left < wanted) return;
    return endOrder(state, order, "lot");
  }
  const price = asked.price ?? priceOf(state, order, bar, reference, quantity);
  if (!(price > 0)) return endOrder(state, order, "price");
  let short = false;
  const covers = against ? Math.min(quantity, Math.abs(held)) : 0;
  if (quantity > covers) {
    const paid = affordable(state, order, { quantity, price, feeRate }, covers);
    short = paid < quantity;
    // What lessens a position is always filled.
    if (short)
      quantity = state.settings.shortfall === "reject" ? covers : Math.max(covers, toLot(paid, one.lotSize));
    if (!(quantity > 0)) return endOrder(state, order, "cash");
  }
  if (!against && quantity * price * one.multiplier < one.minNotional) {
    return endOrder(state, order, "minNotional");
  }
  executeFill(
    state,
    order,
    bar,
    { quantity, whole: quantity === asked.quantity, price, feeRate },
    reference,
    flags | (maker ? fillFlags.maker : 0),
    inside,
  );
  // The rest is not waited for: later it would be bought with cash that was meant for something else.
  if (!short) return;
  endOrder(state, order, "cash");
  if (order.group > 0) lessenRivals(state, order, quantity);
}

const isLimit = (order: BookOrder) => order.type === "limit" || order.type === "takeProfit";

/** Price of `quantity` units: the reference for a limit that rested, a taker's worse one on the tick otherwise, never beyond the limit. */
function priceOf(
  state: EngineState,
  order: BookOrder,
  bar: BarNow,
  reference: number,
  quantity: number,
): number {
  const limited = isLimit(order);
  if (limited && order.rested) return reference;
  const { costs } = state.settings;
  const activity = state.activity[order.instrument];
  const exact = takerPrice(costs, order.direction, reference, quantity, bar.volume, activity, bar.index);
  const price = stopTick(exact, state.instruments[order.instrument]!.tickSize, order.direction);
  if (!limited) return price;
  return order.direction > 0 ? Math.min(order.limitPrice, price) : Math.max(order.limitPrice, price);
}

/** Units that the order asks for; of one by cash what it pays for, and the price: that of no more than the bar's volume leaves. */
function askedOf(
  state: EngineState,
  order: BookOrder,
  bar: BarNow,
  reference: number,
  feeRate: number,
  left: number,
): { quantity: number; price?: number } {
  if (!Number.isNaN(order.quantity)) return { quantity: order.quantity };
  const k = order.instrument;
  const { multiplier } = state.instruments[k]!;
  const budget =
    order.cashAmount > 0
      ? order.cashAmount
      : (freeCash(state) * order.cashFraction) / state.rate[state.currencyOf[k]!]!;
  const price = priceOf(state, order, bar, reference, Math.min(left, budget / (reference * multiplier)));
  const { perUnit, minimum } = state.settings.costs.fees;
  const quantity = budget / (price * multiplier * (1 + feeRate) + perUnit);
  const feePerUnit = price * multiplier * feeRate + perUnit;
  const belowMinimum = feePerUnit >= 0 && quantity * feePerUnit < minimum;
  return {
    quantity: belowMinimum ? Math.max(0, (budget - minimum) / (price * multiplier)) : quantity,
    price,
  };
}

/**
 * Units of `terms` that the free cash pays for, fee included; positions are taken at this fill's price. The first `covers` close what is
 * held, which sets free what that tied up.
 */
function affordable(
  state: EngineState,
  order: BookOrder,
  terms: Omit<Terms, "whole">,
  covers: number,
): number {
  const k = order.instrument;
  const one = state.instruments[k]!;
  state.mark[k] = terms.price;
  const rate = state.rate[state.currencyOf[k]!]!;
  const tied = terms.price * one.multiplier * one.initialMargin;
  const free = freeCash(state) + covers * tied * rate;
  const { fees } = state.settings.costs;
  const notional = terms.quantity * terms.price * one.multiplier;
  const fee = feeOfFill(fees, terms.feeRate, notional, terms.quantity);
  const need = ((terms.quantity - covers) * tied + fee) * rate;
  if (need <= free * (1 + rounding)) return terms.quantity;
  const feePerUnit = terms.price * one.multiplier * terms.feeRate + fees.perUnit;
  const byRate = (free / rate - covers * feePerUnit) / (tied + feePerUnit);
  const byMinimum = feePerUnit < 0 ? Infinity : (free / rate - fees.minimum) / tied;
  return covers + Math.max(0, Math.min(byRate, byMinimum));
}

function executeFill(
  state: EngineState,
  order: BookOrder,
  bar: BarNow,
  terms: Terms,
  reference: number,
  flags: number,
  inside: boolean,
): void {
  const k = order.instrument;
  const { quantity, price } = terms;
  const one = state.instruments[k]!;
  const row = state.postings.count;
  const before = state.position[k]!;
  const allCash =
    order.direction > 0 &&
    order.cashFraction === 1 &&
    one.lotSize === 0 &&
    state.openPositions === 0 &&
    state.currencyOf[k] === 0 &&
    terms.whole &&
    state.cash.length === 1;
  const filledSoFar = state.orderLog.filled[order.id - 1]!;
  state.orderLog.filled[order.id - 1] = filledSoFar + quantity;
  bookFill(state, {
    instrument: k,
    quantity: order.direction * quantity,
    price,
    reference,
    feeRate: terms.feeRate,
    flags: flags | (order.tag === liquidationTag ? fillFlags.liquidation : 0),
    order: order.id,
    reason: fillReasons.indexOf(reasonOf(order, before, flags, reference)),
    allCash,
  });
  state.usedVolume[k] = state.usedVolume[k]! + quantity;
  const rest = order.quantity - quantity;
  const filled = Number.isNaN(order.quantity) || rest <= rounding * order.quantity;
  if (filled) endOrder(state, order, "filled");
  else order.quantity = rest;
  if (order.group > 0) lessenRivals(state, order, quantity);
  if (before !== 0 && before * state.position[k]! <= 0) endProtection(state, k);
  if (order.bracket !== undefined) placeBracket(state, order, bar, quantity, price, row, inside);
}

/** What an order of a group has filled is taken off the others of its instrument; once it has ended, nothing is left of any. */
function lessenRivals(state: EngineState, order: BookOrder, quantity: number): void {
  for (const list of state.orders) {
    for (const other of list) {
      if (other === order || other.group !== order.group) continue;
      const rest = other.quantity - quantity;
      const stays = order.live && other.instrument === order.instrument && rest > rounding * other.quantity;
      if (stays) other.quantity = rest;
      else endOrder(state, other, "cancelled");
    }
  }
}

/** Why a fill was made, in the words of the single-instrument simulator. */
function reasonOf(order: BookOrder, before: number, flags: number, reference: number): FillReason {
  if (before * order.direction >= 0) return "entry";
  if (order.tag === liquidationTag) return "ruin";
  if (order.tag === timeTag) return "time";
  const gap = (flags & fillFlags.gap) !== 0;
  if (order.type === "trailingStop" || (isStop(order) && order.tag === trailTag)) {
    return gap ? "trailingStopGap" : "trailingStop";
  }
  if (isStop(order)) return gap ? "stopGap" : "stop";
  if (order.type !== "limit" && order.type !== "takeProfit") return "signal";
  return reference === order.limitPrice ? "target" : "targetGap";
}

/** With the position go the orders that could only lessen it. */
function endProtection(state: EngineState, k: number): void {
  for (const order of state.orders[k]!) if (order.reduceOnly) endOrder(state, order, "cancelled");
}

/** Stop and target of an entry, for what was filled, able to act in the rest of the bar. */
function placeBracket(
  state: EngineState,
  entry: BookOrder,
  bar: BarNow,
  quantity: number,
  price: number,
  row: number,
  inside: boolean,
): void {
  const bracket = entry.bracket!;
  const { tickSize } = state.instruments[entry.instrument]!;
  const direction = entry.direction > 0 ? -1 : 1;
  const group = ++state.lastGroup + childGroups;
  const entryWasStop = isStop(entry);
  const child = (fields: Partial<BookOrder> & { type: BookOrder["type"] }) =>
    addOrder(state, {
      id: ++state.lastOrder,
      instrument: entry.instrument,
      direction,
      quantity,
      decided: false,
      replaces: noOrders,
      cashFraction: 0,
      cashAmount: 0,
      limitPrice: 0,
      stopPrice: 0,
      trailBy: 0,
      trailFraction: 0,
      timeInForce: "gtc",
      expiresMs: Infinity,
      reduceOnly: true,
      group,
      bracket: undefined,
      tag: entry.tag,
      activeMs: -Infinity,
      session: -1,
      rested: true,
      extreme: price,
      bornBar: bar.index,
      // A limit was reached on the way to the stop beyond it, a stop on the way to the target; the other order of events is a guess.
      bornUnsure: inside && (fields.type === "takeProfit" ? !entryWasStop : entryWasStop),
      triggered: false,
      entryRow: row,
      live: true,
      ...fields,
    });
  const away = (fraction: number, side: 1 | -1) => price * (1 + side * fraction);
  const { stopPrice, stopFraction, stopBy, trailFraction, trailBy, targetPrice, targetFraction } = bracket;
  for (const stop of [
    stopPrice,
    stopFraction === undefined ? undefined : away(stopFraction, direction),
    stopBy === undefined ? undefined : price + direction * stopBy,
  ]) {
    if (stop === undefined) continue;
    // A level that the fill has passed already acts at once, never at a better price than the fill's.
    const level = direction > 0 ? Math.max(stop, price) : Math.min(stop, price);
    child({ type: "stop", stopPrice: stopTick(level, tickSize, direction) });
  }
  if (trailFraction !== undefined) child({ type: "trailingStop", trailFraction });
  if (trailBy !== undefined) child({ type: "trailingStop", trailBy });
  for (const target of [
    targetPrice,
    targetFraction === undefined ? undefined : away(targetFraction, entry.direction),
  ]) {
    if (target !== undefined)
      child({ type: "takeProfit", limitPrice: limitTick(target, tickSize, direction) });
  }
  const { lotSize } = state.instruments[entry.instrument]!;
  for (const { gain, share } of bracket.partialTargets ?? []) {
    const part = toLot(quantity * share, lotSize);
    if (!(part > 0)) continue;
    const limitPrice = limitTick(away(gain, entry.direction), tickSize, direction);
    child({ type: "takeProfit", limitPrice, quantity: part, group: 0 });
  }
}

/** Groups of brackets are numbered from here, so that they never meet a strategy's own. */
const childGroups = 1_000_000_000;

/** What is held of an instrument that trades no more is sold (or bought back) at its last close, without costs. */
export function closeDelisted(state: EngineState, k: number): void {
  cancelOrders(state, k);
  sweepDead(state, k);
  const held = state.position[k]!;
  if (held === 0) return;
  const price = state.mark[k]!;
  bookFill(state, {
    instrument: k,
    quantity: -held,
    price,
    reference: price,
    feeRate: 0,
    flags: 0,
    order: 0,
    reason: fillReasons.indexOf("delisted"),
    allCash: false,
  });
}

/** Ends all orders and closes every position at the next open; without equity nothing is traded after. */
export function liquidate(state: EngineState): void {
  for (let k = 0; k < state.position.length; k++) cancelOrders(state, k);
  for (let k = 0; k < state.position.length; k++) {
    const held = state.position[k]!;
    sweepDead(state, k);
    if (held === 0) continue;
    const side = held > 0 ? "sell" : "buy";
    placeOrder(
      state,
      { instrument: k, side, quantity: Math.abs(held), reduceOnly: true, tag: liquidationTag },
      { activeMs: state.nowMs, replaces: noOrders },
    );
  }
  if (equityOf(state) <= 0) state.halted = true;
}
