import { AppError, decimal, splitInstrumentId } from "@tapedeck/core";
import type {
  ExecutionVenue,
  VenueFill,
  VenueOrder,
  VenueOrderReport,
  VenueOrderStatus,
} from "@tapedeck/core";
import type * as CcxtModule from "ccxt";
import type { Exchange, Order, Trade } from "ccxt";

export interface CcxtVenueOptions {
  /** As accounts name it. */
  id: string;
  /** ccxt's name of the exchange. */
  exchange: string;
  apiKey: string;
  secret: string;
  /** Real money. Default false: the exchange's testnet, or an error where it has none. */
  live?: boolean;
  /** Another host with the exchange's paths; for tests. */
  baseUrl?: string;
  /** Longest wait for one answer. Default 10 000. */
  timeoutMs?: number;
  /** How long after a request was signed the exchange still takes it. Default 5 000. */
  recvWindowMs?: number;
}

const statuses: Record<string, VenueOrderStatus> = {
  open: "accepted",
  closed: "filled",
  canceled: "cancelled",
  expired: "expired",
  rejected: "rejected",
};

type Ccxt = typeof CcxtModule;

/** An exchange of ccxt as a venue. ccxt and its markets are loaded on the first call. */
export function createCcxtVenue(options: CcxtVenueOptions): ExecutionVenue {
  const { timeoutMs = 10_000, recvWindowMs = 5_000 } = options;
  let opening: Promise<{ exchange: Exchange; ccxt: Ccxt }> | undefined;

  async function open() {
    opening ??= openExchange(options, timeoutMs, recvWindowMs).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return await opening;
  }

  /** ccxt takes no signal: the wait ends with it, the request by ccxt's own timeout. */
  async function call<T>(
    signal: AbortSignal,
    ask: (exchange: Exchange, ccxt: Ccxt) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    const run = async () => {
      const { exchange, ccxt } = await open();
      return await ask(exchange, ccxt);
    };
    return await Promise.race([run(), aborted]);
  }

  async function fetchReport(
    exchange: Exchange,
    clientOrderId: string,
    symbol: string,
  ): Promise<VenueOrderReport> {
    const order = await exchange.fetchOrder(undefined as unknown as string, symbol, { clientOrderId });
    return await reportOf(exchange, order, clientOrderId, symbol);
  }

  /** Undefined when the exchange says that it does not know the order. */
  async function fetchKnown(exchange: Exchange, ccxt: Ccxt, clientOrderId: string, symbol: string) {
    try {
      return await fetchReport(exchange, clientOrderId, symbol);
    } catch (error) {
      if (error instanceof ccxt.OrderNotFound) return undefined;
      throw translate(ccxt, error, true);
    }
  }

  return {
    id: options.id,
    simulated: options.live !== true,
    // Clocks may differ by a second without the exchange refusing everything.
    inFlightMs: recvWindowMs + 1_000,

    submit: (order: VenueOrder, signal) =>
      call(signal, async (exchange, ccxt) => {
        const symbol = symbolOf(order.instrumentId);
        try {
          // Decimal text passes through ccxt's own text arithmetic unchanged; a number might not.
          const placed = await exchange.createOrder(
            symbol,
            order.type,
            order.side,
            order.quantity as unknown as number,
            order.limitPrice as unknown as number | undefined,
            {
              clientOrderId: order.clientOrderId,
              ...(order.type === "limit" ? { timeInForce: (order.timeInForce ?? "gtc").toUpperCase() } : {}),
            },
          );
          return await reportOf(exchange, placed, order.clientOrderId, symbol);
        } catch (error) {
          const refusal = translate(ccxt, error, false);
          const refused = refusal instanceof AppError && refusal.code === "order.rejected";
          if (!refused || error instanceof ccxt.AuthenticationError) throw refusal;
          // A refusal may mean that the order is there already; exchanges have no common word for that.
          const known = await fetchKnown(exchange, ccxt, order.clientOrderId, symbol);
          if (known === undefined) throw refusal;
          return known;
        }
      }),

    cancel: (clientOrderId, instrumentId, signal) =>
      call(signal, async (exchange, ccxt) => {
        const symbol = symbolOf(instrumentId);
        await translated(
          ccxt,
          () => exchange.cancelOrder(undefined as unknown as string, symbol, { clientOrderId }),
          false,
        );
        return await translated(ccxt, () => fetchReport(exchange, clientOrderId, symbol), true);
      }),

    fetchOrder: (clientOrderId, instrumentId, signal) =>
      call(signal, (exchange, ccxt) => fetchKnown(exchange, ccxt, clientOrderId, symbolOf(instrumentId))),
  };
}

