import { monthlyStocks, sp500Bars } from "@tapedeck/testkit";
import { askFixture } from "../../packages/features/src/ask/fixture.ts";
import { countSupported } from "./citations.ts";
import { marketQuestions } from "./marketQuestions.ts";
import type { Expected } from "./marketQuestions.ts";
import type { EvalSet } from "./measure.ts";

/** What makes the number after it a loss: a verb, or a measure that is told as the size of one. */
const losing =
  /(?:\b(?:fell|lost|declined|dropped|down)(?: by)?|\bloss of|\b(?:drawdown|value at risk) of [^:;]* was) $/;

/** Numbers of a text with their signs and what stands right after them; dates are taken out first. */
function numbersOf(text: string): { value: number; percent: boolean; decimals: number }[] {
  const bare = text.replaceAll(/\b\d{4}-\d\d-\d\d\b|\[\d+\]|S&P 500/g, " ");
  return [...bare.matchAll(/(?<![\d.])[-−]?\d[\d,]*(?:\.(\d+))?(\s?%)?/g)].map((match) => ({
    value:
      (losing.test(bare.slice(0, match.index)) ? -1 : 1) *
      Number(match[0].replaceAll(/[,%\s]/g, "").replace("−", "-")),
    percent: match[2] !== undefined,
    decimals: match[1]?.length ?? 0,
  }));
}

/** Does the text say it? A sign may be a word ("fell 3 %"); numbers may be rounded to the digits shown. */
function says(text: string, expected: Expected): boolean {
  switch (expected.kind) {
    case "name":
      return text.split(".")[0]!.includes(expected.value);
    case "dates":
      return expected.value.every((day) => text.includes(day) || text.includes(written(day)));
    case "declined":
      return false;
    default:
      return numbersOf(text).some(
        ({ value, percent, decimals }) =>
          percent === (expected.kind === "percent") &&
          Math.abs(value - expected.value) <= 0.5 * 10 ** -decimals + 1e-9,
      );
  }
}

function written(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return `${date.getUTCDate()} ${date.toLocaleString("en-GB", { month: "long", timeZone: "UTC" })} ${date.getUTCFullYear()}`;
}

/** Questions about the bundled market data, answered by the built-in planner over real bars in a real database. */
export const market: EvalSet = {
  name: "market",
  files: [],
  async run() {
    const questions = marketQuestions(await sp500Bars(), await monthlyStocks());
    const fixture = await askFixture();
    let right = 0;
    let wrong = 0;
    let citations = 0;
    let supported = 0;
    let answeringMs = 0;
    try {
      await fixture.finishBacktest();
      await fixture.fillBooks();
      for (const { question, expected } of questions) {
        const started = performance.now();
        const answer = await fixture.ask({ question });
        answeringMs += performance.now() - started;
        const { result, text } = answer;
        const answered = result.status === "answered";
        const isRight = expected.kind === "declined" ? !answered : answered && says(text, expected);
        if (isRight) right++;
        else if (answered) wrong++;
        if (!isRight && process.env["EVAL_SHOW"] === "1")
          console.error(`${question} → ${text || result.message} (${JSON.stringify(expected)})`);
        const count = await countSupported(answer, fixture);
        citations += count.citations;
        supported += count.supported;
      }
    } finally {
      await fixture.close();
    }
    const n = questions.length;
    const set = "market";
    return [
      { set, metric: "right", value: right / n, n, count: right, aim: "≥ 0.95" },
      { set, metric: "wrong", value: wrong / n, n, count: wrong, aim: "≤ 0.01" },
      {
        set,
        metric: "citation_precision",
        value: supported / citations,
        n: citations,
        count: supported,
        aim: "1.00",
      },
      { set, metric: "answers_per_s", value: (1000 * n) / answeringMs, n },
    ];
  },
};
