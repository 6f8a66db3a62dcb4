import { AppError, decimal } from "@tapedeck/core";
import type { ExecutionVenue, Log } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { applyReport } from "./books.ts";
import type { SettlingVenue, VenueDirectory } from "./contract.ts";
import { markUnsettled, venueAccount } from "./store.ts";
import type { AccountRow, OrderRow } from "./store.ts";

export interface SettleDeps {
  db: Db;
  venues: VenueDirectory;
  log: Log;
}

export interface Settled {
  /** Accounts with live orders that were looked at. */
  accounts: number;
  /** Fills that paper venues made. */
  matched: number;
  /** Orders that the venue had news of. */
  updated: number;
  /** Accounts whose venue did not answer. */
  silent: number;
}

/** A send that nobody has accounted for after this long has lost its job: it is shown as `unknown`. */
const lostSendMs = 300_000;
const answerWithinMs = 15_000;

/**
 * Lets paper venues fill resting orders by newer prices, and takes over what every venue says of the live orders.
 * Safe at any time and in many processes at once. Call it when data has arrived, and on a timer.
 */
export async function settlePaperOrders(
  deps: SettleDeps,
  nowMs: number,
  signal?: AbortSignal,
): Promise<Settled> {
  const accounts = (await deps.db
    .selectFrom("accounts")
    .selectAll()
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom("orders")
          .select("orders.id")
          .whereRef("orders.accountId", "=", "accounts.id")
          .where("orders.status", "in", ["sending", "unknown", "accepted", "partiallyFilled"]),
      ),
    )
    .orderBy("id")
    .execute()) as AccountRow[];
  const total: Settled = { accounts: accounts.length, matched: 0, updated: 0, silent: 0 };
  for (const account of accounts) {
    signal?.throwIfAborted();
    try {
      const one = await settleAccount(deps, account, nowMs, signal);
      total.matched += one.matched;
      total.updated += one.updated;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof AppError)) throw error;
      total.silent++;
      deps.log.warn(
        { accountId: account.id, code: error.code, error: error.message },
        "orders could not be settled",
      );
    }
  }
  return total;
}

async function settleAccount(
  deps: SettleDeps,
  account: AccountRow,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<{ matched: number; updated: number }> {
  const venue = deps.venues.open(venueAccount(account));
  const within = () =>
    AbortSignal.any([AbortSignal.timeout(answerWithinMs), ...(signal === undefined ? [] : [signal])]);
  const matched = isSettling(venue) ? await venue.settle(within()) : 0;
  const live = await deps.db
    .selectFrom("orders")
    .selectAll()
    .where("accountId", "=", account.id)
    .where((eb) =>
      eb.or([
        eb("status", "in", ["unknown", "accepted", "partiallyFilled"]),
        eb.and([eb("status", "=", "sending"), eb("updatedMs", "<", nowMs - lostSendMs)]),
      ]),
    )
    .orderBy("id")
    .execute();
  let updated = 0;
  for (const order of live) updated += +(await refreshOrder(deps.db, venue, order, nowMs, within()));
  return { matched, updated };
}

function isSettling(venue: ExecutionVenue | SettlingVenue): venue is SettlingVenue {
  return "settle" in venue;
}

/** Takes over what the venue says of one order; true when that was new. */
export async function refreshOrder(
  db: Db,
  venue: ExecutionVenue,
  order: OrderRow,
  nowMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const report = await venue.fetchOrder(order.clientOrderId, order.instrumentId, signal);
  if (report === undefined) {
    const reason =
      "The venue does not know it. Retry the job to send it, or settle it by hand: POST /api/orders/{id}/reconcile with resolution neverSent.";
    await db.transaction().execute((tx) => markUnsettled(tx, order.id, "unknown", reason, nowMs));
    return false;
  }
  const news =
    report.status !== order.status || !decimal(report.filledQuantity).eq(decimal(order.filledQuantity));
  if (!news) return false;
  await db.transaction().execute((tx) => applyReport(tx, order.id, order.accountId, report, nowMs));
  return true;
}
