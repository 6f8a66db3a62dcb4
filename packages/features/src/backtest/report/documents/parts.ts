import type { BacktestTrade, Statistics } from "../../contract.ts";
import type { Honesty } from "../../sweep/contract.ts";
import { drawHeat } from "../drawing/heat.ts";
import type { RunHonesty } from "../contract.ts";
import type { DrawdownRow, RegimeRow, RelativeFigures, RunFigures, YearRow } from "../figures/contract.ts";
import { amount, closeDay, day, percent, ratio } from "../format.ts";
import { figure, numberColumn, textColumn } from "./document.ts";
import type { Block, DocumentFigure } from "./document.ts";

type Luck = Pick<Honesty, "probabilisticSharpe" | "minimumTrackRecordBars" | "bars">;

function probabilityFigure({ probabilisticSharpe }: Luck): DocumentFigure {
  return figure(
    "Probabilistic Sharpe",
    percent(probabilisticSharpe),
    "probability that the true ratio is above zero, had nothing else been tried",
    "/inference/probabilisticSharpe",
  );
}

function recordFigure({ minimumTrackRecordBars: needed, bars }: Luck): DocumentFigure {
  return needed === null
    ? figure("Minimum track record", "–", "no number of bars makes this ratio positive with 95 %")
    : figure(
        "Minimum track record",
        `${amount(Math.ceil(needed))} bars`,
        `until the ratio is above zero with 95 %; there are ${amount(bars)}`,
        "/inference/minimumTrackRecordBars",
      );
}

/** What the boxes of whatever was tried several times have in common. */
function luckFigures(honesty: Omit<Honesty, "trials">): DocumentFigure[] {
  const { deflatedSharpe, overfitting, overfittingTrials } = honesty;
  return [
    probabilityFigure(honesty),
    figure(
      "Deflated Sharpe",
      percent(deflatedSharpe),
      deflatedSharpe === null
        ? "needs at least two trials that have a ratio"
        : "the same against the best that as many trials without skill would show",
    ),
    figure(
      "Probability of overfitting",
      percent(overfitting),
      overfitting === null
        ? "needs a search of this strategy on this data"
        : `how often the best of ${amount(overfittingTrials)} combinations fell behind the median out of sample`,
    ),
    recordFigure(honesty),
  ];
}

function useFigures(of: Pick<Statistics, "exposure" | "turnover" | "costShare">): DocumentFigure[] {
  return [
    figure("Exposure", percent(of.exposure), "share of the bars in the market", "/statistics/exposure"),
    figure(
      "Turnover",
      of.turnover === null ? "–" : `× ${ratio(of.turnover, 1)}`,
      "traded notional a year / mean equity",
      "/statistics/turnover",
    ),
    figure(
      "Cost share",
      percent(of.costShare),
      "fees and slippage / profit or loss before them",
      "/statistics/costShare",
    ),
  ];
}

function capacityFigure(cash: number | null): DocumentFigure {
  return figure(
    "Capacity",
    amount(cash),
    cash === null
      ? "needs volumes, and a fill"
      : "initial cash with which a heavy fill takes 5 % of its bar's volume",
    "/capacity/cash",
  );
}

const honestTitle = "Honest statistics";

/** The honest-statistics box of a run. */
export function runHonestyBlock(honesty: RunHonesty): Block {
  const others = honesty.trialsOfAll - honesty.trials;
  return {
    kind: "figures",
    title: honestTitle,
    lead: "How much of the result luck explains, before the result.",
    figures: [
      figure(
        "Trials",
        amount(honesty.trials),
        `of this strategy on this instrument, of them ${amount(honesty.trials - honesty.runs)} in searches${others > 0 ? `; ${amount(others)} of other strategies` : ""}`,
      ),
      ...luckFigures(honesty),
      ...useFigures(honesty),
      capacityFigure(honesty.capacity),
    ],
  };
}

/** The honest-statistics box of what is no stored run: its best, or all of it, as one. `trials`: what was tried, in words. */
export function researchHonestyBlock(
  honesty: Honesty,
  run: RunFigures | null,
  words: { lead: string; trials: string },
): Block {
  return {
    kind: "figures",
    title: honestTitle,
    lead: words.lead,
    figures: [
      figure("Trials", amount(honesty.trials), words.trials),
      ...luckFigures(honesty),
      ...(run === null ? [] : [...useFigures(run.statistics), capacityFigure(run.report.capacity.cash)]),
    ],
  };
}

/** What a single run says of luck by itself. */
export function honestyAlone({ statistics, report }: RunFigures): Honesty {
  const { probabilisticSharpe, minimumTrackRecordBars } = report.inference;
  return {
    trials: 1,
    probabilisticSharpe,
    deflatedSharpe: null,
    overfitting: null,
    overfittingTrials: 0,
    minimumTrackRecordBars,
    bars: statistics.returns + 1,
  };
}

