import { indexAtOrAfter } from "@tapedeck/quant/measure";
import { shockedReturn, stressWindow } from "@tapedeck/quant/risk/index";
import { multiply, solve } from "@tapedeck/quant/statistics/index";
import type { AlignedCloses } from "../align.ts";
import type { RiskPayload, RiskResult } from "./contract.ts";

type Window = NonNullable<RiskPayload["windows"]>[number];
type StressRow = Omit<RiskResult["stress"][number], "evidenceId">;
type ShockRow = Omit<RiskResult["shocks"][number], "evidenceId">;

const day = (text: string) => Date.parse(text);

/** From the last high before to the low, by the closes of the S&P 500. */
const crises: readonly Window[] = [
  { name: "Dot-com bust", fromMs: day("2000-03-24"), toMs: day("2002-10-10") },
  { name: "Financial crisis", fromMs: day("2007-10-09"), toMs: day("2009-03-10") },
  { name: "Lehman to the low", fromMs: day("2008-09-12"), toMs: day("2009-03-10") },
  { name: "Euro debt, summer 2011", fromMs: day("2011-07-22"), toMs: day("2011-10-04") },
  { name: "China and oil, 2015–16", fromMs: day("2015-07-20"), toMs: day("2016-02-12") },
  { name: "Late 2018", fromMs: day("2018-09-20"), toMs: day("2018-12-25") },
  { name: "Pandemic", fromMs: day("2020-02-19"), toMs: day("2020-03-24") },
  { name: "Rates, 2022", fromMs: day("2022-01-03"), toMs: day("2022-10-13") },
];

/** What each window of history did; windows with fewer than two returns are left out. */
export function stressRows(
  returns: Float64Array,
  { openMs, closeMs }: AlignedCloses,
  windows: readonly Window[] = crises,
): StressRow[] {
  return windows.flatMap(({ name, fromMs, toMs }) => {
    // Return i is of the bar i + 1; a window that reaches beyond the bars would be told by part of it.
    if (fromMs < openMs[0]! || fromMs >= closeMs.at(-1)!) return [];
    const from = Math.max(0, indexAtOrAfter(openMs, fromMs) - 1);
    const to = Math.max(0, indexAtOrAfter(openMs, toMs) - 1);
    if (to - from < 2) return [];
    const { total, maxDrawdown, worst, returns: bars } = stressWindow(returns, from, to);
    return [{ name, fromMs, toMs, bars, total, maxDrawdown, worst }];
  });
}

/** What the returns of some holdings imply for the others on average: Σ_us Σ_ss⁻¹ r_s under a joint normal. */
export function impliedReturns(
  covariance: Float64Array,
  k: number,
  given: ReadonlyMap<number, number>,
): Float64Array {
  const shocked = [...given.keys()];
  const m = shocked.length;
  const inner = Float64Array.from({ length: m * m }, (_, at) => {
    const [row, column] = [Math.floor(at / m), at % m];
    return covariance[shocked[row]! * k + shocked[column]!]!;
  });
  const loadings = solve(
    inner,
    m,
    Float64Array.from(shocked, (i) => given.get(i)!),
  );
  const spread = new Float64Array(k);
  for (const [at, i] of shocked.entries()) spread[i] = loadings[at]!;
  const implied = multiply(covariance, k, spread);
  return implied.map((value, i) => given.get(i) ?? Math.max(-1, value));
}

/** Each hypothetical scenario on the weights. */
export function shockRows(
  weights: Float64Array,
  covariance: Float64Array,
  ids: readonly string[],
  shocks: readonly { name: string; given: ReadonlyMap<number, number> }[],
): ShockRow[] {
  return shocks.map(({ name, given }) => {
    const returns = impliedReturns(covariance, ids.length, given);
    return {
      name,
      return: shockedReturn(weights, returns),
      returns: ids.map((instrumentId, i) => ({ instrumentId, return: returns[i]!, implied: !given.has(i) })),
    };
  });
}
