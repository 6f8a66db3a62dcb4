import { dayMs } from "@tapedeck/core";
import type { Instrument } from "../../series/contract.ts";
import { clarify, Declined } from "../answer.ts";
import type { Bars, Computed } from "../bars.ts";
import type { Period } from "../dates.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { subjects } from "./family.ts";
import type { Hint } from "./family.ts";

/** Two instruments by name; asks back for the other. */
export function twoSubjects(
  q: Question,
  hint: Hint,
  ask: (one: string, other: string) => string,
): Instrument[] {
  const instruments = subjects(q, hint);
  if (instruments.length < 2) {
    const [first] = instruments;
    throw clarify(
      "With which other instrument?",
      hint.all
        .filter((one) => one.instrumentId !== first!.instrumentId)
        .slice(0, 6)
        .map((one) => ask(first!.instrumentId, one.instrumentId)),
    );
  }
  return instruments.slice(0, 2);
}

/** Bars of two instruments that close on the same days, in the finest timeframe that people mean and both have. */
export interface Paired {
  a: Bars;
  b: Bars;
  timeframe: string;
  /** Index in a of each bar that both have, and in b. */
  inA: number[];
  inB: number[];
}

export async function readPair(
  [first, second]: readonly Instrument[],
  period: Period | undefined,
  tools: Tools,
): Promise<Paired> {
  const other = await tools.coverage(second!.instrumentId);
  const shared = (await tools.coverage(first!.instrumentId))
    .map((one) => one.timeframe)
    .find((timeframe) => other.some((one) => one.timeframe === timeframe));
  if (shared === undefined)
    throw new Declined(`${first!.instrumentId} and ${second!.instrumentId} have no bars of one length.`);
  const a = await tools.readBars(first!, shared);
  const b = await tools.readBars(second!, shared);
  // Sessions of two markets may end at different times of one day.
  const key = (ms: number) => (a.dataset.timeframeMs < dayMs ? ms : Math.floor((ms - 1) / dayMs));
  const places = new Map<number, number>();
  b.dataset.columns.closeMs.forEach((ms, at) => places.set(key(ms), at));
  b.stretch(period);
  const { from, to } = a.stretch(period);
  const paired: Paired = { a, b, timeframe: shared, inA: [], inB: [] };
  for (let i = Math.max(0, from - 1); i < to; i++) {
    const at = places.get(key(a.dataset.columns.closeMs[i]!));
    if (at === undefined) continue;
    paired.inA.push(i);
    paired.inB.push(at);
  }
  return paired;
}

/** Simple returns from each shared bar to the next. */
export const returnsAt = ({ dataset }: Bars, places: readonly number[]) =>
  Float64Array.from(
    { length: Math.max(0, places.length - 1) },
    (_, i) => dataset.columns.close[places[i + 1]!]! / dataset.columns.close[places[i]!]! - 1,
  );
/** Logarithms of the closes of shared bars. */
export const logsAt = ({ dataset }: Bars, places: readonly number[]) =>
  Float64Array.from(places, (at) => Math.log(dataset.columns.close[at]!));

/** Evidence of a value of both: it names the other's data too. */
export function ofBoth(
  { a, b }: Paired,
  formula: string,
  at: number | null,
  value: number,
  unit: string,
): Computed {
  const { hash, instrument } = b.dataset;
  return {
    ...a.value(formula, at, value, unit),
    others: [{ instrumentId: instrument.instrumentId, datasetHash: hash }],
  };
}

export function spanOfPair({ a, inA }: Paired, period: Period | undefined): string {
  return period?.label ?? `from ${a.when(inA[0]!)} to ${a.when(inA.at(-1)!)}`;
}

const leastBars = 12;

export function requireBars({ a, b, inA }: Paired, least = leastBars): void {
  if (inA.length < least)
    throw new Declined(`${a.name} and ${b.name} share only ${inA.length} bars there; it takes ${least}.`);
}
