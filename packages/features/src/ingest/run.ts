import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf, ResultOf } from "@tapedeck/core";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import type { Tx } from "../db.ts";
import type { ActionRow, Instrument } from "../series/contract.ts";
import { count, createBatch, seriesKey } from "./batch.ts";
import type { Batch } from "./batch.ts";
import { bundledPresets } from "./bundled.ts";
import type { ingest, IngestPayload, IngestSource, Mapping } from "./contract.ts";
import { actionsOfFactors, createConverter } from "./convert.ts";
import type { Factor, Item, Rejection } from "./convert.ts";
import type { RawRow } from "./csv.ts";
import type { IngestDeps } from "./deps.ts";
import { finish } from "./finish.ts";
import { createInstrumentChooser } from "./instruments.ts";
import { soleSymbol, withPreset } from "./options.ts";
import { KeyOrder, Unordered } from "./order.ts";
import { restSource } from "./rest.ts";
import { openSource } from "./source.ts";
import type { ByteSource } from "./source.ts";
import { freshState, loadCheckpoint, saveCheckpoint } from "./store.ts";
import type { IngestState } from "./store.ts";
import { openTable } from "./table.ts";
import type { OpenTable } from "./table.ts";
import { ingestVenue } from "./venue.ts";

type Context = JobContext<ProgressOf<typeof ingest>, Tx>;
type Result = ResultOf<typeof ingest>;
type FileSource = Exclude<IngestSource, { kind: "venue" }>;

/** Rows to a transaction. */
const commitRows = 10_000;
const maxSymbols = 5_000;
const maxActions = 100_000;

export const runIngest: JobHandler<typeof ingest, IngestDeps, Tx> = async (deps, payload, ctx) => {
  const { source } = payload;
  return source.kind === "venue"
    ? ingestVenue(deps, { ...payload, source }, ctx)
    : ingestFile(deps, { ...payload, source }, ctx);
};

async function ingestFile(
  deps: IngestDeps,
  payload: IngestPayload & { source: FileSource },
  ctx: Context,
): Promise<Result> {
  const { source } = payload;
  const file =
    source.kind === "rest"
      ? await restSource(deps.fetchPage, source, ctx.signal)
      : await openSource({ ...deps, files: deps.importFiles }, ctx.tenantId, source);
  const preset = source.kind === "bundled" ? bundledPresets[source.name] : undefined;
  const table = await openTable(file, withPreset(payload, preset?.options));
  const { options } = table;
  const saved = await loadCheckpoint(deps.db, ctx.jobId);
  if (saved !== undefined && saved.state.sourceBytes !== file.bytes) {
    throw new AppError("data.invalid", `${file.label} changed while it was being imported: import it again.`);
  }
  const state = saved?.state ?? freshState(file.bytes, table.mapping);
  const mapping = state.mapping ?? table.mapping;
  const space = payload.space === "shared" ? "shared" : ctx.tenantId;
  const visible = await deps.series.instruments(ctx.tenantId);
  const chooser = createInstrumentChooser({ payload: options, mapping, preset, space, visible });
  const symbol = mapping.columns.symbol === undefined ? soleSymbol(options, mapping, file) : undefined;
  const notes = keptNotes(symbol, chooser, options);
  const reader = { deps, ctx, table, file, mapping, symbol, chooser, state, space };
  try {
    await readRows(reader);
  } catch (error) {
    if (!(error instanceof Unordered)) throw error;
    ctx.log("info", "the source is not in order of time: read again, remembering every time");
    state.remember = true;
    await readRows(reader);
  }
  ctx.input({
    kind: file.kind,
    ref: await table.sha256(),
    label: file.label,
    details: {
      bytes: file.bytes,
      source: source.kind === "rest" ? { kind: source.kind, label: file.label } : source,
    },
  });
  return finish(deps, ctx, { space, state, label: file.label, mapping, notes });
}

/** Of an instrument that exists already, what was said otherwise this time. */
function keptNotes(
  symbol: string | undefined,
  chooser: (symbol: string) => Instrument,
  options: IngestPayload,
): string[] {
  if (symbol === undefined) return [];
  const instrument = chooser(symbol);
  return (["calendar", "currency", "name"] as const).flatMap((member) => {
    const asked = options.instrument?.[member];
    return asked === undefined || asked === instrument[member]
      ? []
      : [
          `${instrument.instrumentId} exists with ${member} ${instrument[member]}, which stays: import under another symbol or venue to have ${asked}.`,
        ];
  });
}

interface Reading {
  deps: IngestDeps;
  ctx: Context;
  table: OpenTable;
  file: ByteSource;
  mapping: Mapping;
  symbol: string | undefined;
  chooser(symbol: string): Instrument;
  state: IngestState;
  space: string;
}

/** All rows from the first; those that the checkpoint counts are read for their order only. */
async function readRows(reading: Reading): Promise<void> {
  const { deps, ctx, table, file, mapping, state, chooser } = reading;
  const convert = createConverter({
    mapping,
    names: table.names,
    symbol: reading.symbol,
    calendarOfSymbol: (symbol) => calendarOf(chooser(symbol).calendar),
    now: () => ctx.now(),
  });
  const batch = createBatch({ writer: deps.seriesWriter, ctx, state });
  const sorter = createSorter(reading, batch);
  const done = state.rowsRead;
  let records = 0;
  let bytes = 0;
  const report = (): void =>
    ctx.progress({
      phase: "reading",
      bytesDone: bytes,
      bytesTotal: file.bytes,
      rowsDone: records,
      rowsQuarantined: state.quarantined,
    });
  for await (const rows of await table.read((read) => (bytes += read))) {
    ctx.signal.throwIfAborted();
    for (const row of rows) {
      records++;
      for (const item of convert(row)) sorter.take(item, row, records > done);
    }
    if (batch.rows >= commitRows) {
      sorter.checkReadable();
      await batch.commit(records);
      report();
    }
  }
  sorter.checkReadable();
  if (records > done) await batch.commit(records);
  await writeActions(reading, sorter.actions());
  report();
  if (records === 0) throw new AppError("data.invalid", `${file.label} has no rows below its header.`);
}

