import type { Generated } from "kysely";
import type { OrderStatus } from "./contract.ts";

type Side = "buy" | "sell";

/** `numeric` columns are decimal text. */
export interface OrdersTables {
  accounts: {
    id: string;
    tenantId: string;
    name: string;
    venue: string;
    simulated: boolean;
    currency: string;
    initialCash: string;
    cash: string;
    /** Paid so far. */
    fees: string;
    halted: boolean;
    haltReason: string | null;
    maxOrderNotional: string | null;
    maxPositionNotional: string | null;
    feeBps: string;
    slippageBps: string;
    createdMs: number;
  };
  orders: {
    /** The id of the execute job that placed it. */
    id: string;
    tenantId: string;
    accountId: string;
    clientOrderId: string;
    venueOrderId: string | null;
    venue: string;
    simulated: boolean;
    instrumentId: string;
    currency: string;
    side: Side;
    type: "market" | "limit";
    quantity: string;
    limitPrice: string | null;
    timeInForce: "gtc" | "ioc" | "fok";
    /** Price at which cash is kept for what is left of a buy; null for a sell. */
    reservePrice: string | null;
    /** The last price on file when it was checked, and the close of the bar that it is of. */
    referencePrice: string;
    referenceMs: number;
    status: OrderStatus;
    filledQuantity: string;
    averagePrice: string | null;
    reason: string | null;
    createdMs: number;
    sentMs: number | null;
    updatedMs: number;
    submittedBy: string;
  };
  fills: {
    id: string;
    tenantId: string;
    accountId: string;
    orderId: string;
    venue: string;
    simulated: boolean;
    tradeId: string;
    instrumentId: string;
    side: Side;
    price: string;
    quantity: string;
    fee: string;
    currency: string;
    /** Profit that it realised, fees off. */
    realised: string;
    eventMs: number;
    recordedMs: number;
  };
  positions: {
    accountId: string;
    instrumentId: string;
    quantity: string;
    realised: string;
    updatedMs: number;
  };
  lots: {
    accountId: string;
    instrumentId: string;
    fillId: string;
    openedMs: number;
    /** Opening order. */
    sequence: Generated<number>;
    quantity: string;
    price: string;
    cost: string;
  };
}
