/** Exact ledger scenarios: tax lots, currencies, child orders, routing. */
import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import {
  applyLotEvent,
  childQuantities,
  createLotBook,
  markCurrency,
  positionIn,
  receiveCurrency,
  routeOrder,
  spendCurrency,
  splitCurrencyGain,
  totalsOf,
} from "@tapedeck/trading";
import type { BasisMethod, LotEvent } from "@tapedeck/trading";
import type { GoldenFolder } from "./golden.ts";
import { listEntries } from "./golden.ts";
import { readJson, Tally } from "./tally.ts";

type Row = Record<string, string>;

interface Scenario {
  name: string;
  kind: string;
  method?: BasisMethod;
  initialCash?: string;
  washSales?: boolean;
  events: Array<Record<string, unknown>>;
  expected: Record<string, unknown>;
}

/** A reference is a finite decimal, met exactly, or `p/q`, met to one unit of the seventeenth place. */
function compareExact(tally: Tally, got: Decimal, reference: string | number, what: string): void {
  const want = String(reference);
  const [p, q] = want.split("/");
  if (q === undefined) tally.same(got.toFixed(), decimal(want).toFixed(), what);
  else tally.near(got.minus(decimal(p!).div(decimal(q))).toNumber(), 0, { abs: 1e-17 }, what);
}

function lotEventOf(event: Record<string, unknown>): LotEvent {
  const text = (key: string) => event[key] as string;
  const number = (key: string) => decimal((event[key] as string | undefined) ?? "0");
  const date = text("date");
  const instrument = (event["instrument"] as string | undefined) ?? "X";
  switch (event["type"]) {
    case "buy":
    case "sell": {
      const lots = event["lots"] as Array<[string, string]> | undefined;
      return {
        type: event["type"],
        date,
        instrument,
        quantity: number("quantity"),
        price: number("price"),
        fee: number("fee"),
        ...(lots === undefined ? {} : { lots: lots.map(([id, part]) => [id, decimal(part)] as const) }),
      };
    }
    case "split": {
      const [to, from] = text("ratio").split("/");
      return { type: "split", date, instrument, to: decimal(to!), from: decimal(from ?? "1") };
    }
    case "dividend":
    case "returnOfCapital":
      return { type: event["type"], date, instrument, perUnit: number("perShare") };
    case "mark":
      return { type: "mark", date, instrument, price: number("price") };
    case "deposit":
      return { type: "deposit", date, amount: number("amount") };
    default:
      throw new Error(`unknown event ${String(event["type"])}`);
  }
}

function compareLots(
  { name, method, initialCash, washSales, events, expected }: Scenario,
  tally: Tally,
): void {
  const book = createLotBook(method!, decimal(initialCash!), washSales);
  for (const event of events) applyLotEvent(book, lotEventOf(event));
  const at = (what: string) => `${name} ${what}`;
  const closed = expected["closed"] as Row[];
  tally.same(
    book.closed.map((row) => [row.lotId, row.opened, row.closed, row.term]),
    closed.map((row) => [row["lot"], row["open"], row["close"], row["term"]]),
    at("closed"),
  );
  book.closed.forEach((row, k) => {
    const want = closed[k]!;
    for (const key of ["quantity", "proceeds", "cost", "gain", "disallowed"] as const) {
      compareExact(tally, row[key], want[key]!, at(`closed ${k} ${key}`));
    }
    compareExact(tally, row.gain.plus(row.disallowed), want["recognisedGain"]!, at(`closed ${k} recognised`));
  });
  const lots = expected["lots"] as Row[];
  tally.same(
    book.lots.map((lot) => [lot.id, lot.instrument, lot.side, lot.opened, lot.heldFrom]),
    lots.map((lot) => [lot["id"], lot["instrument"], lot["side"], lot["open"], lot["holdingPeriodStart"]]),
    at("lots"),
  );
  book.lots.forEach((lot, k) => {
    compareExact(tally, lot.quantity, lots[k]!["quantity"]!, at(`${lot.id} quantity`));
    compareExact(tally, lot.basis, lots[k]!["basis"]!, at(`${lot.id} basis`));
  });
  for (const [instrument, quantity] of Object.entries(expected["position"] as Row)) {
    compareExact(tally, positionIn(book, instrument), quantity, at(`position ${instrument}`));
  }
  const totals = totalsOf(book);
  const amounts: Record<string, Decimal> = {
    cash: book.cash,
    realised: book.realised,
    income: book.income,
    feesPaid: book.fees,
    unrealised: totals.unrealised,
    equity: totals.equity,
    disallowedTotal: totals.disallowed,
    shortTermGain: totals.shortTermGain,
    longTermGain: totals.longTermGain,
  };
  for (const [key, got] of Object.entries(amounts)) {
    compareExact(tally, got, expected[key] as string | number, at(key));
  }
}

