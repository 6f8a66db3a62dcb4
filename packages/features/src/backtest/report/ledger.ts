import type { Db } from "../../db.ts";
import type { AnyRunRow } from "../store.ts";
import { emptyRecord, judge, mostColumns, recordTrial } from "../sweep/honesty.ts";
import type { Statistics } from "../contract.ts";
import type { RunHonesty } from "./contract.ts";
import { loadMeasures, loadRunLedger, loadSearchLedger } from "./store.ts";
import type { LedgerEntry } from "./store.ts";

/**
 * What a strategy is, whatever its numbers: the name of one that is named, the formulas of rules with every number and
 * `{parameter}` left out. Null where there is no payload to tell by.
 */
export function familyOf(payload: unknown): string | null {
  const strategy = (payload as { strategy?: Record<string, string> } | null)?.strategy;
  if (strategy === undefined) return null;
  if (strategy["kind"] !== "rules") return `${strategy["kind"]} ${strategy["name"]}`;
  return ["side", "entry", "exit", "shortEntry", "shortExit"]
    .map((name) => `${name}: ${withoutNumbers(strategy[name] ?? "")}`)
    .join("; ");
}

function withoutNumbers(formula: string): string {
  return formula
    .replaceAll(/\s+/g, "")
    .replaceAll(/\{[a-zA-Z][a-zA-Z0-9]*\}|(?<![a-zA-Z_])\d+(\.\d+)?(e[-+]?\d+)?/gi, "#");
}

const sumOf = (entries: readonly LedgerEntry[], name: "trials" | "ratios" | "sum" | "squares") =>
  entries.reduce((sum, entry) => sum + entry[name], 0);

/** The honest statistics of a run against everything tried with its family on its instruments and timeframe so far. */
export async function honestyOf(db: Db, run: AnyRunRow): Promise<RunHonesty> {
  const { tenantId, instrumentsHash, timeframe, datasetHash, bars, report } = run;
  const scope = { tenantId, instrumentsHash, timeframe, datasetHash };
  const [searches, runs] = await Promise.all([loadSearchLedger(db, scope), loadRunLedger(db, scope)]);
  const self = runs.find((entry) => entry.jobId === run.id);
  const family = familyOf(self?.payload ?? run.payload);
  const isKin = (entry: LedgerEntry) => entry === self || familyOf(entry.payload) === family;
  const kinSearches = searches.filter(isKin);
  const kinRuns = runs.filter(isKin);
  const kin = [...kinSearches, ...kinRuns];
  const record = emptyRecord();
  const measures = await loadMeasures(
    db,
    kinSearches.map((entry) => entry.jobId),
    datasetHash,
    mostColumns,
  );
  for (const measure of measures) recordTrial(record, measure);
  const { statistics } = run.result as { statistics: Statistics };
  const judged = judge(
    {
      ...record,
      trials: sumOf(kin, "trials"),
      ratios: sumOf(kin, "ratios"),
      sum: sumOf(kin, "sum"),
      squares: sumOf(kin, "squares"),
    },
    {
      sharpePerBar: statistics.sharpe === null ? null : statistics.sharpe / Math.sqrt(statistics.barsPerYear),
      returns: statistics.returns,
      skewness: statistics.skewness,
      kurtosis: statistics.kurtosis,
    },
    { bars },
  );
  return {
    ...judged,
    searches: kinSearches.length,
    runs: kinRuns.length,
    trialsOfAll: sumOf([...searches, ...runs], "trials"),
    exposure: statistics.exposure,
    turnover: statistics.turnover,
    costShare: statistics.costShare,
    capacity: report?.capacity.cash ?? null,
  };
}
