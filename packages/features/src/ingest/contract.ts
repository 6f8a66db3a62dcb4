import {
  AnswerPath,
  AppError,
  defineCommand,
  defineJob,
  defineQuery,
  EpochMs,
  Id,
  pageOf,
  PageQuery,
  Timeframe,
} from "@tapedeck/core";
import type { BarSource } from "@tapedeck/core";
import * as z from "zod";
import { AssetClass, CalendarId, Currency } from "../series/contract.ts";

const VenueName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{1,19}$/, "a venue is 2 to 20 capitals, digits or _, such as XNYS")
  .meta({ examples: ["XNYS"] });
const Symbol = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z0-9^][A-Z0-9._^/-]{0,39}$/, "a symbol is capitals, digits and . _ ^ / -")
  .meta({ examples: ["SPY"] });

const Member = z.union([z.string().max(200), z.int().min(0)]);
const members = { open: Member, high: Member, low: Member, close: Member, volume: Member };
const barMembers = z.strictObject(members).partial().required({ close: true }).shape;

/** Where a REST answer has its bars. */
export const BarsAnswer = z.discriminatedUnion("rows", [
  /** A list of times, and one beside it for each price. */
  z.strictObject({
    rows: z.literal("columns"),
    time: AnswerPath,
    open: AnswerPath.optional(),
    high: AnswerPath.optional(),
    low: AnswerPath.optional(),
    close: AnswerPath,
    volume: AnswerPath.optional(),
  }),
  /** An object by time, whose members name the prices. */
  z.strictObject({ rows: z.literal("keyed"), at: AnswerPath, ...barMembers }),
  /** A list of objects, or of lists. */
  z.strictObject({ rows: z.literal("list"), at: AnswerPath, time: Member, ...barMembers }),
]);
export type BarsAnswer = z.output<typeof BarsAnswer>;

const yahooQuote = (name: string) => ["chart", "result", 0, "indicators", "quote", 0, name];
const alphaVantage = {
  open: "1. open",
  high: "2. high",
  low: "3. low",
  close: "4. close",
  volume: "5. volume",
};

/**
 * Answers in the form of Yahoo's chart (`/v8/finance/chart/AAPL?interval=1d&range=1y`) and of Alpha Vantage's time series
 * (https://www.alphavantage.co/documentation/).
 */
export const presetAnswers = {
  yahoo: {
    rows: "columns",
    time: ["chart", "result", 0, "timestamp"],
    open: yahooQuote("open"),
    high: yahooQuote("high"),
    low: yahooQuote("low"),
    close: yahooQuote("close"),
    volume: yahooQuote("volume"),
  },
  alphavantageDaily: { rows: "keyed", at: ["Time Series (Daily)"], ...alphaVantage },
  alphavantageIntraday: { rows: "keyed", at: ["Time Series (5min)"], ...alphaVantage },
} as const satisfies Record<string, BarsAnswer>;

export const IngestSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("upload"), uploadId: Id }),
  z.strictObject({
    kind: z.literal("file"),
    /** Below the server's import folder. */
    path: z.string().min(1).max(1_000),
  }),
  z.strictObject({ kind: z.literal("bundled"), name: z.enum(["sp500", "stocks"]) }),
  z.strictObject({
    kind: z.literal("venue"),
    /** A ccxt exchange id, such as binance. */
    venue: z.string().regex(/^[a-z][a-z0-9_]{1,39}$/),
    /** As the venue writes it, such as BTC/USDT. */
    symbol: z.string().min(1).max(60),
    timeframe: Timeframe,
    fromMs: EpochMs,
    toMs: EpochMs,
  }),
  z.strictObject({
    kind: z.literal("rest"),
    /** Asked once; a key may stand in it and is never shown. */
    url: z.url({ protocol: /^https?$/ }).max(2_000),
    answer: z.union([z.enum(["yahoo", "alphavantageDaily", "alphavantageIntraday"]), BarsAnswer]),
  }),
]);
export type IngestSource = z.output<typeof IngestSource>;
export type RestSource = Extract<IngestSource, { kind: "rest" }>;

/** What a column of the source can be. */
export const columnRoles = [
  "date",
  "time",
  "open",
  "high",
  "low",
  "close",
  "adjclose",
  "volume",
  "price",
  "size",
  "symbol",
  "exchange",
  "priceFactor",
  "splitFactor",
  "reference",
  "action",
  "ratio",
  "amount",
  "currency",
] as const;
export const ColumnRole = z.enum(columnRoles);
export type ColumnRole = z.output<typeof ColumnRole>;

/** bars; trades: public prints; actions: splits and dividends; factors: a price and split factor file; fx: exchange rates. */
export const DataKind = z.enum(["bars", "trades", "actions", "factors", "fx"]);
export type DataKind = z.output<typeof DataKind>;

