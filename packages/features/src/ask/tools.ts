import { AppError, timeframeMs } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import type { ChunkHit, JobContext, KnowledgeIndex } from "@tapedeck/core";
import { checkFormula, evaluateFormulas, FormulaError } from "@tapedeck/formula";
import { bucketRule } from "@tapedeck/trading/calendar/index";
import type { AlertReader, AlertTrigger } from "../alerts/contract.ts";
import type { EventQuery, EventReader, MarketEvent } from "../events/contract.ts";
import type { InstrumentSentiment, SentimentReader } from "../sentiment/contract.ts";
import type { JobService, JobView } from "../jobs/contract.ts";
import type {
  DocumentKind,
  DocumentReader,
  DocumentText,
  FilingDocument,
  FilingPageText,
  FilingReader,
} from "../knowledge/contract.ts";
import type { OrderView, PortfolioReader } from "../orders/contract.ts";
import type { Instrument, SeriesCoverage, SeriesReader } from "../series/contract.ts";
import { Declined } from "./answer.ts";
import { createBars } from "./bars.ts";
import type { Bars } from "./bars.ts";
import { formatDate } from "./format.ts";
import { missingBars } from "./missing.ts";

/** What a question may reach. It reads, and may have a backtest or an analysis computed; no order can be sent from here. */
export interface AskSources {
  series: SeriesReader;
  knowledge: KnowledgeIndex;
  filings: FilingReader;
  documents: DocumentReader;
  jobs: Pick<JobService, "get" | "list" | "submit" | "waitForEnd">;
  portfolio: PortfolioReader;
  alerts: AlertReader;
  events: EventReader;
  sentiments: SentimentReader;
}

/** The job types that a question may have computed. */
export type ComputedJob = "analyze" | "backtest";

export interface BarNeed {
  bars?: number;
  newest?: boolean;
}

export interface Tools {
  readonly asOfMs: number;
  /** Calls so far. */
  readonly calls: number;
  listInstruments(): Promise<Instrument[]>;
  resolveInstrument(ref: string): Promise<Instrument>;
  coverage(instrumentId: string): Promise<SeriesCoverage[]>;
  /** Of the timeframe, or of the one that people mean; with `need`, of one that has so many bars or the newest price. */
  readBars(instrument: Instrument, timeframe?: string, need?: BarNeed): Promise<Bars>;
  /** One column a formula; NaN where it has no value. */
  evaluateFormula(bars: Bars, formulas: readonly string[]): Promise<Float64Array[]>;
  /** Of documents of any kind where none is said. */
  searchKnowledge(text: string, limit?: number, kinds?: readonly DocumentKind[]): Promise<ChunkHit[]>;
  /** Whom documents of a kind are about. */
  companiesIn(kind: DocumentKind): Promise<string[]>;
  /** Documents of a kind, newest first; `company` as they name it. */
  readDocuments(query: { kind: DocumentKind; company?: string; limit: number }): Promise<DocumentText[]>;
  /** Notes that the answer rests on a document. */
  useDocument(document: Pick<DocumentText, "documentId" | "version" | "title">): void;
  listFilings(): Promise<FilingDocument[]>;
  readFiling(filing: FilingDocument): Promise<FilingPageText[]>;
  readJob(id: string): Promise<JobView>;
  /** The newest completed job of a type; of one instrument, where it is given. */
  lastJob(type: string, instrumentId?: string): Promise<JobView | undefined>;
  /** Has a job computed, on what was known at `asOfMs`, and waits for it; one that takes too long comes back as it stands. */
  runJob(type: ComputedJob, payload: Record<string, unknown>): Promise<JobView>;
  portfolio(): ReturnType<PortfolioReader["portfolio"]>;
  /** Newest first. */
  orders(status?: OrderView["status"]): Promise<OrderView[]>;
  /** Published by `asOfMs`, newest first. */
  events(query: Pick<EventQuery, "instrumentIds" | "kinds" | "fromMs" | "toMs">): Promise<MarketEvent[]>;
  /** The decayed mean at a time, and the newest documents up to it. */
  sentiment(
    instrumentId: string,
    atMs: number,
  ): Promise<{ value: Awaited<ReturnType<SentimentReader["valueAt"]>>; items: InstrumentSentiment[] }>;
  /** Words of a document's version, by their place. */
  readSpan(place: { documentId: string; version: number; start: number; end: number }): Promise<string>;
  /** What alerts told up to `asOfMs`, newest first. */
  alertTriggers(): Promise<AlertTrigger[]>;
}

