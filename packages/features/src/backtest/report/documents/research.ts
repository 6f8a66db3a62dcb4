import type { AuditCheck, BiasAuditResult, PortfolioAuditResult } from "../../audit/contract.ts";
import type { MonteCarloResult, Quantiles, Reruns } from "../../monteCarlo/contract.ts";
import type { HeatMap, SweepResult, SweepTrial } from "../../sweep/contract.ts";
import type { WalkForwardResult } from "../../walkForward/contract.ts";
import type { RunFigures } from "../figures/contract.ts";
import { drawCurves } from "../drawing/curves.ts";
import { drawFan } from "../drawing/fan.ts";
import { drawFolds } from "../drawing/folds.ts";
import { drawHeat } from "../drawing/heat.ts";
import type { Drawing } from "../drawing/shapes.ts";
import { amount, closeDay, counted, day, percent, ratio } from "../format.ts";
import { figure, filled, numberColumn, textColumn } from "./document.ts";
import type { Block, ReportDocument } from "./document.ts";
import { honestyAlone, notesBlock, researchHonestyBlock, statisticsBlock } from "./parts.ts";
import { heldBenchmark } from "./portfolio.ts";
import { reportBlocks } from "./run.ts";

const listed = 20;

export function paramsText(params: Record<string, number | string>): string {
  return Object.entries(params)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(6)) : value}`)
    .join(", ");
}

export function heatMapDrawing({ x, y, cells }: HeatMap, metric: string): Drawing {
  return drawHeat({
    label: `Best ${metric} by ${x.name} and ${y.name}`,
    columns: x.values.map(String),
    rows: y.values.map(String),
    columnName: x.name,
    rowName: y.name,
    cells,
    show: (value) => ratio(value),
    aroundZero: false,
  });
}

function trialsBlock(trials: readonly SweepTrial[]): Block {
  return {
    kind: "table",
    title: `The best ${Math.min(listed, trials.length)}`,
    table: {
      columns: [
        numberColumn("#"),
        textColumn("Parameters"),
        numberColumn("Sharpe"),
        numberColumn("Return"),
        numberColumn("Drawdown"),
        numberColumn("Fills"),
      ],
      rows: trials
        .slice(0, listed)
        .map(({ number, params, figures, failure }) => [
          amount(number),
          failure === null ? paramsText(params) : `${paramsText(params)}: ${failure}`,
          ratio(figures?.sharpe ?? null),
          percent(figures?.totalReturn ?? null),
          percent(figures?.maxDrawdown ?? null),
          amount(figures?.fills ?? null),
        ]),
    },
  };
}

const benchmarkOf = ({ instruments }: { instruments: readonly string[] }) =>
  instruments.length > 1 ? heldBenchmark : "Buy and hold";

/** The statistics of a run beside its benchmark's, then all that its report has. */
function runBlocks(title: string, run: RunFigures | null, benchmark: string): Array<Block | null> {
  if (run === null) return [];
  return [
    statisticsBlock(title, [
      ["Strategy", run.statistics],
      [benchmark, run.benchmark],
    ]),
    ...reportBlocks(run.report, benchmark),
  ];
}

export function sweepDocument(result: SweepResult): ReportDocument {
  return {
    title: `Search on ${result.instrumentId}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}`,
    warnings: result.warnings,
    blocks: filled([
      researchHonestyBlock(result.honesty, result.run, {
        lead: "How much of the best result luck explains, before the result.",
        trials: "combinations tried in this search",
      }),
      result.heatMap === null
        ? null
        : { kind: "drawing", title: "Heat map", drawing: heatMapDrawing(result.heatMap, "first objective") },
      result.top.length === 0 ? null : trialsBlock(result.top),
      ...runBlocks("The best", result.run, benchmarkOf(result)),
      notesBlock("Search", [
        ...(result.failed > 0 ? [`${counted(result.failed, "combination")} could not be run.`] : []),
        ...(result.stoppedEarly ? ["It ended before its last combination for want of progress."] : []),
      ]),
    ]),
    sources: [["Dataset", result.datasetHash]],
  };
}

export function walkForwardDocument(result: WalkForwardResult): ReportDocument {
  const { outOfSample, folds, curve, paths } = result;
  return {
    title: `Walk-forward on ${result.instrumentId}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}, ${counted(folds.length, "fold")}`,
    warnings: result.warnings,
    blocks: filled([
      result.honesty === null
        ? null
        : researchHonestyBlock(result.honesty, result.run, {
            lead: "How much of what follows luck explains: of the tests one after the other, which chose nothing.",
            trials: "combinations that the folds chose among",
          }),
      {
        kind: "figures",
        title: "Out of sample",
        lead: "Bars that never chose the parameters they were judged with, one after the other.",
        figures: [
          figure("Trials", amount(result.trials), "combinations tried in the folds"),
          figure(
            "Total return",
            percent(outOfSample.totalReturn),
            `over ${counted(outOfSample.bars, "bar")}`,
          ),
          figure("Sharpe", ratio(outOfSample.sharpe), "annualised"),
          figure("Largest drawdown", percent(outOfSample.maxDrawdown), "from a peak"),
          figure(
            "Efficiency",
            ratio(result.efficiency),
            "mean Sharpe ratio of the tests / of the trainings; near 1, what was chosen lasted",
          ),
          ...(paths.length > 1
            ? [figure("Paths", amount(paths.length), "of combinatorial tests; the median one is shown")]
            : []),
        ],
      },
      curve.length === 0
        ? null
        : {
            kind: "drawing",
            title: "Growth of 1, out of sample",
            drawing: drawCurves({
              label: "Growth of 1 over the tests, one after the other",
              curves: [
                {
                  label: "Out of sample",
                  ink: "strategy",
                  atMs: curve.map((point) => point.atMs),
                  values: curve.map((point) => point.value),
                },
              ],
              stretches: folds.map((fold, k) => ({
                fromMs: fold.testFromMs,
                toMs: fold.testToMs,
                ink: k % 2 === 0 ? "dim" : "grid",
                title: `fold ${k + 1}`,
              })),
              show: (value) => ratio(value),
            }),
          },
      {
        kind: "drawing",
        title: "Folds",
        drawing: drawFolds(folds, `${counted(folds.length, "fold")} on a time axis`),
      },
      {
        kind: "table",
        title: "Fold by fold",
        table: {
          columns: [
            numberColumn("Fold"),
            textColumn("Judged on"),
            textColumn("Chosen"),
            numberColumn("Sharpe, trained"),
            numberColumn("Sharpe, tested"),
            numberColumn("Return"),
          ],
          rows: folds.map((fold, k) => [
            String(k + 1),
            `${day(fold.testFromMs)} to ${closeDay(fold.testToMs)}`,
            fold.params === null ? "none traded" : paramsText(fold.params),
            ratio(fold.trainSharpe),
            ratio(fold.testSharpe),
            percent(fold.testReturn),
          ]),
        },
      },
      ...runBlocks("Out of sample beside holding", result.run, benchmarkOf(result)),
    ]),
    sources: [["Dataset", result.datasetHash]],
  };
}

const quantileColumns = [textColumn(""), ...["5 %", "25 %", "median", "75 %", "95 %"].map(numberColumn)];

function quantileRow(name: string, of: Quantiles): string[] {
  return [name, ...[of.p5, of.p25, of.p50, of.p75, of.p95].map((value) => percent(value))];
}

function rerunRows(how: string, reruns: Reruns | null): string[][] {
  if (reruns === null) return [];
  return [
    quantileRow(`Total return, ${how} (${counted(reruns.simulations, "run")})`, reruns.totalReturn),
    quantileRow(`Drawdown, ${how}`, reruns.maxDrawdown),
  ];
}

export function monteCarloDocument(result: MonteCarloResult): ReportDocument {
  const { bootstrap, shuffledDrawdown } = result;
  return {
    title: `Monte Carlo on ${result.instrumentId}`,
    subtitle: `${counted(result.simulations, "simulation")} of ${counted(result.bars, "bar")} of ${result.timeframe}, seed ${result.seed}`,
    warnings: [],
    blocks: filled([
      result.run === null
        ? null
        : researchHonestyBlock(honestyAlone(result.run), result.run, {
            lead: "How much of the run luck explains, before what it might have been.",
            trials: "this run alone; the report of a backtest counts what else was tried",
          }),
      {
        kind: "figures",
        title: "What it might have been",
        figures: [
          figure(
            "Probability of a loss",
            percent(bootstrap.lossProbability),
            "share of resampled paths that end below their start",
          ),
          figure(
            "Total return",
            percent(result.totalReturn),
            `as it was; resampled median ${percent(bootstrap.totalReturn.p50)}`,
          ),
          figure(
            "Largest drawdown",
            percent(result.maxDrawdown),
            `as it was; one in twenty resampled paths falls below ${percent(bootstrap.maxDrawdown.p95)}`,
          ),
        ],
      },
      {
        kind: "drawing",
        title: "Resampled paths",
        note: "Bar returns drawn again in blocks: bands of 5 to 95 % and 25 to 75 % of the paths, by bar; growth of 1.",
        drawing: drawFan(bootstrap.bands, `Bands of ${counted(result.simulations, "resampled path")}`),
      },
      {
        kind: "table",
        title: "Quantiles",
        note: "Shuffled trades speak of the drawdown only: their product never changes.",
        table: {
          columns: quantileColumns,
          rows: [
            quantileRow("Total return, resampled", bootstrap.totalReturn),
            quantileRow("Drawdown, resampled", bootstrap.maxDrawdown),
            ...rerunRows("on resampled prices", result.pathResampling),
            ...rerunRows("with other numbers", result.jitter),
            ...(shuffledDrawdown === null
              ? []
              : [quantileRow("Drawdown, trades shuffled", shuffledDrawdown)]),
          ],
        },
      },
      {
        kind: "table",
        title: "Costs and delay",
        table: {
          columns: [textColumn("Stress"), numberColumn("Total return")],
          rows: [
            ...result.costStress.map(({ multiple, totalReturn }) => [
              `costs × ${multiple}`,
              percent(totalReturn),
            ]),
            ...result.delayStress.map(({ bars, totalReturn }) => [
              bars === 0 ? "decisions as they were" : `decisions ${counted(bars, "bar")} later`,
              percent(totalReturn),
            ]),
          ],
        },
      },
      ...runBlocks("The run as it was", result.run, benchmarkOf(result)),
    ]),
    sources: [["Dataset", result.datasetHash]],
  };
}

const checkTitles: Record<AuditCheck["name"], string> = {
  lookAhead: "Look-ahead",
  recursion: "Recursion",
  revisions: "Revised data",
  permutation: "Other names",
  splits: "Splits",
  survivorship: "Survivorship",
  delay: "One bar later",
  costs: "Costs doubled",
};

/** Of one instrument, or of several. */
export function biasAuditDocument(result: BiasAuditResult | PortfolioAuditResult): ReportDocument {
  const of =
    "instruments" in result
      ? {
          name: counted(result.instruments.length, "instrument"),
          size: `${counted(result.instants, "close")} of ${result.timeframe}`,
          datasets: result.instruments,
        }
      : {
          name: result.instrumentId,
          size: `${counted(result.bars, "bar")} of ${result.timeframe}`,
          datasets: [result],
        };
  return {
    title: `Bias audit on ${of.name}: ${result.passed ? "passed" : "failed"}`,
    subtitle: `${of.size}, ${amount(result.warmupBars)} to warm up`,
    warnings: result.checks
      .filter((check) => check.outcome === "fail")
      .map((check) => `${checkTitles[check.name]}: ${check.detail}`),
    blocks: [
      {
        kind: "table",
        title: "Checks",
        table: {
          columns: [textColumn("Check"), textColumn("Outcome"), textColumn("First bar"), textColumn("Why")],
          rows: result.checks.map((check) => [
            checkTitles[check.name],
            check.outcome,
            check.firstMs === null ? "" : closeDay(check.firstMs),
            check.detail,
          ]),
        },
      },
      {
        kind: "figures",
        title: "Total return",
        figures: [
          figure("As it is", percent(result.totalReturn), ""),
          figure("One bar later", percent(result.delayedReturn), "every decision delayed"),
          figure("Costs doubled", percent(result.doubledCostsReturn), "fees and slippage"),
        ],
      },
    ],
    sources: of.datasets
      .slice(0, listed)
      .map(({ instrumentId, datasetHash }) => [`Dataset of ${instrumentId}`, datasetHash] as const),
  };
}