/** Which end of its bar the source's time is. */
export const Stamp = z.enum(["open", "close"]);

/** Said by the caller; what is left out is guessed and shown. */
export const MappingInput = z.strictObject({
  /** Role to the column's header, or its place as "#1", "#2" … where there is no header. */
  columns: z.partialRecord(ColumnRole, z.string().max(200)).optional(),
  header: z.boolean().optional(),
  delimiter: z.string().length(1).optional(),
  decimal: z.enum([".", ","]).optional(),
  encoding: z.enum(["utf-8", "utf-16le", "utf-16be", "windows-1252"]).optional(),
  /** Of dates like 3/4/2020. */
  dateOrder: z.enum(["mdy", "dmy"]).optional(),
  stamp: Stamp.optional(),
  /** IANA name; for times that say none. */
  timeZone: z.string().max(60).optional(),
  /** wide: one column a symbol, each row one date. */
  layout: z.enum(["long", "wide"]).optional(),
});
export type MappingInput = z.output<typeof MappingInput>;

/** How the source was read, and why where it was guessed. */
export const Mapping = z
  .object({
    format: z.enum(["csv", "parquet"]),
    dataKind: DataKind,
    columns: z.partialRecord(ColumnRole, z.string()),
    /** Columns that are not used. */
    unused: z.array(z.string()),
    layout: z.enum(["long", "wide"]),
    /** Of a wide source: its symbols' columns. */
    symbolColumns: z.array(z.string()),
    header: z.boolean(),
    delimiter: z.string(),
    decimal: z.enum([".", ","]),
    encoding: z.string(),
    dateOrder: z.enum(["mdy", "dmy"]),
    stamp: Stamp,
    timeZone: z.string(),
    timeframe: z.string(),
    calendar: CalendarId,
    /** One price a row: open, high, low and close are all that price. */
    priceOnly: z.boolean(),
    guesses: z.array(z.object({ what: z.string(), value: z.string(), why: z.string() })),
  })
  .meta({ id: "IngestMapping" });
export type Mapping = z.output<typeof Mapping>;

export const InstrumentInput = z.strictObject({
  symbol: Symbol.optional(),
  venue: VenueName.optional(),
  name: z.string().max(200).optional(),
  assetClass: AssetClass.optional(),
  currency: Currency.optional(),
  calendar: CalendarId.optional(),
});

const IngestOptions = z.strictObject({
  format: z.enum(["csv", "parquet"]).optional(),
  dataKind: DataKind.default("bars"),
  instrument: InstrumentInput.optional(),
  mapping: MappingInput.optional(),
  timeframe: Timeframe.optional(),
});

export const IngestPayload = IngestOptions.extend({
  source: IngestSource,
  /** own: seen by this tenant only. shared: seen by all; operators only. */
  space: z.enum(["own", "shared"]).default("own"),
}).meta({ id: "IngestPayload" });
export type IngestPayload = z.output<typeof IngestPayload>;

export const QualityFinding = z.object({
  kind: z.enum([
    "gap",
    "outsideCalendar",
    "outlier",
    "suspectedSplit",
    "stale",
    "zeroVolume",
    "nonPositive",
    "timeZone",
  ]),
  /** First instant that it is about. */
  atMs: z.int(),
  message: z.string(),
});

export type QualityFinding = z.output<typeof QualityFinding>;

/** What is known of a series' quality after an import. Counts are whole; findings are the first of each kind. */
export const QualityReport = z
  .object({
    instrumentId: z.string(),
    timeframe: z.string(),
    calendar: CalendarId,
    bars: z.int(),
    fromMs: z.int(),
    toMs: z.int(),
    /** Bars that the calendar has between the first and the last; null where it does not know. */
    expected: z.int().nullable(),
    missing: z.int().nullable(),
    outsideCalendar: z.int(),
    outliers: z.int(),
    suspectedSplits: z.int(),
    zeroVolume: z.int(),
    missingVolume: z.int(),
    nonPositive: z.int(),
    /** Runs of five or more equal bars. */
    staleRuns: z.int(),
    findings: z.array(QualityFinding),
  })
  .meta({ id: "QualityReport" });
export type QualityReport = z.output<typeof QualityReport>;

/** In an import's result: its own findings; those that the report before it had are counted only. */
const ImportQuality = QualityReport.extend({ earlierFindings: z.int() });

export const IngestedSeries = z.object({
  instrumentId: z.string(),
  name: z.string(),
  /** bars, trades, actions */
  kind: z.enum(["bars", "trades", "actions"]),
  timeframe: z.string(),
  rows: z.int(),
  inserted: z.int(),
  revised: z.int(),
  unchanged: z.int(),
  fromMs: z.int().nullable(),
  toMs: z.int().nullable(),
});

