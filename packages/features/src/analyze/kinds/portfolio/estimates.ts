import { AppError } from "@tapedeck/core";
import {
  absoluteView,
  bayesSteinReturns,
  blackLitterman,
  capmReturns,
  ewmaCovariance,
  ewmaReturns,
  impliedReturns,
  ledoitWolf,
  ledoitWolfConstantCorrelation,
  meanReturns,
  oas,
  relativeView,
  sampleCovariance,
} from "@tapedeck/quant/portfolio/index";
import type { Constraints } from "@tapedeck/quant/portfolio/index";
import { dot } from "@tapedeck/quant/statistics/index";
import type { PortfolioPayload } from "./contract.ts";

/** A year, in the order of the assets. */
export interface Estimates {
  means: Float64Array;
  /** [k, k]. */
  covariance: Float64Array;
  /** Share of the target in the covariance; null without shrinkage. */
  shrinkage: number | null;
}

const scaled = (values: Float64Array, factor: number) => values.map((value) => value * factor);

function covarianceOf(
  { covariance, decay }: PortfolioPayload,
  returns: Float64Array,
  k: number,
): { covariance: Float64Array; shrinkage: number | null } {
  switch (covariance) {
    case "sample":
      return { covariance: sampleCovariance(returns, k), shrinkage: null };
    case "ewma":
      return { covariance: ewmaCovariance(returns, k, decay), shrinkage: null };
    case "ledoitWolf":
      return ledoitWolf(returns, k);
    case "oas":
      return oas(returns, k);
    case "constantCorrelation":
      return ledoitWolfConstantCorrelation(returns, k);
  }
}

/** Place of an asset that a view or group names. */
export function placeOf(payload: PortfolioPayload, asset: string, where: string): number {
  const place = payload.assets.indexOf(asset);
  if (place >= 0) return place;
  throw new AppError(
    "payload.invalid",
    `${where} names ${asset}, which is not among the assets; there are ${payload.assets.join(", ")}.`,
  );
}

/** Estimates from returns [n, k] row-major, of a bar each, brought to a year. */
export function estimate(payload: PortfolioPayload, returns: Float64Array, perYear: number): Estimates {
  const k = payload.assets.length;
  const estimated = covarianceOf(payload, returns, k);
  const covariance = scaled(estimated.covariance, perYear);
  const { shrinkage } = estimated;
  const market = Float64Array.from(payload.marketWeights ?? new Float64Array(k).fill(1 / k));
  switch (payload.expectedReturns) {
    case "mean":
      return { means: scaled(meanReturns(returns, k), perYear), covariance, shrinkage };
    case "ewma":
      return { means: scaled(ewmaReturns(returns, k, payload.decay), perYear), covariance, shrinkage };
    case "bayesStein":
      return { means: scaled(bayesSteinReturns(returns, k).means, perYear), covariance, shrinkage };
    case "capm": {
      const marketReturn = dot(market, meanReturns(returns, k)) * perYear;
      return {
        means: capmReturns(covariance, market, marketReturn, payload.riskFree),
        covariance,
        shrinkage,
      };
    }
    case "blackLitterman": {
      const views = payload.views.map((view, i) => {
        const place = placeOf(payload, view.asset, `View ${i + 1}`);
        return view.over === undefined
          ? absoluteView(k, place, view.expectedReturn, view.confidence)
          : relativeView(
              k,
              place,
              placeOf(payload, view.over, `View ${i + 1}`),
              view.expectedReturn,
              view.confidence,
            );
      });
      const posterior = blackLitterman(covariance, impliedReturns(covariance, market), views);
      return { means: posterior.means, covariance: posterior.covariance, shrinkage };
    }
  }
}

export function constraintsOf(payload: PortfolioPayload): Constraints {
  const { minWeight, maxWeight, groups, weights, maxTurnover, costRate } = payload;
  return {
    lower: minWeight,
    upper: maxWeight,
    groups: groups.map(({ name, assets, least, most }) => ({
      name,
      assets: assets.map((asset) => placeOf(payload, asset, `Group ${name}`)),
      ...(least === undefined ? {} : { least }),
      ...(most === undefined ? {} : { most }),
    })),
    ...(weights === undefined
      ? {}
      : {
          turnover: {
            from: Float64Array.from(weights),
            costRate,
            ...(maxTurnover === undefined ? {} : { most: maxTurnover }),
          },
        }),
  };
}

/** Whether the payload asks for more than weights from 0 to 1. */
export function isConstrained({
  minWeight,
  maxWeight,
  groups,
  maxTurnover,
  costRate,
}: PortfolioPayload): boolean {
  return minWeight !== 0 || maxWeight !== 1 || groups.length > 0 || maxTurnover !== undefined || costRate > 0;
}
