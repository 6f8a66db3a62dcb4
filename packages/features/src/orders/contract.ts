import {
  DecimalString,
  defineCommand,
  defineJob,
  defineQuery,
  Id,
  InstrumentRef,
  pageOf,
  PageQuery,
} from "@tapedeck/core";
import type { ExecutionVenue } from "@tapedeck/core";
import * as z from "zod";

/**
 * created: on disk, not sent yet. sending: a send may be under way. unknown: sent perhaps; the venue has not said.
 * The rest is what the venue says; filled, cancelled, rejected and expired are ends.
 */
export const OrderStatus = z.enum([
  "created",
  "sending",
  "unknown",
  "accepted",
  "partiallyFilled",
  "filled",
  "cancelled",
  "rejected",
  "expired",
]);
export type OrderStatus = z.output<typeof OrderStatus>;

const PositiveDecimal = DecimalString.refine((text) => Number(text) > 0, "must be above zero");

export const OrderPayload = z
  .strictObject({
    /** Absent: the caller's paper account in the instrument's currency, made on the first order. */
    accountId: Id.optional(),
    instrumentId: InstrumentRef,
    side: z.enum(["buy", "sell"]),
    type: z.enum(["market", "limit"]),
    /** In units; rounded down to the instrument's lot. */
    quantity: PositiveDecimal,
    /** A buy's is rounded down to the tick, a sell's up. */
    limitPrice: PositiveDecimal.optional(),
    /** gtc rests until filled or cancelled; ioc takes what the next price gives and cancels the rest; fok takes all of it or nothing. */
    timeInForce: z.enum(["gtc", "ioc", "fok"]).default("gtc"),
    /** Where it goes when `accountId` is absent. */
    venue: z.literal("paper").default("paper"),
  })
  .refine((order) => (order.type === "limit") === (order.limitPrice !== undefined), {
    message: "a limit order needs limitPrice, a market order takes none",
    path: ["limitPrice"],
  })
  .meta({ id: "OrderPayload" });
export type OrderPayload = z.output<typeof OrderPayload>;

export const FillView = z
  .object({
    id: Id,
    orderId: Id,
    accountId: Id,
    venue: z.string(),
    simulated: z.boolean(),
    tradeId: z.string(),
    instrumentId: z.string(),
    side: z.enum(["buy", "sell"]),
    price: z.string(),
    quantity: z.string(),
    fee: z.string(),
    currency: z.string(),
    /** When it happened at the venue. */
    eventMs: z.int(),
    recordedMs: z.int(),
  })
  .meta({ id: "Fill" });
export type FillView = z.output<typeof FillView>;

export const OrderView = z
  .object({
    id: Id,
    accountId: Id,
    clientOrderId: z.string(),
    venueOrderId: z.string().nullable(),
    venue: z.string(),
    simulated: z.boolean(),
    instrumentId: z.string(),
    side: z.enum(["buy", "sell"]),
    type: z.enum(["market", "limit"]),
    quantity: z.string(),
    limitPrice: z.string().nullable(),
    timeInForce: z.string(),
    /** The last price on file when the order was checked, and when that was. */
    referencePrice: z.string(),
    referenceMs: z.int(),
    status: OrderStatus,
    filledQuantity: z.string(),
    averagePrice: z.string().nullable(),
    /** Why it is where it is, in words. */
    reason: z.string().nullable(),
    createdMs: z.int(),
    sentMs: z.int().nullable(),
    updatedMs: z.int(),
    submittedBy: z.string(),
  })
  .meta({ id: "Order" });
export type OrderView = z.output<typeof OrderView>;

export const ExecuteResult = z
  .object({
    orderId: Id,
    clientOrderId: z.string(),
    accountId: Id,
    venue: z.string(),
    simulated: z.boolean(),
    instrumentId: z.string(),
    side: z.enum(["buy", "sell"]),
    /** After rounding to lot and tick. */
    quantity: z.string(),
    limitPrice: z.string().nullable(),
    /** The last price on file when the order was checked, and when that was. */
    referencePrice: z.string(),
    referenceMs: z.int(),
    status: OrderStatus,
    filledQuantity: z.string(),
    averagePrice: z.string().nullable(),
    fills: z.array(FillView),
    message: z.string(),
  })
  .meta({ id: "ExecuteResult" });