export const ingest = defineJob({
  name: "ingest",
  path: "/ingests",
  queue: "ingest",
  summary: "Import bars, trades, corporate actions or exchange rates from a file, an upload or a venue",
  version: 1,
  reuse: false,
  effects: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 3_600_000,
  cpu: false,
  payload: IngestPayload,
  authorize(payload, caller) {
    if (payload.space === "shared" && caller.operating !== true) {
      throw new AppError(
        "auth.forbidden",
        'Only operators of this deployment write the shared space: leave space at "own".',
      );
    }
  },
  progress: z.object({
    phase: z.enum(["reading", "checking"]),
    bytesDone: z.int(),
    /** Null where the source does not say. */
    bytesTotal: z.int().nullable(),
    rowsDone: z.int(),
    rowsQuarantined: z.int(),
  }),
  result: z.object({
    source: z.string(),
    /** Null for a venue. */
    mapping: Mapping.nullable(),
    rowsRead: z.int(),
    quarantined: z.int(),
    /** Rows by reason. */
    quarantineReasons: z.record(z.string(), z.int()),
    instruments: z.array(IngestedSeries),
    /** More series than are listed here have reports: GET /api/instruments/{id}/quality. */
    quality: z.array(ImportQuality),
    notes: z.array(z.string()),
  }),
  examples: [
    { source: { kind: "bundled", name: "sp500" } },
    {
      source: {
        kind: "rest",
        url: "https://query1.finance.yahoo.com/v8/finance/chart/AAPL?interval=1d&range=1y",
        answer: "yahoo",
      },
      instrument: { symbol: "AAPL", venue: "XNAS" },
      timeframe: "1d",
    },
    {
      source: {
        kind: "venue",
        venue: "binance",
        symbol: "BTC/USDT",
        timeframe: "1h",
        fromMs: "2024-01-01",
        toMs: "2024-02-01",
      },
    },
  ],
});

export const QuarantinedRow = z.object({
  /** Line of the file (row of a Parquet file); the first is 1. */
  line: z.int(),
  reason: z.string(),
  message: z.string(),
  /** The row as it was read, cut at 500 characters. */
  row: z.string(),
});

export const PreviewPayload = IngestOptions.extend({
  source: z.discriminatedUnion("kind", [
    IngestSource.options[0],
    IngestSource.options[1],
    IngestSource.options[2],
  ]),
});

export const ingestRoutes = {
  previewIngest: defineCommand({
    name: "previewIngest",
    method: "POST",
    path: "/ingests/preview",
    tag: "Ingest",
    summary: "The guessed mapping and the first rows as they would be read; nothing is written",
    role: "analyst",
    body: PreviewPayload,
    response: z.object({
      mapping: Mapping,
      header: z.array(z.string()),
      /** First rows as they are in the source. */
      raw: z.array(z.array(z.string())),
      rows: z.array(
        z.object({
          line: z.int(),
          instrumentId: z.string().nullable(),
          openMs: z.int().nullable(),
          closeMs: z.int().nullable(),
          values: z.record(z.string(), z.number().nullable()),
          /** Why the row would be quarantined. */
          rejected: z.string().nullable(),
        }),
      ),
    }),
  }),
  getQuarantine: defineQuery({
    name: "getQuarantine",
    path: "/ingests/{id}/quarantine",
    tag: "Ingest",
    summary: "Rows that an import refused, with line and reason",
    role: "viewer",
    params: z.object({ id: Id }),
    query: PageQuery,
    response: pageOf(QuarantinedRow),
  }),
  downloadQuarantine: defineQuery({
    name: "downloadQuarantine",
    path: "/ingests/{id}/quarantine.csv",
    tag: "Ingest",
    summary: "The refused rows as CSV",
    role: "viewer",
    params: z.object({ id: Id }),
    raw: true,
    contentType: "text/csv",
  }),
  getQuality: defineQuery({
    name: "getQuality",
    path: "/instruments/{id}/quality",
    tag: "Instruments",
    summary: "Quality reports of an instrument's series, after the import that changed them last",
    role: "viewer",
    params: z.object({ id: z.string().max(61) }),
    response: z.object({ items: z.array(QualityReport.extend({ jobId: Id, createdMs: z.int() })) }),
  }),
};

/** Where bars of a venue come from; throws `payload.invalid` for a venue that does not exist. */
export type BarSources = (venue: string) => BarSource;

/** Files that may be read besides uploads. */
export interface IngestFiles {
  /** Root of sources of kind `file`; absent: they are refused. */
  importDir: string | undefined;
}
