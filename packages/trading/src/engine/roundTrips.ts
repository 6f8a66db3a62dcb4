import { fillReasons } from "../simulate.ts";
import type { FillReason } from "../simulate.ts";
import { fillFlags, postingKinds } from "./fills.ts";
import type { EngineState } from "./state.ts";

/** From flat to flat (or through zero) in one instrument, whatever the number of fills. */
export interface RoundTrip {
  instrument: number;
  side: "long" | "short";
  /** Units bought (or sold short) over its life, in units of its first day. */
  quantity: number;
  entryBar: number;
  entryMs: number;
  /** Mean price of the fills that opened it. */
  entryPrice: number;
  /** -1 while it is open. */
  exitBar: number;
  exitMs: number;
  /** Mean price of the fills that closed it; of an open one the last price. */
  exitPrice: number;
  /** Of the fill that ended it; null while it is open. */
  exitReason: Exclude<FillReason, "entry"> | null;
  fills: number;
  fees: number;
  /** In the instrument's currency: fees, dividends, funding and borrow fees in; of an open one at the last price. */
  profit: number;
  /** A stop and a target (or an entry and its exit) lay inside one bar, and the assumed path decided. */
  pathDependent: boolean;
  liquidated: boolean;
}

interface OpenTrip extends RoundTrip {
  /** Signed, now. */
  held: number;
  opened: number;
  closed: number;
  closedUnits: number;
}

/** Pairs the fills of a run into trips, in the order in which they began. */
export function roundTripsOf(state: EngineState): RoundTrip[] {
  const { postings, instruments } = state;
  const trips: OpenTrip[] = [];
  const open = new Map<number, OpenTrip>();
  for (let row = 0; row < postings.count; row++) {
    const k = postings.instrument[row]!;
    if (k < 0) continue;
    const kind = postingKinds[postings.kind[row]!]!;
    const trip = open.get(k);
    if (kind === "split") {
      if (trip !== undefined) trip.held += postings.quantity[row]!;
    } else if (kind !== "fill") {
      if (trip !== undefined) trip.profit += postings.quantity[row]! * postings.price[row]!;
    } else takeFill(state, row, trips, open);
  }
  for (const trip of open.values()) {
    const last = state.mark[trip.instrument]!;
    trip.exitPrice = last;
    trip.profit += trip.held * last * instruments[trip.instrument]!.multiplier;
  }
  return trips.map(({ held: _h, opened: _o, closed: _c, closedUnits: _u, ...trip }) => trip);
}

function takeFill(state: EngineState, row: number, trips: OpenTrip[], open: Map<number, OpenTrip>): void {
  const { postings } = state;
  const k = postings.instrument[row]!;
  const total = postings.quantity[row]!;
  let left = total;
  const current = open.get(k);
  if (current !== undefined && current.held * left < 0) {
    const part = Math.min(Math.abs(left), Math.abs(current.held)) * Math.sign(left);
    addPart(state, row, current, part, total);
    current.closed += Math.abs(part) * postings.price[row]!;
    current.closedUnits += Math.abs(part);
    left -= part;
    if (Math.abs(current.held) <= 1e-12 * current.quantity) {
      current.exitBar = postings.bar[row]!;
      current.exitMs = postings.timeMs[row]!;
      // Of one fill its price, to the last place.
      const whole = current.closedUnits === Math.abs(part);
      current.exitPrice = whole ? postings.price[row]! : current.closed / current.closedUnits;
      const reason = fillReasons[postings.reason[row]!]!;
      // A fill that ends one position and opens another is of an order for both.
      current.exitReason = reason === "entry" ? "signal" : reason;
      open.delete(k);
    }
    if (Math.abs(left) <= 1e-12 * Math.abs(total)) return;
  }
  const trip = open.get(k) ?? beginTrip(state, row, left, trips, open);
  addPart(state, row, trip, left, total);
  trip.quantity += Math.abs(left);
  trip.opened += Math.abs(left) * postings.price[row]!;
  const first = trip.quantity === Math.abs(left);
  trip.entryPrice = first ? postings.price[row]! : trip.opened / trip.quantity;
}

function beginTrip(
  state: EngineState,
  row: number,
  signed: number,
  trips: OpenTrip[],
  open: Map<number, OpenTrip>,
): OpenTrip {
  const { postings } = state;
  const trip: OpenTrip = {
    instrument: postings.instrument[row]!,
    side: signed > 0 ? "long" : "short",
    quantity: 0,
    entryBar: postings.bar[row]!,
    entryMs: postings.timeMs[row]!,
    entryPrice: 0,
    exitBar: -1,
    exitMs: Number.NaN,
    exitPrice: 0,
    exitReason: null,
    fills: 0,
    fees: 0,
    profit: 0,
    pathDependent: false,
    liquidated: false,
    held: 0,
    opened: 0,
    closed: 0,
    closedUnits: 0,
  };
  trips.push(trip);
  open.set(trip.instrument, trip);
  return trip;
}

/** Cash, fee and flags of a fill's part that belongs to this trip. */
function addPart(state: EngineState, row: number, trip: OpenTrip, part: number, total: number): void {
  const { postings, instruments } = state;
  const fee = postings.fee[row]! * (part / total);
  trip.held += part;
  trip.fills++;
  trip.fees += fee;
  trip.profit -= part * postings.price[row]! * instruments[trip.instrument]!.multiplier + fee;
  const flags = postings.flags[row]!;
  if ((flags & fillFlags.pathDependent) !== 0) trip.pathDependent = true;
  if ((flags & fillFlags.liquidation) !== 0) trip.liquidated = true;
}
