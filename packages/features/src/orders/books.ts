import { AppError, decimal, newId, splitInstrumentId } from "@tapedeck/core";
import type { Decimal, VenueFill, VenueOrderReport } from "@tapedeck/core";
import { applyFill } from "@tapedeck/trading";
import type { Lot } from "@tapedeck/trading";
import type { Tx } from "../db.ts";
import type { OrderStatus } from "./contract.ts";
import { hasEnded } from "./domain.ts";
import { lockAccount } from "./store.ts";
import type { AccountRow, OrderRow } from "./store.ts";

/**
 * Takes over what the venue says of an order: new fills (told apart by venue, account and trade id, so that the
 * same report twice changes nothing), the lots, position and cash that they change, and the order's status. An
 * order that has ended stays so; fills that come after the end are still booked.
 */
export async function applyReport(
  tx: Tx,
  orderId: string,
  accountId: string,
  report: VenueOrderReport,
  nowMs: number,
): Promise<OrderRow> {
  const account = await lockAccount(tx, accountId);
  const order = await tx
    .selectFrom("orders")
    .selectAll()
    .where("id", "=", orderId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  for (const fill of report.fills) await bookFill(tx, account, order, fill, nowMs);
  const { filled, average } = await filledOf(tx, orderId);
  if (filled.gt(decimal(order.quantity))) {
    throw new AppError(
      "data.invalid",
      `The venue filled ${filled.toFixed()} of order ${orderId}, which is for ${order.quantity}.`,
    );
  }
  // The venue may count a fill that its list does not show yet: the order is not done before the fills are here.
  const behind = filled.lt(decimal(report.filledQuantity));
  const status: OrderStatus = hasEnded(order.status)
    ? order.status
    : behind
      ? "partiallyFilled"
      : report.status;
  const reason = behind
    ? `The venue counts ${report.filledQuantity} filled; its list of fills shows ${filled.toFixed()} so far.`
    : (report.reason ?? (hasEnded(order.status) ? order.reason : null));
  return await tx
    .updateTable("orders")
    .set({
      venueOrderId: report.venueOrderId,
      status,
      reason,
      filledQuantity: filled.toFixed(),
      averagePrice: average?.toDecimalPlaces(10).toFixed() ?? null,
      updatedMs: nowMs,
    })
    .where("id", "=", orderId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function filledOf(tx: Tx, orderId: string): Promise<{ filled: Decimal; average: Decimal | undefined }> {
  const rows = await tx
    .selectFrom("fills")
    .select(["price", "quantity"])
    .where("orderId", "=", orderId)
    .execute();
  let filled = decimal(0);
  let notional = decimal(0);
  for (const row of rows) {
    filled = filled.plus(decimal(row.quantity));
    notional = notional.plus(decimal(row.quantity).mul(decimal(row.price)));
  }
  return { filled, average: filled.gt(0) ? notional.div(filled) : undefined };
}

/** The fee in the account's currency; one taken in the instrument itself counts at the fill's price. */
function feeInCash(account: AccountRow, order: OrderRow, fill: VenueFill): Decimal {
  const fee = decimal(fill.fee);
  if (fee.isZero() || fill.feeCurrency === account.currency) return fee;
  const base = splitInstrumentId(order.instrumentId).symbol.split(/[-/]/)[0];
  if (fill.feeCurrency === base) return fee.mul(decimal(fill.price)).toDecimalPlaces(18);
  throw new AppError(
    "data.invalid",
    `The venue charged ${fill.fee} ${fill.feeCurrency} for order ${order.id}; the account holds ${account.currency}, and there is no rate between them.`,
  );
}

async function bookFill(
  tx: Tx,
  account: AccountRow,
  order: OrderRow,
  fill: VenueFill,
  nowMs: number,
): Promise<void> {
  const known = await tx
    .selectFrom("fills")
    .select("orderId")
    .where("venue", "=", order.venue)
    .where("accountId", "=", account.id)
    .where("tradeId", "=", fill.tradeId)
    .executeTakeFirst();
  if (known !== undefined) return;
  const { instrumentId } = order;
  const before = await loadLots(tx, account.id, instrumentId);
  const fee = feeInCash(account, order, fill);
  const id = newId(nowMs);
  const effect = applyFill(before, {
    id,
    side: order.side,
    quantity: decimal(fill.quantity),
    price: decimal(fill.price),
    fee,
    eventMs: fill.eventMs,
  });
  await tx
    .insertInto("fills")
    .values({
      id,
      tenantId: order.tenantId,
      accountId: account.id,
      orderId: order.id,
      venue: order.venue,
      simulated: order.simulated,
      tradeId: fill.tradeId,
      instrumentId,
      side: order.side,
      price: fill.price,
      quantity: fill.quantity,
      fee: fee.toFixed(),
      currency: account.currency,
      realised: effect.realised.toFixed(),
      eventMs: fill.eventMs,
      recordedMs: nowMs,
    })
    .execute();
  await storeLots(tx, account.id, instrumentId, before, effect.lots);
  const change = decimal(fill.quantity).mul(order.side === "buy" ? 1 : -1);
  await tx
    .insertInto("positions")
    .values({
      accountId: account.id,
      instrumentId,
      quantity: change.toFixed(),
      realised: effect.realised.toFixed(),
      updatedMs: nowMs,
    })
    .onConflict((conflict) =>
      conflict.columns(["accountId", "instrumentId"]).doUpdateSet((eb) => ({
        quantity: eb("positions.quantity", "+", eb.ref("excluded.quantity")),
        realised: eb("positions.realised", "+", eb.ref("excluded.realised")),
        updatedMs: nowMs,
      })),
    )
    .execute();
  await tx
    .updateTable("accounts")
    .set((eb) => ({
      cash: eb("cash", "+", effect.cash.toFixed()),
      fees: eb("fees", "+", fee.toFixed()),
    }))
    .where("id", "=", account.id)
    .execute();
}

export async function loadLots(tx: Tx, accountId: string, instrumentId: string): Promise<Lot[]> {
  const rows = await tx
    .selectFrom("lots")
    .selectAll()
    .where("accountId", "=", accountId)
    .where("instrumentId", "=", instrumentId)
    .orderBy("sequence")
    .execute();
  return rows.map((row) => ({
    id: row.fillId,
    openedMs: row.openedMs,
    quantity: decimal(row.quantity),
    price: decimal(row.price),
    cost: decimal(row.cost),
  }));
}

async function storeLots(
  tx: Tx,
  accountId: string,
  instrumentId: string,
  before: readonly Lot[],
  after: readonly Lot[],
): Promise<void> {
  const left = new Map(after.map((lot) => [lot.id, lot]));
  for (const lot of before) {
    const now = left.get(lot.id);
    left.delete(lot.id);
    if (now === lot) continue;
    if (now === undefined) {
      await tx.deleteFrom("lots").where("accountId", "=", accountId).where("fillId", "=", lot.id).execute();
    } else {
      await tx
        .updateTable("lots")
        .set({ quantity: now.quantity.toFixed(), cost: now.cost.toFixed() })
        .where("accountId", "=", accountId)
        .where("fillId", "=", lot.id)
        .execute();
    }
  }
  for (const lot of left.values()) {
    await tx
      .insertInto("lots")
      .values({
        accountId,
        instrumentId,
        fillId: lot.id,
        openedMs: lot.openedMs,
        quantity: lot.quantity.toFixed(),
        price: lot.price.toFixed(),
        cost: lot.cost.toFixed(),
      })
      .execute();
  }
}
