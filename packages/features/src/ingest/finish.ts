import type { JobContext, ProgressOf, ResultOf } from "@tapedeck/core";
import type { Tx } from "../db.ts";
import type { ingest, Mapping, QualityReport } from "./contract.ts";
import type { IngestDeps } from "./deps.ts";
import { checkQuality } from "./quality.ts";
import { loadQuality, saveQuality } from "./store.ts";
import type { IngestState } from "./store.ts";

type Context = JobContext<ProgressOf<typeof ingest>, Tx>;
type Result = ResultOf<typeof ingest>;

/** Series whose quality is looked at, and how many of the reports the result shows. */
const checkedSeries = 500;
const shownReports = 20;

export interface Finished {
  space: string;
  state: IngestState;
  label: string;
  mapping: Mapping | null;
  notes: string[];
}

/** Looks at the quality of what was written and sums up. */
export async function finish(deps: IngestDeps, ctx: Context, done: Finished): Promise<Result> {
  const { state, space, notes } = done;
  const all = Object.values(state.series);
  const instruments: Result["instruments"] = [];
  const quality: Result["quality"] = [];
  const visible = new Map(
    (await deps.series.instruments(ctx.tenantId)).map((item) => [item.instrumentId, item]),
  );
  let checked = 0;
  for (const item of all) {
    ctx.signal.throwIfAborted();
    const kind = item.kind === "trades" ? "trades" : "bars";
    const summary = await deps.seriesWriter.summary({
      space,
      instrumentId: item.instrumentId,
      kind,
      timeframe: item.timeframe,
    });
    const rows =
      item.kind === "actions" ? item.inserted + item.revised + item.unchanged : (summary?.rows ?? 0);
    const range =
      item.kind === "actions"
        ? { fromMs: null, toMs: null }
        : { fromMs: summary?.fromMs ?? null, toMs: summary?.toMs ?? null };
    if (instruments.length < 1_000) instruments.push({ ...item, rows, ...range });
    // Actions change what counts as a split, so the daily bars are looked at again.
    if (item.kind === "trades" || summary === undefined || checked >= checkedSeries) continue;
    checked++;
    const target = { space, instrumentId: item.instrumentId, timeframe: item.timeframe };
    const report = await checkQuality({
      instrument: { ...visible.get(item.instrumentId)!, space },
      timeframe: item.timeframe,
      splitTimes: await deps.seriesWriter.splitTimes(space, item.instrumentId),
      scan: () => deps.seriesWriter.scanBars(target),
      signal: ctx.signal,
    });
    ctx.progress({
      phase: "checking",
      bytesDone: state.sourceBytes,
      bytesTotal: state.sourceBytes,
      rowsDone: state.rowsRead,
      rowsQuarantined: state.quarantined,
    });
    if (report === undefined) continue;
    const before = (await loadQuality(deps.db, space, item.instrumentId)).find(
      (one) => one.timeframe === item.timeframe && one.jobId !== ctx.jobId,
    );
    await ctx.commit((tx) => saveQuality(tx, { space, jobId: ctx.jobId, nowMs: ctx.now() }, report));
    if (quality.length < shownReports) quality.push(newFindings(report, before));
  }
  if (all.length > checkedSeries) notes.push(`The quality of the first ${checkedSeries} series was checked.`);
  if (done.mapping?.columns.adjclose !== undefined) {
    notes.push(
      `The column "${done.mapping.columns.adjclose}" is not stored: adjusted prices are computed from corporate actions.`,
    );
  }
  if (done.mapping?.priceOnly === true)
    notes.push("The source has one price a row: open, high, low and close are all that price.");
  return {
    source: done.label,
    mapping: done.mapping,
    rowsRead: state.rowsRead,
    quarantined: state.quarantined,
    quarantineReasons: state.reasons,
    instruments,
    quality,
    notes,
  };
}

/** The findings that the report before did not have. */
function newFindings(report: QualityReport, before: QualityReport | undefined): Result["quality"][number] {
  const known = new Set(before?.findings.map((one) => `${one.atMs} ${one.kind}`));
  const findings = report.findings.filter((one) => !known.has(`${one.atMs} ${one.kind}`));
  return { ...report, findings, earlierFindings: report.findings.length - findings.length };
}
