import {
  changePoints,
  fitHiddenMarkov,
  fitMarkovSwitching,
  mean,
  regimePath,
  regimeProbabilities,
  standardDeviation,
  variance,
} from "@tapedeck/quant/statistics/index";
import { barsPerYear } from "@tapedeck/trading/performance";
import type { HiddenMarkov } from "@tapedeck/quant/statistics/index";
import type * as z from "zod";
import { alignCloses, describeBars, logReturnsOf } from "../align.ts";
import type { AlignedCloses } from "../align.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { Regime, RegimesPayload, RegimesResult } from "./contract.ts";

/** Fewest bars: thirty returns a regime, with room. */
const leastBars = 121;

type RegimeRow = Omit<z.output<typeof Regime>, "evidenceId">;

/** What a model says of the returns. */
interface Finding {
  /** Regime of each return [n]. */
  path: Int32Array;
  rows: RegimeRow[];
  transition: number[][] | null;
  /** [k][n], live and with hindsight; empty for change points. */
  filtered: Float64Array[];
  smoothed: Float64Array[];
  logLikelihood: number | null;
  parameters: number;
  notes: string[];
}

const hindsight =
  "The path and the smoothed probabilities use the bars that came later; the filtered ones do not, but the parameters are of the whole range.";

function fromModel(x: Float64Array, model: HiddenMarkov, perYear: number): Finding {
  const k = model.means.length;
  const { filtered, smoothed, logLikelihood } = regimeProbabilities(x, model);
  const path = regimePath(x, model);
  const column = (table: Float64Array, j: number) => Float64Array.from(x, (_, i) => table[i * k + j]!);
  const each = Array.from({ length: k }, (_, j) => j);
  return {
    path,
    rows: each.map((j) => {
      const stay = model.transition[j * k + j]!;
      const bars = path.reduce((count, regime) => count + Number(regime === j), 0);
      const deviation = Math.sqrt(model.variances[j]!);
      return {
        regime: j,
        mean: model.means[j]!,
        deviation,
        volatilityAnnual: deviation * Math.sqrt(perYear),
        bars,
        share: bars / x.length,
        stay,
        expectedBars: stay < 1 ? 1 / (1 - stay) : null,
      };
    }),
    transition: each.map((from) => each.map((to) => model.transition[from * k + to]!)),
    filtered: each.map((j) => column(filtered, j)),
    smoothed: each.map((j) => column(smoothed, j)),
    logLikelihood,
    parameters: 2 * k + k * (k - 1),
    notes: [hindsight],
  };
}

/** Segments between changes in the mean of |return|: changes of volatility. */
function fromChangePoints(x: Float64Array, penalty: number, perYear: number): Finding {
  const size = x.map(Math.abs);
  const { points } = changePoints(size, penalty * variance(size) * Math.log(x.length));
  const bounds = [0, ...points, x.length];
  const path = new Int32Array(x.length);
  const rows = bounds.slice(0, -1).map((from, regime) => {
    const to = bounds[regime + 1]!;
    path.fill(regime, from, to);
    const part = x.subarray(from, to);
    const deviation = part.length > 1 ? standardDeviation(part) : Math.abs(part[0]!);
    return {
      regime,
      mean: mean(part),
      deviation,
      volatilityAnnual: deviation * Math.sqrt(perYear),
      bars: part.length,
      share: part.length / x.length,
      stay: null,
      expectedBars: null,
    };
  });
  return {
    path,
    rows,
    transition: null,
    filtered: [],
    smoothed: [],
    logLikelihood: null,
    parameters: 0,
    notes: ["Change points are found with hindsight: a later bar can move or add one."],
  };
}

/** Runs of one regime. Return i ends at bar i + 1. */
function spansOf(path: Int32Array, { openMs, closeMs }: AlignedCloses): RegimesResult["spans"] {
  const spans: RegimesResult["spans"] = [];
  for (let from = 0; from < path.length;) {
    let to = from + 1;
    while (to < path.length && path[to] === path[from]) to++;
    spans.push({ regime: path[from]!, fromMs: openMs[from + 1]!, toMs: closeMs[to]!, bars: to - from });
    from = to;
  }
  return spans;
}

