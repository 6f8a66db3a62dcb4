import type { BiasAuditResult } from "../../audit/contract.ts";
import type { MonteCarloResult, Quantiles } from "../../monteCarlo/contract.ts";
import type { PortfolioBacktestResult } from "../../portfolio/contract.ts";
import type { HeatMap, SweepResult, SweepTrial } from "../../sweep/contract.ts";
import type { WalkForwardResult } from "../../walkForward/contract.ts";
import { drawCurves } from "../drawing/curves.ts";
import { drawFan } from "../drawing/fan.ts";
import { drawFolds } from "../drawing/folds.ts";
import { drawHeat } from "../drawing/heat.ts";
import { amount, closeDay, counted, day, percent, ratio } from "../format.ts";
import { figure, filled, numberColumn, textColumn } from "./document.ts";
import type { Block, ReportDocument } from "./document.ts";
import { notesBlock, portfolioHonestyBlock, searchHonestyBlock, statisticsBlock } from "./parts.ts";

const listed = 20;

export function paramsText(params: Record<string, number | string>): string {
  return Object.entries(params)
    .map(([name, value]) => `${name} ${typeof value === "number" ? Number(value.toPrecision(6)) : value}`)
    .join(", ");
}

export function heatMapDrawing(heatMap: HeatMap) {
  const { x, y, cells } = heatMap;
  return drawHeat({
    label: `Best first objective by ${x.name} and ${y.name}`,
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

export function sweepDocument(result: SweepResult): ReportDocument {
  return {
    title: `Search on ${result.instrumentId}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}`,
    warnings: result.warnings,
    blocks: filled([
      searchHonestyBlock(result.honesty),
      result.heatMap === null
        ? null
        : { kind: "drawing", title: "Heat map", drawing: heatMapDrawing(result.heatMap) },
      result.top.length === 0 ? null : trialsBlock(result.top),
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
    ]),
    sources: [["Dataset", result.datasetHash]],
  };
}

const quantileColumns = [textColumn(""), ...["5 %", "25 %", "median", "75 %", "95 %"].map(numberColumn)];

function quantileRow(name: string, of: Quantiles): string[] {
  return [name, ...[of.p5, of.p25, of.p50, of.p75, of.p95].map((value) => percent(value))];
}

export function monteCarloDocument(result: MonteCarloResult): ReportDocument {
  const { bootstrap, shuffledDrawdown } = result;
  return {
    title: `Monte Carlo on ${result.instrumentId}`,
    subtitle: `${counted(result.simulations, "simulation")} of ${counted(result.bars, "bar")} of ${result.timeframe}, seed ${result.seed}`,
    warnings: [],
    blocks: filled([
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
    ]),
    sources: [["Dataset", result.datasetHash]],
  };
}

export const checkTitles: Record<string, string> = {
  lookAhead: "Look-ahead",
  recursion: "Recursion",
  revisions: "Revised data",
  splits: "Splits",
  survivorship: "Survivorship",
  delay: "One bar later",
  costs: "Costs doubled",
};

export function biasAuditDocument(result: BiasAuditResult): ReportDocument {
  return {
    title: `Bias audit on ${result.instrumentId}: ${result.passed ? "passed" : "failed"}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}, ${amount(result.warmupBars)} to warm up`,
    warnings: result.checks
      .filter((check) => check.outcome === "fail")
      .map((check) => `${checkTitles[check.name] ?? check.name}: ${check.detail}`),
    blocks: [
      {
        kind: "table",
        title: "Checks",
        table: {
          columns: [textColumn("Check"), textColumn("Outcome"), textColumn("First bar"), textColumn("Why")],
          rows: result.checks.map((check) => [
            checkTitles[check.name] ?? check.name,
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
    sources: [["Dataset", result.datasetHash]],
  };
}

export function portfolioDocument(result: PortfolioBacktestResult): ReportDocument {
  const { curve } = result;
  const atMs = curve.map((point) => point.atMs);
  return {
    title: `${result.title}, ${counted(result.instruments.length, "instrument")}`,
    subtitle: `${counted(result.instants, "close")} of ${result.timeframe}, ${day(result.fromMs)} to ${closeDay(result.toMs)}, ${result.baseCurrency}`,
    warnings: result.warnings,
    blocks: filled([
      portfolioHonestyBlock(result),
      statisticsBlock("Statistics", [
        ["Strategy", result.statistics],
        ["Equal weights, held", result.benchmark],
      ]),
      {
        kind: "drawing",
        title: "Equity",
        drawing: drawCurves({
          label: "Equity of the strategy and of equal weights, held",
          curves: [
            { label: "Strategy", ink: "strategy", atMs, values: curve.map((point) => point.equity) },
            {
              label: "Equal weights, held",
              ink: "benchmark",
              atMs,
              values: curve.map((point) => point.benchmark),
            },
            { label: "Positions", ink: "other", atMs, values: curve.map((point) => point.gross) },
          ],
          show: (value) => amount(value),
        }),
      },
      {
        kind: "table",
        title: "Instruments",
        table: {
          columns: [
            textColumn("Instrument"),
            numberColumn("Round trips"),
            numberColumn("Profit"),
            textColumn("Currency"),
            numberColumn("Position at the end"),
          ],
          rows: result.instruments.map((one) => [
            one.instrumentId,
            amount(one.roundTrips),
            amount(one.profit, 2),
            one.currency,
            ratio(one.position, 4),
          ]),
        },
      },
      {
        kind: "figures",
        title: "Money besides the trades",
        figures: [
          figure("Liquidations", amount(result.liquidations), "below the maintenance margin"),
          figure("Dividends", amount(result.dividends, 2), result.baseCurrency),
          figure("Borrow fees", amount(result.borrowFees, 2), result.baseCurrency),
          figure("Interest", amount(result.interest, 2), result.baseCurrency),
        ],
      },
      notesBlock("How fills were made", result.assumptions),
    ]),
    sources: [
      ["Fills", result.fillsHash],
      ...result.instruments.slice(0, listed).map((one) => [one.instrumentId, one.datasetHash] as const),
    ],
  };
}
