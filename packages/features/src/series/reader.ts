import { AppError, isoDate, lastDay, timeframeMs } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { instrumentOfSentiment, sentimentSeries } from "@tapedeck/formula";
import { resampleBars } from "@tapedeck/quant";
import { bucketRule, isSessionTimeframe } from "@tapedeck/trading/calendar/index";
import type { Db } from "../db.ts";
import type { SentimentReader } from "../sentiment/contract.ts";
import { adjustColumns } from "./adjust.ts";
import { meant, tickTimeframe } from "./contract.ts";
import {
  barBytes,
  bufferOf,
  columnsFromPages,
  datasetHash,
  datasetKey,
  slices,
  viewColumns,
} from "./columns.ts";
import type {
  Adjustment,
  DatasetRequest,
  Instrument,
  SeriesCoverage,
  SeriesDataset,
  SeriesReader,
} from "./contract.ts";
import {
  beginningMs,
  endMs,
  findInstruments,
  loadActions,
  loadBarPages,
  loadIndexed,
  loadInstrument,
  loadInstruments,
  loadRevisedBars,
  loadRevisedTrades,
  loadState,
  storeDataset,
  touchDataset,
} from "./store.ts";
import { barsOfTrades, printsOf } from "./tradeBars.ts";
import type { BarPage, IndexKey, SeriesState } from "./store.ts";

const dayMs = 86_400_000;
const mostRevisions = 1_000;

export interface SeriesReaderOptions {
  db: Db;
  blobs: BlobStore;
  now(): number;
  /** What the series `sentiment:AAPL` of formulas is read from; without it there is none. */
  sentiments?: Pick<SentimentReader, "points">;
  /** Datasets kept in this process; the one used longest ago goes first. Default 512 MiB. */
  cacheBytes?: number;
  /** A request for more is refused. Default 20 million. */
  maxBars?: number;
}

