import type { EvidenceItem, EvidenceStore } from "../../evidence/contract.ts";
import type { BacktestResult } from "../contract.ts";
import type { RunReport } from "./figures/contract.ts";

/** How each cited figure is computed, and its unit. */
const cited = {
  inference: {
    sharpePerBar: ["Sharpe ratio of the bar returns, not annualised", ""],
    probabilisticSharpe: ["probability that the true Sharpe ratio is above zero", "fraction"],
    minimumTrackRecordBars: ["bars after which the Sharpe ratio is above zero with 95 %", "bars"],
  },
  relative: {
    alpha: ["intercept of the bar returns on those of buy and hold, a year", "fraction a year"],
    alphaTStatistic: ["intercept / its standard error", ""],
    beta: ["covariance with buy and hold / its variance", ""],
    correlation: ["correlation with the returns of buy and hold", ""],
    trackingError: ["standard deviation of the difference from buy and hold, a year", "fraction a year"],
    informationRatio: ["mean difference from buy and hold / its standard deviation, a year", ""],
    upCapture: ["mean return while buy and hold rose / its own", "fraction"],
    downCapture: ["mean return while buy and hold fell / its own", "fraction"],
  },
  capacity: {
    cash: [
      "initial cash with which the fill at the 95th percentile takes 5 % of its bar's volume",
      "currency",
    ],
    medianShare: ["median share of their bars' volumes that fills took", "fraction"],
    highShare: ["95th percentile of those shares", "fraction"],
    largestShare: ["largest of those shares", "fraction"],
  },
} as const;

/** The report with an evidence item for each of its figures. */
export async function citeReport(
  store: EvidenceStore,
  ctx: { tenantId: string; jobId: string },
  result: Pick<BacktestResult, "fillsHash" | "datasetHash" | "instrumentId" | "timeframe"> & {
    strategy: { title: string };
  },
  report: Omit<RunReport, "evidence">,
): Promise<RunReport> {
  const pointers: string[] = [];
  const items: EvidenceItem[] = [];
  for (const part of ["inference", "relative", "capacity"] as const) {
    const values: Record<string, number | null> = report[part];
    for (const [name, [formula, unit]] of Object.entries(cited[part])) {
      if (values[name] === null) continue;
      pointers.push(`/${part}/${name}`);
      items.push({
        kind: "computation",
        formula: `${formula}: ${result.strategy.title}, fills ${result.fillsHash.slice(0, 12)}`,
        datasetHash: result.datasetHash,
        instrumentId: result.instrumentId,
        timeframe: result.timeframe,
        atMs: null,
        value: values[name]!,
        unit,
      });
    }
  }
  const ids = await store.addAll(ctx.tenantId, ctx.jobId, items);
  return { ...report, evidence: Object.fromEntries(pointers.map((pointer, k) => [pointer, ids[k]!])) };
}
