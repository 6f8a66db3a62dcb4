import {
  DecimalString,
  defineCommand,
  defineQuery,
  EpochMs,
  InstrumentId,
  InstrumentRef,
  pageOf,
  PageQuery,
  Timeframe,
} from "@tapedeck/core";
import * as z from "zod";
import type { Tx } from "../db.ts";

export const AssetClass = z.enum(["equity", "index", "crypto", "perpetual", "future", "fx", "fund", "other"]);
export const CalendarId = z.enum(["XNYS", "XNSE", "24x5", "24x7"]);

export const Instrument = z
  .object({
    instrumentId: InstrumentId,
    symbol: z.string(),
    venue: z.string(),
    name: z.string(),
    assetClass: AssetClass,
    currency: z.string(),
    calendar: CalendarId,
    /** Decimal text; null where the venue states none. */
    tickSize: z.string().nullable(),
    lotSize: z.string().nullable(),
    minNotional: z.string().nullable(),
    /** "shared", or the tenant's own. */
    space: z.string(),
  })
  .meta({ id: "Instrument" });
export type Instrument = z.output<typeof Instrument>;

/** A time in a query string: RFC 3339, a date, or ms UTC as digits. */
export const QueryTime = z
  .string()
  .max(40)
  .transform((text) => (/^-?\d+$/.test(text) ? Number(text) : text))
  .pipe(EpochMs);

/** raw: as traded. split: prices and volumes on today's shares. total: splits and dividends. */
export const Adjustment = z.enum(["raw", "split", "total"]);
export type Adjustment = z.output<typeof Adjustment>;

/** What a job reads: parsed the same way in analyze, backtest and ask. */
export const SeriesRequest = z.object({
  instrumentId: InstrumentRef,
  timeframe: Timeframe.default("1d"),
  fromMs: EpochMs.optional(),
  toMs: EpochMs.optional(),
  adjustment: Adjustment.default("split"),
  asOf: EpochMs.optional(),
});

/** In the place of a timeframe: trades, a row each. */
export const tickTimeframe = "tick";

export interface DatasetRequest {
  tenantId: string;
  /** An exact id; use `resolve` first for what a person typed. */
  instrumentId: string;
  /** Or `tick`: the stored trades inside sessions, each a bar without length, of which several may be at one time. */
  timeframe: string;
  /** Half-open [fromMs, toMs) on openMs; absent: all there is. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  adjustment: Adjustment;
  /** Absent: now. The newest revision visible then. */
  asOfMs?: number | undefined;
}

/** The columns of a dataset: Float64Array views of one SharedArrayBuffer, `[length]` each. */
export interface SeriesColumns {
  openMs: Float64Array;
  closeMs: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
}

/** Bars [from, to) of columns, one object each; a missing volume is null. */
export function barRowsOf(columns: SeriesColumns, from: number, to: number) {
  return Array.from({ length: to - from }, (_, i) => {
    const at = from + i;
    const volume = columns.volume[at]!;
    return {
      openMs: columns.openMs[at]!,
      closeMs: columns.closeMs[at]!,
      open: columns.open[at]!,
      high: columns.high[at]!,
      low: columns.low[at]!,
      close: columns.close[at]!,
      volume: Number.isNaN(volume) ? null : volume,
    };
  });
}

/** Immutable: named by the hash of its content. */
export interface SeriesDataset {
  hash: string;
  instrument: Instrument;
  timeframe: string;
  /** 0 of trades. */
  timeframeMs: number;
  adjustment: Adjustment;
  asOfMs: number;
  length: number;
  columns: SeriesColumns;
  /** Whole backing store, for handing to threads without copying. */
  buffer: SharedArrayBuffer;
}

/** It touches every bar that closed by `exMs`. ratio: new units for one old. factor: what all before is multiplied by. */
export type CorporateAction =
  | { kind: "split"; exMs: number; ratio: number }
  | { kind: "dividend"; exMs: number; amount: number }
  | { kind: "factor"; exMs: number; priceRatio: number; splitRatio: number };

export interface SeriesCoverage {
  timeframe: string;
  fromMs: number;
  toMs: number;
  bars: number;
}

/** The venue whose prices are made up. */
export const simulatedVenue = "SIMULATED";

/** Of instruments that a name fits, those that are meant: a simulated one only where there is no other. */
export function meant<T extends { venue: string }>(found: readonly T[]): readonly T[] {
  const real = found.filter(({ venue }) => venue !== simulatedVenue);
  return real.length > 0 ? real : found;
}