/** The figures of the three kinds of currency scenario, by the reference's names. */
function currencyFigures(events: Row[]): Record<string, Decimal> {
  const [first, second, third] = events.map((event) => (key: string) => decimal(event[key] ?? "0"));
  const kinds = events.map((event) => event["type"]).join(" ");
  if (kinds === "receive spend mark") {
    let cash = receiveCurrency({ lots: [], realised: decimal(0) }, first!("amount"), first!("fx"));
    cash = spendCurrency(cash, second!("amount"), second!("fx"));
    const { balanceBase, unrealised } = markCurrency(cash, third!("fx"));
    const { realised } = cash;
    return {
      realisedFx: realised,
      unrealisedFx: unrealised,
      balanceBase,
      totalFx: realised.plus(unrealised),
    };
  }
  const cost = first!("quantity").mul(first!("price")).plus(first!("fee"));
  if (kinds === "buy sell") {
    const proceeds = second!("quantity").mul(second!("price")).minus(second!("fee"));
    const { currencyEffect, ...gain } = splitCurrencyGain(cost, first!("fx"), proceeds, second!("fx"));
    return { ...gain, fxEffect: currencyEffect };
  }
  const value = first!("quantity").mul(third!("price"));
  const gain = splitCurrencyGain(cost, first!("fx"), value, third!("fx"));
  const income = first!("quantity").mul(second!("perShare")).mul(second!("fx"));
  return {
    costBase: gain.costBase,
    marketValueBase: gain.proceedsBase,
    unrealisedBase: gain.gainBase,
    unrealisedPrice: gain.priceEffect,
    unrealisedFx: gain.currencyEffect,
    incomeBase: income,
    total: gain.gainBase.plus(income),
  };
}

function compareCurrency({ name, events, expected }: Scenario, tally: Tally): void {
  const got = currencyFigures(events as Row[]);
  for (const [key, want] of Object.entries(expected as Row)) {
    compareExact(tally, got[key]!, want, `${name} ${key}`);
  }
}

function compareSchedule({ name, events, expected }: Scenario, tally: Tally): void {
  const { quantity, lot, weights } = events[0] as { quantity: string; lot: string; weights: string[] };
  const children = childQuantities(decimal(quantity), decimal(lot), weights.map(decimal));
  const wanted = expected["children"] as string[];
  tally.same(children.length, wanted.length, `${name} children`);
  children.forEach((child, k) => compareExact(tally, child, wanted[k]!, `${name} child ${k}`));
  compareExact(
    tally,
    children.reduce((sum, child) => sum.plus(child)),
    expected["sum"] as string,
    `${name} sum`,
  );
}

interface RouteEvent {
  side: "buy" | "sell";
  quantity: string;
  venues: Array<{
    venue: string;
    feeBps: string;
    fixedFee?: string;
    minQuantity?: string;
    levels: Array<[string, string]>;
  }>;
}

function compareRouting({ name, events, expected }: Scenario, tally: Tally): void {
  const { side, quantity, venues } = events[0] as unknown as RouteEvent;
  const route = routeOrder(
    side,
    decimal(quantity),
    venues.map((venue) => ({
      venue: venue.venue,
      feeBps: decimal(venue.feeBps),
      fixedFee: decimal(venue.fixedFee ?? "0"),
      minQuantity: decimal(venue.minQuantity ?? "0"),
      levels: venue.levels.map(([price, size]) => ({ price: decimal(price), quantity: decimal(size) })),
    })),
  );
  compareExact(tally, route.total, expected["total"] as string, `${name} total`);
  compareExact(tally, route.averagePrice, expected["averageAllIn"] as string, `${name} average`);
  const ours = route.quantities.map((part) => part.toFixed());
  const optima = (expected["quantities"] as string[][]).map((split) => split.join(" "));
  tally.same(optima.includes(ours.join(" ")), true, `${name}: ${ours.join(" ")} is among the optima`);
}

/** By kind of scenario: what compares one, and what answers to it here. */
const comparisons = new Map<string, readonly [(scenario: Scenario, tally: Tally) => void, string]>([
  ["lots", [compareLots, "applyLotEvent, totalsOf"]],
  ["fx", [compareCurrency, "receiveCurrency, spendCurrency, splitCurrencyGain"]],
  ["schedule", [compareSchedule, "childQuantities"]],
  ["routing", [compareRouting, "routeOrder"]],
]);

export const ledger: GoldenFolder = {
  name: "ledger",
  entries: (folder) =>
    listEntries(folder).map((kind) => {
      const id = `ledger/${kind}`;
      const found = comparisons.get(kind);
      if (!found) return { id };
      const [compare, counterpart] = found;
      return {
        id,
        compare: () => {
          const tally = new Tally();
          for (const scenario of readJson<Scenario[]>(folder, "scenarios.json")) {
            if (scenario.kind === kind) compare(scenario, tally);
          }
          return tally.result(counterpart, "exact fractions");
        },
      };
    }),
};
