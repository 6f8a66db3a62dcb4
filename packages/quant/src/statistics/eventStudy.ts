/** Event studies: abnormal returns around events, and tests of whether they are chance. */
import { QuantError, requireSameLength, requireSeries, requireVariation, requireWhole } from "../error.ts";
import { normalSf, studentSf } from "./distributions.ts";
import { mean, standardDeviation } from "./moments.ts";

/** What a return would have been: alpha + beta * market; the market's; the mean of the estimation window. */
export type NormalReturn = "market" | "marketAdjusted" | "mean";

/** Parameters that each model estimates. */
const parametersOf: Readonly<Record<NormalReturn, number>> = { market: 2, mean: 1, marketAdjusted: 0 };

/** Returns before and around one event. */
export interface EventReturns {
  /** [L1] before the event: what is normal is learnt from them. */
  readonly estimation: Float64Array;
  /** [L2] around the event. */
  readonly event: Float64Array;
  /** The market's, [L1] and [L2]; not read by the model of the mean. */
  readonly marketEstimation: Float64Array;
  readonly marketEvent: Float64Array;
}

export interface AbnormalReturns {
  readonly alpha: number;
  readonly beta: number;
  /** sqrt(SSR / (L1 - parameters)) of the estimation window. */
  readonly deviation: number;
  /** Residuals of the estimation window [L1]. */
  readonly residuals: Float64Array;
  /** Return less what was normal, around the event [L2]. */
  readonly abnormal: Float64Array;
  /** Standard errors of `abnormal` [L2], the parameters' uncertainty included. */
  readonly errors: Float64Array;
  /** The market around the event less its mean before, and the sum of its squares before: 0 and Infinity without a slope. */
  readonly marketApart: Float64Array;
  readonly marketSquares: number;
  readonly parameters: number;
}

/**
 * Abnormal returns of one event. Sources: MacKinlay (1997), "Event Studies in Economics and Finance", sections 4 and 5;
 * Brown and Warner (1985).
 * @throws QuantError tooFew below 3 more estimation returns than parameters, notFinite, unequalLengths, undefined where
 * the market or the residuals do not vary.
 */
export function abnormalReturns(returns: EventReturns, model: NormalReturn): AbnormalReturns {
  const { estimation, event, marketEstimation, marketEvent } = returns;
  const parameters = parametersOf[model];
  const n = estimation.length;
  requireSeries(estimation, "the estimation window", parameters + 3);
  requireSeries(event, "the event window", 1);
  const usesMarket = model !== "mean";
  if (usesMarket) {
    requireSeries(marketEstimation, "the market's estimation window", parameters + 3);
    requireSeries(marketEvent, "the market's event window", 1);
    requireSameLength(estimation, marketEstimation, "the estimation windows");
    requireSameLength(event, marketEvent, "the event windows");
  }
  const marketMean = usesMarket ? mean(marketEstimation) : 0;
  let squares = Infinity;
  let alpha = 0;
  let beta = 1;
  if (model === "mean") {
    alpha = mean(estimation);
    beta = 0;
  } else if (model === "market") {
    requireVariation(marketEstimation, "the market's estimation window");
    const own = mean(estimation);
    squares = 0;
    let products = 0;
    for (let t = 0; t < n; t++) {
      const apart = marketEstimation[t]! - marketMean;
      squares += apart * apart;
      products += apart * (estimation[t]! - own);
    }
    beta = products / squares;
    alpha = own - beta * marketMean;
  }
  const normal = (market: Float64Array, t: number) => alpha + (usesMarket ? beta * market[t]! : 0);
  const residuals = estimation.map((value, t) => value - normal(marketEstimation, t));
  const deviation = Math.sqrt(residuals.reduce((sum, e) => sum + e * e, 0) / (n - parameters));
  if (!(deviation > 0))
    throw new QuantError(
      "undefined",
      "the estimation window leaves no residuals: there is nothing to compare with",
    );
  const marketApart = event.map((_, t) => (model === "market" ? marketEvent[t]! - marketMean : 0));
  const shared = parameters > 0 ? 1 / n : 0;
  return {
    alpha,
    beta,
    deviation,
    residuals,
    abnormal: event.map((value, t) => value - normal(marketEvent, t)),
    errors: marketApart.map((apart) => deviation * Math.sqrt(1 + shared + (apart * apart) / squares)),
    marketApart,
    marketSquares: squares,
    parameters,
  };
}

