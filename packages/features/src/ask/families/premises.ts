import { figuresNamed, readPeriods } from "@tapedeck/text/filings/index";
import { withoutCompany } from "@tapedeck/text/filings/companies";
import { Declined } from "../answer.ts";
import type { Answer, Draft } from "../answer.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { changeDraft, computedDrafts, correctionDraft, figuresOver } from "./comparedFigures.ts";
import { defineFamily } from "./family.ts";
import type { Hint } from "./family.ts";
import { companiesIn, figureDraft, filingPassage, valueText } from "./filings.ts";

/** Something that a question takes for granted of a figure. */
interface Premise {
  item: string;
  holds: "rise" | "fall" | "loss";
}

const falls = {
  nouns: "cuts?|falls?|declines?|drops?|decreases?|reductions?|slumps?|squeezes?|contractions?|compression",
  verbs:
    "fell|fall|declined|decline|dropped|drop|decreased|decrease|shrank|shrink|contracted|was cut|were cut",
  adjectives: "falling|declining|shrinking|decreasing|lower|reduced|weaker",
};
const rises = {
  nouns: "rises?|increases?|growth|raises?|hikes?|gains?|jumps?|improvements?|expansions?",
  verbs:
    "rose|rise|grew|grow|increased|increase|climbed|jumped|improved|improve|expanded|was raised|were raised",
  adjectives: "rising|growing|increasing|higher|improving|stronger",
};
/** What leads to something that is taken for granted. */
const leading =
  "after|since|following|despite|given|with|because of|due to|caused|causes|explains?|explained|behind|drove|drives|for|why did|why have|why has|when|as|that";
const determiner =
  "(?:the |its |their |this |that |such |a |an )?(?:recent |sharp |large |big |steep |\\S+'s )?";

/** The margins that "margin" alone may mean. */
const margins = ["gross margin", "operating margin", "net margin"];

/** What a question takes for granted of figures of a company that it names, in small letters. */
function premisesIn(question: string, company: string): Premise[] {
  const bare = withoutCompany(question, company).replaceAll(/[?.,;!]|\b(?:of|at|for|by)\s+(?= )/g, " ");
  const text = ` ${bare.replaceAll(/\s+/g, " ").trim()} `;
  const loss = /\b(net|operating) loss(?:es)?\b/.exec(text)?.[1];
  if (loss !== undefined) return [{ item: `${loss} income`, holds: "loss" }];
  const named = figuresNamed(text);
  const margin = /(?<!(?:gross|operating|net|profit|income|%) )\bmargins?\b/.exec(text)?.[0];
  const written = [...new Set([...named, ...(margin === undefined ? [] : [margin])])];
  return written.flatMap((item): Premise[] => {
    const figure = item.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    const isSaid = ({ nouns, verbs, adjectives }: typeof falls) =>
      new RegExp(
        ` (?:${leading}) ${determiner}(?:${figure} (?:${nouns}|${verbs})|(?:${nouns}) (?:in|of) ${determiner}${figure}|(?:${adjectives}) ${figure}) `,
      ).test(text);
    const holds = isSaid(falls) ? "fall" : isSaid(rises) ? "rise" : undefined;
    if (holds === undefined) return [];
    return (item === margin ? margins : [item]).map((one) => ({ item: one, holds }));
  });
}

/** The fiscal years that a premise is about: the one named, else that of the newest annual report, and the one before. */
function yearsOf(q: Question, company: string, hint: Hint): [number, number] | undefined {
  const { years, quarters } = readPeriods(q.original);
  if (quarters.length > 0 || years.length > 2) return undefined;
  const reported = hint.filings
    .filter((one) => one.company === company && one.form === "10-K")
    .map(({ fiscalYear }) => fiscalYear);
  const last = years.at(-1) ?? (reported.length === 0 ? undefined : Math.max(...reported));
  return last === undefined ? undefined : [years.length === 2 ? years[0]! : last - 1, last];
}

interface Args extends Record<string, unknown> {
  question: string;
  company: string;
  premises: Premise[];
  years: [number, number];
}

/** What the statements tell of a premise: that it is wrong, or the change itself; undefined where they do not show it. */
async function checked(
  { item, holds }: Premise,
  { company, years }: Args,
  tools: Tools,
): Promise<{ drafts: Draft[]; isWrong: boolean } | undefined> {
  const { told } = await figuresOver(item, company, holds === "loss" ? years.slice(1) : years, tools);
  const [first, last] = [told[0], told.at(-1)];
  if (holds === "loss") {
    if (last === undefined) return undefined;
    const draft = figureDraft(last);
    if (last.value < 0) return { drafts: [draft], isWrong: false };
    const name = last.request.name.replace("income", "loss");
    const text = `${company} made no ${name} in fiscal ${last.year}: its ${last.request.name} was ${valueText(last)}.`;
    return { drafts: [{ ...draft, text }], isWrong: true };
  }
  if (first === undefined || last === undefined || told.length < 2) return undefined;
  const correction = correctionDraft(first, last, holds);
  return {
    drafts: [correction ?? changeDraft(first, last), ...computedDrafts([first, last])],
    isWrong: correction !== undefined,
  };
}

/** Questions that take for granted what a figure did: put right where the statements say otherwise. */
export const filingPremise = defineFamily<Args>({
  name: "filingPremise",
  takes: ["anything"],
  about:
    "A question that takes for granted that a figure of a company rose, fell or was a loss: put right where its statements say otherwise, else with what its filings say",
  examples: [
    "What was the net loss of Acme Widgets in 2022?",
    "What did Acme Widgets do after the dividend cut in 2022?",
    "Why did the margins of Acme Widgets fall in 2022?",
  ],
  understand(q, hint) {
    const [company, ...more] = companiesIn(q, hint);
    if (company === undefined || more.length > 0) return undefined;
    const years = yearsOf(q, company, hint);
    const premises = premisesIn(q.original, company);
    const [only] = premises;
    if (years === undefined || only === undefined) return undefined;
    // The trend of one figure is another kind, which tells each year.
    const isTrend =
      only.holds !== "loss" &&
      premises.length === 1 &&
      /\bwhy (?:did|has|have)\b/i.test(q.original) &&
      readPeriods(q.original).years.length > 0;
    return isTrend ? undefined : { question: q.original, company, premises, years };
  },
  async run(args, tools): Promise<Answer> {
    const found = [];
    for (const premise of args.premises) {
      const one = await checked(premise, args, tools);
      if (one !== undefined) found.push(one);
    }
    const wrong = found.filter(({ isWrong }) => isWrong);
    if (wrong.length > 0 || (found.length > 0 && args.premises[0]!.holds === "loss"))
      return { drafts: (wrong.length > 0 ? wrong : found).flatMap(({ drafts }) => drafts) };
    const drafts = found.flatMap((one) => one.drafts);
    try {
      const words = await filingPassage.run({ question: args.question, company: args.company }, tools);
      return { drafts: [...drafts, ...words.drafts] };
    } catch (error) {
      if (!(error instanceof Declined) || drafts.length === 0) throw error;
      return { drafts, message: error.message };
    }
  },
});