const compared: ReadonlyArray<readonly [label: string, of: (statistics: Statistics) => string]> = [
  ["Final equity", ({ finalEquity }) => amount(finalEquity)],
  ["Total return", ({ totalReturn }) => percent(totalReturn)],
  ["A year", ({ cagr }) => percent(cagr)],
  ["Volatility a year", ({ volatility }) => percent(volatility)],
  ["Sharpe", ({ sharpe }) => ratio(sharpe)],
  ["Sortino", ({ sortino }) => ratio(sortino)],
  ["Calmar", ({ calmar }) => ratio(calmar)],
  ["Largest drawdown", ({ maxDrawdown }) => percent(maxDrawdown)],
  ["Longest drawdown, bars", ({ longestDrawdownBars }) => amount(longestDrawdownBars)],
  ["Exposure", ({ exposure }) => percent(exposure)],
  ["Trades", ({ trades }) => amount(trades)],
  ["Win rate", ({ winRate }) => percent(winRate)],
  ["Profit factor", ({ profitFactor }) => ratio(profitFactor)],
  ["Turnover a year", ({ turnover }) => ratio(turnover, 1)],
  ["Fees", ({ feesPaid }) => amount(feesPaid, 2)],
  ["Slippage", ({ slippagePaid }) => amount(slippagePaid, 2)],
];

/** Statistics of several runs beside each other. */
export function statisticsBlock(
  title: string,
  runs: ReadonlyArray<readonly [name: string, of: Statistics]>,
): Block {
  return {
    kind: "table",
    title,
    table: {
      columns: [textColumn(""), ...runs.map(([name]) => numberColumn(name))],
      rows: compared.map(([label, of]) => [label, ...runs.map(([, statistics]) => of(statistics))]),
    },
  };
}

export function relativeBlock(relative: RelativeFigures): Block {
  const { alpha, alphaTStatistic, beta, correlation, trackingError, informationRatio } = relative;
  return {
    kind: "figures",
    title: "Against buy and hold",
    figures: [
      figure("Alpha a year", percent(alpha), `t statistic ${ratio(alphaTStatistic)}`, "/relative/alpha"),
      figure("Beta", ratio(beta), `correlation ${ratio(correlation)}`, "/relative/beta"),
      figure(
        "Information ratio",
        ratio(informationRatio),
        `tracking error ${percent(trackingError)}`,
        "/relative/informationRatio",
      ),
      figure(
        "Capture, up / down",
        `${percent(relative.upCapture, 0)} / ${percent(relative.downCapture, 0)}`,
        "mean return while buy and hold rose, and fell, over its own",
        "/relative/upCapture",
      ),
    ],
  };
}

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function monthsBlock(years: readonly YearRow[]): Block | null {
  if (years.length === 0) return null;
  return {
    kind: "drawing",
    title: "Months",
    drawing: drawHeat({
      label: `Returns of ${years.length} years by month, and of each year`,
      columns: [...monthNames, "Year"],
      rows: years.map((row) => String(row.year)),
      cells: years.map((row) => [...row.months, row.total]),
      show: (value) => percent(value),
      aroundZero: true,
    }),
  };
}

export const regimeTitles: Record<RegimeRow["name"], string> = {
  risingCalm: "Rising, calm",
  risingTurbulent: "Rising, turbulent",
  fallingCalm: "Falling, calm",
  fallingTurbulent: "Falling, turbulent",
};

export function regimesBlock(regimes: readonly RegimeRow[]): Block | null {
  if (regimes.length === 0) return null;
  return {
    kind: "table",
    title: "By the state of the market",
    note: "Rising: buy and hold was above its mean of 100 bars at the close before. Turbulent: its volatility of 20 bars was above the median of the run.",
    table: {
      columns: [
        textColumn("Market"),
        numberColumn("Share of bars"),
        numberColumn("Return"),
        numberColumn("Buy and hold"),
        numberColumn("Sharpe"),
        numberColumn("Buy and hold"),
      ],
      rows: regimes.map((row) => [
        regimeTitles[row.name],
        percent(row.share),
        percent(row.totalReturn),
        percent(row.benchmarkReturn),
        ratio(row.sharpe),
        ratio(row.benchmarkSharpe),
      ]),
    },
  };
}

export function drawdownsBlock(drawdowns: readonly DrawdownRow[]): Block | null {
  if (drawdowns.length === 0) return null;
  return {
    kind: "table",
    title: "Deepest drawdowns",
    table: {
      columns: [
        numberColumn("Depth"),
        textColumn("Peak"),
        textColumn("Trough"),
        textColumn("Recovered"),
        numberColumn("Bars"),
      ],
      rows: drawdowns.map((row) => [
        percent(row.depth),
        row.peakMs === null ? "start" : closeDay(row.peakMs),
        closeDay(row.troughMs),
        row.recoveryMs === null ? "not yet" : closeDay(row.recoveryMs),
        amount(row.bars),
      ]),
    },
  };
}

export function tradesBlock(title: string, trades: readonly BacktestTrade[], note?: string): Block | null {
  if (trades.length === 0) return null;
  return {
    kind: "table",
    title,
    ...(note === undefined ? {} : { note }),
    table: {
      columns: [
        numberColumn("#"),
        textColumn("Side"),
        textColumn("Entry"),
        numberColumn("Price"),
        textColumn("Exit"),
        numberColumn("Price"),
        textColumn("Why"),
        numberColumn("Profit"),
        numberColumn("Return"),
      ],
      rows: trades.map((trade) => [
        amount(trade.number),
        trade.side,
        day(trade.entryMs),
        amount(trade.entryPrice, 2),
        trade.exitMs === null ? "open" : day(trade.exitMs),
        amount(trade.exitPrice, 2),
        trade.exitReason ?? "",
        amount(trade.profit, 2),
        percent(trade.profitReturn),
      ]),
    },
  };
}

export function notesBlock(title: string, lines: readonly string[]): Block | null {
  return lines.length === 0 ? null : { kind: "notes", title, lines };
}
