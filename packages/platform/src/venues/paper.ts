import { AppError, decimal, newId } from "@tapedeck/core";
import type { ExecutionVenue, VenueBar, VenueFill, VenueOrder, VenueOrderReport } from "@tapedeck/core";
import type { Kysely, Transaction } from "kysely";

/** The tables of the paper venue: its own books, apart from ours, as a real venue's would be. */
export interface PaperTables {
  paperOrders: {
    venueOrderId: string;
    accountId: string;
    tenantId: string;
    clientOrderId: string;
    instrumentId: string;
    side: "buy" | "sell";
    type: "market" | "limit";
    quantity: string;
    limitPrice: string | null;
    timeInForce: "gtc" | "ioc" | "fok";
    filledQuantity: string;
    status: VenueOrderReport["status"];
    reason: string | null;
    acceptedMs: number;
    /** Bars that open before it have been looked at. */
    matchedToMs: number;
  };
  paperFills: {
    tradeId: string;
    venueOrderId: string;
    price: string;
    quantity: string;
    fee: string;
    feeCurrency: string;
    eventMs: number;
  };
  paperVolumeUsed: {
    accountId: string;
    instrumentId: string;
    timeframe: string;
    openMs: number;
    quantity: string;
  };
}

/** Where its prices are from: closed bars that open at or after `fromMs`, oldest first. */
export interface PaperPrices {
  barsFrom(
    tenantId: string,
    instrumentId: string,
    fromMs: number,
    signal: AbortSignal,
  ): Promise<{ timeframe: string; bars: Array<VenueBar & { closeMs: number }> }>;
}

type Decimal = ReturnType<typeof decimal>;

/** How a bar fills an order; the apps hand in `matchBar` and `availableVolume` of the trading package. */
export interface PaperMatching {
  matchBar(
    order: {
      side: "buy" | "sell";
      type: "market" | "limit";
      limitPrice?: Decimal | undefined;
      quantity: Decimal;
      timeInForce: "gtc" | "ioc" | "fok";
    },
    bar: VenueBar,
    available: Decimal | undefined,
    slippageBps: Decimal,
  ): { fill: { price: Decimal; quantity: Decimal } | undefined; cancelRest: boolean };
  availableVolume(volume: number, share: Decimal, used: Decimal): Decimal | undefined;
}

export interface PaperVenueOptions {
  db: Kysely<PaperTables>;
  account: { id: string; tenantId: string; currency: string; feeBps: string; slippageBps: string };
  prices: PaperPrices;
  matching: PaperMatching;
  now(): number;
  /** Largest share of a bar's volume that the account trades, decimal text. Default 0.1. */
  volumeShare?: string;
}

type PaperOrder = PaperTables["paperOrders"];
type Tx = Transaction<PaperTables>;

const open = ["accepted", "partiallyFilled"] as const;
const feePlaces = 10;

/**
 * A venue without a market: it takes every order and fills it by prices later than the order, a bar at a time
 * (`settle`). Orders are unique by client order id, so that a repeated submit changes nothing.
 */
export function createPaperVenue(
  options: PaperVenueOptions,
): ExecutionVenue & { settle(signal: AbortSignal): Promise<number> } {
  const { db, account } = options;

  async function load(clientOrderId: string): Promise<PaperOrder | undefined> {
    return await db
      .selectFrom("paperOrders")
      .selectAll()
      .where("accountId", "=", account.id)
      .where("clientOrderId", "=", clientOrderId)
      .executeTakeFirst();
  }

  async function report(order: PaperOrder): Promise<VenueOrderReport> {
    const fills = await db
      .selectFrom("paperFills")
      .selectAll()
      .where("venueOrderId", "=", order.venueOrderId)
      .orderBy("eventMs")
      .execute();
    return {
      clientOrderId: order.clientOrderId,
      venueOrderId: order.venueOrderId,
      status: order.status,
      filledQuantity: order.filledQuantity,
      ...(order.reason === null ? {} : { reason: order.reason }),
      fills: fills.map(({ venueOrderId: _, ...fill }): VenueFill => ({
        ...fill,
        clientOrderId: order.clientOrderId,
      })),
    };
  }

  /** A database that does not answer is a venue that does not answer. */
  async function answer<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError("venue.unavailable", "The paper venue does not answer.", {
        retryable: true,
        cause: error,
      });
    }
  }

  return {
    id: "paper",
    simulated: true,
    inFlightMs: 0,

    submit: (order: VenueOrder) =>
      answer(async () => {
        const acceptedMs = options.now();
        await db
          .insertInto("paperOrders")
          .values({
            venueOrderId: newId(acceptedMs),
            accountId: account.id,
            tenantId: account.tenantId,
            clientOrderId: order.clientOrderId,
            instrumentId: order.instrumentId,
            side: order.side,
            type: order.type,
            quantity: order.quantity,
            limitPrice: order.limitPrice ?? null,
            timeInForce: order.timeInForce ?? "gtc",
            filledQuantity: "0",
            status: "accepted",
            reason: null,
            acceptedMs,
            matchedToMs: acceptedMs,
          })
          .onConflict((conflict) => conflict.column("clientOrderId").doNothing())
          .execute();
        const stored = await load(order.clientOrderId);
        if (stored === undefined) {
          throw new AppError(
            "order.rejected",
            `The client order id ${order.clientOrderId} is another account's.`,
          );
        }
        return await report(stored);
      }),

    cancel: (clientOrderId) =>
      answer(async () => {
        await db
          .updateTable("paperOrders")
          .set({ status: "cancelled", reason: "Cancelled on request." })
          .where("accountId", "=", account.id)
          .where("clientOrderId", "=", clientOrderId)
          .where("status", "in", open)
          .execute();
        const stored = await load(clientOrderId);
        if (stored === undefined) {
          throw new AppError("order.rejected", `The paper venue does not know the order ${clientOrderId}.`);
        }
        return await report(stored);
      }),

    fetchOrder: (clientOrderId) =>
      answer(async () => {
        const stored = await load(clientOrderId);
        return stored === undefined ? undefined : await report(stored);
      }),

    settle: (signal) => answer(() => settleAccount(options, signal)),
  };
}