/** Puts items where they belong: rows of series into the batch, actions aside, the rest into quarantine. */
function createSorter(reading: Reading, batch: Batch) {
  const { state, mapping, chooser, file } = reading;
  const order = new KeyOrder(state.remember);
  const actions = new Map<string, ActionRow[]>();
  const factors = new Map<string, Factor[]>();
  const symbols = new Set<string>();
  let accepted = 0;
  let first: { line: number; message: string } | undefined;

  function reject(row: RawRow, why: Omit<Rejection, "kind">, keep: boolean): void {
    first ??= { line: row.line, message: why.message };
    if (keep)
      batch.reject({
        line: row.line,
        reason: why.reason,
        message: why.message,
        row: row.cells.join(mapping.delimiter),
      });
  }

  function collect<T>(target: Map<string, T[]>, symbol: string, value: T): void {
    const list = target.get(symbol) ?? [];
    list.push(value);
    target.set(symbol, list);
    if (list.length > maxActions) {
      throw new AppError(
        "data.invalid",
        `${symbol} has more than ${maxActions} corporate actions in ${file.label}.`,
      );
    }
  }

  return {
    take(item: Item | Rejection, row: RawRow, fresh: boolean): void {
      if (item.kind === "rejected") return reject(row, item, fresh);
      if (!symbols.has(item.symbol)) {
        symbols.add(item.symbol);
        if (symbols.size > maxSymbols) {
          throw new AppError(
            "data.invalid",
            `${file.label} has more than ${maxSymbols} symbols: split it, or check mapping.columns.symbol.`,
          );
        }
      }
      accepted++;
      if (item.kind === "action") return collect(actions, item.symbol, item.action);
      if (item.kind === "factor") return collect(factors, item.symbol, item);
      const instrument = chooser(item.symbol);
      const before = order.countBefore(item.symbol, item.kind === "bar" ? item.openMs : item.eventMs);
      if (item.kind === "trade") {
        if (fresh) batch.addTrade(instrument, item, before);
      } else if (before > 0) {
        const at = new Date(item.openMs).toISOString();
        reject(
          row,
          { reason: "duplicate", message: `an earlier row has the bar of ${item.symbol} at ${at} already` },
          fresh,
        );
      } else if (fresh) batch.addBar(instrument, mapping.timeframe, item);
    },
    /** A source of which nothing can be read is refused as a whole, before anything is written. */
    checkReadable(): void {
      if (accepted > 0 || first === undefined) return;
      throw new AppError(
        "data.invalid",
        `No row of ${file.label} can be read; line ${first.line}: ${first.message}. Check the mapping with POST /api/ingests/preview.`,
        { details: { line: first.line, mapping } },
      );
    },
    actions(): Map<string, ActionRow[]> {
      for (const [symbol, levels] of factors) actions.set(symbol, actionsOfFactors(levels));
      return new Map([...actions].map(([symbol, rows]) => [symbol, mergeActions(rows)]));
    },
  };
}

/** One row a day and kind: dividends of one day add up, ratios multiply. */
function mergeActions(rows: readonly ActionRow[]): ActionRow[] {
  const merged = new Map<string, ActionRow>();
  for (const row of rows) {
    const key = `${row.exMs} ${row.kind}`;
    const have = merged.get(key);
    merged.set(
      key,
      have === undefined
        ? row
        : {
            ...have,
            amount: have.amount === null ? null : have.amount + row.amount!,
            ratio: have.ratio === null ? null : have.ratio * row.ratio!,
            priceRatio: have.priceRatio === null ? null : have.priceRatio * row.priceRatio!,
            splitRatio: have.splitRatio === null ? null : have.splitRatio * row.splitRatio!,
          },
    );
  }
  return [...merged.values()].sort((a, b) => a.exMs - b.exMs);
}

/** All at once: a factor is known only when the next one is. Equal ones write nothing, so that a repeat is harmless. */
async function writeActions(reading: Reading, actions: Map<string, ActionRow[]>): Promise<void> {
  const { deps, ctx, state, chooser } = reading;
  if (actions.size === 0) return;
  const next = structuredClone(state);
  await ctx.commit(async (tx) => {
    for (const [symbol, rows] of [...actions].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const nowMs = ctx.now();
      // Committed by an attempt that was cut off afterwards: its counts stand.
      if (next.series[seriesKey("actions", chooser(symbol).instrumentId, "1d")] !== undefined) continue;
      const instrument = await deps.seriesWriter.ensureInstrument(tx, chooser(symbol), ctx.jobId, nowMs);
      const { instrumentId, name, space } = instrument;
      const target = { space, instrumentId, timeframe: "1d", jobId: ctx.jobId, recordedMs: nowMs };
      const counts = await deps.seriesWriter.writeActions(tx, target, rows);
      count(next, { instrumentId, name, kind: "actions", timeframe: "1d" }, counts);
    }
    await saveCheckpoint(tx, {
      jobId: ctx.jobId,
      tenantId: ctx.tenantId,
      records: next.rowsRead,
      state: next,
    });
  });
  Object.assign(state, next);
}
