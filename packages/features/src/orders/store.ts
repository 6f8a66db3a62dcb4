import { AppError, decimal, newId } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { AccountView, FillView, OrderStatus, OrderView, VenueAccount } from "./contract.ts";
import { liveStatuses } from "./domain.ts";
import type { OrdersTables } from "./tables.ts";

export type OrderRow = Selectable<OrdersTables["orders"]>;
export type AccountRow = Selectable<OrdersTables["accounts"]>;
export type FillRow = Selectable<OrdersTables["fills"]>;

// ---- accounts --------------------------------------------------------------------------------------------

export interface NewAccount {
  tenantId: string;
  name: string;
  venue: string;
  simulated: boolean;
  currency: string;
  initialCash: string;
  maxOrderNotional?: string | undefined;
  maxPositionNotional?: string | undefined;
  feeBps: string;
  slippageBps: string;
}

/** Undefined when the tenant has one of this name, venue and currency. */
export async function insertAccount(
  db: Db | Tx,
  account: NewAccount,
  nowMs: number,
): Promise<AccountRow | undefined> {
  return await db
    .insertInto("accounts")
    .values({
      ...account,
      id: newId(nowMs),
      cash: account.initialCash,
      fees: "0",
      halted: false,
      haltReason: null,
      maxOrderNotional: account.maxOrderNotional ?? null,
      maxPositionNotional: account.maxPositionNotional ?? null,
      createdMs: nowMs,
    })
    .onConflict((conflict) => conflict.columns(["tenantId", "venue", "currency", "name"]).doNothing())
    .returningAll()
    .executeTakeFirst();
}

export const defaultPaperAccount = { initialCash: "100000", feeBps: "10", slippageBps: "5" } as const;

/** The tenant's paper account of a currency that orders without an account use; made when there is none. */
export async function ensureDefaultAccount(
  tx: Tx,
  tenantId: string,
  currency: string,
  nowMs: number,
): Promise<AccountRow> {
  const name = `Paper ${currency}`;
  const account = { tenantId, name, venue: "paper", simulated: true, currency, ...defaultPaperAccount };
  await insertAccount(tx, account, nowMs);
  return await tx
    .selectFrom("accounts")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where("venue", "=", "paper")
    .where("currency", "=", currency)
    .where("name", "=", name)
    .executeTakeFirstOrThrow();
}

export async function loadAccount(db: Db | Tx, tenantId: string, id: string): Promise<AccountRow> {
  const row = await db
    .selectFrom("accounts")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) {
    throw new AppError("resource.unknown", `There is no account ${id}. GET /api/accounts lists them.`);
  }
  return row;
}

