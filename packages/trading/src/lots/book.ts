import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import { daysBetween, daysLater, isLongTerm, washWindowDays } from "./dates.ts";

/**
 * Tax lots in exact decimals. Shares of a lot's basis are rounded to 18 places, and what is rounded away stays with the rest of the lot, so
 * that every sum is exact.
 */
const places = 18;
const zero = decimal(0);

export type BasisMethod = "FIFO" | "LIFO" | "HIFO" | "SPECIFIC" | "AVERAGE";

/** One purchase or short sale, or what is left of it. */
export interface TaxLot {
  id: string;
  instrument: string;
  side: "long" | "short";
  /** ISO date on which it was opened. */
  opened: string;
  /** Where its holding period starts; earlier than `opened` after a wash sale. */
  heldFrom: string;
  /** Above zero. */
  quantity: Decimal;
  /** Of a long its cost, fee in; of a short its net proceeds. */
  basis: Decimal;
  /** It already stands in for a disallowed loss. */
  replaces: boolean;
}

/** A part of a lot that was closed. */
export interface ClosedLot {
  lotId: string;
  opened: string;
  closed: string;
  quantity: Decimal;
  proceeds: Decimal;
  cost: Decimal;
  gain: Decimal;
  term: "short" | "long";
  /** Loss that a wash sale moved into a replacement's basis. */
  disallowed: Decimal;
}

export type LotEvent =
  | {
      readonly type: "buy" | "sell";
      readonly date: string;
      readonly instrument: string;
      readonly quantity: Decimal;
      readonly price: Decimal;
      readonly fee: Decimal;
      /** SPECIFIC: lots to close and how much of each. */
      readonly lots?: ReadonlyArray<readonly [string, Decimal]>;
    }
  /** `to` new units for `from` old. */
  | {
      readonly type: "split";
      readonly date: string;
      readonly instrument: string;
      readonly to: Decimal;
      readonly from: Decimal;
    }
  | {
      readonly type: "dividend" | "returnOfCapital";
      readonly date: string;
      readonly instrument: string;
      readonly perUnit: Decimal;
    }
  | { readonly type: "mark"; readonly date: string; readonly instrument: string; readonly price: Decimal }
  | { readonly type: "deposit" | "interest"; readonly date: string; readonly amount: Decimal };

export interface LotBook {
  readonly method: BasisMethod;
  /** Applies the wash-sale rule of 30 days to losses of long lots. */
  readonly washSales: boolean;
  cash: Decimal;
  /** In opening order. */
  lots: TaxLot[];
  closed: ClosedLot[];
  /** Dividends and interest; shorts pay dividends. */
  income: Decimal;
  /** After disallowance: a disallowed loss is in the replacement's basis. */
  realised: Decimal;
  fees: Decimal;
  /** Last trade or mark, by instrument. */
  marks: Map<string, Decimal>;
  /** Losses that still lack a replacement. */
  pending: PendingLoss[];
  count: number;
}

interface PendingLoss {
  row: ClosedLot;
  instrument: string;
  perUnit: Decimal;
  quantity: Decimal;
  heldDays: number;
}

export function createLotBook(method: BasisMethod, cash: Decimal, washSales = false): LotBook {
  return {
    method,
    washSales,
    cash,
    lots: [],
    closed: [],
    income: zero,
    realised: zero,
    fees: zero,
    marks: new Map(),
    pending: [],
    count: 0,
  };
}

/** Applies events in the order given; their dates only decide terms and wash sales. Throws RangeError on what the book cannot do. */
export function applyLotEvent(book: LotBook, event: LotEvent): void {
  switch (event.type) {
    case "buy":
    case "sell":
      return trade(book, event);
    case "split":
      return split(book, event.instrument, event.to, event.from);
    case "dividend":
      return payDividend(book, event.instrument, event.perUnit);
    case "returnOfCapital":
      return returnCapital(book, event);
    case "mark":
      book.marks.set(event.instrument, event.price);
      return;
    case "deposit":
      book.cash = book.cash.plus(event.amount);
      return;
    case "interest":
      book.cash = book.cash.plus(event.amount);
      book.income = book.income.plus(event.amount);
      return;
  }
}

type Trade = Extract<LotEvent, { type: "buy" | "sell" }>;

/** `part` of `whole`, of an amount; the last part takes what is left. */
function share(amount: Decimal, part: Decimal, whole: Decimal): Decimal {
  return part.eq(whole) ? amount : amount.mul(part).div(whole).toDecimalPlaces(places);
}

function trade(book: LotBook, event: Trade): void {
  if (!event.quantity.gt(0)) throw new RangeError("a trade has a quantity above zero");
  const buys = event.type === "buy";
  const notional = event.quantity.mul(event.price);
  book.cash = book.cash.plus(buys ? notional.neg() : notional).minus(event.fee);
  book.fees = book.fees.plus(event.fee);
  book.marks.set(event.instrument, event.price);
  const { left, fee, rows } = closeLots(book, event);
  for (const { row } of rows) book.realised = book.realised.plus(row.gain);
  if (book.washSales && !buys) disallowLosses(book, event, rows);
  if (!left.gt(0)) return;
  const value = left.mul(event.price);
  const lot: TaxLot = {
    id: `L${++book.count}`,
    instrument: event.instrument,
    side: buys ? "long" : "short",
    opened: event.date,
    heldFrom: event.date,
    quantity: left,
    basis: buys ? value.plus(fee) : value.minus(fee),
    replaces: false,
  };
  book.lots.push(lot);
  if (book.washSales && buys) replacePending(book, lot);
}

