import { Declined } from "../answer.ts";
import type { Question } from "../question.ts";
import type { Hint } from "./family.ts";
import { have } from "./family.ts";
import { companiesIn } from "./filings.ts";

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
  // What a company filed tells its figures and what it expected.
  if (companiesIn(q, hint).length > 0) return undefined;
  if (
    !defines &&
    (q.matches(
      / (?:forecast|predict|prediction|outlook|going to|tomorrow|next (?:day|week|month|quarter|year)) /,
    ) ||
      q.matches(/ will (?!be called)/))
  ) {
    return new Declined("Answers tell what the data shows up to its last bar; they do not predict.", {
      suggestions: nearest,
    });
  }
  const named = q.instruments.length > 0 || q.unknownNames.length > 0;
  if (named && q.any("fundamental") && !q.any("drawdown", "volatility")) {
    return new Declined(
      `There are only prices and volumes in the data, and no filing of this company: no company figures, economic figures or news.${have(hint)} A filing is added by POST /api/documents.`,
      { suggestions: nearest },
    );
  }
  return undefined;
}
