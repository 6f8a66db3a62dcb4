import type { FilingDocument } from "../knowledge/contract.ts";
import type { Instrument } from "../series/contract.ts";
import { clarify, Declined } from "./answer.ts";
import { asksForDates } from "./families/calendar.ts";
import { families } from "./families/index.ts";
import type { Family, Hint } from "./families/family.ts";
import { companiesIn } from "./families/filings.ts";
import { qualifiersLeft } from "./families/qualifiers.ts";
import { refusal, unreadable } from "./families/refuse.ts";
import { asksWhatWasSaid } from "./families/said.ts";
import { wordsLeft } from "./families/vocabulary.ts";
import { readQuestion } from "./question.ts";
import type { Question } from "./question.ts";

export interface Step {
  family: Family;
  args: Record<string, unknown>;
}

export interface Plan {
  steps: Step[];
  /** The questions that a following one may change a part of. */
  chain: string[];
  /** How names and words with typing errors were read. */
  readAs: string[];
}

/** What is understood when it can be a general term rather than data: nothing named, no date. */
function isDefinition(q: Question): boolean {
  return (
    /^ (?:what is|what are|what's|define|explain|how is|how are|how does|how do|what does|describe|tell me about|why is|why are|why do) /.test(
      q.text,
    ) &&
    q.instruments.length === 0 &&
    q.ambiguous.length === 0 &&
    q.period === undefined &&
    q.formula === undefined &&
    !asksWhatWasSaid(q) &&
    !asksForDates(q) &&
    !q.matches(/ (?:now|currently|last|latest|my|it|its) /)
  );
}

/** Does the kind use all that the question holds? One that leaves a number or a second date aside would answer another question. */
function covers(family: Family, q: Question): boolean {
  if (family.takes.includes("anything")) return true;
  return (
    (q.numbers.length === 0 || family.takes.includes("numbers")) &&
    (q.windows.length === 0 || family.takes.includes("windows")) &&
    (q.dates.periods.length < 2 || family.takes.includes("periods"))
  );
}

function understand(q: Question, hint: Hint): Step | undefined {
  const definition = families.find((one) => one.name === "definition")!;
  if (isDefinition(q) && !q.any("coverage", "portfolio") && companiesIn(q, hint).length === 0) {
    const args = definition.understand(q, hint);
    const aboutJob =
      hint.jobId !== undefined || / (?:the|last|latest|my) (?:backtest|strategy) /.test(q.text);
    if (args !== undefined && !aboutJob) return { family: definition, args };
  }
  const isOfFilings = q.instruments.length === 0 && companiesIn(q, hint).length > 0;
  for (const family of families) {
    if (!covers(family, q)) continue;
    // "Compare with MSFT" asks for no term.
    if (family.name === "definition" && q.instruments.length > 0 && !q.any("define", "why")) continue;
    const args =
      isOfFilings && !family.takes.includes("anything")
        ? unlessDeclined(() => family.understand(q, hint))
        : family.understand(q, hint);
    if (args !== undefined) return { family, args };
  }
  return undefined;
}

/** That a company has no bars does not keep its filings from answering. */
function unlessDeclined<T>(understandIt: () => T): T | undefined {
  try {
    return understandIt();
  } catch (error) {
    if (error instanceof Declined) return undefined;
    throw error;
  }
}

/** What of a question its kind does not read, as it is shown to its asker. */
function unread({ family, args }: Step, q: Question): string[] {
  const phrases = qualifiersLeft(q, family.reads ?? []);
  const words = (family.words === undefined ? [] : wordsLeft(q, family.words)).map(
    (word) => q.corrections.find(({ read }) => read === word)?.written ?? word,
  );
  const others = "instrument" in args ? q.instruments.slice(1).map(({ instrumentId }) => instrumentId) : [];
  return [...phrases, ...words.filter((word) => !phrases.some((phrase) => phrase.includes(word))), ...others];
}

