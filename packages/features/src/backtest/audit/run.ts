import { setImmediate } from "node:timers/promises";
import { AppError, isoDate, timeframeMs } from "@tapedeck/core";
import type { JobHandler } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import {
  auditLookAhead,
  auditRecursion,
  auditRevisions,
  createSimulation,
  cutPoints,
  delaySignals,
  runSimulation,
  suspectSplits,
} from "@tapedeck/trading";
import type { AuditFinding, SignalSource, SimulationSettings } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import { compileStrategy, conditionNames, packSignals, settingsOf } from "../domain.ts";
import type { CompiledStrategy, ConditionName } from "../domain.ts";
import { expandRules, readDataset, recordInput, toFormulaData } from "../run.ts";
import type { BacktestDeps } from "../run.ts";
import type { AuditCheck, biasAudit, BiasAuditResult } from "./contract.ts";

type Deps = Pick<BacktestDeps, "series" | "formulas">;

const checkCount = 7;
const chunkBars = 8_192;
/** As-of reads are queries: fewer cuts than those in memory. */
const mostRevisionCuts = 20;

export const runBiasAudit: JobHandler<typeof biasAudit, Deps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = compileStrategy(payload.strategy, timeframeMs(payload.timeframe));
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  const n = dataset.length;
  const least = strategy.warmupBars + 10;
  if (n < least) {
    throw new AppError(
      "data.missing",
      `${dataset.instrument.instrumentId} has ${n} bars here; an audit of this strategy needs at least ${least}.`,
    );
  }
  const others = new Map<string, Dataset>();
  for (const symbol of strategy.symbols) {
    const other = await readDataset(deps, payload, ctx, symbol, undefined);
    recordInput(ctx, other);
    others.set(symbol, toFormulaData(other));
  }
  const resolve = (symbol: string) => others.get(symbol);
  const bars: Dataset = { ...toFormulaData(dataset), resolve };
  const source: SignalSource = (known) => signalsOf(strategy, known);
  const cuts = cutPoints(n, strategy.warmupBars, payload.cuts);
  const checks: AuditCheck[] = [];
  const done = async (check: AuditCheck) => {
    checks.push(check);
    ctx.progress({ checksDone: checks.length, checksTotal: checkCount });
    await setImmediate();
    ctx.signal.throwIfAborted();
  };
  const closeAt = (bar: number) => (bar < 0 ? null : bars.closeMs[bar]!);
  const fromFinding = (name: AuditCheck["name"], finding: AuditFinding, clear: string, bad: string) => ({
    name,
    outcome: finding.passed ? ("pass" as const) : ("fail" as const),
    detail: finding.passed ? clear : `${bad} First at the close of ${isoDate(closeAt(finding.firstBar)!)}.`,
    firstMs: closeAt(finding.firstBar),
  });

  await done(
    fromFinding(
      "lookAhead",
      auditLookAhead(source, bars, cuts),
      `The future cut away at ${cuts.length} places changes no decision before.`,
      "Decisions change when later bars are cut away: the strategy uses what it cannot know.",
    ),
  );
  const starts = [0.1, 0.25, 0.5].map((share) => Math.floor(n * share)).filter((start) => start + least < n);
  await done(
    fromFinding(
      "recursion",
      auditRecursion(source, bars, strategy.warmupBars, starts),
      `Beginning ${starts.join(", ")} bars later changes no decision after the warm-up of ${strategy.warmupBars} bars.`,
      "Decisions depend on how many bars came before the warm-up; give it a longer one.",
    ),
  );
  const revisionCuts = cutPoints(n, strategy.warmupBars, Math.min(payload.cuts, mostRevisionCuts));
  const knownAt = async (closeMs: number): Promise<Dataset> => {
    const { instrumentId } = dataset.instrument;
    const known = await deps.series.dataset(
      {
        tenantId: ctx.tenantId,
        instrumentId,
        timeframe: payload.timeframe,
        fromMs: payload.fromMs,
        toMs: payload.toMs,
        adjustment: payload.adjustment,
        asOfMs: closeMs,
      },
      ctx.signal,
    );
    return { ...toFormulaData(known), resolve };
  };
  await done(
    fromFinding(
      "revisions",
      await auditRevisions(source, bars, revisionCuts, knownAt),
      `At ${revisionCuts.length} closes the bars known then give the same decision as those known now.`,
      "The bars known at that close give another decision than those known now: the data was revised.",
    ),
  );
  await done(splitCheck(bars, dataset.adjustment));
  await done(survivorshipCheck(dataset.instrument.assetClass));

  const settings = settingsOf(payload, dataset.instrument.lotSize);
  const signals = source(bars);
  const totalReturn = returnOf(bars, signals, settings);
  const delayedReturn = returnOf(bars, delaySignals(signals), settings);
  const doubledCostsReturn = returnOf(bars, signals, {
    ...settings,
    feeRate: settings.feeRate * 2,
    feePerUnit: settings.feePerUnit * 2,
    minFee: settings.minFee * 2,
    slippageRate: settings.slippageRate * 2,
    slippagePerUnit: settings.slippagePerUnit * 2,
  });
  await done(stressCheck("delay", totalReturn, delayedReturn, "every decision taken one bar later"));
  await done(stressCheck("costs", totalReturn, doubledCostsReturn, "fees and slippage doubled"));
  return {
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    bars: n,
    warmupBars: strategy.warmupBars,
    passed: checks.every((check) => check.outcome !== "fail"),
    checks,
    totalReturn,
    delayedReturn,
    doubledCostsReturn,
  } satisfies BiasAuditResult;
};

/** Signal bits of a strategy at each close. */
export function signalsOf(strategy: CompiledStrategy, bars: Dataset): Uint8Array {
  const names = conditionNames.filter((name) => strategy.formulas[name] !== undefined);
  const values = evaluateFormulas(
    names.map((name) => strategy.formulas[name]!),
    bars,
  );
  const columns: Partial<Record<ConditionName, Uint8Array>> = {};
  names.forEach((name, k) => (columns[name] = values[k] as Uint8Array));
  return packSignals(strategy.side, columns, new Uint8Array(bars.length));
}

function returnOf(bars: Dataset, signals: Uint8Array, settings: SimulationSettings): number {
  const simulation = createSimulation(bars, signals, settings);
  for (let from = 0; from < bars.length; from += chunkBars) {
    runSimulation(simulation, from, Math.min(bars.length, from + chunkBars));
  }
  return simulation.equity[bars.length - 1]! / settings.initialCash - 1;
}

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

/** A profit that the stress turns into a loss is worth a warning. */
function stressCheck(name: "delay" | "costs", before: number, after: number, what: string): AuditCheck {
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
  return {
    name,
    outcome: before > 0 && after <= 0 ? "warning" : "pass",
    detail: `With ${what} the total return is ${percent(after)} instead of ${percent(before)}.`,
    firstMs: null,
  };
}