/** A column on the bars: the first bar has no return. */
const onBars = (values: ArrayLike<number>) => Float64Array.from([Number.NaN, ...Array.from(values)]);

export const regimes: AnalysisKind<RegimesPayload, RegimesResult> = {
  instruments: ({ instrumentId }) => [instrumentId],

  async run(payload, input) {
    const dataset = input.datasets[0]!;
    const aligned = alignCloses([dataset], leastBars);
    const { instrumentId, calendar } = dataset.instrument;
    const perYear = barsPerYear(calendar, dataset.timeframe);
    const x = logReturnsOf(aligned.closes[0]!);
    await pace(input, 0, 2);
    const finding =
      payload.model === "changePoints"
        ? fromChangePoints(x, payload.penalty, perYear)
        : fromModel(
            x,
            payload.model === "markovSwitching" ? fitMarkovSwitching(x) : fitHiddenMarkov(x, payload.regimes),
            perYear,
          );
    await pace(input, 1, 2);
    const { path, rows, filtered, smoothed, logLikelihood } = finding;
    const described = await describeBars(input, aligned);
    const call = callOf(payload, instrumentId);
    const cited = await citeRowsOf(input, rows, (row) => ({
      formula: `${call}.regime[${row.regime}].deviation`,
      value: row.deviation,
      unit: "log return a bar",
    }));
    const current = path.at(-1)!;
    const figure = (
      label: string,
      formula: string,
      unit: string,
    ): Omit<FigureDraft, "value" | "reading"> => ({
      group: "Now",
      label,
      formula: `${call}.${formula}`,
      unit,
    });
    const bic = logLikelihood === null ? null : finding.parameters * Math.log(x.length) - 2 * logLikelihood;
    const absent = "change points have no likelihood";
    const figures = await citeFigures(input, {
      current: {
        ...figure("Regime of the last bar", "path", "regime"),
        value: current,
        atMs: described.toMs,
        reading: `volatility of ${(rows[current]!.volatilityAnnual * 100).toFixed(1)} % a year in it`,
      },
      currentProbability: {
        ...figure("Its probability", `filtered[${current}]`, "probability"),
        value: filtered[current]?.at(-1) ?? null,
        atMs: described.toMs,
        reading: filtered.length === 0 ? "change points have no probabilities" : "from the bars up to it",
      },
      logLikelihood: {
        ...figure("Log-likelihood", "logLikelihood", "nats"),
        group: "Fit",
        value: logLikelihood,
        reading: logLikelihood === null ? absent : "higher is better, for one number of regimes",
      },
      bic: {
        ...figure("BIC", "bic", "nats"),
        group: "Fit",
        value: bic,
        reading: bic === null ? absent : "lower is better, also across numbers of regimes",
      },
    });
    const series = (formula: string, values: Float64Array) => ({ formula, type: "series" as const, values });
    const seriesRef = await input.storeColumns(aligned, [
      series("close", aligned.closes[0]!),
      series("regime", onBars(path)),
      ...filtered.map((values, j) => series(`filtered[${j}]`, onBars(values))),
      ...smoothed.map((values, j) => series(`smoothed[${j}]`, onBars(values))),
    ]);
    await pace(input, 2, 2);
    return {
      kind: "regimes",
      ...described,
      seriesRef,
      notes: finding.notes,
      instrumentId,
      model: payload.model,
      regimes: cited,
      spans: spansOf(path, aligned),
      transition: finding.transition,
      figures,
    };
  },
};

function callOf({ model, regimes: count, penalty }: RegimesPayload, instrumentId: string): string {
  const series = `log returns of ${instrumentId}`;
  if (model === "changePoints") return `changePoints(|${series}|, ${penalty} var ln n)`;
  return model === "hiddenMarkov" ? `hiddenMarkov(${series}, ${count})` : `markovSwitching(${series})`;
}