/** Throws Declined where the question has a word that its kind does not read: the answer would be to another question. */
function checkRead(step: Step, q: Question, hint: Hint): void {
  const { family } = step;
  if (family.takes.includes("anything") && family.words === undefined) return;
  const left = unread(step, q);
  if (left.length === 0) return;
  const one = q.instruments[0] ?? hint.instruments[0] ?? hint.all[0];
  throw new Declined(
    `${left.map((word) => `"${word}"`).join(", ")} is not understood in a question of this kind: ${family.about}.`,
    {
      suggestions: family.examples
        .filter((example) => example.includes("S&P 500"))
        .slice(0, shownExamples)
        .map((example) =>
          one === undefined ? example : example.replaceAll(/(?:the )?S&P 500/g, one.instrumentId),
        ),
    },
  );
}

/** Two questions in one: ", and what …", "? How …". */
function parts(question: string): string[] {
  return question
    .split(
      /(?:,\s*(?:and\s+)?|;\s*|\?\s+(?:and\s+)?|\s+and\s+)(?=(?:what|how|when|which|where)\b(?!\s+(?:and|or)\b))/i,
    )
    .map((part) => part.trim())
    .filter((part) => part.length > 2);
}

export interface PlanOptions {
  question: string;
  instruments: readonly Instrument[];
  hinted: readonly Instrument[];
  filings: readonly FilingDocument[];
  jobId: string | undefined;
  asOfMs: number;
  /** Of the conversation so far: the last question that stands by itself, then those that changed a part of it. */
  chain?: readonly string[] | undefined;
}

const maxChain = 8;
/** Kinds that are asked in several clauses: "If I had put 1,000 into …, what would it be worth?". */
const absorbing = ["backtest", "compareReturns", "growthOf", "regularInvesting", "whatIf", "positionSize"];

const yearWord = /\b(?:19|20)\d\d\b/g;

/** The words of the earlier question with the later one's year, where each names one. */
function withYearOf(earlier: string, later: string): string {
  const [year, another] = later.match(yearWord) ?? [];
  const own = earlier.match(yearWord) ?? [];
  return year === undefined || another !== undefined || own.length !== 1
    ? earlier
    : earlier.replace(own[0], year);
}

/** The earlier question with what the later one names in place of its own. */
function merge(earlier: Question, later: Question): Question {
  return {
    ...earlier,
    original: withYearOf(earlier.original, later.original),
    instruments: later.instruments.length > 0 ? later.instruments : earlier.instruments,
    unknownNames: later.unknownNames,
    dates: later.dates.periods.length > 0 ? later.dates : earlier.dates,
    period: later.period ?? earlier.period,
    windows: later.windows.length > 0 ? later.windows : earlier.windows,
    // What reads as a date two ways was no number.
    numbers:
      later.numbers.length > 0 || earlier.dates.ambiguous !== undefined ? later.numbers : earlier.numbers,
  };
}

const linking = new Set(
  "and or what how about same the for in of on with then now instead also please day week month year average it its ⟨⟩ # ".split(
    " ",
  ),
);

/** "And in 2009?", "what about MSFT?", "for IBM", a bare "2010": it names a part to change of the question before, and asks nothing else. */
export function isFollowUp(q: Question): boolean {
  const names =
    q.instruments.length +
    q.unknownNames.length +
    q.dates.periods.length +
    Number(q.dates.asOfMs !== undefined) +
    q.windows.length +
    q.numbers.length;
  return names > 0 && (opensAsNext(q) || q.text.split(" ").every((word) => linking.has(word)));
}

const opensAsNext = (q: Question) =>
  /^ (?:and|what about|how about|same for|same in|the same)(?= )/.test(q.text);

/** "And how volatile was it?": another question, of the time of the one before where it names none. */
function atTimeOf(before: Question, q: Question): Question {
  return q.period !== undefined || !opensAsNext(q) ? q : { ...q, dates: before.dates, period: before.period };
}

