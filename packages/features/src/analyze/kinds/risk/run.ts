import { AppError } from "@tapedeck/core";
import { barsPerYear } from "@tapedeck/trading/performance";
import { componentRisk, componentShortfall, drawdownsOf } from "@tapedeck/quant/risk/index";
import { covariance as covarianceOf } from "@tapedeck/quant/statistics/index";
import { alignCloses, describeBars, returnsOf } from "../align.ts";
import type { AlignedCloses } from "../align.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind, AnalyzeDeps } from "../kind.ts";
import type { RiskPayload, RiskResult } from "./contract.ts";
import { relativeFigures, riskFigures } from "./figures.ts";
import { shockRows, stressRows } from "./stress.ts";
import { backtestedMethods, backtestForecasts, riskMethods, tailRiskOf } from "./tail.ts";

const leastReturns = 30;
const shownDrawdowns = 5;

interface Holdings {
  name: string;
  refs: string[];
  weights: Float64Array;
}

function holdingsOf({ of }: RiskPayload): Holdings {
  switch (of.kind) {
    case "instrument":
      return { name: of.instrumentId, refs: [of.instrumentId], weights: Float64Array.of(1) };
    case "weights":
      return {
        name: of.name,
        refs: of.weights.map((one) => one.instrumentId),
        weights: Float64Array.from(of.weights, (one) => one.weight),
      };
    case "account":
      throw new TypeError("the account's holdings were not read");
  }
}

/** The account's positions at the last known prices, as weights of its equity. */
async function readAccount(
  deps: AnalyzeDeps,
  tenantId: string,
  accountId: string | undefined,
): Promise<RiskPayload["of"]> {
  const { accounts } = await deps.portfolio.portfolio(tenantId, accountId);
  if (accounts.length === 0)
    throw new AppError("data.missing", "There is no account yet; place an order or open one first.");
  if (accounts.length > 1) {
    throw new AppError(
      "payload.invalid",
      `There are ${accounts.length} accounts; name one in of.accountId.`,
      {
        details: { accounts: accounts.map((one) => ({ accountId: one.accountId, name: one.name })) },
      },
    );
  }
  const account = accounts[0]!;
  if (account.equity === null) {
    throw new AppError(
      "data.missing",
      `No price is on file for ${account.unpriced.join(", ")}; import bars of it to know the account's risk.`,
    );
  }
  const equity = Number(account.equity);
  if (account.positions.length === 0 || !(equity > 0)) {
    throw new AppError(
      "data.missing",
      `Account ${account.name} holds no position, so there is no risk to report.`,
    );
  }
  return {
    kind: "weights",
    name: `account ${account.name}`,
    weights: account.positions.map((one) => ({
      instrumentId: one.instrumentId,
      weight: Number(one.marketValue) / equity,
    })),
  };
}

/** Covariance [k, k] of simple returns [k][n], ddof 1. */
function covarianceMatrix(returns: readonly Float64Array[]): Float64Array {
  return Float64Array.from(returns.flatMap((a) => returns.map((b) => covarianceOf(a, b))));
}

/** Return of fixed weights, kept by trading at each close. */
function mixOf(returns: readonly Float64Array[], weights: Float64Array): Float64Array {
  return returns[0]!.map((_, t) => returns.reduce((sum, one, i) => sum + weights[i]! * one[t]!, 0));
}

/** A column on the bars, from the bar that ends the first value on. */
function onBars(length: number, values: Float64Array): Float64Array {
  const column = new Float64Array(length).fill(Number.NaN);
  column.set(values, length - values.length);
  return column;
}

/** Places of the shocked holdings. */
function shocksOf({ shocks }: RiskPayload, refs: readonly string[]) {
  return shocks.map(({ name, returns }) => ({
    name,
    given: new Map(
      returns.map((one) => {
        const at = refs.indexOf(one.instrumentId);
        if (at < 0) {
          throw new AppError(
            "payload.invalid",
            `Shock "${name}" names ${one.instrumentId}, which is not held; there are ${refs.join(", ")}.`,
          );
        }
        return [at, one.return] as const;
      }),
    ),
  }));
}

async function citeComponents(
  input: AnalysisInput,
  returns: readonly Float64Array[],
  { weights, name }: Holdings,
  level: number,
  covariance: Float64Array,
): Promise<RiskResult["components"]> {
  const risk = componentRisk(weights, covariance, level);
  const k = returns.length;
  const table = Float64Array.from(
    { length: returns[0]!.length * k },
    (_, at) => returns[at % k]![Math.floor(at / k)]!,
  );
  const shortfall = componentShortfall(table, weights, level);
  const rows = returns.map((_, i) => ({
    instrumentId: input.datasets[i]!.instrument.instrumentId,
    weight: weights[i]!,
    marginal: risk.marginal[i]!,
    component: risk.component[i]!,
    share: risk.share[i]!,
    incremental: risk.incremental[i]!,
    componentShortfall: shortfall[i]!,
  }));
  return citeRowsOf(input, rows, (row) => ({
    formula: `componentRisk(${name}, ${level})["${row.instrumentId}"], weight ${row.weight}`,
    value: row.component,
    unit: "fraction",
  }));
}

