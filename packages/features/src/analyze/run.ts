import { isoDate } from "@tapedeck/core";
import type { JobHandler } from "@tapedeck/core";
import type { Tx } from "../db.ts";
import type { SeriesDataset } from "../series/contract.ts";
import type { analyze, AnalyzePayload, AnalyzeResult } from "./contract.ts";
import { analysisKinds } from "./kinds/handlers.ts";
import { asAnalysisError, createAnalysisInput, rowsItem } from "./kinds/kind.ts";
import type { AnalysisKind, AnalyzeDeps } from "./kinds/kind.ts";

/** The registry's types tie each payload to its kind; here they are of any kind. */
function kindOf(payload: AnalyzePayload): AnalysisKind<AnalyzePayload, AnalyzeResult> {
  return analysisKinds[payload.kind] as unknown as AnalysisKind<AnalyzePayload, AnalyzeResult>;
}

function label(dataset: SeriesDataset): string {
  const { openMs, closeMs } = dataset.columns;
  return `${dataset.instrument.instrumentId} ${dataset.timeframe} ${isoDate(openMs[0]!)}..${isoDate(closeMs[dataset.length - 1]!)}`;
}

interface Prepared {
  payload: AnalyzePayload;
  refs: readonly string[];
  /** In the order of `refs`. */
  datasets: SeriesDataset[];
}

async function prepare(
  deps: AnalyzeDeps,
  given: AnalyzePayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<Prepared> {
  const { tenantId, signal } = scope;
  const kind = kindOf(given);
  const payload = (await kind.prepare?.(given, deps, tenantId)) ?? given;
  const refs = kind.instruments(payload);
  if (!("timeframe" in payload)) return { payload, refs, datasets: [] };
  const { timeframe, fromMs, toMs, adjustment, asOf } = payload;
  const datasets: SeriesDataset[] = [];
  for (const ref of refs) {
    const { instrumentId } = await deps.series.resolve(tenantId, ref);
    datasets.push(
      await deps.series.dataset(
        { tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs: asOf },
        signal,
      ),
    );
    signal.throwIfAborted();
  }
  return { payload, refs, datasets };
}

const run: JobHandler<typeof analyze, AnalyzeDeps, Tx> = async (deps, given, ctx) => {
  try {
    const { payload, datasets } = await prepare(deps, given, ctx);
    for (const one of datasets) {
      ctx.input({ kind: "dataset", ref: one.hash, label: label(one), details: { ...rowsItem(one) } });
    }
    const asOfMs = "timeframe" in payload ? payload.asOf : undefined;
    return await kindOf(payload).run(payload, createAnalysisInput(deps, ctx, datasets, asOfMs));
  } catch (error) {
    throw asAnalysisError(error);
  }
};

/** The same analysis of the same data is one, whenever it is asked for and however its instruments are written. */
async function resolveInputs(
  deps: AnalyzeDeps,
  given: AnalyzePayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const { payload, refs, datasets } = await prepare(deps, given, scope);
  const ids = new Map(refs.map((ref, i) => [ref, datasets[i]!.instrument.instrumentId]));
  const byId = (_key: string, value: unknown) => (typeof value === "string" && ids.get(value)) || value;
  return {
    payload: {
      ...(JSON.parse(JSON.stringify(payload), byId) as object),
      instruments: datasets.map(({ instrument: { instrumentId, name, currency } }) => ({
        instrumentId,
        name,
        currency,
      })),
    },
    hashes: datasets.map((one) => one.hash),
  };
}

export const runAnalyze = Object.assign(run, { resolveInputs });
