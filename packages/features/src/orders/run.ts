import { setTimeout as sleep } from "node:timers/promises";
import { AppError, decimal } from "@tapedeck/core";
import type {
  ExecutionVenue,
  JobContext,
  JobHandler,
  ProgressOf,
  ResultOf,
  VenueOrderReport,
} from "@tapedeck/core";
import type { Db, Tx } from "../db.ts";
import type { Instrument, SeriesReader } from "../series/contract.ts";
import { applyReport } from "./books.ts";
import type { execute, OrderPayload, VenueDirectory } from "./contract.ts";
import { checkOrder, clientOrderIdOf, describeOrder, hasEnded, prepareOrder } from "./domain.ts";
import { loadLastPrice } from "./prices.ts";
import {
  ensureDefaultAccount,
  findOrder,
  insertOrder,
  listFills,
  loadAccount,
  loadCommitments,
  lockAccount,
  markSending,
  markUnsettled,
  plain,
  venueAccount,
  viewFill,
  viewOrder,
} from "./store.ts";
import type { AccountRow, OrderRow } from "./store.ts";
import { venueOrderOf } from "./venue.ts";

export interface ExecuteDeps {
  db: Db;
  series: SeriesReader;
  venues: VenueDirectory;
}

type Context = JobContext<ProgressOf<typeof execute>, Tx>;

/** Pauses before asking again a venue that did not answer; then the order is `unknown`. */
const askAgainMs = [250, 500, 1_000, 2_000];
const answerWithinMs = 15_000;
/** Sends of one run of the handler; each after the venue said that it does not know the order. */
const mostSends = 3;

/**
 * Places one order. Its row, with the client order id, is on disk before anything is sent, and `sending` is on disk
 * before each send. A run that finds the row there begins by asking the venue, and sends only when the venue says
 * that it does not know the order. Without an answer the order stays `unknown`, for an operator to see.
 */
export const runExecute: JobHandler<typeof execute, ExecuteDeps, Tx> = async (deps, payload, ctx) => {
  ctx.progress({ phase: "check" });
  const found = await findOrder(deps.db, ctx.tenantId, ctx.jobId);
  const order = found ?? (await createOrder(deps, payload, ctx));
  if (hasEnded(order.status)) return await conclude(deps, ctx, order);
  const account = await loadAccount(deps.db, ctx.tenantId, order.accountId);
  const venue = deps.venues.open(venueAccount(account));
  const placed =
    found === undefined
      ? await send(ctx, venue, order, mostSends)
      : await reconcile(ctx, venue, order, mostSends);
  return await conclude(deps, ctx, placed);
};

async function createOrder(deps: ExecuteDeps, payload: OrderPayload, ctx: Context): Promise<OrderRow> {
  const instrument = await deps.series.resolve(ctx.tenantId, payload.instrumentId);
  const last = await loadLastPrice(deps.series, ctx.tenantId, instrument, ctx.signal);
  if (last === undefined) {
    throw new AppError(
      "order.rejected",
      `There is no price of ${instrument.instrumentId} on file to check the order against; ingest its bars first.`,
    );
  }
  ctx.input({ kind: "dataset", ref: last.datasetHash, label: last.source, details: { closeMs: last.atMs } });
  return await ctx.commit(async (tx) => {
    const account = await lockAccount(tx, (await accountOf(tx, payload, instrument, ctx)).id);
    const prepared = prepareOrder(payload, instrument, decimal(last.price), decimal(account.feeBps));
    await checkAgainst(tx, payload, prepared, instrument, account);
    const nowMs = ctx.now();
    return await insertOrder(tx, {
      id: ctx.jobId,
      tenantId: ctx.tenantId,
      accountId: account.id,
      clientOrderId: clientOrderIdOf(ctx.jobId),
      venueOrderId: null,
      venue: account.venue,
      simulated: account.simulated,
      instrumentId: instrument.instrumentId,
      currency: instrument.currency,
      side: payload.side,
      type: payload.type,
      quantity: prepared.quantity.toFixed(),
      limitPrice: prepared.limitPrice?.toFixed() ?? null,
      timeInForce: payload.timeInForce,
      reservePrice: prepared.reservePrice?.toFixed() ?? null,
      referencePrice: decimal(last.price).toFixed(),
      referenceMs: last.atMs,
      status: "created",
      filledQuantity: "0",
      averagePrice: null,
      reason: null,
      createdMs: nowMs,
      sentMs: null,
      updatedMs: nowMs,
      submittedBy: ctx.submittedBy,
    });
  });
}

async function accountOf(
  tx: Tx,
  payload: OrderPayload,
  instrument: Instrument,
  ctx: Context,
): Promise<AccountRow> {
  return payload.accountId === undefined
    ? await ensureDefaultAccount(tx, ctx.tenantId, instrument.currency, ctx.now())
    : await loadAccount(tx, ctx.tenantId, payload.accountId);
}

async function checkAgainst(
  tx: Tx,
  payload: OrderPayload,
  prepared: ReturnType<typeof prepareOrder>,
  instrument: Instrument,
  account: AccountRow,
): Promise<void> {
  const commitments = await loadCommitments(tx, account.id, instrument.instrumentId);
  const position = await tx
    .selectFrom("positions")
    .select("quantity")
    .where("accountId", "=", account.id)
    .where("instrumentId", "=", instrument.instrumentId)
    .executeTakeFirst();
  const limit = (value: string | null) => (value === null ? undefined : decimal(value));
  checkOrder(
    payload.side,
    prepared,
    instrument,
    {
      currency: account.currency,
      cash: decimal(account.cash),
      reserved: commitments.reserved,
      halted: account.halted,
      haltReason: account.haltReason,
      maxOrderNotional: limit(account.maxOrderNotional),
      maxPositionNotional: limit(account.maxPositionNotional),
    },
    {
      quantity: decimal(position?.quantity ?? "0"),
      promised: commitments.promised,
      incoming: commitments.incoming,
    },
  );
}