async function citeDrawdowns(
  input: AnalysisInput,
  returns: Float64Array,
  { closeMs }: AlignedCloses,
  of: string,
): Promise<RiskResult["drawdowns"]> {
  const worst = drawdownsOf(returns)
    .episodes.toSorted((a, b) => b.depth - a.depth)
    .slice(0, shownDrawdowns);
  const rows = worst.map(({ peak, trough, recovery, depth }) => ({
    peakMs: closeMs[peak]!,
    troughMs: closeMs[trough]!,
    recoveryMs: recovery === null ? null : closeMs[recovery]!,
    depth,
  }));
  return citeRowsOf(input, rows, (row) => ({
    formula: `drawdown(returns of ${of})`,
    value: row.depth,
    unit: "fraction",
    atMs: row.troughMs,
  }));
}

export const risk: AnalysisKind<RiskPayload, RiskResult> = {
  async prepare(payload, deps, tenantId) {
    if (payload.of.kind !== "account") return payload;
    return { ...payload, of: await readAccount(deps, tenantId, payload.of.accountId) };
  },

  instruments(payload) {
    const { refs } = holdingsOf(payload);
    shocksOf(payload, refs);
    return payload.benchmark === undefined ? refs : [...refs, payload.benchmark];
  },

  async run(payload, input) {
    const holdings = holdingsOf(payload);
    const k = holdings.refs.length;
    const aligned = alignCloses(input.datasets, leastReturns + 1);
    const { calendar } = input.datasets[0]!.instrument;
    const perYear = barsPerYear(calendar, input.datasets[0]!.timeframe);
    const each = aligned.closes.map(returnsOf);
    const held = each.slice(0, k);
    const returns = mixOf(held, holdings.weights);
    const ids = input.datasets.map((one) => one.instrument.instrumentId);
    const of = payload.of.kind === "instrument" ? ids[0]! : holdings.name;
    const random = input.ctx.random("risk");
    const steps = payload.levels.length * (riskMethods.length + backtestedMethods.length) + 2;
    let done = 0;
    const step = () => pace(input, ++done, steps);

    const tail = [];
    for (const level of payload.levels) {
      for (const method of riskMethods) {
        tail.push(
          tailRiskOf(method, returns, level, {
            horizonBars: payload.horizonBars,
            barsPerYear: perYear,
            random,
          }),
        );
        await step();
      }
    }
    const { backtestWindow } = payload;
    const canBacktest = returns.length >= backtestWindow + leastReturns;
    const backtests = [];
    for (const level of payload.levels) {
      for (const method of backtestedMethods) {
        if (canBacktest) backtests.push(backtestForecasts(method, returns, level, backtestWindow));
        await step();
      }
    }
    const { drafts, performance } = riskFigures(returns, payload, perYear, random, of);
    await step();

    const described = await describeBars(input, aligned);
    const covariance = covarianceMatrix(held);
    const level = Math.max(...payload.levels);
    const { wealth, drawdown } = drawdownsOf(returns);
    const series = (formula: string, values: Float64Array) => ({
      formula,
      type: "series" as const,
      values: onBars(aligned.closeMs.length, values),
    });
    const seriesRef = await input.storeColumns(aligned, [
      series("return", returns),
      series("wealth", wealth),
      series("drawdown", drawdown),
      ...backtests
        .filter(({ row }) => row.level === level)
        .map(({ row, forecasts }) => series(`valueAtRisk.${row.method}`, forecasts)),
    ]);
    const notes = [
      `Returns are simple, a bar each; yearly figures count ${perYear} bars a year. Losses are positive.`,
    ];
    if (payload.of.kind !== "instrument")
      notes.push(
        "Weights are kept by trading at each close, without cost; what they leave of 1 is cash at 0.",
      );
    if (performance.n < 250) notes.push(`${performance.n} returns are few: intervals are wide.`);
    if (!canBacktest)
      notes.push(
        `The forecasts were not tested: ${backtestWindow + leastReturns} returns are needed for that.`,
      );
    await step();
    return {
      kind: "risk",
      ...described,
      seriesRef,
      notes,
      of,
      benchmark: payload.benchmark === undefined ? null : ids[k]!,
      figures: await citeFigures(input, drafts),
      relative:
        payload.benchmark === undefined
          ? {}
          : await citeFigures(input, relativeFigures(returns, each[k]!, perYear, of, ids[k]!)),
      tailRisk: await citeRowsOf(input, tail, (row) => ({
        formula: `${row.method}Risk(returns of ${of}, ${row.level}${row.method === "monteCarlo" ? `, ${payload.horizonBars} bars` : ""}).valueAtRisk`,
        value: row.valueAtRisk,
        unit: "fraction",
      })),
      coverage: await citeRowsOf(
        input,
        backtests.map((one) => one.row),
        (row) => ({
          formula: `coverage(${row.method} value at risk of ${of}, ${row.level}, window ${backtestWindow}).violations`,
          value: row.violations,
          unit: "violations",
        }),
      ),
      components: await citeComponents(input, held, holdings, level, covariance),
      stress: await citeRowsOf(input, stressRows(returns, aligned, payload.windows), (row) => ({
        formula: `total return of ${of}, ${row.name}`,
        value: row.total,
        unit: "fraction",
      })),
      shocks: await citeRowsOf(
        input,
        shockRows(holdings.weights, covariance, ids.slice(0, k), shocksOf(payload, holdings.refs)),
        (row) => ({ formula: `shockedReturn(${of}, ${row.name})`, value: row.return, unit: "fraction" }),
      ),
      drawdowns: await citeDrawdowns(input, returns, aligned, of),
    };
  },
};