/** A question with the instruments and time that it takes from those before, so that it stands by itself. */
function standingAlone(question: string, q: Question, hint: Hint, before: Question | undefined): string {
  if (before === undefined) return question;
  const bare = question.replace(/\s*[?.!]+\s*$/, "");
  const ids = hint.instruments.map(({ instrumentId }) => instrumentId).join(" and ");
  const named = q.instruments.length > 0 || ids === "" ? "" : ` for ${ids}`;
  const { period } = atTimeOf(before, q);
  const timed =
    period === undefined || period === q.period || period.trailingDays !== undefined
      ? ""
      : ` ${period.label}`;
  return `${bare}${named}${timed}?`;
}

const isSameStep = (one: Step, other: Step) =>
  one.family === other.family && JSON.stringify(one.args) === JSON.stringify(other.args);

/** Throws Declined where a following question leaves the plan of the one before as it was: its change is not understood. */
function checkChanged(step: Step, before: Question, q: Question, hint: Hint): void {
  // One that was asked back had no plan.
  const hadPlan =
    before.dates.ambiguous === undefined && (before.instruments.length > 0 || q.instruments.length === 0);
  if (!hadPlan || q.dates.asOfMs !== undefined) return;
  const earlier = understand(before, hint);
  if (earlier !== undefined && isSameStep(earlier, step)) throw notUnderstood(q, hint);
}

/** What the question asks of the tools. Pure: throws Declined where it asks back or cannot be answered. */
export function makePlan(options: PlanOptions): Plan {
  const { question, instruments, asOfMs } = options;
  const refusedUnread = unreadable(question);
  if (refusedUnread !== undefined) throw refusedUnread;
  const whole = readQuestion(question, instruments, asOfMs);
  const chain = (options.chain ?? []).map((text) => readQuestion(text, instruments, asOfMs));
  const before = chain.length === 0 ? undefined : chain.slice(1).reduce(merge, chain[0]!);
  const hinted = options.hinted.length > 0 ? options.hinted : (before?.instruments ?? []);
  const hint: Hint = {
    instruments: hinted,
    all: instruments,
    filings: options.filings,
    jobId: options.jobId,
  };
  if (whole.dates.impossible !== undefined) {
    throw new Declined(`There is no date "${whole.dates.impossible}".`);
  }
  if (whole.dates.ambiguous !== undefined) {
    throw clarify(
      "The date reads two ways. Which one is meant?",
      whole.dates.ambiguous.map((date) => question.replace(/\b\d{1,2}[/-]\d{1,2}[/-]\d{4}\b/, date)),
    );
  }
  if (
    /^ (?:help|what (?:can|could|may) (?:i|you|one) (?:ask|do|answer)(?: you| for me| about)?|what questions .*) $/.test(
      whole.text,
    )
  ) {
    throw clarify(
      "Questions of these kinds are answered; docs/asking.md has more of each.",
      kindsShown(hint),
    );
  }
  const unclear = whole.ambiguous[0];
  if (unclear !== undefined) {
    throw clarify(
      `"${unclear.written}" fits several instruments. Which one is meant?`,
      unclear.instruments.map(
        (one) => question.slice(0, unclear.start) + one.instrumentId + question.slice(unclear.end),
      ),
    );
  }
  const refused = refusal(whole, hint);
  if (refused !== undefined) throw refused;

  const readAs = [
    ...whole.mentions
      .filter((one) => one.guessed)
      .map((one) => `"${one.written}" as ${one.instruments[0]!.name} (${one.instruments[0]!.instrumentId})`),
    ...whole.corrections.map((one) => `"${one.written}" as "${one.read}"`),
  ];
  if (before !== undefined && isFollowUp(whole)) {
    const step = understand(merge(before, whole), hint);
    if (step === undefined) throw notUnderstood(whole, hint);
    checkRead(step, whole, hint);
    checkChanged(step, before, whole, hint);
    return { steps: [step], readAs, chain: [...(options.chain ?? []).slice(0, maxChain), question] };
  }
  const first = understand(before === undefined ? whole : atTimeOf(before, whole), hint);
  const pieces = parts(question);
  // A kind that takes the whole question in answers its parts too: the figures of a backtest, a close with its drawdown.
  const absorbs =
    first !== undefined && (absorbing.includes(first.family.name) || first.args["drawdown"] === true);
  if (pieces.length < 2 || absorbs) {
    if (first === undefined) throw notUnderstood(whole, hint);
    checkRead(first, whole, hint);
    return { steps: [first], readAs, chain: [standingAlone(question, whole, hint, before)] };
  }
  const steps: Step[] = [];
  let carried: readonly Instrument[] = hinted;
  for (const piece of pieces) {
    const q = readQuestion(piece, instruments, asOfMs);
    const named = q.instruments.length > 0 ? q.instruments : carried.length > 0 ? carried : whole.instruments;
    const dated =
      q.period === undefined && whole.dates.periods.length === 1 ? { ...q, period: whole.period } : q;
    const step = understand(dated, { ...hint, instruments: named });
    if (step === undefined) {
      if (first === undefined) throw notUnderstood(whole, hint);
      checkRead(first, whole, hint);
      return { steps: [first], readAs, chain: [question] };
    }
    checkRead(step, q, hint);
    // "The drawdown, and how long did it take to recover?" is one answer.
    if (!steps.some((one) => isSameStep(one, step))) steps.push(step);
    carried = named;
  }
  return { steps, readAs, chain: [question] };
}