function within(ctx: Context): AbortSignal {
  return AbortSignal.any([ctx.signal, AbortSignal.timeout(answerWithinMs)]);
}

/** An answer, or undefined when the venue gave none in time; a worker that stops throws. */
async function ask<T>(
  ctx: Context,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<{ value: T } | undefined> {
  try {
    return { value: await call(within(ctx)) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof AppError && error.code !== "venue.unavailable") throw error;
    ctx.log("warn", "the venue did not answer", {
      error: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

async function send(
  ctx: Context,
  venue: ExecutionVenue,
  order: OrderRow,
  sendsLeft: number,
): Promise<OrderRow> {
  ctx.signal.throwIfAborted();
  const marked = await ctx.commit(async (tx) => {
    const account = await lockAccount(tx, order.accountId);
    if (account.halted && order.sentMs === null) {
      return await markUnsettled(
        tx,
        order.id,
        "rejected",
        `The account was halted before the order was sent: ${account.haltReason ?? ""}`,
        ctx.now(),
      );
    }
    return await markSending(tx, order.id, ctx.now());
  });
  if (marked === undefined) return await reload(ctx, order);
  if (marked.status === "rejected") return marked;
  ctx.progress({ phase: "send" });
  let answer: { value: VenueOrderReport } | undefined;
  try {
    answer = await ask(ctx, (signal) => venue.submit(venueOrderOf(marked), signal));
  } catch (error) {
    if (error instanceof AppError && error.code === "order.rejected") {
      return await markRejected(ctx, marked, error.message);
    }
    throw error;
  }
  if (answer !== undefined) return await book(ctx, marked, answer.value);
  return await reconcile(ctx, venue, marked, sendsLeft - 1);
}

/** Asks the venue what it knows; sends only what it says it does not know. */
async function reconcile(
  ctx: Context,
  venue: ExecutionVenue,
  order: OrderRow,
  sendsLeft: number,
): Promise<OrderRow> {
  ctx.progress({ phase: "reconcile" });
  for (const pauseMs of [...askAgainMs, undefined]) {
    const answer = await ask(ctx, (signal) =>
      venue.fetchOrder(order.clientOrderId, order.instrumentId, signal),
    );
    if (answer?.value !== undefined) return await book(ctx, order, answer.value);
    if (answer !== undefined) {
      // It may still be on its way: only a no after the longest way counts.
      const waitMs = order.sentMs === null ? 0 : order.sentMs + venue.inFlightMs - ctx.now();
      if (waitMs <= 0) {
        if (sendsLeft > 0) return await send(ctx, venue, order, sendsLeft);
        return await markUnknown(
          ctx,
          order,
          "The venue does not know it, and did not answer when it was sent.",
        );
      }
      await sleep(waitMs, undefined, { signal: ctx.signal });
    } else if (pauseMs !== undefined) await sleep(pauseMs, undefined, { signal: ctx.signal });
  }
  return await markUnknown(ctx, order, "The venue does not answer; it is asked again from time to time.");
}

async function book(ctx: Context, order: OrderRow, report: VenueOrderReport): Promise<OrderRow> {
  return await ctx.commit((tx) => applyReport(tx, order.id, order.accountId, report, ctx.now()));
}

async function markRejected(ctx: Context, order: OrderRow, reason: string): Promise<OrderRow> {
  const marked = await ctx.commit((tx) => markUnsettled(tx, order.id, "rejected", reason, ctx.now()));
  return marked ?? (await reload(ctx, order));
}

async function markUnknown(ctx: Context, order: OrderRow, reason: string): Promise<OrderRow> {
  const marked = await ctx.commit((tx) => markUnsettled(tx, order.id, "unknown", reason, ctx.now()));
  return marked ?? (await reload(ctx, order));
}

async function reload(ctx: Context, order: OrderRow): Promise<OrderRow> {
  const row = await ctx.commit((tx) => findOrder(tx, order.tenantId, order.id));
  return row ?? order;
}

async function conclude(deps: ExecuteDeps, ctx: Context, order: OrderRow): Promise<ResultOf<typeof execute>> {
  ctx.progress({ phase: "done" });
  const view = viewOrder(order);
  if (order.status === "rejected") {
    throw new AppError("order.rejected", order.reason ?? "The venue rejected the order.", {
      details: { orderId: order.id, clientOrderId: order.clientOrderId },
    });
  }
  const fills = await listFills(deps.db, order.tenantId, { orderId: order.id }, 1_000);
  return {
    orderId: order.id,
    clientOrderId: order.clientOrderId,
    accountId: order.accountId,
    venue: order.venue,
    simulated: order.simulated,
    instrumentId: order.instrumentId,
    side: order.side,
    quantity: view.quantity,
    limitPrice: view.limitPrice,
    referencePrice: view.referencePrice,
    referenceMs: view.referenceMs,
    status: order.status,
    filledQuantity: plain(order.filledQuantity),
    averagePrice: view.averagePrice,
    fills: fills.map(viewFill),
    message: describeOrder(view),
  };
}
