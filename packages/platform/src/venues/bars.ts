import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type { BarSource, Log, VenueBar } from "@tapedeck/core";
import type { Exchange } from "ccxt";

export interface BarSourcesOptions {
  log: Log;
  /** Other addresses of exchanges' public REST servers, by exchange id. */
  urls?: Readonly<Record<string, string>>;
  /** Of one request. Default 20 s. */
  timeoutMs?: number;
  /** Requests for one page before giving up. Default 5. */
  attempts?: number;
  /** First pause after a refusal that names none; doubled each time. Default 1 s. */
  pauseMs?: number;
  /**
   * Waits for this deployment's turn at a venue that is to be asked every `everyMs` at most. Default: none, the limit
   * holds in this process alone.
   */
  pace?: (venue: string, everyMs: number, signal: AbortSignal) => Promise<void>;
}

/** A venue that asks for a longer pause than this gets the job back later. */
const longestPauseMs = 120_000;

/** Between requests to an exchange of which ccxt does not say how many it takes. */
const cautiousMs = 1_000;

/** `exchange=URL` items of the configuration as a record. */
export function venueUrls(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)]),
  );
}

/** Every address of an exchange's public servers, with this one's origin in front of its path. */
export function moveAddresses(value: unknown, origin: string): unknown {
  if (typeof value === "string") {
    if (!URL.canParse(value)) return value;
    const { pathname, search } = new URL(value);
    return `${origin}${pathname === "/" ? "" : pathname}${search}`;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, moveAddresses(item, origin)]));
}

/** ccxt is large: it is loaded by the first request, not by the start. */
async function loadCcxt() {
  const { default: ccxt } = await import("ccxt");
  return ccxt;
}

/**
 * Bars of any exchange that ccxt knows, by its id: public data, no keys. Requests of one exchange go through one
 * object of this process, so that its rate limit holds over all jobs here; `pace` makes it hold over all processes.
 */
