import { Declined } from "../answer.ts";
import { isForeign } from "../language.ts";
import { isNeutral } from "../neutral.ts";
import type { Question } from "../question.ts";
import type { Hint } from "./family.ts";
import { asksForDates } from "./calendar.ts";
import { have } from "./family.ts";
import { companiesIn } from "./filings.ts";
import { asksForNews } from "./news.ts";
import { asksWhatWasSaid } from "./said.ts";

/** Words that speak to a program rather than ask it something. */
const commanding =
  /\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|rules?|prompts?|above|guard|checks?|limits?)\b|\b(?:system prompt|you are now|act as|pretend to be|developer mode|jailbreak)\b|\b(?:reveal|print|show|tell|give|send|leak|dump)\b.{0,30}\b(?:password|passwords|secrets?|api[ -]?keys?|tokens?|credentials|prompt|environment variables?)\b|<\s*script|drop\s+table|\bselect\b.{0,40}\bfrom\b.{0,40}\bwhere\b/i;

/** Declined before anything of it is looked up: not in English, or an attempt to command. */
export function unreadable(question: string): Declined | undefined {
  if (isForeign(question)) {
    return new Declined("Questions are understood in English only.", { suggestions: starters });
  }
  if (commanding.test(question)) {
    return new Declined(
      "A question is looked up, never obeyed: it cannot change what is done, reach secrets, or place orders.",
      { suggestions: starters },
    );
  }
  if (!isNeutral(question)) {
    return new Declined(
      "A question is plain words: no link, image, markup or hidden character is followed or shown.",
      {
        suggestions: starters,
      },
    );
  }
  return undefined;
}

const starters = ["What data do you have?", "What can I ask?", "Market commentary"];

/** Questions that are declined whatever the data: said with the nearest that can be answered. */
export function refusal(q: Question, hint: Hint): Declined | undefined {
  const one = q.instruments[0] ?? hint.instruments[0] ?? hint.all[0];
  const nearest =
    one === undefined
      ? ["What data do you have?"]
      : [
          `What was the return of ${one.instrumentId} over the past year?`,
          `What was the maximum drawdown of ${one.instrumentId}?`,
        ];
  const defines = /^ (?:what is|what are|what's|define|explain) /.test(q.text);
  if (q.any("order") || q.matches(/^ (?:please )?(?:buy|sell|short) (?!and hold)/)) {
    return new Declined("A question never places an order. Orders are jobs of their own: POST /api/orders.", {
      suggestions: nearest,
    });
  }
  if (q.matches(/ (?:should i|price target|recommend|worth buying|good time to) /)) {
    return new Declined("Answers tell what the data shows; they give no advice to buy or sell.", {
      suggestions: nearest,
    });
  }
  // What a company filed or said, and a calendar, tell what was expected.
  if (companiesIn(q, hint).length > 0 || asksWhatWasSaid(q) || asksForDates(q)) return undefined;
  const isAhead = q.matches(
    /^ (?:what is|what's|where is) .* (?:price|level|value|close|worth) in (?:day|week|month|year)s? $/,
  );
  if (
    isAhead ||
    (!defines &&
      (q.matches(
        / (?:forecast|predict|prediction|outlook|going to|tomorrow|next (?:day|week|month|quarter|year)) /,
      ) ||
        q.matches(/ will (?!be called)/)))
  ) {
    return new Declined("Answers tell what the data shows up to its last bar; they do not predict.", {
      suggestions: nearest,
    });
  }
  const named = q.instruments.length > 0 || q.unknownNames.length > 0;
  if (named && q.any("fundamental") && !q.any("drawdown", "volatility") && !asksForNews(q)) {
    return new Declined(
      `There are only prices and volumes in the data, and no filing of this company: no company figures, economic figures or news.${have(hint)} Add one with POST /api/documents, or npx tapedeck document add.`,
      { suggestions: nearest },
    );
  }
  return undefined;
}