/** A statistic and its two-sided p. */
export interface EventTest {
  readonly statistic: number;
  readonly p: number;
}

/** Cumulative abnormal returns of all events over one window, and whether they are chance. */
export interface CumulatedReturns {
  /** Of each event [N]. */
  readonly cumulated: Float64Array;
  /** Their mean. */
  readonly mean: number;
  /** Events above 0. */
  readonly positive: number;
  /**
   * Of the mean against the spread between events, N - 1 degrees of freedom. Null below two events or where all are the
   * same.
   */
  readonly crossSectional: EventTest | null;
  /**
   * Of the mean against how the events' mean residual moved before, over the root of the window's length, with L1 less
   * the model's parameters as degrees of freedom: holds where events fall together. Brown and Warner (1980).
   */
  readonly timeSeries: EventTest;
  /** Sum of standardised abnormal returns, normal. Patell (1976). */
  readonly patell: EventTest;
  /**
   * Of the standardised cumulated returns against their own spread, N - 1 degrees of freedom: holds where events raise the
   * variance. Boehmer, Musumeci and Poulsen (1991). Null below two events or where all are the same.
   */
  readonly bmp: EventTest | null;
}

function studentTest(statistic: number, degrees: number): EventTest {
  return { statistic, p: 2 * studentSf(Math.abs(statistic), degrees) };
}

/** Mean over its standard error. */
function meanTest(values: Float64Array): EventTest | null {
  const n = values.length;
  if (n < 2) return null;
  const spread = standardDeviation(values);
  return spread > 0 ? studentTest((mean(values) / spread) * Math.sqrt(n), n - 1) : null;
}

/** Standard error of a sum of abnormal returns: they share the parameters' uncertainty. */
function cumulatedError(one: AbnormalReturns, from: number, to: number): number {
  const length = to - from;
  let apart = 0;
  for (let t = from; t < to; t++) apart += one.marketApart[t]!;
  const shared = one.parameters > 0 ? (length * length) / one.residuals.length : 0;
  return one.deviation * Math.sqrt(length + shared + (apart * apart) / one.marketSquares);
}

/**
 * Cumulates the abnormal returns of events over [from, to) of the event window and tests them.
 * @throws QuantError tooFew without events, outOfRange for a window that is empty or reaches beyond, unequalLengths where the events' windows differ.
 */
export function cumulateReturns(
  events: readonly AbnormalReturns[],
  from: number,
  to: number,
): CumulatedReturns {
  const [first] = events;
  if (first === undefined) throw new QuantError("tooFew", "there are no events");
  requireWhole(from, "from", 0, first.abnormal.length - 1);
  requireWhole(to, "to", from + 1, first.abnormal.length);
  for (const one of events) {
    requireSameLength(one.abnormal, first.abnormal, "the event windows");
    requireSameLength(one.residuals, first.residuals, "the estimation windows");
  }
  const n = events.length;
  const length = to - from;
  const before = first.residuals.length;
  const degrees = before - first.parameters;
  const cumulated = Float64Array.from(events, (one) =>
    one.abnormal.subarray(from, to).reduce((a, b) => a + b, 0),
  );
  const average = mean(cumulated);

  let squares = 0;
  for (let t = 0; t < before; t++) {
    const together = events.reduce((sum, one) => sum + one.residuals[t]!, 0) / n;
    squares += together * together;
  }
  const moved = Math.sqrt(squares / degrees);

  const standardised = events.map((one) => {
    let sum = 0;
    for (let t = from; t < to; t++) sum += one.abnormal[t]! / one.errors[t]!;
    return sum;
  });
  const patell = standardised.reduce((a, b) => a + b, 0) / Math.sqrt((n * length * degrees) / (degrees - 2));
  return {
    cumulated,
    mean: average,
    positive: cumulated.filter((value) => value > 0).length,
    crossSectional: meanTest(cumulated),
    timeSeries: studentTest(average / (moved * Math.sqrt(length)), degrees),
    patell: { statistic: patell, p: 2 * normalSf(Math.abs(patell)) },
    bmp: meanTest(Float64Array.from(events, (one, i) => cumulated[i]! / cumulatedError(one, from, to))),
  };
}