export function createBarSources(options: BarSourcesOptions): (venue: string) => BarSource {
  const { log, urls = {}, timeoutMs = 20_000, attempts = 5, pauseMs = 1_000 } = options;
  const exchanges = new Map<string, Promise<Exchange>>();

  async function open(venue: string): Promise<Exchange> {
    const ccxt = await loadCcxt();
    if (!ccxt.exchanges.includes(venue)) {
      const like = ccxt.exchanges.filter((id) => id.startsWith(venue.slice(0, 3)));
      throw new AppError(
        "payload.invalid",
        `There is no exchange "${venue}".${like.length === 0 ? "" : ` Did you mean ${like.join(", ")}?`} The ${ccxt.exchanges.length} ids are ccxt's.`,
        { details: { candidates: like } },
      );
    }
    const Class = (ccxt as unknown as Record<string, new (config: object) => Exchange>)[venue]!;
    const exchange = new Class({ enableRateLimit: true, timeout: timeoutMs });
    // Currencies need keys on some exchanges and are not needed for bars.
    exchange.has["fetchCurrencies"] = false;
    const origin = urls[venue];
    if (origin !== undefined) {
      const addresses = exchange.urls as Record<string, unknown>;
      addresses["api"] = moveAddresses(addresses["api"], origin.replace(/\/$/, ""));
    }
    if (exchange.has["fetchOHLCV"] !== true) {
      throw new AppError("payload.invalid", `The exchange ${venue} has no bars of its own.`);
    }
    return exchange;
  }

  async function exchangeOf(venue: string): Promise<Exchange> {
    let exchange = exchanges.get(venue);
    if (exchange === undefined) {
      exchange = open(venue);
      exchanges.set(venue, exchange);
      exchange.catch(() => exchanges.delete(venue));
    }
    return exchange;
  }

  /** Again after a pause when the venue is busy or does not answer; anything else it says is final. */
  async function patiently<T>(
    venue: string,
    exchange: Exchange,
    signal: AbortSignal,
    request: () => Promise<T>,
  ): Promise<T> {
    const ccxt = await loadCcxt();
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        await options.pace?.(venue, exchange.rateLimit ?? cautiousMs, signal);
        return await orAborted(request(), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ccxt.BadSymbol) throw noSymbol(venue, error);
        if (!(error instanceof ccxt.NetworkError)) {
          throw new AppError("venue.unavailable", `${venue} refuses the request: ${plainMessage(error)}.`, {
            cause: error,
          });
        }
        const asked = retryAfterMs(exchange);
        if (attempt >= attempts || (asked !== undefined && asked > longestPauseMs)) {
          throw new AppError(
            "venue.unavailable",
            `${venue} did not answer ${attempt} requests: ${plainMessage(error)}.`,
            {
              retryable: true,
              cause: error,
            },
          );
        }
        const pause = asked ?? pauseMs * 2 ** (attempt - 1);
        log.warn({ venue, attempt, pauseMs: pause, err: error }, "venue asked again after a pause");
        await orAborted(sleep(pause, undefined, { signal }), signal);
      }
    }
  }

  return (venue) => ({
    id: venue,
    async fetchBars(request, signal): Promise<VenueBar[]> {
      const exchange = await exchangeOf(venue);
      if (exchange.markets === undefined) {
        await patiently(venue, exchange, signal, () => exchange.loadMarkets());
      }
      const frames = exchange.timeframes as Record<string, unknown>;
      const timeframe = request.timeframe.replace(/mo$/, "M");
      if (Object.keys(frames).length > 0 && frames[timeframe] === undefined) {
        throw new AppError(
          "payload.invalid",
          `${venue} has no ${request.timeframe} bars; it has ${Object.keys(frames)
            .map((name) => name.replace(/M$/, "mo"))
            .join(", ")}.`,
        );
      }
      if (
        exchange.markets?.[request.symbol] === undefined &&
        exchange.markets_by_id?.[request.symbol] === undefined
      ) {
        throw noSymbol(venue, undefined, request.symbol, nearSymbols(exchange, request.symbol));
      }
      const rows = await patiently(venue, exchange, signal, () =>
        exchange.fetchOHLCV(request.symbol, timeframe, request.fromMs, request.limit, {
          until: request.toMs - 1,
        }),
      );
      return rows
        .map(([openMs, open, high, low, close, volume]) => ({
          openMs: Number(openMs),
          open: Number(open),
          high: Number(high),
          low: Number(low),
          close: Number(close),
          volume: Number(volume ?? Number.NaN),
        }))
        .sort((a, b) => a.openMs - b.openMs);
    },
  });
}

/** What the work gives; the signal's reason once that aborts, though the work may go on. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What the last answer's Retry-After asks for. */
function retryAfterMs(exchange: Exchange): number | undefined {
  const headers = (exchange.last_response_headers ?? {}) as Record<string, string>;
  const value = Object.entries(headers).find(([name]) => name.toLowerCase() === "retry-after")?.[1];
  const seconds = Number(value);
  return value === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1_000;
}

/** An exchange's words without addresses and bodies. */
function plainMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : "unknown error";
  return text
    .replaceAll(/https?:\/\/\S+/g, "")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}

function noSymbol(venue: string, cause: unknown, symbol?: string, candidates: string[] = []): AppError {
  const what = symbol === undefined ? "the symbol" : `"${symbol}"`;
  const hint = candidates.length === 0 ? "" : ` Did you mean ${candidates.join(" or ")}?`;
  return new AppError("symbol.unknown", `${venue} does not trade ${what}.${hint}`, {
    cause,
    details: { candidates },
  });
}

function nearSymbols(exchange: Exchange, symbol: string): string[] {
  const bare = symbol.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
  return Object.keys(exchange.markets ?? {})
    .filter((name) => name.replaceAll(/[^A-Z0-9]/g, "").startsWith(bare.slice(0, 6)))
    .slice(0, 5);
}