interface ClosedRow {
  row: ClosedLot;
  heldDays: number;
}

/** Closes opposite lots; what is left of quantity and fee opens a lot. */
function closeLots(book: LotBook, event: Trade): { left: Decimal; fee: Decimal; rows: ClosedRow[] } {
  const side = event.type === "buy" ? "short" : "long";
  if (book.method === "AVERAGE") averageBasis(book, event.instrument, side);
  const rows: ClosedRow[] = [];
  let { quantity: left, fee } = event;
  for (const [lot, wanted] of pickLots(book, event, side)) {
    if (!left.gt(0)) break;
    const part = wanted ?? (lot.quantity.lt(left) ? lot.quantity : left);
    if (part.gt(lot.quantity) || part.gt(left))
      throw new RangeError(`${lot.id} has less than was named of it`);
    const feePart = share(fee, part, left);
    const basis = share(lot.basis, part, lot.quantity);
    const value = part.mul(event.price);
    const proceeds = side === "long" ? value.minus(feePart) : basis;
    const cost = side === "long" ? basis : value.plus(feePart);
    const row: ClosedLot = {
      lotId: lot.id,
      opened: lot.opened,
      closed: event.date,
      quantity: part,
      proceeds,
      cost,
      gain: proceeds.minus(cost),
      term: side === "long" && isLongTerm(lot.heldFrom, event.date) ? "long" : "short",
      disallowed: zero,
    };
    rows.push({ row, heldDays: daysBetween(lot.heldFrom, event.date) });
    book.closed.push(row);
    lot.quantity = lot.quantity.minus(part);
    lot.basis = lot.basis.minus(basis);
    left = left.minus(part);
    fee = fee.minus(feePart);
  }
  book.lots = book.lots.filter((lot) => lot.quantity.gt(0));
  return { left, fee, rows };
}

/** Lots in the order in which a closing trade takes them, and how much of each where that is named. */
function pickLots(
  book: LotBook,
  event: Trade,
  side: TaxLot["side"],
): Array<readonly [TaxLot, Decimal | undefined]> {
  const lots = book.lots.filter((lot) => lot.instrument === event.instrument && lot.side === side);
  if (event.lots !== undefined) {
    return event.lots.map(([id, quantity]) => {
      const lot = lots.find((one) => one.id === id);
      if (lot === undefined) throw new RangeError(`There is no open ${side} lot ${id}.`);
      return [lot, quantity] as const;
    });
  }
  const sorted = lots.toSorted((a, b) => (a.opened < b.opened ? -1 : a.opened > b.opened ? 1 : 0));
  if (book.method === "LIFO") sorted.reverse();
  if (book.method === "HIFO") {
    sorted.sort((a, b) => b.basis.mul(a.quantity).comparedTo(a.basis.mul(b.quantity)));
  }
  return sorted.map((lot) => [lot, undefined] as const);
}

/** Every open unit of the instrument gets the same basis. */
function averageBasis(book: LotBook, instrument: string, side: TaxLot["side"]): void {
  const lots = book.lots.filter((lot) => lot.instrument === instrument && lot.side === side);
  let quantity = lots.reduce((sum, lot) => sum.plus(lot.quantity), zero);
  let basis = lots.reduce((sum, lot) => sum.plus(lot.basis), zero);
  for (const lot of lots) {
    lot.basis = share(basis, lot.quantity, quantity);
    basis = basis.minus(lot.basis);
    quantity = quantity.minus(lot.quantity);
  }
}

/** The purchase that a lot is of; a part split off by a wash sale has it in front of the dot. */
const purchaseOf = (lotId: string) => lotId.split(".")[0]!;

/**
 * A loss is disallowed to the extent of units bought from 30 days before to 30 days after the sale, of other purchases than those that
 * the sale draws on: first those already held, the rest waits for purchases to come.
 */
function disallowLosses(book: LotBook, event: Trade, rows: readonly ClosedRow[]): void {
  const sold = new Set(rows.map(({ row }) => purchaseOf(row.lotId)));
  for (const { row, heldDays } of rows) {
    if (!row.gain.lt(0)) continue;
    const loss: PendingLoss = {
      row,
      instrument: event.instrument,
      perUnit: row.gain.neg().div(row.quantity),
      quantity: row.quantity,
      heldDays,
    };
    const candidates = book.lots
      .filter((lot) => {
        const age = daysBetween(lot.opened, event.date);
        const near = age >= 0 && age <= washWindowDays;
        const other = !lot.replaces && !sold.has(purchaseOf(lot.id));
        return lot.instrument === event.instrument && lot.side === "long" && near && other;
      })
      .toSorted((a, b) => (a.opened < b.opened ? -1 : a.opened > b.opened ? 1 : 0));
    for (const lot of candidates) moveLoss(book, loss, lot);
    if (loss.quantity.gt(0)) book.pending.push(loss);
  }
}

