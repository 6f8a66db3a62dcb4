import { AppError } from "@tapedeck/core";
import {
  featureReasons,
  fitIsolationForest,
  fitOneClassSvm,
  highestRows,
  iqrAnomalies,
  isolationContributions,
  isolationScores,
  oneClassContributions,
  oneClassDecisions,
  robustZAnomalies,
  seasonalAnomalies,
  standardise,
  zAnomalies,
} from "@tapedeck/quant/anomaly/index";
import type { SeriesAnomalies } from "@tapedeck/quant/anomaly/index";
import type * as z from "zod";
import { alignCloses, describeBars } from "../align.ts";
import { checkFormulas, evaluateColumns } from "../formulas/run.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisKind } from "../kind.ts";
import { isJoint } from "./contract.ts";
import type { AnomaliesPayload, AnomaliesResult, Anomaly, AnomalyReason } from "./contract.ts";

type Reason = z.output<typeof AnomalyReason>;
type Found = Pick<z.output<typeof Anomaly>, "score" | "reasons"> & { row: number };

interface Findings {
  /** [rows]; the larger the more unusual, signed for one feature. */
  scores: Float64Array;
  /** The most unusual first. */
  found: Found[];
}

const leastRows = 30;
const shownAnomalies = 200;

const oneFeature = ["log(close / lag(close, 1))"];
const severalFeatures = [...oneFeature, "log(high / low)", "log(volume / sma(volume, 20))"];

function featuresOf({ method, features }: AnomaliesPayload): string[] {
  return features ?? (isJoint(method) ? severalFeatures : oneFeature);
}

const phases: Record<AnomaliesPayload["season"], (atMs: number) => number> = {
  hour: (atMs) => new Date(atMs).getUTCHours(),
  weekday: (atMs) => new Date(atMs).getUTCDay(),
  month: (atMs) => new Date(atMs).getUTCMonth(),
};

function judgeSeries(payload: AnomaliesPayload, x: Float64Array, openMs: Float64Array): SeriesAnomalies {
  const { method, threshold, season } = payload;
  switch (method) {
    case "z":
      return zAnomalies(x, threshold);
    case "robustZ":
      return robustZAnomalies(x, threshold);
    case "iqr":
      return iqrAnomalies(x, threshold);
    case "seasonal":
      return seasonalAnomalies(x, Int32Array.from(openMs, phases[season]), threshold);
    case "isolationForest":
    case "oneClassSvm":
      throw new TypeError(`${method} judges several features`);
  }
}

function fromSeries({ scores, anomalies }: SeriesAnomalies, feature: string): Findings {
  const found = anomalies.map(({ row, score, value, expected, low, high }) => ({
    row,
    score,
    reasons: [{ feature, value, expected, low, high, contribution: score, quantile: null }],
  }));
  return { scores, found: found.toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score)) };
}

/** Judges data [n, k] row-major as a whole. */
function fromForest(
  data: Float64Array,
  names: readonly string[],
  share: number,
  random: () => number,
): Findings {
  const k = names.length;
  const forest = fitIsolationForest(data, k, random);
  const scores = isolationScores(forest, data);
  const explain = reasonsOf(data, names);
  const rows = highestRows(scores, Math.max(1, Math.round(scores.length * share)));
  return {
    scores,
    found: Array.from(rows, (row) => {
      const values = data.subarray(row * k, (row + 1) * k);
      return { row, score: scores[row]!, reasons: explain(values, isolationContributions(forest, values)) };
    }),
  };
}

/** The features are brought to one scale first; the score is how far outside the region a row lies. */
function fromSvm(data: Float64Array, names: readonly string[], share: number): Findings {
  const k = names.length;
  const scaled = standardise(data, k).data;
  const svm = fitOneClassSvm(scaled, k, { nu: share });
  const scores = oneClassDecisions(svm, scaled).map((decision) => -decision);
  const explain = reasonsOf(data, names);
  const outside = scores.reduce((count, score) => count + Number(score > 0), 0);
  return {
    scores,
    found: Array.from(highestRows(scores, outside), (row) => {
      const part = <T extends Float64Array>(table: T) => table.subarray(row * k, (row + 1) * k);
      return {
        row,
        score: scores[row]!,
        reasons: explain(part(data), oneClassContributions(svm, part(scaled))),
      };
    }),
  };
}

function reasonsOf(data: Float64Array, names: readonly string[]) {
  const explain = featureReasons(data, names.length);
  return (row: Float64Array, contributions: Float64Array): Reason[] =>
    explain(row, contributions).map(({ feature, value, median, contribution, quantile }) => ({
      feature: names[feature]!,
      value,
      expected: median,
      low: null,
      high: null,
      contribution,
      quantile,
    }));
}

const percentOf = (share: number) => `${Number((share * 100).toFixed(2))} %`;
const short = (value: number) => String(Number(value.toPrecision(4)));