/** A bar, or a trade, that was put right after its close. */
export interface RevisedRow {
  closeMs: number;
  /** From when its newest revision was visible. */
  visibleMs: number;
}

/** How every feature reads bars. Throws AppError `symbol.unknown`, `symbol.ambiguous` (details.candidates), `data.missing` (says how to ingest). */
export interface SeriesReader {
  /** Splits and dividends known at `asOfMs` (absent: now), in time order. */
  actions(tenantId: string, instrumentId: string, asOfMs?: number): Promise<CorporateAction[]>;
  resolve(tenantId: string, ref: string): Promise<Instrument>;
  dataset(request: DatasetRequest, signal?: AbortSignal): Promise<SeriesDataset>;
  /** What of a dataset's range was revised, of the stored rows that it is made of: oldest first, the first 1,000. */
  revisions(request: DatasetRequest): Promise<RevisedRow[]>;
  /** A dataset that exists already, by its hash (replays, evidence). */
  byHash(hash: string): Promise<SeriesDataset>;
  coverage(tenantId: string, instrumentId: string): Promise<SeriesCoverage[]>;
  instruments(tenantId: string): Promise<Instrument[]>;
}

/** Rows as columns, `[n]` each, every key once. */
export interface BarRows {
  openMs: number[];
  closeMs: number[];
  open: number[];
  high: number[];
  low: number[];
  close: number[];
  volume: (number | null)[];
}

export interface TradeRows {
  eventMs: number[];
  /** Place among the prints of one millisecond, from 0. */
  ordinal: number[];
  price: number[];
  size: number[];
  venue: (string | null)[];
}

/** split: ratio (new shares for one old). dividend: amount a share. factor: what everything before is multiplied by. */
export interface ActionRow {
  exMs: number;
  kind: "split" | "dividend" | "factor";
  ratio: number | null;
  amount: number | null;
  currency: string | null;
  priceRatio: number | null;
  splitRatio: number | null;
}

export interface WriteTarget {
  /** "shared" or a tenant's id. */
  space: string;
  instrumentId: string;
  timeframe: string;
  jobId: string;
  /** When later revisions become visible. */
  recordedMs: number;
}

export interface WriteCounts {
  inserted: number;
  revised: number;
  unchanged: number;
}

export interface SeriesSummary {
  instrumentId: string;
  kind: "bars" | "trades";
  timeframe: string;
  rows: number;
  fromMs: number | null;
  toMs: number | null;
}

/** How bars, trades and actions are written: inside the caller's transaction; equal rows write nothing, changed ones a new revision. */
export interface SeriesWriter {
  /** Leaves one that exists as it is. */
  ensureInstrument(tx: Tx, instrument: Instrument, jobId: string, nowMs: number): Promise<Instrument>;
  writeBars(tx: Tx, target: WriteTarget, rows: BarRows): Promise<WriteCounts>;
  writeTrades(tx: Tx, target: WriteTarget, rows: TradeRows): Promise<WriteCounts>;
  /**
   * Prints of many instruments at once. Those after the last that is stored of their series are copied; the others are
   * written as `writeTrades` does.
   */
  writeLiveTrades(
    tx: Tx,
    target: Omit<WriteTarget, "instrumentId">,
    byInstrument: ReadonlyMap<string, TradeRows>,
  ): Promise<void>;
  /** Bars of many instruments, by timeframe, in two statements however many they are; otherwise as `writeBars`. */
  writeLiveBars(
    tx: Tx,
    target: Omit<WriteTarget, "instrumentId" | "timeframe">,
    byInstrument: ReadonlyMap<string, Partial<Record<string, BarRows>>>,
  ): Promise<void>;
  writeActions(tx: Tx, target: WriteTarget, rows: readonly ActionRow[]): Promise<WriteCounts>;
  summary(target: {
    space: string;
    instrumentId: string;
    kind: "bars" | "trades";
    timeframe: string;
  }): Promise<SeriesSummary | undefined>;
  /** Newest revisions in order, in pages of columns; bounded memory whatever the length. */
  scanBars(target: { space: string; instrumentId: string; timeframe: string }): AsyncIterable<SeriesColumns>;
  /** exMs of the splits that are recorded. */
  splitTimes(space: string, instrumentId: string): Promise<number[]>;
}