/** An example of each kind that has one, about an instrument that there is. */
function kindsShown(hint: Hint): string[] {
  const id = hint.all[0]?.instrumentId ?? "the S&P 500";
  return families.flatMap(({ examples }) => {
    const example = examples.find((one) => one.includes("S&P 500")) ?? examples[0];
    return example === undefined ? [] : [example.replaceAll(/(?:the )?S&P 500/g, id)];
  });
}

const little = new Set(
  "the and for what was were did does which when how many much its from with".split(" "),
);

function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[a-z]{3,}/g) ?? []).filter((word) => !little.has(word));
}

const shownExamples = 3;

/** The examples that share most words with a question, one of a kind, about an instrument that there is. */
function nearestExamples(q: Question, instrumentId: string): string[] {
  const wanted = new Set(wordsOf(q.text));
  const score = (example: string): number => {
    const words = wordsOf(example);
    return words.filter((word) => wanted.has(word)).length / Math.sqrt(Math.max(1, words.length));
  };
  return families
    .flatMap((family) => {
      const [best] = family.examples
        .filter((example) => example.includes("S&P 500"))
        .map((example) => ({ example, score: score(example) }))
        .sort((a, b) => b.score - a.score);
      return best === undefined || best.score === 0 ? [] : [best];
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, shownExamples)
    .map(({ example }) => example.replaceAll(/(?:the )?S&P 500/g, instrumentId));
}

function notUnderstood(q: Question, hint: Hint): Declined {
  const one = q.instruments[0] ?? hint.instruments[0] ?? hint.all[0];
  const nearest = one === undefined ? [] : nearestExamples(q, one.instrumentId);
  const unknown =
    q.unknownNames.length > 0 && companiesIn(q, hint).length === 0
      ? ` It names ${q.unknownNames.map((name) => `"${name}"`).join(", ")}, which is not in the data.`
      : "";
  return new Declined(
    `This question is of no kind that the built-in planner answers; docs/asking.md lists those it does.${unknown}`,
    {
      suggestions:
        nearest.length > 0
          ? nearest
          : one === undefined
            ? ["What data do you have?"]
            : [
                `What was the return of ${one.instrumentId} over the past year?`,
                `What was the maximum drawdown of ${one.instrumentId}?`,
                "What data do you have?",
              ],
    },
  );
}
