import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { auditRecursion, cutPoints, suspectSplits } from "@tapedeck/trading";
import type { DecisionTrace } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { DatasetRequest, SeriesDataset } from "../../series/contract.ts";
import { packSignals } from "../domain.ts";
import {
  expandRules,
  finerBars,
  formulaData,
  loadDataset,
  readDataset,
  readTraded,
  seenBy,
  toFormulaData,
} from "../run.ts";
import type { BacktestDeps } from "../run.ts";
import { completeRun, cutScene, openStrategy } from "../single.ts";
import type { SingleScene, SingleStrategy } from "../single.ts";
import { auditSubject, recursionCheck, scheduleCheck, startsOf } from "./checks.ts";
import type { AuditSubject } from "./checks.ts";
import type { AuditCheck, biasAudit, BiasAuditPayload, BiasAuditResult } from "./contract.ts";

type Deps = Pick<BacktestDeps, "series" | "formulas" | "strategies">;
type Context = JobContext<ProgressOf<typeof biasAudit>, Tx>;

/** Splits and survivorship. */
const furtherCount = 2;
/** Fewest bars after the warm-up that are worth an audit. */
const leastBars = 10;

export const runBiasAudit: JobHandler<typeof biasAudit, Deps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await openStrategy(deps, payload);
  try {
    return await auditSingle(deps, payload, ctx, strategy);
  } finally {
    await strategy.close();
  }
};

async function auditSingle(
  deps: Deps,
  payload: BiasAuditPayload,
  ctx: Context,
  strategy: SingleStrategy,
): Promise<BiasAuditResult> {
  const dataset = await loadDataset(deps, payload, ctx, strategy);
  const n = dataset.length;
  const least = strategy.warmupBars + leastBars;
  if (n < least) {
    throw new AppError(
      "data.missing",
      `${dataset.instrument.instrumentId} has ${n} bars here; an audit of this strategy needs at least ${least}.`,
    );
  }
  const { signals, traded } = await readTraded(deps, payload, ctx, dataset);
  const bars = await formulaData(deps, payload, ctx, signals, strategy.symbols);
  const finer = await finerBars(deps, payload, ctx);
  const scene: SingleScene = { data: bars, traded, instrument: dataset.instrument, finer: finer?.columns };
  const runOn = (on: SingleScene, change: { costMultiple?: number; delayBars?: number } = {}) =>
    completeRun(strategy, on, { signal: ctx.signal, seed: ctx.seed, ...change });
  const decide = async (on: SingleScene): Promise<DecisionTrace> =>
    strategy.module === null ? signalTrace(strategy, on.data) : (await runOn(on)).decided;
  const closedBy = (untilMs: number) =>
    cutScene(scene, 0, bars.closeMs.findLastIndex((ms) => ms <= untilMs) + 1);
  const subject: AuditSubject = {
    warmupBars: strategy.warmupBars,
    decide: (untilMs) => decide(untilMs === undefined ? scene : closedBy(untilMs)),
    decideAsKnown: async (atMs) => {
      const asked = { ...payload, asOf: atMs };
      const silent = { ...ctx, input: () => undefined };
      const known = await readDataset(deps, asked, silent, payload.instrumentId, payload.fromMs);
      const then = await readTraded(deps, asked, silent, known);
      const data = toFormulaData(then.signals);
      return decide({
        ...scene,
        data: bars.resolve === undefined ? data : { ...data, resolve: bars.resolve },
        traded: then.traded,
      });
    },
    closeMs: bars.closeMs,
    revisions: () => deps.series.revisions(requestOf(payload, ctx, dataset)),
    cutsMs: (count) => cutPoints(n, strategy.warmupBars, count).map((cut) => bars.closeMs[cut - 1]!),
    recursion: async () => {
      const longer = await withBarsBefore(deps, payload, ctx, strategy);
      const formulas = recursionOf(strategy, longer ?? bars, least, n);
      if (strategy.module === null || formulas.outcome === "fail") return formulas;
      return scheduleCheck({
        whole: await decide(scene),
        beginning: (start) => decide(cutScene(scene, start, n)),
        closeMs: bars.closeMs,
        least,
      });
    },
    further: () =>
      Promise.resolve([
        splitCheck(bars, dataset.adjustment),
        survivorshipCheck(dataset.instrument.assetClass),
      ]),
    returnWith: async (change) =>
      (await runOn(scene, change)).equity.at(-1)! / Number(payload.initialCash) - 1,
  };
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: n,
    ...(await auditSubject(subject, payload.cuts, furtherCount, ctx)),
  };
}

/** The range with all that is stored before it; undefined: it begins with that. */
async function withBarsBefore(
  deps: Deps,
  payload: BiasAuditPayload,
  ctx: Context,
  strategy: SingleStrategy,
): Promise<Dataset | undefined> {
  if (payload.fromMs === undefined) return undefined;
  const whole = await readDataset(deps, seenBy(payload), ctx, payload.instrumentId, undefined);
  return formulaData(deps, payload, ctx, whole, strategy.symbols);
}

/** The signals of rules, the formulas of a module, at the last `count` bars: begun with them, later, and against all bars before. */
function recursionOf(strategy: SingleStrategy, bars: Dataset, least: number, count: number): AuditCheck {
  const before = bars.length - count;
  const later = startsOf(count, least).map((start) => before + start);
  const starts = before > 0 ? [before, ...later] : later;
  const columnsOf = (data: Dataset) =>
    strategy.module === null
      ? [signalsOf(strategy, data)]
      : evaluateFormulas(Object.values(strategy.formulas), data);
  return recursionCheck(
    auditRecursion(columnsOf, bars, strategy.warmupBars, starts),
    starts,
    strategy.warmupBars,
  );
}

function requestOf(
  { timeframe, fromMs, toMs, adjustment, asOf }: BiasAuditPayload,
  { tenantId }: Pick<Context, "tenantId">,
  { instrument: { instrumentId } }: SeriesDataset,
): DatasetRequest {
  return { tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs: asOf };
}

/** Signal bits of rules at each close. */
function signalsOf(strategy: SingleStrategy, data: Dataset): Uint8Array {
  return packSignals(strategy.side, strategy.conditions(data), new Uint8Array(data.length));
}

const signalTrace = (strategy: SingleStrategy, data: Dataset): DecisionTrace => ({
  timeMs: data.closeMs,
  what: signalsOf(strategy, data),
});

function splitCheck(bars: Dataset, adjustment: string): AuditCheck {
  const found = suspectSplits(bars);
  return {
    name: "splits",
    outcome: found.length === 0 ? "pass" : "warning",
    detail:
      found.length === 0
        ? "No close is about half or twice the one before."
        : `${found.length} closes are about half or twice the one before (prices: ${adjustment}): look whether they are splits that are not adjusted for.`,
    firstMs: found.length === 0 ? null : bars.closeMs[found[0]!]!,
  };
}

function survivorshipCheck(assetClass: string): AuditCheck {
  const single = assetClass === "equity" || assetClass === "fund";
  return {
    name: "survivorship",
    outcome: single ? "warning" : "pass",
    detail: single
      ? "One share or fund, chosen today, is one that has survived: what was delisted cannot have been chosen."
      : `An instrument of the class ${assetClass} is not chosen for having survived.`,
    firstMs: null,
  };
}