/** How every feature reads bars: see SeriesReader. One per process, so that its cache is shared. */
export function createSeriesReader(options: SeriesReaderOptions): SeriesReader {
  const { db, blobs, now, cacheBytes = 512 * 1024 * 1024, maxBars = 20_000_000 } = options;
  const cache = new Map<string, SeriesDataset>();
  let cached = 0;
  const running = new Map<string, Promise<SeriesDataset>>();

  function keep(dataset: SeriesDataset): SeriesDataset {
    const have = cache.get(dataset.hash);
    if (have !== undefined) {
      cache.delete(dataset.hash);
      cache.set(dataset.hash, have);
      return have;
    }
    cache.set(dataset.hash, dataset);
    cached += dataset.buffer.byteLength;
    for (const [hash, old] of cache) {
      if (cached <= cacheBytes || hash === dataset.hash) break;
      cache.delete(hash);
      cached -= old.buffer.byteLength;
    }
    return dataset;
  }

  async function read(hash: string): Promise<SeriesDataset> {
    const have = cache.get(hash);
    if (have !== undefined) return keep(have);
    const row = await db.selectFrom("datasets").selectAll().where("hash", "=", hash).executeTakeFirst();
    if (row === undefined) {
      throw new AppError("data.missing", `There is no dataset ${hash}.`, { details: { datasetHash: hash } });
    }
    const buffer = new SharedArrayBuffer(row.bars * barBytes);
    await blobs.readInto(datasetKey(hash), new Uint8Array(buffer));
    return keep({
      hash,
      instrument: JSON.parse(row.instrument) as Instrument,
      timeframe: row.timeframe,
      timeframeMs: lengthOf(row.timeframe),
      adjustment: row.adjustment as Adjustment,
      asOfMs: row.asOfMs,
      length: row.bars,
      columns: viewColumns(buffer),
      buffer,
    });
  }

  /** Is it there, and will it stay for a day? */
  async function usable({ hash, usedMs }: { hash: string; usedMs: number }): Promise<boolean> {
    if (usedMs < now() - dayMs && !(await touchDataset(db, hash, now()))) return false;
    return cache.has(hash) || (await blobs.size(datasetKey(hash))) !== undefined;
  }

  /** A row each trade. */
  async function loadPrints(request: DatasetRequest): Promise<SeriesDataset> {
    const instrument = await resolve(request.tenantId, request.instrumentId);
    const { fromMs, toMs, adjustment, asOfMs = now() } = request;
    const columns = await printsOf(db, instrument, { fromMs, toMs, asOfMs }, maxBars);
    if (columns === undefined || columns.openMs.length === 0) throw await missing(request, instrument);
    const buffer = bufferOf(columns);
    const actions = adjustment === "raw" ? [] : await loadActions(db, instrument, asOfMs);
    adjustColumns(viewColumns(buffer), actions, adjustment);
    return keepColumns(request, instrument, asOfMs, buffer);
  }

  async function load(request: DatasetRequest): Promise<SeriesDataset> {
    if (request.timeframe === tickTimeframe) return loadPrints(request);
    if (instrumentOfSentiment(request.instrumentId) !== undefined) return loadSentiment(request);
    const state = await loadState(db, request.tenantId, request.instrumentId, request.timeframe);
    if (state === undefined) throw unknownInstrument(request.instrumentId, []);
    const asOfMs = request.asOfMs ?? now();
    const { series, instrument } = state;
    if (series === undefined) {
      const joined = await join(request, instrument, asOfMs);
      if (joined === undefined) throw await missing(request, instrument);
      return joined;
    }
    const latest = asOfMs >= (series.maxVisibleMs ?? endMs) && asOfMs >= (state.actionsMaxMs ?? beginningMs);
    const key: IndexKey = {
      seriesId: series.seriesId,
      adjustment: request.adjustment,
      fromMs: request.fromMs ?? beginningMs,
      toMs: request.toMs ?? endMs,
      asOfMs: latest ? endMs : asOfMs,
    };
    const versions = { dataVersion: series.dataVersion, actionsVersion: state.actionsVersion };
    const found = await loadIndexed(db, key, versions);
    // The file keeps what was said of the instrument when it was made.
    if (found !== undefined && (await usable(found))) return { ...(await read(found.hash)), instrument };
    // A moment that passes by itself (bars still open, asOf absent) is not worth an index row.
    const made = await materialise(
      request,
      state,
      asOfMs,
      latest || request.asOfMs !== undefined ? key : undefined,
    );
    return { ...made, instrument };
  }

  async function materialise(
    request: DatasetRequest,
    before: SeriesState,
    asOfMs: number,
    key: IndexKey | undefined,
  ): Promise<SeriesDataset> {
    const { instrument } = before;
    // One snapshot: bars, actions and the versions that they are indexed under belong together.
    const { pages, actions, state } = await db
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute(async (tx) => {
        const state = await loadState(tx, request.tenantId, request.instrumentId, request.timeframe);
        const pages: BarPage[] = [];
        let bars = 0;
        for await (const page of loadBarPages(tx, {
          seriesId: before.series!.seriesId,
          fromMs: request.fromMs ?? beginningMs,
          toMs: request.toMs ?? endMs,
          asOfMs,
          revised: state?.series?.revised ?? true,
        })) {
          bars += page.bars;
          if (bars > maxBars) {
            throw new AppError(
              "payload.tooLarge",
              `The range holds more than ${maxBars.toLocaleString("en-US")} bars; ask for a shorter one or a longer timeframe.`,
            );
          }
          pages.push(page);
        }
        const actions = request.adjustment === "raw" ? [] : await loadActions(tx, instrument, asOfMs);
        return { pages, actions, state };
      });
    if (pages.length === 0) throw await missing(request, instrument);

    const buffer = columnsFromPages(pages);
    const columns = viewColumns(buffer);
    adjustColumns(columns, actions, request.adjustment);
    return keepColumns(
      request,
      instrument,
      asOfMs,
      buffer,
      key === undefined || state?.series === undefined
        ? undefined
        : {
            ...key,
            dataVersion: state.series.dataVersion,
            actionsVersion: state.actionsVersion,
          },
    );
  }

  /** Stores computed columns under their hash, and the request that found them where it is given. */
  async function keepColumns(
    request: DatasetRequest,
    instrument: Instrument,
    asOfMs: number,
    buffer: SharedArrayBuffer,
    index?: Omit<NonNullable<Parameters<typeof storeDataset>[2]>, "hash">,
  ): Promise<SeriesDataset> {
    const columns = viewColumns(buffer);
    const { timeframe, adjustment } = request;
    const named = { space: instrument.space, instrumentId: instrument.instrumentId, timeframe, adjustment };
    const hash = datasetHash(named, buffer);
    const blobKey = datasetKey(hash);
    if ((await blobs.size(blobKey)) !== buffer.byteLength) await blobs.put(blobKey, stream(buffer));
    const length = columns.openMs.length;
    await storeDataset(
      db,
      {
        ...named,
        hash,
        asOfMs,
        bars: length,
        fromMs: columns.openMs[0]!,
        toMs: columns.closeMs[length - 1]!,
        instrument: JSON.stringify(instrument),
        createdMs: now(),
        usedMs: now(),
      },
      index === undefined ? undefined : { ...index, hash },
    );
    return keep({
      hash,
      instrument,
      timeframe,
      timeframeMs: lengthOf(timeframe),
      adjustment,
      asOfMs,
      length,
      columns,
      buffer,
    });
  }

  /**
   * Bars of a timeframe that is not stored, from the longest stored one that they are made of, else from trades; undefined
   * where there are neither. A bar is there once it has closed by `asOfMs`.
   */
  async function join(
    request: DatasetRequest,
    instrument: Instrument,
    asOfMs: number,
  ): Promise<SeriesDataset | undefined> {
    const { timeframe, fromMs, toMs } = request;
    // whole bars need the finer ones around the range's ends
    const margin = 2 * timeframeMs(timeframe);
    const finer = await finerBars(
      {
        ...request,
        fromMs: fromMs === undefined ? undefined : fromMs - margin,
        toMs: toMs === undefined ? undefined : toMs + margin,
      },
      instrument,
      asOfMs,
    );
    if (finer === undefined) return undefined;
    const rule = bucketRule(instrument.calendar);
    const bars = resampleBars(
      finer.columns,
      (openMs, closeMs) => {
        const bucket = rule(timeframe, openMs, closeMs);
        const isWanted =
          bucket !== undefined &&
          bucket.startMs >= (fromMs ?? -Infinity) &&
          bucket.startMs < (toMs ?? Infinity);
        return isWanted ? bucket : undefined;
      },
      asOfMs,
    );
    if (bars.openMs.length === 0) return undefined;
    return keepColumns(request, instrument, finer.asOfMs, bufferOf(bars));
  }

  /**
   * What was published about an instrument, a row each moment: openMs and closeMs are it, the prices the mean score, the
   * volume its weight. From the first on, since earlier news still counts in a range's first bar.
   */
  async function loadSentiment(request: DatasetRequest): Promise<SeriesDataset> {
    const { tenantId, timeframe, toMs = endMs } = request;
    const asOfMs = request.asOfMs ?? now();
    const instrument = await resolve(tenantId, request.instrumentId);
    const instrumentId = instrumentOfSentiment(instrument.instrumentId)!;
    // The last bar opens before the range's end and closes after it.
    const untilMs = Math.min(asOfMs, toMs + 2 * timeframeMs(timeframe));
    const points = (await options.sentiments?.points(tenantId, instrumentId, untilMs)) ?? [];
    if (points.length === 0) {
      throw new AppError(
        "data.missing",
        `Nothing is stored that was published about ${instrumentId}${request.asOfMs === undefined ? "" : ` by ${isoDate(asOfMs)}`}, so it has no sentiment. Add documents that name it with POST /api/documents or \`tapedeck document add\`.`,
        { details: { instrumentId } },
      );
    }
    const atMs = Float64Array.from(points, (point) => point.atMs);
    const score = Float64Array.from(points, (point) => point.score);
    const volume = Float64Array.from(points, (point) => point.weight);
    const columns = {
      openMs: atMs,
      closeMs: atMs,
      open: score,
      high: score,
      low: score,
      close: score,
      volume,
    };
    return keepColumns(request, instrument, asOfMs, bufferOf(columns));
  }

  /** Bars that those of the request's timeframe are made of. */
  async function finerBars(
    request: DatasetRequest,
    instrument: Instrument,
    asOfMs: number,
  ): Promise<Pick<SeriesDataset, "columns" | "asOfMs"> | undefined> {
    const { timeframe, fromMs, toMs, adjustment } = request;
    const stored = await coverage(request.tenantId, request.instrumentId);
    const base = stored.findLast((one) => isMadeOf(timeframe, one.timeframe));
    if (base !== undefined) return load({ ...request, timeframe: base.timeframe });
    const columns = await barsOfTrades(db, instrument, { timeframe, fromMs, toMs, asOfMs });
    if (columns === undefined) return undefined;
    if (adjustment !== "raw") adjustColumns(columns, await loadActions(db, instrument, asOfMs), adjustment);
    return { columns, asOfMs };
  }

  async function coverage(tenantId: string, instrumentId: string): Promise<SeriesCoverage[]> {
    const instrument = await loadInstrument(db, tenantId, instrumentId);
    if (instrument === undefined) throw unknownInstrument(instrumentId, []);
    const rows = await db
      .selectFrom("series")
      .select(["timeframe", "fromMs", "toMs", "rows"])
      .where("space", "=", instrument.space)
      .where("instrumentId", "=", instrumentId)
      .where("kind", "=", "bars")
      .where("rows", ">", 0)
      .execute();
    return rows
      .map((row) => ({ timeframe: row.timeframe, fromMs: row.fromMs!, toMs: row.toMs!, bars: row.rows }))
      .sort((a, b) => timeframeMs(a.timeframe) - timeframeMs(b.timeframe));
  }

  async function missing(request: DatasetRequest, instrument: Instrument): Promise<AppError> {
    const { asOfMs = endMs } = request;
    // What is stored from after asOf is not told either.
    const have = (await coverage(request.tenantId, instrument.instrumentId))
      .filter((item) => item.fromMs < asOfMs)
      .map(({ timeframe, fromMs, toMs }) => ({ timeframe, fromMs, toMs: Math.min(toMs, asOfMs) }));
    const range = [
      request.fromMs === undefined ? "" : ` from ${isoDate(request.fromMs)}`,
      request.toMs === undefined ? "" : ` to ${lastDay(request.toMs)}`,
      request.asOfMs === undefined ? "" : `, as known on ${isoDate(request.asOfMs)}`,
    ].join("");
    const there =
      have.length === 0
        ? "No bars of it are stored."
        : `Stored are ${have
            .map((item) => `${item.timeframe} (${isoDate(item.fromMs)} to ${lastDay(item.toMs)})`)
            .join(", ")}.`;
    return new AppError(
      "data.missing",
      `There are no ${request.timeframe === tickTimeframe ? "trades" : `${request.timeframe} bars`} of ${instrument.instrumentId}${range}. ${there} Ingest them with POST /api/ingests or \`tapedeck import\`.`,
      {
        details: {
          instrumentId: instrument.instrumentId,
          timeframe: request.timeframe,
          fromMs: request.fromMs,
          toMs: request.toMs,
          coverage: have,
        },
      },
    );
  }

  async function resolve(tenantId: string, ref: string): Promise<Instrument> {
    const text = ref.trim();
    const about = instrumentOfSentiment(text);
    if (about !== undefined) {
      const instrument = await resolve(tenantId, about);
      return {
        ...instrument,
        instrumentId: sentimentSeries(instrument.instrumentId),
        symbol: sentimentSeries(instrument.symbol),
        name: `Sentiment of ${instrument.name}`,
      };
    }
    const exact = await loadInstrument(db, tenantId, text.toUpperCase());
    if (exact !== undefined) return exact;
    const found = meant(await findInstruments(db, tenantId, text));
    if (found.length === 1) return found[0]!;
    const candidates = found.map((instrument) => instrument.instrumentId);
    if (found.length > 1) {
      throw new AppError(
        "symbol.ambiguous",
        `"${text}" may be ${candidates.join(" or ")}; write which one.`,
        {
          details: { candidates },
        },
      );
    }
    const all = await loadInstruments(db, tenantId);
    throw unknownInstrument(text, nearest(text, all));
  }

  return {
    resolve,
    coverage,
    async actions(tenantId, instrumentId, asOfMs = now()) {
      const instrument = await loadInstrument(db, tenantId, instrumentId);
      if (instrument === undefined) throw unknownInstrument(instrumentId, []);
      return loadActions(db, instrument, asOfMs);
    },
    instruments: (tenantId) => loadInstruments(db, tenantId),
    byHash: read,
    async revisions({
      tenantId,
      instrumentId,
      timeframe,
      fromMs = beginningMs,
      toMs = endMs,
      asOfMs = now(),
    }) {
      const instrument = await loadInstrument(db, tenantId, instrumentId);
      if (instrument === undefined) throw unknownInstrument(instrumentId, []);
      const stored = await coverage(tenantId, instrumentId);
      const base =
        stored.find((one) => one.timeframe === timeframe) ??
        stored.findLast((one) => timeframe !== tickTimeframe && isMadeOf(timeframe, one.timeframe));
      const range = { fromMs, toMs, asOfMs, limit: mostRevisions };
      return base === undefined
        ? loadRevisedTrades(db, instrument, range)
        : loadRevisedBars(db, instrument, base.timeframe, range);
    },
    async dataset(request, signal) {
      signal?.throwIfAborted();
      // Equal requests share one load; a caller that gives up does not stop it for the others.
      const key = JSON.stringify([
        request.tenantId,
        request.instrumentId,
        request.timeframe,
        request.fromMs,
        request.toMs,
        request.adjustment,
        request.asOfMs,
      ]);
      let loading = running.get(key);
      if (loading === undefined) {
        loading = load(request).finally(() => running.delete(key));
        running.set(key, loading);
      }
      return signal === undefined ? loading : orAborted(loading, signal);
    },
  };
}

