import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import type * as z from "zod";
import type { Db } from "../db.ts";
import type { SeriesReader } from "../series/contract.ts";
import type { AccountPortfolio, Mark, Portfolio, PortfolioReader, PositionView } from "./contract.ts";
import { loadBooks } from "./portfolio-store.ts";
import type { AccountBooks } from "./portfolio-store.ts";
import { loadLastPrice } from "./prices.ts";
import { listOrders, viewOrder } from "./store.ts";

/** The price that a position is marked with; undefined where none is known. */
export type MarkOf = (tenantId: string, instrumentId: string) => Promise<z.output<typeof Mark> | undefined>;

export interface PortfolioDeps {
  db: Db;
  markOf: MarkOf;
  now(): number;
}

const zero = decimal(0);

async function positionsOf(
  deps: PortfolioDeps,
  tenantId: string,
  books: AccountBooks,
): Promise<Array<z.output<typeof PositionView>>> {
  return await Promise.all(
    books.positions.map(async (position) => {
      const lots = books.lots.filter((lot) => lot.instrumentId === position.instrumentId);
      const quantity = decimal(position.quantity);
      const cost = lots.reduce((sum, lot) => sum.plus(lot.cost), zero);
      const mark = quantity.isZero() ? undefined : await deps.markOf(tenantId, position.instrumentId);
      const value = mark === undefined ? undefined : quantity.mul(decimal(mark.price));
      const marketValue = quantity.isZero() ? zero : value;
      return {
        instrumentId: position.instrumentId,
        quantity: quantity.toFixed(),
        averageCost: quantity.isZero() ? "0" : cost.div(quantity).toDecimalPlaces(10).toFixed(),
        cost: cost.toFixed(),
        mark: mark ?? null,
        marketValue: marketValue?.toFixed() ?? null,
        unrealised: marketValue?.minus(cost).toFixed() ?? null,
        realised: decimal(position.realised).toFixed(),
        lots: lots.map((lot) => ({
          openedMs: lot.openedMs,
          quantity: decimal(lot.quantity).toFixed(),
          price: decimal(lot.price).toFixed(),
          cost: decimal(lot.cost).toFixed(),
        })),
      };
    }),
  );
}

function sum(values: ReadonlyArray<string | null>): Decimal | undefined {
  let total = zero;
  for (const value of values) {
    if (value === null) return undefined;
    total = total.plus(decimal(value));
  }
  return total;
}

async function portfolioOf(
  deps: PortfolioDeps,
  tenantId: string,
  books: AccountBooks,
): Promise<z.output<typeof AccountPortfolio>> {
  const { account } = books;
  const all = await positionsOf(deps, tenantId, books);
  const held = all.filter((position) => position.quantity !== "0");
  const value = sum(held.map((position) => position.marketValue));
  return {
    accountId: account.id,
    name: account.name,
    venue: account.venue,
    simulated: account.simulated,
    currency: account.currency,
    halted: account.halted,
    initialCash: decimal(account.initialCash).toFixed(),
    cash: decimal(account.cash).toFixed(),
    reserved: decimal(books.reserved).toFixed(),
    positions: held,
    realised: (sum(all.map((position) => position.realised)) ?? zero).toFixed(),
    unrealised: sum(held.map((position) => position.unrealised))?.toFixed() ?? null,
    fees: decimal(account.fees).toFixed(),
    equity: value === undefined ? null : decimal(account.cash).plus(value).toFixed(),
    unpriced: held.filter((position) => position.mark === null).map((position) => position.instrumentId),
    restingOrders: books.restingOrders,
    unknownOrders: books.unknownOrders,
  };
}

/** Every account of the tenant (or one), each position marked with the last price on file. */
export async function readPortfolio(
  deps: PortfolioDeps,
  tenantId: string,
  accountId: string | undefined,
): Promise<z.output<typeof Portfolio>> {
  const accounts: Array<z.output<typeof AccountPortfolio>> = [];
  for (const books of await loadBooks(deps.db, tenantId, accountId)) {
    accounts.push(await portfolioOf(deps, tenantId, books));
  }
  return { atMs: deps.now(), accounts };
}

/** The last price on file, as a dataset that leads back to its bars. */
export function marksOnFile(series: SeriesReader): MarkOf {
  return async (tenantId, instrumentId) => {
    const last = await loadLastPrice(series, tenantId, await series.resolve(tenantId, instrumentId));
    if (last === undefined) return undefined;
    const { price, atMs, source, datasetHash } = last;
    return { price: decimal(price).toFixed(), atMs, source, datasetHash };
  };
}

export function createPortfolioReader(deps: {
  db: Db;
  series: SeriesReader;
  now(): number;
}): PortfolioReader {
  const { db, series, now } = deps;
  const markOf = marksOnFile(series);
  return {
    portfolio: (tenantId, accountId) => readPortfolio({ db, markOf, now }, tenantId, accountId),
    orders: async (tenantId, status, limit) =>
      (await listOrders(deps.db, tenantId, { status }, limit)).map(viewOrder),
  };
}
