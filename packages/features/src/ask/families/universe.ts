import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Bars, Computed, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { subjects } from "./family.ts";
import type { Hint } from "./family.ts";

/** Instruments that one answer looks at, one read each. */
const mostInstruments = 50;

/** The instruments named or hinted, or all there are. */
export function universe(q: Question, hint: Hint): Instrument[] {
  if (q.instruments.length + q.unknownNames.length > 0) return subjects(q, hint);
  return hint.instruments.length > 1 ? [...hint.instruments] : [...hint.all];
}

export interface Covered {
  bars: Bars;
  stretch: Stretch;
}

/** Those with bars within a period, each by its own preferred timeframe, and the ids of the others. */
export async function coveredBy(
  instruments: readonly Instrument[],
  period: Period | undefined,
  tools: Tools,
): Promise<{ covered: Covered[]; leftOut: string[] }> {
  if (instruments.length > mostInstruments) {
    throw new Declined(
      `There are ${instruments.length} instruments; one answer looks at ${mostInstruments} at most. Name those that are meant.`,
    );
  }
  const covered: Covered[] = [];
  const leftOut: string[] = [];
  for (const instrument of instruments) {
    try {
      const bars = await tools.readBars(instrument);
      const stretch = bars.stretch(period);
      if (stretch.to > stretch.from) covered.push({ bars, stretch });
      else leftOut.push(instrument.instrumentId);
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
      leftOut.push(instrument.instrumentId);
    }
  }
  return { covered, leftOut };
}

/** A count over several instruments, as evidence that names each one's data. */
export function across(all: readonly Bars[], formula: string, count: number): Computed {
  const [first, ...rest] = all;
  if (first === undefined) throw new Declined("No instrument has bars there.");
  return {
    ...first.value(formula, null, count, "count"),
    others: rest.map(({ dataset }) => ({
      instrumentId: dataset.instrument.instrumentId,
      datasetHash: dataset.hash,
    })),
  };
}

const mostNamed = 12;

export function leftOutNote(leftOut: readonly string[]): string {
  if (leftOut.length === 0) return "";
  const more = leftOut.length > mostNamed ? " and others" : "";
  return `; ${leftOut.slice(0, mostNamed).join(", ")}${more} could not be judged: bars that it needs are missing, or end too early`;
}