async function settleAccount(options: PaperVenueOptions, signal: AbortSignal): Promise<number> {
  const resting = await options.db
    .selectFrom("paperOrders")
    .select(["venueOrderId", "instrumentId", "matchedToMs", "tenantId"])
    .where("accountId", "=", options.account.id)
    .where("status", "in", open)
    .orderBy("venueOrderId")
    .execute();
  let fills = 0;
  for (const { venueOrderId, instrumentId, matchedToMs, tenantId } of resting) {
    signal.throwIfAborted();
    const { timeframe, bars } = await options.prices.barsFrom(tenantId, instrumentId, matchedToMs, signal);
    if (bars.length === 0) continue;
    fills += await options.db.transaction().execute(async (tx) => {
      const order = await tx
        .selectFrom("paperOrders")
        .selectAll()
        .where("venueOrderId", "=", venueOrderId)
        .where("status", "in", open)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst();
      if (order === undefined) return 0;
      return await matchOrder(tx, options, order, timeframe, bars);
    });
  }
  return fills;
}

/** Goes through the later bars in order until the order has ended; one transaction. */
async function matchOrder(
  tx: Tx,
  options: PaperVenueOptions,
  order: PaperOrder,
  timeframe: string,
  bars: ReadonlyArray<VenueBar & { closeMs: number }>,
): Promise<number> {
  const { account, matching } = options;
  const share = decimal(options.volumeShare ?? "0.1");
  const quantity = decimal(order.quantity);
  let filled = decimal(order.filledQuantity);
  let { status, reason, matchedToMs } = order;
  let fills = 0;
  for (const bar of bars) {
    if (bar.openMs < matchedToMs) continue;
    const resting = {
      side: order.side,
      type: order.type,
      limitPrice: order.limitPrice === null ? undefined : decimal(order.limitPrice),
      quantity: quantity.minus(filled),
      timeInForce: order.timeInForce,
    };
    const slippageBps = decimal(account.slippageBps);
    // Without a cap first: most bars do not touch a resting limit, and need no look at the volume.
    let match = matching.matchBar(resting, bar, undefined, slippageBps);
    if (match.fill !== undefined) {
      const used = await volumeUsed(tx, order, timeframe, bar.openMs);
      const available = matching.availableVolume(bar.volume, share, used);
      match = matching.matchBar(resting, bar, available, slippageBps);
    }
    matchedToMs = bar.closeMs;
    if (match.fill !== undefined) {
      filled = filled.plus(match.fill.quantity);
      fills++;
      await recordFill(tx, options, order, timeframe, bar, match.fill);
      status = filled.eq(quantity) ? "filled" : "partiallyFilled";
    }
    if (match.cancelRest) {
      status = "cancelled";
      reason = `${order.timeInForce}: the first price after the order filled ${filled.toFixed()} of ${order.quantity}.`;
    }
    if (status === "filled" || status === "cancelled") break;
  }
  await tx
    .updateTable("paperOrders")
    .set({ filledQuantity: filled.toFixed(), status, reason, matchedToMs })
    .where("venueOrderId", "=", order.venueOrderId)
    .execute();
  return fills;
}

async function volumeUsed(tx: Tx, order: PaperOrder, timeframe: string, openMs: number): Promise<Decimal> {
  // The row is made first, so that two orders of one account wait for each other here.
  await tx
    .insertInto("paperVolumeUsed")
    .values({
      accountId: order.accountId,
      instrumentId: order.instrumentId,
      timeframe,
      openMs,
      quantity: "0",
    })
    .onConflict((conflict) =>
      conflict.columns(["accountId", "instrumentId", "timeframe", "openMs"]).doNothing(),
    )
    .execute();
  const row = await tx
    .selectFrom("paperVolumeUsed")
    .select("quantity")
    .where("accountId", "=", order.accountId)
    .where("instrumentId", "=", order.instrumentId)
    .where("timeframe", "=", timeframe)
    .where("openMs", "=", openMs)
    .forUpdate()
    .executeTakeFirstOrThrow();
  return decimal(row.quantity);
}

async function recordFill(
  tx: Tx,
  options: PaperVenueOptions,
  order: PaperOrder,
  timeframe: string,
  bar: VenueBar,
  fill: { price: Decimal; quantity: Decimal },
): Promise<void> {
  const fee = fill.price.mul(fill.quantity).mul(decimal(options.account.feeBps)).div(10_000);
  await tx
    .insertInto("paperFills")
    .values({
      tradeId: `${order.venueOrderId}-${timeframe}-${bar.openMs}`,
      venueOrderId: order.venueOrderId,
      price: fill.price.toFixed(),
      quantity: fill.quantity.toFixed(),
      fee: fee.toDecimalPlaces(feePlaces, 0).toFixed(),
      feeCurrency: options.account.currency,
      eventMs: bar.openMs,
    })
    .execute();
  await tx
    .updateTable("paperVolumeUsed")
    .set((eb) => ({ quantity: eb("quantity", "+", fill.quantity.toFixed()) }))
    .where("accountId", "=", order.accountId)
    .where("instrumentId", "=", order.instrumentId)
    .where("timeframe", "=", timeframe)
    .where("openMs", "=", bar.openMs)
    .execute();
}
