import { dayMs } from "@tapedeck/core";
import type { FilingDocument } from "../../knowledge/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import type { Answer, Draft } from "../answer.ts";
import { clarify, Declined } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import { missingBars } from "../missing.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import type { Qualifier } from "./qualifiers.ts";

/** What the asker gave besides the question. */
export interface Hint {
  /** What "it" is. */
  instruments: readonly Instrument[];
  all: readonly Instrument[];
  filings: readonly FilingDocument[];
  jobId: string | undefined;
}

/** A kind of question that the built-in planner answers. */
export interface Family<Args extends Record<string, unknown> = Record<string, unknown>> {
  name: string;
  /** What it answers, for the docs and for "what can I ask". */
  about: string;
  examples: readonly string[];
  /** What of the question it uses besides names, words and one period. A question that has more is of another kind. */
  takes: readonly ("numbers" | "windows" | "periods" | "anything")[];
  /** The words that it reads besides those that change nothing; a question with another is declined. Without: any. */
  words?: string;
  /** Words that change what is asked which it understands; a market question with others is declined. */
  reads?: readonly Qualifier[];
  /** Its arguments, or undefined when the question is of another kind. Pure. */
  understand(question: Question, hint: Hint): Args | undefined;
  run(args: Args, tools: Tools): Promise<Answer>;
}

/** Keeps the argument type inside, so that families of all kinds go into one list. */
export function defineFamily<Args extends Record<string, unknown>>(family: Family<Args>): Family {
  return {
    ...family,
    run: (args, tools) => family.run(args as Args, tools),
  };
}

/** The instruments that a question is about: named, hinted, or the only one there is. Declines or asks back otherwise. */
export function subjects(question: Question, hint: Hint): Instrument[] {
  if (question.unknownNames.length > 0) {
    const names = question.unknownNames;
    throw new Declined(
      `There is no instrument called ${names.map((name) => `"${name}"`).join(", ")} in the data.${have(hint)}`,
      { missing: names.map((name) => missingBars(name, { period: question.period })) },
    );
  }
  if (question.instruments.length > 0) return question.instruments;
  if (hint.instruments.length > 0) return [...hint.instruments];
  if (hint.all.length === 1) return [...hint.all];
  if (hint.all.length === 0) {
    throw new Declined("There is no market data yet.", { missing: [missingBars("SPX")] });
  }
  const bare = question.original.replace(/\s*[?.!]+\s*$/, "");
  throw clarify(
    "Which instrument is the question about?",
    hint.all.slice(0, 8).map((one) => `${bare} for ${one.instrumentId}?`),
  );
}

export function have(hint: Hint): string {
  if (hint.all.length === 0) return "";
  const ids = hint.all.slice(0, 12).map((one) => one.instrumentId);
  return ` There is data of ${ids.join(", ")}${hint.all.length > ids.length ? " and others" : ""}.`;
}

export function subject(question: Question, hint: Hint): Instrument {
  return subjects(question, hint)[0]!;
}

/** A sentence about one instrument's bars. */
export function say(bars: Bars | readonly Bars[], text: string, ...cite: Draft["cite"]): Draft {
  const list = Array.isArray(bars) ? (bars as readonly Bars[]) : [bars as Bars];
  return { text, cite, names: list.flatMap((one) => one.names) };
}

/** The stretch in words: as the question named it, or its first and last bar. */
export function spanOf(bars: Bars, stretch: Stretch): string {
  return stretch.period?.label ?? `from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}`;
}

/** What is to be said where a period reaches past the data; nothing else. */
export function notesOn(bars: Bars, stretch: Stretch): Draft[] {
  const note = coverageNote(bars, stretch);
  return note === undefined ? [] : [note];
}

/** The unit of "200-day" against what the instrument has. */
export function windowTimeframe(question: Question): string | undefined {
  if (question.matches(/ week (?:moving|simple|exponential|average|sma|ema|ma|high|low|line)/)) return "1w";
  if (question.matches(/ month (?:moving|simple|exponential|average|sma|ema|ma)/)) return "1mo";
  if (question.matches(/ day (?:moving|simple|exponential|average|sma|ema|ma|line)/)) return "1d";
  return undefined;
}

/** The bar that a date means: itself, or the last one before it with a word on why. */
export function valueIndex(bars: Bars, stretch: Stretch): { at: number; correction: Draft[] } {
  if (stretch.to > stretch.from) return { at: stretch.to - 1, correction: [] };
  const at = bars.onOrBefore(stretch.period!.toMs);
  const why =
    bars.dataset.timeframeMs > dayMs
      ? `its bars are of ${bars.dataset.timeframe}, so the value is that of the last one closed by then`
      : "the market had no session, so the value is that of the last bar before";
  const text = `There is no bar of ${bars.name} that closed ${stretch.period!.label}: ${why}, ${bars.at(at)}.`;
  const none = bars.value(`count of bars ${stretch.period!.label}`, null, 0, "count");
  return { at, correction: [say(bars, text, none, bars.rows(at, Math.min(at + 2, bars.dataset.length)))] };
}