function readingOf(reasons: readonly Reason[]): string {
  if (reasons.length === 0) return "no feature alone: their combination is unusual";
  return reasons
    .map(({ feature, value, expected, low, high, quantile }) => {
      const what = `${feature} is ${short(value)}`;
      if (low !== null && high !== null) return `${what}, outside ${short(low)} to ${short(high)}`;
      const below = quantile ?? 0;
      const place = below > 0.5 ? `at or above ${percentOf(below)}` : `below ${percentOf(1 - below)}`;
      return `${what}, usually ${short(expected)}: ${place} of the bars`;
    })
    .join("; ");
}

export const anomalies: AnalysisKind<AnomaliesPayload, AnomaliesResult> = {
  prepare: async (payload, deps, tenantId) => ({
    ...payload,
    features: await deps.formulas.expand(tenantId, featuresOf(payload)),
  }),

  instruments(payload) {
    const checked = checkFormulas(featuresOf(payload), payload.timeframe);
    const others = [...new Set(checked.flatMap((one) => one.instruments))];
    return [payload.instrumentId, ...others];
  },

  async run(payload, input) {
    const checked = checkFormulas(featuresOf(payload), payload.timeframe);
    const aligned = alignCloses(input.datasets.slice(0, 1), leastRows);
    const columns = await evaluateColumns(checked, input);
    const names = checked.map((one) => one.text);
    const bars = Array.from(aligned.closeMs, (_, i) => i);
    const kept = bars.filter((i) => columns.every((column) => Number.isFinite(column[i]!)));
    if (kept.length < leastRows) throw tooFewRows(names, kept.length);
    const take = (column: Float64Array) => Float64Array.from(kept, (i) => column[i]!);
    const { method, share } = payload;
    await pace(input, 0, 2);
    let findings: Findings;
    if (isJoint(method)) {
      const data = Float64Array.from(kept.flatMap((i) => columns.map((column) => column[i]!)));
      findings =
        method === "isolationForest"
          ? fromForest(data, names, share, input.ctx.random("anomalies"))
          : fromSvm(data, names, share);
    } else {
      findings = fromSeries(judgeSeries(payload, take(columns[0]!), take(aligned.openMs)), names[0]!);
    }
    await pace(input, 1, 2);

    const { scores, found } = findings;
    const call = `${method}(${names.join(", ")})`;
    const rows = found.slice(0, shownAnomalies).map(({ row, score, reasons }) => ({
      openMs: aligned.openMs[kept[row]!]!,
      closeMs: aligned.closeMs[kept[row]!]!,
      score,
      reasons,
      reading: readingOf(reasons),
    }));
    const cited = await citeRowsOf(input, rows, (row) => ({
      formula: `${call}.score`,
      value: row.score,
      unit: "score",
      atMs: row.closeMs,
    }));
    const onBars = new Float64Array(aligned.closeMs.length).fill(Number.NaN);
    for (const [row, bar] of kept.entries()) onBars[bar] = scores[row]!;
    const series = (formula: string, values: Float64Array) => ({ formula, type: "series" as const, values });
    const seriesRef = await input.storeColumns(aligned, [
      series("score", onBars),
      ...names.map((name, i) => series(name, columns[i]!)),
    ]);
    const figure = (label: string, formula: string, value: number | null, unit: string, reading: string) => ({
      group: "Search",
      label,
      formula: `${call}.${formula}`,
      value,
      unit,
      reading,
    });
    const left = bars.length - kept.length;
    const figures = await citeFigures(input, {
      judged: figure("Judged", "rows", kept.length, "bars", "bars on which every feature has a value"),
      leftOut: figure("Left out", "leftOut", left, "bars", "warm-up, or a feature without a value"),
      found: figure(
        "Unusual",
        "found",
        found.length,
        "bars",
        `${((found.length / kept.length) * 100).toFixed(2)} % of the judged`,
      ),
      highestScore: figure(
        "Highest score",
        "highest",
        found[0]?.score ?? null,
        "score",
        scoreReading(method),
      ),
    });
    const described = await describeBars(input, { ...aligned, dropped: input.datasets.map(() => 0) });
    await pace(input, 2, 2);
    return {
      kind: "anomalies",
      ...described,
      seriesRef,
      notes: [
        "What is usual is learnt from the whole range, so earlier bars are judged by later ones too.",
        ...(isJoint(method)
          ? [
              `The method singles out about ${Number((share * 100).toFixed(4))} % of the bars, whether or not they are strange.`,
            ]
          : []),
      ],
      instrumentId: input.datasets[0]!.instrument.instrumentId,
      method,
      features: names,
      figures,
      anomalies: cited,
    };
  },
};

function scoreReading(method: AnomaliesPayload["method"]): string {
  if (method === "isolationForest") return "0.5 is usual, near 1 is alone";
  if (method === "oneClassSvm") return "distance outside the region of the usual";
  return method === "iqr" ? "interquartile ranges beyond the quartile" : "deviations from the centre";
}

function tooFewRows(names: readonly string[], rows: number): AppError {
  return new AppError(
    "data.missing",
    `Only ${rows} bars have a value of ${names.join(", ")}, and ${leastRows} are needed; widen the range, or use features with a shorter warm-up.`,
  );
}