const maxCalls = 120;
const maxListed = 20;
/** How long an answer waits for a job that it had computed. */
const jobWaitMs = 60_000;
/** Timeframes by preference: daily bars say most questions; the finest only when nothing else is there. */
const preferred = ["1d", "1w", "1h", "4h", "30m", "15m", "5m", "1m", "1s", "1mo"];

/** The series that serves a need best: the newest, the finer of equals; else by preference, of those with bars enough. */
function bestSeries(coverage: readonly SeriesCoverage[], { bars = 0, newest = false }: BarNeed): string {
  const place = ({ timeframe }: SeriesCoverage) => {
    const at = preferred.indexOf(timeframe);
    return at < 0 ? preferred.length : at;
  };
  if (newest) {
    return coverage.toSorted(
      (a, b) => b.toMs - a.toMs || timeframeMs(a.timeframe) - timeframeMs(b.timeframe),
    )[0]!.timeframe;
  }
  const ordered = coverage.toSorted((a, b) => place(a) - place(b));
  const enough = ordered.find((one) => one.bars >= bars);
  return (enough ?? ordered.toSorted((a, b) => b.bars - a.bars)[0]!).timeframe;
}

/** `live`: nothing asks for an earlier time; only then may accounts be read, which are kept as they stand now. */
export function createTools(sources: AskSources, ctx: JobContext, asOfMs: number, live: boolean): Tools {
  const { tenantId } = ctx;
  const kept = new Map<string, Bars>();
  let calls = 0;
  const begin = () => {
    ctx.signal.throwIfAborted();
    if (++calls > maxCalls)
      throw new Declined("The question needs more steps than one answer may take. Ask for less at once.");
    ctx.progress({ steps: calls });
  };
  const visible = (coverage: readonly SeriesCoverage[]) => coverage.filter((one) => one.fromMs < asOfMs);

  async function coverageOf(instrumentId: string): Promise<SeriesCoverage[]> {
    return visible(await sources.series.coverage(tenantId, instrumentId));
  }

  async function pickTimeframe(
    instrument: Instrument,
    wanted: string | undefined,
    need: BarNeed,
  ): Promise<string> {
    const coverage = await coverageOf(instrument.instrumentId);
    if (coverage.length === 0) {
      throw new Declined(`No bars of ${instrument.instrumentId} were known on ${formatDate(asOfMs)}.`, {
        missing: [missingBars(instrument.instrumentId)],
      });
    }
    const have = coverage.map((one) => one.timeframe);
    if (wanted !== undefined) {
      if (have.includes(wanted)) return wanted;
      throw new Declined(
        `${instrument.instrumentId} has bars of ${have.join(", ")}; the question needs ${wanted} bars.`,
        { missing: [missingBars(instrument.instrumentId, { timeframe: wanted })] },
      );
    }
    return bestSeries(coverage, need);
  }

  return {
    asOfMs,
    get calls() {
      return calls;
    },

    async listInstruments() {
      begin();
      const instruments = await sources.series.instruments(tenantId);
      ctx.step({ name: "listInstruments", output: { instruments: instruments.length } });
      return instruments;
    },

    async resolveInstrument(ref) {
      begin();
      const instrument = await sources.series.resolve(tenantId, ref);
      ctx.step({
        name: "resolveInstrument",
        input: { ref },
        output: { instrumentId: instrument.instrumentId },
      });
      return instrument;
    },

    async coverage(instrumentId) {
      begin();
      const coverage = await coverageOf(instrumentId);
      ctx.step({ name: "coverage", input: { instrumentId }, output: { series: coverage.length } });
      return coverage;
    },

    async readBars(instrument, wanted, need = {}) {
      const { instrumentId } = instrument;
      const timeframe = await pickTimeframe(instrument, wanted, need);
      const key = `${instrumentId} ${timeframe}`;
      const have = kept.get(key);
      if (have !== undefined) return have;
      begin();
      const dataset = await sources.series.dataset(
        { tenantId, instrumentId, timeframe, adjustment: "split", asOfMs: live ? undefined : asOfMs },
        ctx.signal,
      );
      if (dataset.length === 0) {
        throw new Declined(`No bars of ${instrumentId} were known on ${formatDate(asOfMs)}.`, {
          missing: [missingBars(instrumentId, { timeframe })],
        });
      }
      const bars = createBars(dataset);
      ctx.input({
        kind: "dataset",
        ref: dataset.hash,
        label: `${instrumentId} ${timeframe} ${bars.when(0)}..${bars.when(bars.last)}`,
        details: { ...bars.rows() },
      });
      ctx.step({
        name: "readBars",
        input: { instrumentId, timeframe, adjustment: "split" },
        output: {
          bars: dataset.length,
          from: bars.when(0),
          to: bars.when(bars.last),
          datasetHash: dataset.hash,
        },
      });
      kept.set(key, bars);
      return bars;
    },

    async evaluateFormula(bars, formulas) {
      begin();
      const { dataset } = bars;
      const asInput = (one: Bars) => ({
        length: one.dataset.length,
        ...one.dataset.columns,
        timeframeMs: one.dataset.timeframeMs,
        bucketOf: bucketRule(one.dataset.instrument.calendar),
      });
      try {
        const others = new Map<string, Bars>();
        for (const symbol of formulas.flatMap((text) => checkFormula(text).instruments)) {
          const instrument = await sources.series.resolve(tenantId, symbol);
          others.set(symbol, await this.readBars(instrument, dataset.timeframe));
        }
        const resolve = (symbol: string) => {
          const other = others.get(symbol);
          return other === undefined ? undefined : asInput(other);
        };
        const columns = evaluateFormulas(formulas, { ...asInput(bars), resolve });
        ctx.step({
          name: "evaluateFormula",
          input: { instrumentId: dataset.instrument.instrumentId, formulas },
          output: { bars: dataset.length },
        });
        return columns.map((column) => (column instanceof Float64Array ? column : Float64Array.from(column)));
      } catch (error) {
        if (!(error instanceof FormulaError)) throw error;
        throw new AppError("formula.invalid", `${error.message} (column ${error.column})`, {
          details: { column: error.column, suggestion: error.suggestion ?? null },
        });
      }
    },

    async searchKnowledge(text, limit = 8, kinds) {
      begin();
      const hits = await sources.knowledge.search({
        text,
        limit,
        spaces: ["shared", tenantId],
        asOfMs,
        ...(kinds === undefined ? {} : { kinds }),
      });
      const seen = new Map<string, ChunkHit>();
      for (const hit of hits) if (hit.publishedMs <= asOfMs) seen.set(hit.documentId, hit);
      for (const hit of seen.values()) {
        ctx.input({ kind: "document", ref: `${hit.documentId}@${hit.version}`, label: hit.title });
      }
      ctx.step({
        name: "searchKnowledge",
        input: kinds === undefined ? { text } : { text, kinds },
        output: { hits: hits.length, titles: [...seen.values()].map((hit) => hit.title) },
      });
      return hits.filter((hit) => hit.publishedMs <= asOfMs);
    },

    async companiesIn(kind) {
      begin();
      const companies = await sources.documents.companies(tenantId, kind, asOfMs);
      ctx.step({ name: "companiesIn", input: { kind }, output: { companies: companies.length } });
      return companies;
    },

    async readDocuments({ kind, ...query }) {
      begin();
      const documents = await sources.documents.texts(tenantId, {
        ...query,
        kinds: [kind],
        asOfMs,
        newestFirst: true,
      });
      ctx.step({
        name: "readDocuments",
        input: { kind, ...query },
        output: { documents: documents.length },
      });
      return documents;
    },

    useDocument({ documentId, version, title }) {
      ctx.input({ kind: "document", ref: `${documentId}@${version}`, label: title });
    },

    async listFilings() {
      begin();
      const filings = await sources.filings.list(tenantId, asOfMs);
      ctx.step({ name: "listFilings", output: { filings: filings.length } });
      return filings;
    },

    async readFiling(filing) {
      begin();
      const pages = await sources.filings.pages(tenantId, filing);
      ctx.input({
        kind: "document",
        ref: `${filing.documentId}@${filing.version}`,
        label: `${filing.company} ${filing.form} ${filing.fiscalYear}`,
      });
      ctx.step({ name: "readFiling", input: { title: filing.title }, output: { pages: pages.length } });
      return pages;
    },

    async readJob(id) {
      begin();
      const job = await sources.jobs.get(tenantId, id);
      ctx.input({ kind: "job", ref: job.id, label: `${job.type} job` });
      ctx.step({ name: "readJob", input: { id }, output: { type: job.type, state: job.state } });
      return job;
    },

    async lastJob(type, instrumentId) {
      begin();
      // A payload may name an instrument by its symbol alone; the result has the whole id.
      const symbol = instrumentId?.slice(0, instrumentId.lastIndexOf("."));
      let cursor: string | undefined;
      for (let page = 0; page < 20; page++) {
        const { items, nextCursor } = await sources.jobs.list(tenantId, {
          type,
          state: ["completed"],
          q: symbol,
          limit: 50,
          cursor,
        });
        for (const { id, endedMs } of items) {
          if (endedMs === null || endedMs > asOfMs) continue;
          if (instrumentId === undefined) return this.readJob(id);
          const { result } = await sources.jobs.get(tenantId, id);
          if ((result as { instrumentId?: unknown }).instrumentId === instrumentId) return this.readJob(id);
        }
        if (nextCursor === null) break;
        cursor = nextCursor;
      }
      ctx.step({ name: "lastJob", input: { type, instrumentId }, output: { found: false } });
      return undefined;
    },

    async runJob(type, payload) {
      begin();
      const asked = ctx.replayOf ?? ctx.jobId;
      const { job } = await sources.jobs.submit({
        // Whoever asks may submit these too: all three take the same role.
        caller: {
          principalId: ctx.submittedBy,
          kind: "user",
          tenantId,
          role: "analyst",
          requestId: `ask ${asked}`,
        },
        type,
        payload: live ? payload : { ...payload, asOf: asOfMs },
        // A repeated attempt, or a replay, takes the job that the first one had computed.
        idempotencyKey: `ask ${asked} ${contentHash(payload)}`.slice(0, 200),
      });
      ctx.step({ name: "runJob", input: { type, payload }, output: { jobId: job.id } });
      const ended = await sources.jobs.waitForEnd(tenantId, job.id, jobWaitMs, ctx.signal);
      ctx.signal.throwIfAborted();
      ctx.input({ kind: "job", ref: ended.id, label: `${type} job` });
      return ended;
    },

    async orders(status) {
      begin();
      if (!live) throw new Declined("Orders are told as they stand now, not as of an earlier time.");
      const orders = await sources.portfolio.orders(tenantId, status, maxListed);
      ctx.step({ name: "orders", input: { status }, output: { orders: orders.length } });
      return orders;
    },

    async events(query) {
      begin();
      const { items } = await sources.events.list(tenantId, { ...query, asOfMs, limit: maxListed });
      for (const { documentId, version, title } of items)
        ctx.input({ kind: "document", ref: `${documentId}@${version}`, label: title });
      ctx.step({ name: "events", input: query, output: { events: items.length } });
      return items;
    },

    async sentiment(instrumentId, atMs) {
      begin();
      const untilMs = Math.min(atMs, asOfMs);
      const value = await sources.sentiments.valueAt(tenantId, instrumentId, untilMs);
      const { items } = await sources.sentiments.list(tenantId, {
        instrumentId,
        asOfMs: untilMs,
        limit: maxListed,
      });
      for (const { documentId, version, title } of items)
        ctx.input({ kind: "document", ref: `${documentId}@${version}`, label: title });
      ctx.step({
        name: "sentiment",
        input: { instrumentId, atMs: untilMs },
        output: { items: items.length },
      });
      return { value, items };
    },

    async readSpan({ start, end, ...document }) {
      begin();
      const pages = await sources.filings.pages(tenantId, document);
      return pages
        .filter((page) => page.start < end && page.start + page.text.length > start)
        .map((page) => page.text.slice(Math.max(0, start - page.start), end - page.start))
        .join("");
    },

    async alertTriggers() {
      begin();
      const triggers = await sources.alerts.triggers(tenantId, asOfMs, maxListed);
      ctx.step({ name: "alertTriggers", output: { triggers: triggers.length } });
      return triggers;
    },

    async portfolio() {
      begin();
      if (!live) throw new Declined("Accounts are told as they stand now, not as of an earlier time.");
      const portfolio = await sources.portfolio.portfolio(tenantId);
      ctx.step({ name: "portfolio", output: { accounts: portfolio.accounts.length } });
      return portfolio;
    },
  };
}