const lengthOf = (timeframe: string) => (timeframe === tickTimeframe ? 0 : timeframeMs(timeframe));

/** Whether bars of one timeframe join to whole bars of another. */
function isMadeOf(timeframe: string, finer: string): boolean {
  const [length, part] = [timeframeMs(timeframe), timeframeMs(finer)];
  if (part >= length) return false;
  if (!isSessionTimeframe(timeframe)) return !isSessionTimeframe(finer) && length % part === 0;
  return !isSessionTimeframe(finer) || finer === "1d" || (finer === "1mo" && timeframe.endsWith("mo"));
}

async function* stream(buffer: SharedArrayBuffer): AsyncGenerator<Uint8Array> {
  yield* slices(buffer);
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function unknownInstrument(text: string, candidates: string[]): AppError {
  const hint = candidates.length === 0 ? "" : ` Did you mean ${candidates.join(" or ")}?`;
  return new AppError(
    "symbol.unknown",
    `There is no instrument "${text}".${hint} GET /api/instruments lists what is there; POST /api/ingests or \`tapedeck import\` adds one.`,
    { details: { candidates } },
  );
}

/** Instruments whose symbol begins like the text or whose name holds it. */
function nearest(text: string, all: readonly Instrument[]): string[] {
  const lower = text.toLowerCase();
  return all
    .filter(
      (instrument) =>
        instrument.symbol.toLowerCase().startsWith(lower.slice(0, 2)) ||
        (lower.length > 2 && instrument.name.toLowerCase().includes(lower)),
    )
    .map((instrument) => instrument.instrumentId)
    .slice(0, 5);
}
