import { AppError, roleAllows } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { isSessionTimeframe } from "@tapedeck/trading/calendar/index";
import type { Db, Tx } from "../db.ts";
import type { Instrument, InstrumentPatch } from "./contract.ts";
import { instrumentColumns, sharedSpace } from "./store.ts";

/** Bars of a day or longer were timed by the calendar when they were imported. */
async function requireNoSessionBars(tx: Tx, { space, instrumentId, calendar }: Instrument): Promise<void> {
  const series = await tx
    .selectFrom("series")
    .select("timeframe")
    .where("space", "=", space)
    .where("instrumentId", "=", instrumentId)
    .where("kind", "=", "bars")
    .where("rows", ">", 0)
    .execute();
  const timed = series.map(({ timeframe }) => timeframe).find(isSessionTimeframe);
  if (timed !== undefined) {
    throw new AppError(
      "resource.conflict",
      `Bars of ${timed} of ${instrumentId} are stored by the calendar ${calendar}: import them under another venue to have them by another.`,
    );
  }
}

/** Orders, positions and cash are in the currency that the instrument had. */
async function requireNoOrders(tx: Tx, { space, instrumentId, currency }: Instrument): Promise<void> {
  let orders = tx.selectFrom("orders").select("id").where("instrumentId", "=", instrumentId).limit(1);
  if (space !== sharedSpace) orders = orders.where("tenantId", "=", space);
  if ((await orders.executeTakeFirst()) !== undefined) {
    throw new AppError(
      "resource.conflict",
      `There are orders of ${instrumentId} in ${currency}: its currency stays.`,
    );
  }
}

/**
 * Changes what is said of an instrument. Throws `auth.forbidden` for a shared one unless an operator of this deployment
 * asks, and `resource.conflict` for a currency that orders were placed in or a calendar that stored bars were timed by.
 */
export async function changeInstrument(
  db: Db,
  instrument: Instrument,
  patch: InstrumentPatch,
  caller: Caller,
): Promise<Instrument> {
  const { space, instrumentId } = instrument;
  if (space === sharedSpace && (caller.operating !== true || !roleAllows(caller.role, "operator"))) {
    throw new AppError("auth.forbidden", "Only operators of this deployment change shared instruments.");
  }
  return db.transaction().execute(async (tx) => {
    if (patch.currency !== undefined && patch.currency !== instrument.currency)
      await requireNoOrders(tx, instrument);
    if (patch.calendar !== undefined && patch.calendar !== instrument.calendar)
      await requireNoSessionBars(tx, instrument);
    const row = await tx
      .updateTable("instruments")
      .set(patch)
      .where("space", "=", space)
      .where("instrumentId", "=", instrumentId)
      .returning(instrumentColumns)
      .executeTakeFirstOrThrow();
    return row as Instrument;
  });
}
