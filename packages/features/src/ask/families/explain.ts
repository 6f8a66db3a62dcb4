import { parseFormula } from "@tapedeck/formula";
import type { Expression } from "@tapedeck/formula";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatNumber, formatPercent } from "../format.ts";
import { defineFamily, say, subject, valueIndex, windowTimeframe } from "./family.ts";
import { barsFor, indicatorIn, indicatorNamed } from "./indicator.ts";
import { jobItem, newestBacktest } from "./jobs.ts";
import { definition } from "./knowledge.ts";
import { averaging } from "./vocabulary.ts";

/** The series that a condition compares: operands of a comparison, arguments of a crossing, parts of "and" and "or". */
function comparedIn(expression: Expression): Expression[] {
  if (expression.kind === "unary") return comparedIn(expression.of);
  if (expression.kind === "call" && expression.name.startsWith("cross")) return [...expression.args];
  if (expression.kind !== "binary") return [];
  if (expression.operator === "and" || expression.operator === "or")
    return [...comparedIn(expression.left), ...comparedIn(expression.right)];
  return /^[<>=!]/.test(expression.operator) ? [expression.left, expression.right] : [];
}

/** The formulas that a condition compares, numbers aside, once each. */
export function seriesIn(formula: string): string[] {
  const texts = comparedIn(parseFormula(formula).root)
    .filter(({ kind }) => kind !== "number")
    .map(({ span }) => formula.slice(span.start, span.start + span.length));
  return [...new Set(texts)];
}

interface SignalArgs extends Record<string, unknown> {
  jobId: string | undefined;
  period: Period;
  /** at: the signal of that close; before: the trade at that open. */
  decided: "at" | "before";
}

/** Why a backtested strategy did, or did not, act on a day. */
export const explainSignal = defineFamily<SignalArgs>({
  name: "explainSignal",
  takes: ["anything"],
  about:
    "Why a strategy of a backtest bought, sold or stayed out on a day: its conditions and what they compared",
  examples: [
    "Why did the strategy buy on 2009-06-24?",
    "Why was there a signal in the last backtest on 23 June 2009?",
  ],
  understand(q, hint) {
    if (!q.any("why") && !q.matches(/ explain /)) return undefined;
    if (
      !q.matches(/ (?:buy|bought|sell|sold|enter|entered|exit|exited|traded?|signals?|position|act|acted) /)
    )
      return undefined;
    if (hint.jobId === undefined && !q.matches(/ (?:backtest|strategy|signals?) /)) return undefined;
    return q.period?.grain === "day"
      ? { jobId: hint.jobId, period: q.period, decided: q.matches(/ signals? /) ? "at" : "before" }
      : undefined;
  },
  async run({ jobId, period, decided: of }, tools) {
    const job = await newestBacktest(jobId, tools);
    const instrumentId = jobItem(job, "/instrumentId");
    const timeframe = jobItem(job, "/timeframe");
    const title = jobItem(job, "/strategy/title");
    const { strategy } = job.result as { strategy: { formulas: Record<string, string> } };
    const bars = await tools.readBars(
      await tools.resolveInstrument(String(instrumentId.value)),
      String(timeframe.value),
    );
    const { at, correction } = valueIndex(bars, bars.stretch(period));
    // What is traded at a bar's open was decided at the close before.
    const decided = of === "at" ? at : at - 1;
    if (decided < 1)
      throw new Declined(
        `${bars.when(at)} is among the first bars of ${bars.name}; nothing was decided before it.`,
      );
    const formulas = Object.entries(strategy.formulas);
    const drafts: Draft[] = [
      ...correction,
      {
        text: `"${String(title.value)}" on ${String(instrumentId.value)} trades at an open on what its conditions say at the close before; this is the close ${bars.at(decided)}, ${bars.price(bars.dataset.columns.close[decided]!)}.`,
        cite: [
          title,
          instrumentId,
          bars.value("close", decided, bars.dataset.columns.close[decided]!, bars.unit),
        ],
        names: [...bars.names, String(title.value)],
      },
    ];
    for (const [name, formula] of formulas) {
      const parts = seriesIn(formula);
      const [condition, ...values] = await tools.evaluateFormula(bars, [formula, ...parts]);
      const holds = condition![decided] === 1;
      const told = parts.map(
        (part, i) =>
          `${part} was ${formatNumber(values[i]![decided]!)} (${formatNumber(values[i]![decided - 1]!)} the bar before)`,
      );
      drafts.push({
        text: `Its ${name} condition, ${formula}, was ${holds ? "true" : "not true"}${told.length === 0 ? "" : `: ${told.join("; ")}`}.`,
        cite: [
          jobItem(job, `/strategy/formulas/${name}`),
          bars.value(formula, decided, condition![decided]!, "condition"),
          ...parts.flatMap((part, i) =>
            [decided - 1, decided]
              .filter((index) => Number.isFinite(values[i]![index]!))
              .map((index) => bars.value(part, index, values[i]![index]!, "number")),
          ),
        ],
        names: [...bars.names, formula, ...parts],
      });
    }
    return { drafts };
  },
});

