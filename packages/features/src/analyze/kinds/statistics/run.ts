import { autocorrelations, fitDistributions, fitGarch } from "@tapedeck/quant/statistics/index";
import { barsPerYear } from "@tapedeck/trading/performance";
import { alignCloses, describeBars, logReturnsOf } from "../align.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { StatisticsPayload, StatisticsResult } from "./contract.ts";
import { levelFigures, returnFigures, volatilityFigures } from "./figures.ts";

const leastBars = 101;
const steps = 4;

export const statistics: AnalysisKind<StatisticsPayload, StatisticsResult> = {
  instruments: ({ instrumentId }) => [instrumentId],

  async run(payload, input) {
    const dataset = input.datasets[0]!;
    const aligned = alignCloses([dataset], Math.max(leastBars, 3 * payload.lags));
    const { instrumentId, calendar } = dataset.instrument;
    const perYear = barsPerYear(calendar, dataset.timeframe);
    const close = aligned.closes[0]!;
    const returns = logReturnsOf(close);
    const ofReturns = `log returns of ${instrumentId}`;
    const levels = levelFigures(close.map(Math.log), payload, `log close of ${instrumentId}`);
    await pace(input, 1, steps);
    const memory = returnFigures(returns, payload, ofReturns);
    await pace(input, 2, steps);
    // In percent, where the optimiser is at home.
    const garch = fitGarch(
      returns.map((value) => value * 100),
      payload.garch,
    );
    await pace(input, 3, steps);
    const figures = await citeFigures(input, {
      ...levels,
      ...memory,
      ...volatilityFigures(garch, payload, perYear, ofReturns),
    } as Record<keyof StatisticsResult["figures"], FigureDraft>);
    const fits = fitDistributions(returns).map(({ name, location, scale, df, aic, distance }) => ({
      name,
      location,
      scale,
      degreesOfFreedom: df,
      aic,
      distance,
    }));
    const [plain, squares] = [returns, returns.map((value) => value * value)].map((series) =>
      autocorrelations(series, payload.lags),
    ) as [Float64Array, Float64Array];
    const onBars = (values: Float64Array) => Float64Array.from([Number.NaN, ...values]);
    const series = (formula: string, values: Float64Array) => ({ formula, type: "series" as const, values });
    const volatility = garch.variances.slice(0, -1).map((value) => Math.sqrt(value * perYear) / 100);
    const seriesRef = await input.storeColumns(aligned, [
      series("return", onBars(returns)),
      series("volatility", onBars(volatility)),
    ]);
    await pace(input, steps, steps);
    return {
      kind: "statistics",
      ...(await describeBars(input, aligned)),
      seriesRef,
      notes: [
        "Tests ask about these bars; with many of them some refuse by chance.",
        "The model's parameters are of the whole range, so its earlier volatilities know later bars.",
      ],
      instrumentId,
      figures,
      distributions: await citeRowsOf(input, fits, (row) => ({
        formula: `${row.name} fitted to ${ofReturns}, aic`,
        value: row.aic,
        unit: "nats",
      })),
      autocorrelations: Array.from({ length: payload.lags }, (_, i) => ({
        lag: i + 1,
        returns: plain[i + 1]!,
        squares: squares[i + 1]!,
      })),
      autocorrelationBound: 1.96 / Math.sqrt(returns.length),
    };
  },
};
