import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount } from "../format.ts";
import type { Question } from "../question.ts";
import { defineFamily, say } from "./family.ts";
import { measured, measureIn, measures, showMeasure } from "./measures.ts";
import type { Measured } from "./measures.ts";
import { across, coveredBy, leftOutNote, universe } from "./universe.ts";
import { measuring } from "./vocabulary.ts";

interface RankArgs extends Record<string, unknown> {
  instruments: Instrument[];
  measure: string;
  /** lowest: the smallest value first. */
  order: "highest" | "lowest";
  period: Period | undefined;
  shown: number;
}

const mostShown = 20;

function orderAsked(q: Question, lowIsGood: boolean): "highest" | "lowest" {
  if (q.matches(/ (?:lowest|lower|least|smallest|smaller|safer|calmest|losers?|lost|fell|fallen|weakest) /))
    return "lowest";
  if (q.matches(/ (?:worst|did worst) /)) return lowIsGood ? "highest" : "lowest";
  if (q.matches(/ (?:best|safest) /)) return lowIsGood ? "lowest" : "highest";
  return "highest";
}

/** Several instruments in the order of one measure. */
export const rank = defineFamily<RankArgs>({
  name: "rank",
  takes: ["numbers", "windows"],
  words: `rank ranking ranked sort sorted order top bottom high highest higher low lowest lower large largest larger small smallest smaller big biggest bigger great greatest deep deepest deeper strong strongest weak weakest safe safest safer calm calmest calmer least most more between compare comparison versus vs against than better worse all any list each share symbol name coin company companies annual annualised annualized realised realized standard deviation trading average ${measuring}`,
  reads: ["comparison"],
  about:
    "Instruments in the order of a measure: return, volatility, drawdown, Sharpe ratio, volume and others",
  examples: [
    "Rank AAPL, MSFT and IBM by volatility in 2008",
    "Which instrument had the highest Sharpe ratio from 2004 to 2009?",
    "Which of AAPL, AMZN and GOOG had the smallest drawdown in 2008?",
    "What were the top 3 performers in 2009?",
    "Which stock fell the most in 2008?",
    "Compare the drawdowns of AAPL and MSFT in 2008",
  ],
  understand(q, hint) {
    const ranks = q.matches(
      / (?:rank|ranked|ranking|sort|sorted|order(?:ed)? by|top|bottom|highest|lowest|largest|smallest|biggest|deepest|best|worst|strongest|weakest|riskiest|riskier|safest|safer|calmest|least|most|bigger|larger|smaller|higher|lower|deeper) /,
    );
    const several =
      q.instruments.length > 1 ||
      (q.instruments.length === 0 &&
        q.matches(
          / (?:which|what|what's|rank|top|bottom|best|worst|list)(?: of)?(?: my| the| these| all| were| was| are| is|\s#| top| best| worst| bottom| riskiest| safest| performing| strongest| weakest)* (?:all|instruments?|stocks?|symbols?|assets?|names?|shares?|performers?|gainers?|losers?|winners?|coins?|them|these) /,
        ));
    const compares = q.instruments.length > 1 && q.any("compare");
    if (!(ranks || compares) || !several) return undefined;
    const measure = measureIn(q) ?? (q.matches(/ (?:rank|top|bottom) /) ? measures.at(-1) : undefined);
    if (measure === undefined || q.numbers.some((one) => one.percent)) return undefined;
    // Two instruments and their returns: another kind tells the difference too.
    if (measure.name === "return" && q.instruments.length === 2 && !q.matches(/ rank /)) return undefined;
    if (measure.name === "volatility" && compares && !ranks) return undefined;
    return {
      instruments: universe(q, hint),
      measure: measure.name,
      order: orderAsked(q, measure.lowIsGood),
      period: q.period,
      shown: Math.min(mostShown, Math.max(1, q.numbers[0]?.value ?? mostShown)),
    };
  },
  async run(args, tools) {
    const measure = measures.find(({ name }) => name === args.measure)!;
    const { covered, leftOut } = await coveredBy(args.instruments, args.period, tools);
    const found: Measured[] = [];
    for (const { bars, stretch } of covered) {
      try {
        found.push(measured(measure, bars, stretch));
      } catch (error) {
        if (!(error instanceof Declined)) throw error;
        leftOut.push(bars.dataset.instrument.instrumentId);
      }
    }
    if (found.length === 0)
      throw new Declined(
        `No instrument has what its ${measure.label} there needs: bars, or that column of them.`,
      );
    found.sort((a, b) => (args.order === "highest" ? b.value - a.value : a.value - b.value));
    const span = args.period?.label ?? "over all the bars that each has";
    const drafts: Draft[] = found
      .slice(0, args.shown)
      .map(({ bars, value, item, stretch }, i) =>
        say(
          bars,
          i === 0
            ? `${bars.title} had the ${args.order} ${measure.label} ${span}: ${showMeasure(measure, value)}.`
            : `Then ${bars.title}: ${showMeasure(measure, value)}.`,
          item,
          bars.rows(stretch.from, stretch.to),
        ),
      );
    const compared = across(
      found.map(({ bars }) => bars),
      `count of instruments compared by ${measure.label} ${span}`,
      found.length,
    );
    drafts.push({
      text: `${formatCount(found.length)} instruments were compared${leftOutNote(leftOut)}.`,
      cite: [compared],
      names: [...leftOut, ...found.flatMap(({ bars }) => bars.names)],
    });
    return { drafts };
  },
});
