import { AppError, idCursor, newId } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { SeriesReader } from "../series/contract.ts";
import { applyReport } from "./books.ts";
import type { orderRoutes, OrderView, VenueDirectory } from "./contract.ts";
import { hasEnded } from "./domain.ts";
import { marksOnFile, readPortfolio } from "./portfolio.ts";
import { refreshOrder } from "./settle.ts";
import {
  insertAccount,
  listAccounts,
  listFills,
  listOrders,
  loadAccount,
  loadOrder,
  loadResting,
  lockAccount,
  markUnsettled,
  setHalted,
  venueAccount,
  viewAccount,
  viewFill,
  viewOrder,
} from "./store.ts";
import type { AccountRow, OrderRow } from "./store.ts";

export interface OrderRouteDeps {
  db: Db;
  venues: VenueDirectory;
  series: SeriesReader;
  now(): number;
}

const answerWithinMs = 10_000;

function page<Row extends { id: string }, View>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => View,
): { items: View[]; nextCursor: string | null } {
  const kept = rows.slice(0, limit);
  return { items: kept.map(view), nextCursor: rows.length > limit ? kept.at(-1)!.id : null };
}

async function cancelAtVenue(deps: OrderRouteDeps, account: AccountRow, order: OrderRow): Promise<OrderRow> {
  const venue = deps.venues.open(venueAccount(account));
  const report = await venue.cancel(
    order.clientOrderId,
    order.instrumentId,
    AbortSignal.timeout(answerWithinMs),
  );
  return await deps.db
    .transaction()
    .execute((tx) => applyReport(tx, order.id, order.accountId, report, deps.now()));
}

export const orderRouteHandlers = {
  listOrders: async ({ db }, { query }, caller) => {
    const { limit, cursor, ...filter } = query;
    return page(await listOrders(db, caller.tenantId, filter, limit + 1, idCursor(cursor)), limit, viewOrder);
  },

  getOrder: async ({ db }, { params }, caller) => {
    const order = await loadOrder(db, caller.tenantId, params.id);
    const fills = await listFills(db, caller.tenantId, { orderId: order.id }, 1_000);
    return { ...viewOrder(order), fills: fills.map(viewFill) };
  },

  cancelOrder: async (deps, { params }, caller) => {
    const order = await loadOrder(deps.db, caller.tenantId, params.id);
    if (hasEnded(order.status)) {
      throw new AppError(
        "resource.conflict",
        `The order is ${order.status}; there is nothing left to cancel.`,
      );
    }
    if (order.status !== "accepted" && order.status !== "partiallyFilled") {
      throw new AppError(
        "resource.conflict",
        `The order is ${order.status}: whether the venue has it is not known yet. Reconcile it first: POST /api/orders/${order.id}/reconcile.`,
      );
    }
    const account = await loadAccount(deps.db, caller.tenantId, order.accountId);
    return viewOrder(await cancelAtVenue(deps, account, order));
  },

  reconcileOrder: async (deps, { params, body }, caller): Promise<OrderView> => {
    const order = await loadOrder(deps.db, caller.tenantId, params.id);
    if (body.resolution === "neverSent") {
      if (order.status !== "unknown") {
        throw new AppError(
          "resource.conflict",
          `The order is ${order.status}; only an unknown one is settled by hand.`,
        );
      }
      const note = body.note === undefined ? "" : ` ${body.note}`;
      const reason = `Settled by hand: the venue never had it (${caller.principalId}).${note}`;
      await deps.db
        .transaction()
        .execute((tx) => markUnsettled(tx, order.id, "cancelled", reason, deps.now()));
    } else {
      const account = await loadAccount(deps.db, caller.tenantId, order.accountId);
      const venue = deps.venues.open(venueAccount(account));
      await refreshOrder(deps.db, venue, order, deps.now(), AbortSignal.timeout(answerWithinMs));
    }
    return viewOrder(await loadOrder(deps.db, caller.tenantId, order.id));
  },

  getPortfolio: async ({ db, series, now }, { query }, caller) =>
    await readPortfolio({ db, markOf: marksOnFile(series), now }, caller.tenantId, query.accountId),

  listFills: async ({ db }, { query }, caller) => {
    const { limit, cursor, ...filter } = query;
    return page(await listFills(db, caller.tenantId, filter, limit + 1, idCursor(cursor)), limit, viewFill);
  },

  listAccounts: async ({ db }, { query }, caller) => {
    const rows = await listAccounts(db, caller.tenantId, query.limit + 1, idCursor(query.cursor));
    return page(rows, query.limit, viewAccount);
  },

  createAccount: async (deps, { body }, caller) => {
    const rates = { feeBps: String(body.feeBps), slippageBps: String(body.slippageBps) };
    const nowMs = deps.now();
    const account = { ...body, ...rates, tenantId: caller.tenantId };
    // Opening says whether the venue is there, and whether its money is real.
    const venue = deps.venues.open({ ...account, id: newId(nowMs) });
    const stored = await insertAccount(deps.db, { ...account, simulated: venue.simulated }, nowMs);
    if (stored === undefined) {
      throw new AppError(
        "resource.conflict",
        `There is a ${body.currency} account named ${body.name} at ${body.venue} already.`,
      );
    }
    return viewAccount(stored);
  },

  haltAccount: async (deps, { params, body }, caller) => {
    await loadAccount(deps.db, caller.tenantId, params.id);
    // The lock waits for orders that are being checked; those after it see the halt.
    const account = await deps.db.transaction().execute(async (tx) => {
      await lockAccount(tx, params.id);
      return await setHalted(tx, params.id, body.reason);
    });
    let cancelledOrders = 0;
    const notCancelled: string[] = [];
    for (const order of await loadResting(deps.db, account.id)) {
      try {
        await cancelAtVenue(deps, account, order);
        cancelledOrders++;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        notCancelled.push(order.id);
      }
    }
    return { ...viewAccount(account), cancelledOrders, notCancelled };
  },

  resumeAccount: async (deps, { params }, caller) => {
    await loadAccount(deps.db, caller.tenantId, params.id);
    const account = await deps.db.transaction().execute(async (tx) => {
      await lockAccount(tx, params.id);
      return await setHalted(tx, params.id, null);
    });
    return viewAccount(account);
  },
} satisfies RouteHandlersFor<typeof orderRoutes, OrderRouteDeps>;