/** An instrument and what is stored of it. */
export const InstrumentDetails = Instrument.extend({
  series: z.array(
    z.object({
      kind: z.enum(["bars", "trades"]),
      timeframe: z.string(),
      rows: z.int(),
      fromMs: z.int(),
      toMs: z.int(),
      /** The job that changed it last. */
      jobId: z.string().nullable(),
    }),
  ),
  actions: z.array(
    z.object({
      exMs: z.int(),
      kind: z.enum(["split", "dividend", "factor"]),
      ratio: z.number().nullable(),
      amount: z.number().nullable(),
      currency: z.string().nullable(),
      priceRatio: z.number().nullable(),
      splitRatio: z.number().nullable(),
    }),
  ),
}).meta({ id: "InstrumentDetails" });

/** A page of bars, as columns; the newest bar is last. Null is a missing volume. */
export const BarPageView = z
  .object({
    instrumentId: InstrumentId,
    timeframe: z.string(),
    adjustment: Adjustment,
    asOfMs: z.int(),
    /** Of the whole range that was asked for. */
    datasetHash: z.string(),
    /** Bars in the whole range. */
    bars: z.int(),
    openMs: z.array(z.int()),
    closeMs: z.array(z.int()),
    open: z.array(z.number()),
    high: z.array(z.number()),
    low: z.array(z.number()),
    close: z.array(z.number()),
    volume: z.array(z.number().nullable()),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: "Bars" });

export const TradePageView = z
  .object({
    items: z.array(
      z.object({
        eventMs: z.int(),
        price: z.number(),
        size: z.number(),
        venue: z.string().nullable(),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: "Trades" });

/** ISO 4217, or a coin. */
export const Currency = z
  .string()
  .regex(/^[A-Z0-9]{2,10}$/, "a currency is 2 to 10 capitals or digits, such as USD");

const increment = DecimalString.nullable().optional();

/** What is given is changed; null takes an increment away. */
export const InstrumentPatch = z
  .strictObject({
    name: z.string().trim().min(1).max(200).optional(),
    assetClass: AssetClass.optional(),
    /** Stays once orders were placed in it. */
    currency: Currency.optional(),
    /** Stays once bars of a day or longer are stored, which are timed by it. */
    calendar: CalendarId.optional(),
    tickSize: increment,
    lotSize: increment,
    minNotional: increment,
  })
  .refine((patch) => Object.keys(patch).length > 0, "say what is to change")
  .meta({ id: "InstrumentPatch" });
export type InstrumentPatch = z.output<typeof InstrumentPatch>;

const refParams = z.object({ id: InstrumentRef });

export const seriesRoutes = {
  listInstruments: defineQuery({
    name: "listInstruments",
    path: "/instruments",
    tag: "Instruments",
    summary: "Instruments that the caller sees, by id; q searches symbol and name",
    role: "viewer",
    query: PageQuery.extend({ q: z.string().max(100).optional(), assetClass: AssetClass.optional() }),
    response: pageOf(Instrument),
  }),
  getInstrument: defineQuery({
    name: "getInstrument",
    path: "/instruments/{id}",
    tag: "Instruments",
    summary: "One instrument, its series and its corporate actions",
    role: "viewer",
    params: refParams,
    response: InstrumentDetails,
  }),
  patchInstrument: defineCommand({
    name: "patchInstrument",
    method: "PATCH",
    path: "/instruments/{id}",
    tag: "Instruments",
    summary: "Change what is said of an instrument: name, class, currency, calendar, increments",
    role: "analyst",
    params: refParams,
    body: InstrumentPatch,
    response: Instrument,
  }),
  getBars: defineQuery({
    name: "getBars",
    path: "/bars/{id}",
    tag: "Instruments",
    summary: "Bars as columns, oldest first; the ETag is the dataset's content hash",
    role: "viewer",
    params: refParams,
    query: z.object({
      timeframe: Timeframe.default("1d"),
      from: QueryTime.optional(),
      to: QueryTime.optional(),
      adjustment: Adjustment.default("split"),
      asOf: QueryTime.optional(),
      limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
      cursor: z.string().max(100).optional(),
      /** Without a cursor: start with the newest bars instead of the oldest. */
      last: z.stringbool().optional(),
    }),
    response: BarPageView,
  }),
  getTrades: defineQuery({
    name: "getTrades",
    path: "/trades/{id}",
    tag: "Instruments",
    summary: "Trade prints, oldest first",
    role: "viewer",
    params: refParams,
    query: z.object({
      from: QueryTime.optional(),
      to: QueryTime.optional(),
      asOf: QueryTime.optional(),
      limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
      cursor: z.string().max(100).optional(),
    }),
    response: TradePageView,
  }),
};