export const execute = defineJob({
  name: "execute",
  path: "/orders",
  queue: "execute",
  summary: "Place one order; its client order id is on disk before it is sent, and it is never sent twice",
  version: 1,
  reuse: false,
  effects: true,
  role: "trader",
  /** Another run is safe: it starts by asking the venue. */
  attempts: 3,
  timeoutMs: 120_000,
  cpu: false,
  payload: OrderPayload,
  progress: z.object({ phase: z.enum(["check", "send", "reconcile", "done"]) }),
  result: ExecuteResult,
  examples: [
    { instrumentId: "SPX.INDEX", side: "buy", type: "market", quantity: "10" },
    { instrumentId: "SPX.INDEX", side: "buy", type: "limit", quantity: "10", limitPrice: "2500.00" },
  ],
});

export const AccountView = z
  .object({
    id: Id,
    name: z.string(),
    venue: z.string(),
    simulated: z.boolean(),
    currency: z.string(),
    initialCash: z.string(),
    cash: z.string(),
    halted: z.boolean(),
    haltReason: z.string().nullable(),
    /** Largest notional of one order; null: no limit but cash. */
    maxOrderNotional: z.string().nullable(),
    /** Largest position in one instrument at the order's price; null: no limit but cash. */
    maxPositionNotional: z.string().nullable(),
    createdMs: z.int(),
  })
  .meta({ id: "Account" });
export type AccountView = z.output<typeof AccountView>;

/** The price that a position is marked with: where it is from, and when it was. */
export const Mark = z.object({
  price: z.string(),
  atMs: z.int(),
  /** Such as `close of SPY.XNYS 1d`. */
  source: z.string(),
  /** Null for a print of the live stream, which is in no dataset. */
  datasetHash: z.string().nullable(),
});

export const LotView = z.object({
  openedMs: z.int(),
  quantity: z.string(),
  price: z.string(),
  cost: z.string(),
});

export const PositionView = z
  .object({
    instrumentId: z.string(),
    /** Net; negative is short. */
    quantity: z.string(),
    averageCost: z.string(),
    /** Fees in. */
    cost: z.string(),
    /** Null when no price is on file; then equity is null too. */
    mark: Mark.nullable(),
    marketValue: z.string().nullable(),
    unrealised: z.string().nullable(),
    realised: z.string(),
    lots: z.array(LotView),
  })
  .meta({ id: "Position" });

export const AccountPortfolio = z
  .object({
    accountId: Id,
    name: z.string(),
    venue: z.string(),
    simulated: z.boolean(),
    currency: z.string(),
    halted: z.boolean(),
    initialCash: z.string(),
    cash: z.string(),
    /** Cash kept for resting buy orders. */
    reserved: z.string(),
    positions: z.array(PositionView),
    /** Of all instruments, closed ones too; fees off. */
    realised: z.string(),
    unrealised: z.string().nullable(),
    fees: z.string(),
    /** cash + market value of the positions = initial cash + realised + unrealised, exactly. */
    equity: z.string().nullable(),
    /** Instruments without a price. */
    unpriced: z.array(z.string()),
    restingOrders: z.int(),
    unknownOrders: z.int(),
  })
  .meta({ id: "AccountPortfolio" });
export type AccountPortfolio = z.output<typeof AccountPortfolio>;

export const Portfolio = z
  .object({ atMs: z.int(), accounts: z.array(AccountPortfolio) })
  .meta({ id: "Portfolio" });

const ById = z.object({ id: Id });