/** `BTC-USDT.BINANCE` is `BTC/USDT` there. */
function symbolOf(instrumentId: string): string {
  return splitInstrumentId(instrumentId).symbol.replace("-", "/");
}

async function openExchange(options: CcxtVenueOptions, timeoutMs: number, recvWindowMs: number) {
  const ccxt = await import("ccxt");
  const classes = ccxt.exchanges as unknown as Record<string, (new (config: object) => Exchange) | undefined>;
  const Class = Object.hasOwn(classes, options.exchange) ? classes[options.exchange] : undefined;
  if (Class === undefined) {
    throw new AppError("venue.unavailable", `ccxt has no exchange ${options.exchange}.`);
  }
  const exchange = new Class({
    apiKey: options.apiKey,
    secret: options.secret,
    timeout: timeoutMs,
    enableRateLimit: true,
    options: {
      recvWindow: recvWindowMs,
      defaultType: "spot",
      fetchCurrencies: false,
      fetchMargins: false,
      fetchMarkets: { types: ["spot"] },
    },
  });
  if (options.baseUrl !== undefined) redirect(exchange, options.baseUrl);
  else if (options.live !== true) {
    if (exchange.urls["test"] === undefined) {
      throw new AppError(
        "venue.unavailable",
        `${options.exchange} has no testnet; orders there need live: true.`,
      );
    }
    exchange.setSandboxMode(true);
  }
  await translated(ccxt, () => exchange.loadMarkets(), true);
  return { exchange, ccxt };
}

/** Every address of the exchange, on another host. */
function redirect(exchange: Exchange, baseUrl: string): void {
  const move = (value: unknown): unknown => {
    if (typeof value === "string") return new URL(new URL(value).pathname, baseUrl).href.replace(/\/$/, "");
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, move(inner)]));
  };
  exchange.urls["api"] = move(exchange.urls["api"]) as Exchange["urls"]["api"];
}

/**
 * ccxt's errors as ours. A read that fails in any way is no answer; a submit is a clear no only when the exchange
 * itself said so, and no answer when the request may have arrived.
 */
function translate(ccxt: Ccxt, error: unknown, reading: boolean): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof ccxt.OperationFailed || reading) {
    return new AppError("venue.unavailable", "The venue did not answer.", { retryable: true, cause: error });
  }
  if (error instanceof ccxt.BaseError) {
    return new AppError("order.rejected", `The venue refused the order: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return error;
}

async function translated<T>(ccxt: Ccxt, ask: () => Promise<T>, reading: boolean): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw translate(ccxt, error, reading);
  }
}

/** The exchange's own words where its answer has them; never an address, which may hold a signature. */
function reasonOf(error: Error): string {
  const match = /"msg"\s*:\s*"([^"]{1,300})"/.exec(error.message);
  return match?.[1]?.replace(/\.$/, "") ?? error.name;
}

async function reportOf(
  exchange: Exchange,
  order: Order,
  clientOrderId: string,
  symbol: string,
): Promise<VenueOrderReport> {
  const filled = decimal(order.filled ?? 0);
  const trades = filled.gt(0)
    ? await exchange.fetchMyTrades(symbol, undefined, 1_000, { orderId: order.id })
    : [];
  if (order.id === undefined) {
    throw new AppError("venue.unavailable", "The venue's answer names no order id.", { retryable: true });
  }
  const status = statuses[order.status ?? "open"];
  if (status === undefined) {
    throw new AppError(
      "venue.unavailable",
      `The venue names an order state that is not known: ${order.status}.`,
    );
  }
  return {
    clientOrderId,
    venueOrderId: order.id,
    status: status === "accepted" && filled.gt(0) ? "partiallyFilled" : status,
    filledQuantity: filled.toFixed(),
    fills: trades.filter((trade) => trade.order === order.id).map((trade) => fillOf(trade, clientOrderId)),
  };
}

function fillOf(trade: Trade, clientOrderId: string): VenueFill {
  const { id, price, amount, timestamp } = trade;
  if (id === undefined || price === undefined || amount === undefined || timestamp === undefined) {
    throw new AppError("venue.unavailable", "The venue's list of fills cannot be read.", { retryable: true });
  }
  return {
    tradeId: id,
    clientOrderId,
    price: decimal(price).toFixed(),
    quantity: decimal(amount).toFixed(),
    fee: decimal(trade.fee?.cost ?? 0).toFixed(),
    feeCurrency: trade.fee?.currency ?? "",
    eventMs: timestamp,
  };
}