/** A new purchase stands in for earlier losses, in their order. */
function replacePending(book: LotBook, bought: TaxLot): void {
  for (const loss of book.pending) {
    if (!loss.quantity.gt(0) || loss.instrument !== bought.instrument) continue;
    if (daysBetween(loss.row.closed, bought.opened) > washWindowDays) continue;
    const lot = book.lots.find((one) => purchaseOf(one.id) === bought.id && !one.replaces);
    if (lot !== undefined) moveLoss(book, loss, lot);
  }
  book.pending = book.pending.filter((loss) => loss.quantity.gt(0));
}

/** Moves a loss into a replacement's basis; units of the lot that replace nothing become a lot of their own. */
function moveLoss(book: LotBook, loss: PendingLoss, lot: TaxLot): void {
  const part = loss.quantity.lt(lot.quantity) ? loss.quantity : lot.quantity;
  if (!part.gt(0)) return;
  if (part.lt(lot.quantity)) {
    const basis = share(lot.basis, part, lot.quantity);
    const rest: TaxLot = {
      ...lot,
      id: `${lot.id}.r`,
      quantity: lot.quantity.minus(part),
      basis: lot.basis.minus(basis),
    };
    lot.quantity = part;
    lot.basis = basis;
    book.lots.splice(book.lots.indexOf(lot) + 1, 0, rest);
  }
  const amount = loss.perUnit.mul(part).toDecimalPlaces(places);
  lot.basis = lot.basis.plus(amount);
  lot.replaces = true;
  lot.heldFrom = daysLater(lot.opened, -loss.heldDays);
  loss.row.disallowed = loss.row.disallowed.plus(amount);
  loss.quantity = loss.quantity.minus(part);
  book.realised = book.realised.plus(amount);
}

function split(book: LotBook, instrument: string, to: Decimal, from: Decimal): void {
  for (const lot of book.lots) {
    if (lot.instrument === instrument) lot.quantity = lot.quantity.mul(to).div(from);
  }
  const mark = book.marks.get(instrument);
  if (mark !== undefined) book.marks.set(instrument, mark.mul(from).div(to));
}

function payDividend(book: LotBook, instrument: string, perUnit: Decimal): void {
  const amount = positionIn(book, instrument).mul(perUnit);
  book.cash = book.cash.plus(amount);
  book.income = book.income.plus(amount);
}

/** Lowers the basis; what exceeds it is a gain. */
function returnCapital(
  book: LotBook,
  event: Extract<LotEvent, { type: "dividend" | "returnOfCapital" }>,
): void {
  for (const lot of book.lots) {
    if (lot.instrument !== event.instrument) continue;
    const amount = event.perUnit.mul(lot.quantity);
    const lowered = amount.lt(lot.basis) ? amount : lot.basis;
    const excess = amount.minus(lowered);
    book.cash = book.cash.plus(amount);
    lot.basis = lot.basis.minus(lowered);
    book.realised = book.realised.plus(excess);
    if (!excess.gt(0)) continue;
    book.closed.push({
      lotId: lot.id,
      opened: lot.opened,
      closed: event.date,
      quantity: zero,
      proceeds: excess,
      cost: zero,
      gain: excess,
      term: isLongTerm(lot.heldFrom, event.date) ? "long" : "short",
      disallowed: zero,
    });
  }
}

/** Signed units held of an instrument. */
export function positionIn(book: LotBook, instrument: string): Decimal {
  return book.lots.reduce(
    (sum, lot) =>
      lot.instrument !== instrument
        ? sum
        : lot.side === "long"
          ? sum.plus(lot.quantity)
          : sum.minus(lot.quantity),
    zero,
  );
}

export interface LotTotals {
  unrealised: Decimal;
  /** Cash and positions at their marks: initial cash + deposits + realised + unrealised + income. */
  equity: Decimal;
  disallowed: Decimal;
  /** Gains after disallowance, by term. */
  shortTermGain: Decimal;
  longTermGain: Decimal;
}

export function totalsOf(book: LotBook): LotTotals {
  let unrealised = zero;
  let equity = book.cash;
  for (const lot of book.lots) {
    const mark = book.marks.get(lot.instrument);
    if (mark === undefined) throw new RangeError(`${lot.instrument} has no price`);
    const value = lot.quantity.mul(mark);
    const long = lot.side === "long";
    unrealised = unrealised.plus(long ? value.minus(lot.basis) : lot.basis.minus(value));
    equity = long ? equity.plus(value) : equity.minus(value);
  }
  const gainOf = (term: ClosedLot["term"]) =>
    book.closed.reduce(
      (sum, row) => (row.term === term ? sum.plus(row.gain).plus(row.disallowed) : sum),
      zero,
    );
  return {
    unrealised,
    equity,
    disallowed: book.closed.reduce((sum, row) => sum.plus(row.disallowed), zero),
    shortTermGain: gainOf("short"),
    longTermGain: gainOf("long"),
  };
}