export const orderRoutes = {
  listOrders: defineQuery({
    name: "listOrders",
    path: "/orders",
    tag: "Orders",
    summary: "Orders, newest first; status=unknown lists those that the venue has not accounted for",
    role: "viewer",
    query: PageQuery.extend({
      status: OrderStatus.optional(),
      accountId: Id.optional(),
      instrumentId: z.string().max(61).optional(),
    }),
    response: pageOf(OrderView),
  }),
  getOrder: defineQuery({
    name: "getOrder",
    path: "/orders/{id}",
    tag: "Orders",
    summary: "One order with its fills",
    role: "viewer",
    params: ById,
    response: OrderView.extend({ fills: z.array(FillView) }),
  }),
  cancelOrder: defineCommand({
    name: "cancelOrder",
    method: "DELETE",
    path: "/orders/{id}",
    tag: "Orders",
    summary: "Cancel what is left of a resting order",
    role: "trader",
    params: ById,
    response: OrderView,
  }),
  reconcileOrder: defineCommand({
    name: "reconcileOrder",
    method: "POST",
    path: "/orders/{id}/reconcile",
    tag: "Orders",
    summary: "Ask the venue about an order, or settle by hand what the venue cannot say",
    role: "operator",
    scope: "tenant",
    params: ById,
    /** Absent resolution: ask the venue. neverSent: the operator has made sure that the venue does not have it; allowed for `unknown` only. */
    body: z.strictObject({
      resolution: z.enum(["ask", "neverSent"]).default("ask"),
      note: z.string().max(500).optional(),
    }),
    response: OrderView,
  }),
  getPortfolio: defineQuery({
    name: "getPortfolio",
    path: "/portfolio",
    tag: "Orders",
    summary: "Cash, positions, profit and equity of each account, marked at the last known prices",
    role: "viewer",
    query: z.object({ accountId: Id.optional() }),
    response: Portfolio,
  }),
  listFills: defineQuery({
    name: "listFills",
    path: "/fills",
    tag: "Orders",
    summary: "Fills, newest first",
    role: "viewer",
    query: PageQuery.extend({ accountId: Id.optional(), orderId: Id.optional() }),
    response: pageOf(FillView),
  }),
  listAccounts: defineQuery({
    name: "listAccounts",
    path: "/accounts",
    tag: "Orders",
    summary: "Trading accounts",
    role: "viewer",
    query: PageQuery,
    response: pageOf(AccountView),
  }),
  createAccount: defineCommand({
    name: "createAccount",
    method: "POST",
    path: "/accounts",
    tag: "Orders",
    summary: "Open an account at the paper venue, or at another that this deployment has",
    role: "trader",
    body: z.strictObject({
      name: z.string().trim().min(1).max(80),
      /** `paper`, or another that this deployment has. */
      venue: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,39}$/, "a venue's name, such as paper")
        .default("paper"),
      currency: z
        .string()
        .regex(/^[A-Z]{3,5}$/, "a currency code, such as USD")
        .default("USD"),
      initialCash: DecimalString.refine((text) => Number(text) >= 0, "must not be negative").default(
        "100000",
      ),
      maxOrderNotional: PositiveDecimal.optional(),
      maxPositionNotional: PositiveDecimal.optional(),
      feeBps: z.number().min(0).max(1_000).default(10),
      slippageBps: z.number().min(0).max(1_000).default(5),
    }),
    response: AccountView,
    status: 201,
  }),
  haltAccount: defineCommand({
    name: "haltAccount",
    method: "POST",
    path: "/accounts/{id}/halt",
    tag: "Orders",
    summary: "Kill switch: refuse new orders of the account and cancel its resting ones",
    role: "trader",
    params: ById,
    body: z.strictObject({ reason: z.string().trim().min(1).max(500) }),
    response: AccountView.extend({ cancelledOrders: z.int(), notCancelled: z.array(Id) }),
  }),
  resumeAccount: defineCommand({
    name: "resumeAccount",
    method: "POST",
    path: "/accounts/{id}/resume",
    tag: "Orders",
    summary: "Lift the kill switch",
    role: "operator",
    scope: "tenant",
    params: ById,
    response: AccountView,
  }),
};

/** An account as its venue needs it. */
export interface VenueAccount {
  id: string;
  tenantId: string;
  venue: string;
  currency: string;
  /** Decimal text. */
  feeBps: string;
  slippageBps: string;
}

/** A venue that also fills by itself when told that time has passed: paper. */
export interface SettlingVenue extends ExecutionVenue {
  /** Matches resting orders with prices later than each order; returns how many fills were made. */
  settle(signal: AbortSignal): Promise<number>;
}

/** How orders reach venues; wired by the apps. */
export interface VenueDirectory {
  /** Throws AppError `venue.unavailable` for a venue that is not configured. */
  open(account: VenueAccount): ExecutionVenue | SettlingVenue;
}

/** How other features read the accounts of a tenant. */
export interface PortfolioReader {
  portfolio(tenantId: string, accountId?: string): Promise<z.output<typeof Portfolio>>;
  /** Orders, newest first; of one status, or of all. */
  orders(tenantId: string, status: OrderStatus | undefined, limit: number): Promise<OrderView[]>;
}
