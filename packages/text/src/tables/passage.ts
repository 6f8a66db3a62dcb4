import { sentencesOf } from "../sentences.ts";
import { termsOf } from "../terms.ts";

const causes =
  /\b((?:primarily |mainly |largely |partially |principally )?(?:due|attributable|attributed) to\b.*|(?:primarily |mainly )?(?:driven|caused) by\b.*|(?:primarily )?as a result of\b.*|because\b.*|reflecting\b.*|resulted from\b.*)$/i;
const amount =
  /(?:approximately )?(?:[$€£]|RMB|US\$|HK\$)\s?\d[\d,.]*\d?(?:\s?(?:million|billion|thousand|m|bn))?|\d[\d,.]*\s?(?:%|per cent|percent)|\d[\d,.]*\d\s(?:million|billion|thousand)/gi;
const day =
  /\b(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)(?:\s+\d{1,2},)?\s+(?:19|20)\d\d|\d{1,2}\s+(?:January|February|March|April|May|June|July|August|September|October|November|December)\s+(?:19|20)\d\d)/;

function scored(question: string, sentences: readonly string[]): { text: string; score: number }[] {
  const asked = [...new Set(termsOf(question))];
  const all = sentences.map((text) => new Set(termsOf(text)));
  const idf = (term: string) =>
    Math.log(1 + sentences.length / (1 + all.filter((one) => one.has(term)).length));
  return sentences
    .map((text, at) => ({
      text,
      score:
        asked.filter((term) => all[at]!.has(term)).reduce((sum, term) => sum + idf(term), 0) /
        (1 + all[at]!.size / 60),
    }))
    .toSorted((one, other) => other.score - one.score);
}

function trimmed(text: string): string {
  return text.replace(/[.;,\s]+$/, "").trim();
}

/** The words of the paragraphs that answer a question, as they stand there; undefined where no sentence shares its words. */
export function passageAnswer(question: string, paragraphs: readonly string[]): string | undefined {
  const sentences = paragraphs.flatMap((text) =>
    sentencesOf(text).map(({ start, end }) => text.slice(start, end)),
  );
  const [best] = scored(question, sentences);
  if (best === undefined || best.score <= 0) return undefined;
  const q = question.toLowerCase();
  const { text } = best;
  if (/^why\b|\bcaus|\breason|\bdriv|attributable|due to/.test(q))
    return trimmed(causes.exec(text)?.[1] ?? text);
  if (/^when\b|what date|which date/.test(q)) return day.exec(text)?.[0] ?? trimmed(text);
  if (
    /^how much|what (?:is|was|were|are) the (?:total |net |aggregate |weighted |average |amount|value|percentage|expected)|^how many|what percent/.test(
      q,
    )
  ) {
    const amounts = [...text.matchAll(amount)].map((match) => match[0].trim());
    if (amounts.length > 0) return nearestAmount(question, text, amounts);
  }
  const verb =
    /\bwhat (?:does|do|did) (.*?) (include|comprise|consist|relate|refer|mean|reflect|represent|indicate|cover|contain)/.exec(
      q,
    )?.[2];
  if (verb !== undefined) {
    const rest = new RegExp(
      `\\b${verb}(?:s|d|ed)?\\b(?:\\s+(?:primarily|mainly|principally|of|to|both))*\\s+(.*)$`,
      "i",
    ).exec(text)?.[1];
    if (rest !== undefined) return trimmed(rest);
  }
  const is = /^what (?:is|are|was|were) (?:the |an? )?(.*?)\??$/.exec(q)?.[1];
  if (is !== undefined) {
    const rest =
      /\b(?:is|are|was|were|represents?|means|refers? to) (?:defined as |comprised of |composed of )?(.*)$/i.exec(
        text,
      )?.[1];
    if (rest !== undefined && rest.length > 3) return trimmed(rest);
  }
  return trimmed(text);
}

/** Of several amounts the one that stands next to the year that was asked for, else the first. */
function nearestAmount(question: string, text: string, amounts: readonly string[]): string {
  const years = question.match(/\b(?:19|20)\d\d\b/g) ?? [];
  const told = [...text.matchAll(/\b(?:19|20)\d\d\b/g)].map((match) => match[0]);
  // "$5 million and $4 million in 2019 and 2018, respectively"
  if (years.length === 1 && told.length >= 2 && amounts.length >= 2 && /respectively/i.test(text)) {
    const order = [...new Set(told)];
    const at = order.indexOf(years[0]!);
    if (at >= 0 && amounts[at] !== undefined) return amounts[at]!;
  }
  return amounts[0]!;
}
