import { AppError } from "@tapedeck/core";
import type { BlobStore, Caller, RouteHandlersFor } from "@tapedeck/core";
import { indexAtOrAfter } from "@tapedeck/quant/measure";
import type { JobService } from "../jobs/contract.ts";
import type { SeriesReader } from "../series/contract.ts";
import { loadColumns } from "./columns.ts";
import type { ColumnFile } from "./columns.ts";
import { analysisResult, analyzeAndWait } from "./await.ts";
import { stillRunning } from "./contract.ts";
import type { analyzeRoutes, AnalyzeSeries } from "./contract.ts";

export interface AnalyzeReadDeps {
  blobs: BlobStore;
  jobs: JobService;
  series: SeriesReader;
}

/** The bars to show: the last of each run of `step`, so that the newest bar is always there. */
export function thin(from: number, to: number, maxPoints: number): { step: number; indices: number[] } {
  const step = Math.max(1, Math.ceil((to - from) / maxPoints));
  const indices: number[] = [];
  for (let i = to - 1; i >= from; i -= step) indices.push(i);
  return { step, indices: indices.reverse() };
}

const pick = (values: Float64Array, indices: readonly number[]) =>
  indices.map((i) => (Number.isFinite(values[i]!) ? values[i]! : null));
const pickNumbers = (values: Float64Array, indices: readonly number[]) => indices.map((i) => values[i]!);

function seriesOf(
  file: ColumnFile,
  range: { fromMs?: number | undefined; toMs?: number | undefined; maxPoints?: number | undefined },
): { series: AnalyzeSeries; indices: number[] } {
  const from = range.fromMs === undefined ? 0 : indexAtOrAfter(file.openMs, range.fromMs);
  const to = range.toMs === undefined ? file.openMs.length : indexAtOrAfter(file.openMs, range.toMs);
  const { step, indices } = thin(from, to, range.maxPoints ?? Math.max(2, to - from));
  const series = {
    instrumentId: file.instrumentId,
    timeframe: file.timeframe,
    datasetHash: file.datasetHash,
    total: file.openMs.length,
    step,
    openMs: pickNumbers(file.openMs, indices),
    closeMs: pickNumbers(file.closeMs, indices),
    columns: file.columns.map(({ formula, type, values }) => ({
      formula,
      type,
      values: pick(values, indices),
    })),
  };
  return { series, indices };
}

const csvText = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Streamed in pieces, so that a long series is never one string. */
function csv(series: AnalyzeSeries): Response {
  const rows = series.openMs.length;
  const encoder = new TextEncoder();
  let row = -1;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const lines: string[] = [];
      if (row < 0) {
        lines.push(["openTime", "closeTime", ...series.columns.map((one) => csvText(one.formula))].join(","));
        row = 0;
      }
      for (const end = Math.min(rows, row + 1_000); row < end; row++) {
        const times = [series.openMs[row]!, series.closeMs[row]!].map((ms) => new Date(ms).toISOString());
        lines.push([...times, ...series.columns.map((one) => one.values[row] ?? "")].join(","));
      }
      controller.enqueue(encoder.encode(`${lines.join("\n")}\n`));
      if (row >= rows) controller.close();
    },
  });
  return new Response(body, {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="${series.instrumentId.replaceAll(/[^A-Za-z0-9.-]/g, "_")}-${series.timeframe}.csv"`,
    },
  });
}

async function computeColumns(
  deps: AnalyzeReadDeps,
  caller: Caller,
  payload: Record<string, unknown>,
): Promise<{ jobId: string; file: ColumnFile } | { pending: string }> {
  const computed = await analyzeAndWait(deps, caller, payload);
  if ("pending" in computed) return computed;
  const { jobId, result } = computed;
  return { jobId, file: await loadColumns(deps.blobs, result.seriesRef!) };
}

export const analyzeRouteHandlers = {
  getAnalysisSeries: async (deps, { params, query }, caller) => {
    const result = analysisResult(await deps.jobs.get(caller.tenantId, params.id));
    if (result.seriesRef === null) {
      throw new AppError("resource.unknown", `Analysis ${params.id} stored no series.`);
    }
    const { series } = seriesOf(await loadColumns(deps.blobs, result.seriesRef), query);
    return query.format === "csv" ? csv(series) : series;
  },

  getChart: async (deps, { params, query }, caller) => {
    const { formulas = [], maxPoints, fromMs, toMs, timeframe, adjustment } = query;
    const instrument = await deps.series.resolve(caller.tenantId, params.instrumentId);
    const { instrumentId } = instrument;
    const { tenantId } = caller;
    const computed =
      formulas.length === 0
        ? undefined
        : await computeColumns(deps, caller, {
            kind: "formulas",
            instrumentId,
            timeframe,
            adjustment,
            formulas,
            asOf: query.asOf,
          });
    if (computed !== undefined && "pending" in computed) return stillRunning(computed.pending);
    // Formulas run over all bars, so that an average has its past at the chart's first bar.
    const dataset =
      computed === undefined
        ? await deps.series.dataset({ tenantId, instrumentId, timeframe, adjustment, asOfMs: query.asOf })
        : await deps.series.byHash(computed.file.datasetHash);
    const { openMs, closeMs, open, high, low, close, volume } = dataset.columns;
    const file: ColumnFile = {
      instrumentId,
      timeframe,
      datasetHash: dataset.hash,
      openMs,
      closeMs,
      columns: computed?.file.columns ?? [],
    };
    const { series, indices } = seriesOf(file, { fromMs, toMs, maxPoints });
    return {
      ...series,
      name: instrument.name,
      currency: instrument.currency,
      adjustment,
      open: pickNumbers(open, indices),
      high: pickNumbers(high, indices),
      low: pickNumbers(low, indices),
      close: pickNumbers(close, indices),
      volume: pickNumbers(volume, indices),
      jobId: computed?.jobId ?? null,
    };
  },

  optimizePortfolio: async (deps, { body, request }, caller) => {
    const { risk_tolerance: riskTolerance, ...rest } = body;
    const idempotencyKey = request.headers.get("idempotency-key");
    const { job } = await deps.jobs.submit({
      caller,
      type: "analyze",
      payload: { kind: "portfolio", ...rest, riskTolerance },
      ...(idempotencyKey === null ? {} : { idempotencyKey }),
    });
    return Response.json(job, { status: 202, headers: { location: `/api/jobs/${job.id}` } });
  },
} satisfies RouteHandlersFor<typeof analyzeRoutes, AnalyzeReadDeps>;