/** Every change to an account's orders, fills or cash goes through this lock, taken before any other. */
export async function lockAccount(tx: Tx, id: string): Promise<AccountRow> {
  return await tx
    .selectFrom("accounts")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

export async function listAccounts(
  db: Db,
  tenantId: string,
  limit: number,
  beforeId?: string,
): Promise<AccountRow[]> {
  let query = db
    .selectFrom("accounts")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(limit);
  if (beforeId !== undefined) query = query.where("id", "<", beforeId);
  return await query.execute();
}

export async function setHalted(tx: Tx, id: string, reason: string | null): Promise<AccountRow> {
  return await tx
    .updateTable("accounts")
    .set({ halted: reason !== null, haltReason: reason })
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export function viewAccount(row: AccountRow): AccountView {
  const { tenantId: _tenant, fees: _fees, feeBps: _fee, slippageBps: _slippage, ...view } = row;
  return { ...view, initialCash: plain(view.initialCash), cash: plain(view.cash) };
}

export function venueAccount(row: AccountRow): VenueAccount {
  return {
    id: row.id,
    tenantId: row.tenantId,
    venue: row.venue,
    currency: row.currency,
    feeBps: row.feeBps,
    slippageBps: row.slippageBps,
  };
}

/** Decimal text without trailing zeros. */
export function plain(value: string): string {
  return decimal(value).toFixed();
}

// ---- orders ----------------------------------------------------------------------------------------------

export async function findOrder(db: Db | Tx, tenantId: string, id: string): Promise<OrderRow | undefined> {
  return await db
    .selectFrom("orders")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where("id", "=", id)
    .executeTakeFirst();
}

export async function loadOrder(db: Db | Tx, tenantId: string, id: string): Promise<OrderRow> {
  const row = await findOrder(db, tenantId, id);
  if (row === undefined) {
    throw new AppError("resource.unknown", `There is no order ${id}. GET /api/orders lists them.`);
  }
  return row;
}

export async function insertOrder(tx: Tx, order: OrderRow): Promise<OrderRow> {
  return await tx.insertInto("orders").values(order).returningAll().executeTakeFirstOrThrow();
}

/** Marks that a send is about to happen; undefined when the order is no longer one that may be sent. */
export async function markSending(tx: Tx, id: string, nowMs: number): Promise<OrderRow | undefined> {
  return await tx
    .updateTable("orders")
    .set({ status: "sending", sentMs: nowMs, updatedMs: nowMs, reason: null })
    .where("id", "=", id)
    .where("status", "in", ["created", "sending", "unknown"])
    .returningAll()
    .executeTakeFirst();
}

/** Sets the status of an order that the venue has not accounted for; undefined when it has by now. */
export async function markUnsettled(
  tx: Tx,
  id: string,
  status: "unknown" | "rejected" | "cancelled",
  reason: string,
  nowMs: number,
): Promise<OrderRow | undefined> {
  return await tx
    .updateTable("orders")
    .set({ status, reason, updatedMs: nowMs })
    .where("id", "=", id)
    .where("status", "in", ["created", "sending", "unknown"])
    .returningAll()
    .executeTakeFirst();
}

/** Quantities and cash that the live orders of an account keep, one instrument's apart. */
export async function loadCommitments(
  db: Db | Tx,
  accountId: string,
  instrumentId: string | undefined,
): Promise<{ reserved: Decimal; promised: Decimal; incoming: Decimal }> {
  const row = await db
    .selectFrom("orders")
    .select((eb) => [
      sql<string | null>`sum((quantity - filled_quantity) * reserve_price)`.as("reserved"),
      sql<
        string | null
      >`sum(quantity - filled_quantity) filter (where side = 'sell' and instrument_id = ${eb.val(instrumentId ?? "")})`.as(
        "promised",
      ),
      sql<
        string | null
      >`sum(quantity - filled_quantity) filter (where side = 'buy' and instrument_id = ${eb.val(instrumentId ?? "")})`.as(
        "incoming",
      ),
    ])
    .where("accountId", "=", accountId)
    .where("status", "in", liveStatuses)
    .executeTakeFirstOrThrow();
  return {
    reserved: decimal(row.reserved ?? "0"),
    promised: decimal(row.promised ?? "0"),
    incoming: decimal(row.incoming ?? "0"),
  };
}

export interface OrderFilter {
  status?: OrderStatus | undefined;
  accountId?: string | undefined;
  instrumentId?: string | undefined;
}

export async function listOrders(
  db: Db,
  tenantId: string,
  filter: OrderFilter,
  limit: number,
  beforeId?: string,
): Promise<OrderRow[]> {
  let query = db
    .selectFrom("orders")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(limit);
  if (filter.status !== undefined) query = query.where("status", "=", filter.status);
  if (filter.accountId !== undefined) query = query.where("accountId", "=", filter.accountId);
  if (filter.instrumentId !== undefined) query = query.where("instrumentId", "=", filter.instrumentId);
  if (beforeId !== undefined) query = query.where("id", "<", beforeId);
  return await query.execute();
}

/** Orders that rest at their venue, of one account. */
export async function loadResting(db: Db | Tx, accountId: string): Promise<OrderRow[]> {
  return await db
    .selectFrom("orders")
    .selectAll()
    .where("accountId", "=", accountId)
    .where("status", "in", ["accepted", "partiallyFilled"])
    .orderBy("id")
    .execute();
}

export function viewOrder(row: OrderRow): OrderView {
  const { tenantId: _tenant, currency: _currency, reservePrice: _reserve, ...view } = row;
  return {
    ...view,
    quantity: plain(view.quantity),
    filledQuantity: plain(view.filledQuantity),
    referencePrice: plain(view.referencePrice),
    limitPrice: view.limitPrice === null ? null : plain(view.limitPrice),
    averagePrice: view.averagePrice === null ? null : plain(view.averagePrice),
  };
}

// ---- fills -----------------------------------------------------------------------------------------------

export async function listFills(
  db: Db | Tx,
  tenantId: string,
  filter: { accountId?: string | undefined; orderId?: string | undefined },
  limit: number,
  beforeId?: string,
): Promise<FillRow[]> {
  let query = db
    .selectFrom("fills")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(limit);
  if (filter.accountId !== undefined) query = query.where("accountId", "=", filter.accountId);
  if (filter.orderId !== undefined) query = query.where("orderId", "=", filter.orderId);
  if (beforeId !== undefined) query = query.where("id", "<", beforeId);
  return await query.execute();
}

export function viewFill(row: FillRow): FillView {
  const { tenantId: _tenant, realised: _realised, ...view } = row;
  return { ...view, price: plain(view.price), quantity: plain(view.quantity), fee: plain(view.fee) };
}