interface IndicatorArgs extends Record<string, unknown> {
  instrument: Instrument;
  formula: string;
  label: string;
  period: Period | undefined;
  timeframe: string | undefined;
}

/** An indicator's value with what it says. */
export const explainIndicator = defineFamily<IndicatorArgs>({
  name: "explainIndicator",
  takes: ["windows"],
  words: `explain interpret why say tell mean value reading level rsi relative strength macd signal line histogram atr true range adx directional cci commodity channel mfi money flow stochastic day week month ${averaging}`,
  about:
    "What an indicator's value says: against the bar before, against the year before, and what it measures",
  examples: ["Explain the RSI of the S&P 500 on 23 March 2020", "What does the MACD of the S&P 500 say?"],
  understand(q, hint) {
    const asked = q.matches(
      / (?:explain|interpret|why is|why was|say|says|saying|tell|tells|telling|mean|means) /,
    );
    const entry = indicatorIn(q);
    if (!asked || entry === undefined || q.numbers.length > 0) return undefined;
    if (q.instruments.length + hint.instruments.length === 0) return undefined;
    return {
      instrument: subject(q, hint),
      formula: entry.formula(q.windows[0]),
      label: entry.label,
      period: q.period,
      timeframe: windowTimeframe(q),
    };
  },
  async run({ instrument, formula, label, period, timeframe }, tools) {
    const bars = await barsFor(instrument, formula, timeframe, tools);
    const [values] = await tools.evaluateFormula(bars, [formula]);
    const { at, correction } = valueIndex(bars, bars.stretch(period));
    const value = values![at]!;
    if (!Number.isFinite(value))
      throw new Declined(`The data of ${bars.name} is too short for its ${label} there.`);
    const from = Math.max(0, at - Math.round(bars.perYear));
    const year = values!.subarray(from, at).filter(Number.isFinite);
    const { unit } = indicatorNamed(label);
    const show = (one: number) => (unit === "price" ? bars.price(one) : formatNumber(one));
    const itemUnit = unit === "price" ? bars.unit : "index";
    const before = values![at - 1]!;
    const drafts: Draft[] = [
      ...correction,
      say(
        bars,
        `The ${label} (${formula}) of ${bars.title} was ${show(value)} at the close ${bars.at(at)}${Number.isFinite(before) ? `, after ${show(before)} at the bar before` : ""}.`,
        bars.value(formula, at, value, itemUnit),
        ...(Number.isFinite(before) ? [bars.value(formula, at - 1, before, itemUnit)] : []),
      ),
    ];
    if (year.length > 0) {
      const share = year.filter((one) => one < value).length / year.length;
      drafts.push(
        say(
          bars,
          `That is higher than at ${formatPercent(share)} of the closes of the year before it.`,
          bars.value(
            `share of the values of ${formula} from ${bars.when(from)} to ${bars.when(at - 1)} below it`,
            at,
            share,
            "fraction",
          ),
        ),
      );
    }
    try {
      const meaning = await definition.run({ query: `How is the ${label} read?` }, tools);
      drafts.push(...meaning.drafts.slice(0, 2));
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
    }
    return { drafts };
  },
});
