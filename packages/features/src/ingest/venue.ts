import { AppError } from "@tapedeck/core";
import type { JobContext, ProgressOf, ResultOf, VenueBar } from "@tapedeck/core";
import {
  calendarOf,
  isSessionTimeframe,
  intradayMs,
  sessionBarBounds,
} from "@tapedeck/trading/calendar/index";
import type { Tx } from "../db.ts";
import type { Instrument } from "../series/contract.ts";
import { createBatch } from "./batch.ts";
import type { ingest, IngestPayload, IngestSource } from "./contract.ts";
import { cleanSymbol } from "./convert.ts";
import type { IngestDeps } from "./deps.ts";
import { finish } from "./finish.ts";
import { freshState, loadCheckpoint, loadVenuePage, saveVenuePage } from "./store.ts";
import type { IngestState } from "./store.ts";

type Context = JobContext<ProgressOf<typeof ingest>, Tx>;
type VenueSource = Extract<IngestSource, { kind: "venue" }>;

/** Bars to a request; fewer than any exchange's limit of one page matter not, since a short page only costs one more. */
const pageBars = 500;

/** A venue's bars, page after page from where the last commit ended; a page whose bars have all closed is kept. */
export async function ingestVenue(
  deps: IngestDeps,
  payload: IngestPayload & { source: VenueSource },
  ctx: Context,
): Promise<ResultOf<typeof ingest>> {
  const { source } = payload;
  if (payload.dataKind !== "bars") {
    throw new AppError("payload.invalid", "From venues come bars only: set dataKind to bars.");
  }
  if (source.fromMs >= source.toMs) {
    throw new AppError("payload.invalid", "source.fromMs must be before source.toMs.");
  }
  const bars = deps.barSources(source.venue);
  const instrument = await instrumentOf(deps, payload, ctx.tenantId);
  const label = `${source.venue} ${source.symbol} ${source.timeframe}`;
  const saved = await loadCheckpoint(deps.db, ctx.jobId);
  const state = saved?.state ?? { ...freshState(0, null), nextMs: source.fromMs };
  const batch = createBatch({ writer: deps.seriesWriter, ctx, state });
  const toMs = Math.min(source.toMs, ctx.now());
  const step = stepMs(source.timeframe);
  for (let fromMs = state.nextMs ?? source.fromMs; fromMs < toMs;) {
    ctx.signal.throwIfAborted();
    const page = {
      venue: source.venue,
      symbol: source.symbol,
      timeframe: source.timeframe,
      fromMs,
      toMs: Math.min(fromMs + pageBars * step, toMs),
    };
    const known = await loadVenuePage(deps.db, page);
    const fetched = known ?? (await bars.fetchBars({ ...page, limit: pageBars }, ctx.signal));
    const wanted = fetched.filter((bar) => bar.openMs >= fromMs && bar.openMs < page.toMs);
    take(batch, instrument, source.timeframe, wanted, state, ctx.now());
    // A venue may answer with fewer than asked: go on behind the last; none at all means that it had none then.
    const lastMs = wanted.at(-1)?.openMs;
    const nextMs = lastMs === undefined || lastMs + step >= page.toMs ? page.toMs : lastMs + 1;
    const over = page.toMs <= ctx.now() - 2 * step;
    state.nextMs = nextMs;
    await batch.commit(state.rowsRead + fetched.length, async (tx) => {
      if (known === undefined && over) await saveVenuePage(tx, { ...page, fetchedMs: ctx.now() }, fetched);
    });
    fromMs = nextMs;
    ctx.progress({
      phase: "reading",
      bytesDone: Math.round(((fromMs - source.fromMs) / (toMs - source.fromMs)) * 100),
      bytesTotal: 100,
      rowsDone: state.rowsRead,
      rowsQuarantined: state.quarantined,
    });
  }
  if (state.rowsRead === 0) {
    throw new AppError(
      "data.missing",
      `${source.venue} has no ${source.timeframe} bars of ${source.symbol} between ${new Date(source.fromMs).toISOString()} and ${new Date(toMs).toISOString()}.`,
    );
  }
  ctx.input({
    kind: "venue",
    ref: label,
    label,
    details: { fromMs: source.fromMs, toMs, rows: state.rowsRead },
  });
  return finish(deps, ctx, { space: instrument.space, state, label, mapping: null, notes: [] });
}

/** Bars that are wrong or not closed yet go to the quarantine like rows of a file; `line` counts bars. */
function take(
  batch: ReturnType<typeof createBatch>,
  instrument: Instrument,
  timeframe: string,
  bars: readonly VenueBar[],
  state: IngestState,
  nowMs: number,
): void {
  const calendar = calendarOf(instrument.calendar);
  let lastMs = -Infinity;
  bars.forEach((bar, i) => {
    const { openMs, closeMs } = isSessionTimeframe(timeframe)
      ? sessionBarBounds(calendar, timeframe, calendar.dateOf(bar.openMs))
      : { openMs: bar.openMs, closeMs: bar.openMs + intradayMs(timeframe) };
    const reject = (reason: string, message: string): void =>
      batch.reject({ line: state.rowsRead + i + 1, reason, message, row: JSON.stringify(bar) });
    // The bar that is still forming is no bar yet.
    if (closeMs > nowMs) return;
    if (bar.openMs <= lastMs) return reject("duplicate", "the venue sent a bar of this time already");
    lastMs = bar.openMs;
    const prices = [bar.open, bar.high, bar.low, bar.close];
    if (!prices.every(Number.isFinite)) return reject("price.invalid", "a price is not a number");
    if (bar.high < Math.max(...prices) || bar.low > Math.min(...prices)) {
      return reject("ohlc.violation", "the high is not the highest or the low not the lowest");
    }
    batch.addBar(instrument, timeframe, {
      ...bar,
      volume: Number.isFinite(bar.volume) ? bar.volume : null,
      openMs,
      closeMs,
    });
  });
}

function stepMs(timeframe: string): number {
  if (!isSessionTimeframe(timeframe)) return intradayMs(timeframe);
  const days = { d: 1, w: 7, o: 28 }[timeframe.at(-1) as "d" | "w" | "o"];
  return Number.parseInt(timeframe, 10) * days * 86_400_000;
}

async function instrumentOf(
  deps: IngestDeps,
  payload: IngestPayload & { source: VenueSource },
  tenantId: string,
): Promise<Instrument> {
  const { source, instrument = {} } = payload;
  const space = payload.space === "shared" ? "shared" : tenantId;
  const symbol = instrument.symbol ?? cleanSymbol(source.symbol.replace("/", "-"));
  if (symbol === undefined) {
    throw new AppError(
      "payload.invalid",
      `"${source.symbol}" cannot be a symbol here: say another with instrument.symbol.`,
    );
  }
  const venue = instrument.venue ?? source.venue.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_");
  const instrumentId = `${symbol}.${venue}`;
  const known = (await deps.series.instruments(tenantId)).find((item) => item.instrumentId === instrumentId);
  if (known !== undefined) return { ...known, space };
  return {
    instrumentId,
    symbol,
    venue,
    name: instrument.name ?? source.symbol,
    assetClass: instrument.assetClass ?? (source.symbol.includes(":") ? "perpetual" : "crypto"),
    currency: instrument.currency ?? source.symbol.split(/[/:-]/)[1]?.toUpperCase() ?? "USD",
    calendar: instrument.calendar ?? "24x7",
    tickSize: null,
    lotSize: null,
    minNotional: null,
    space,
  };
}
