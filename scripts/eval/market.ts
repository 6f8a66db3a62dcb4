import { monthlyStocks, sp500Bars } from "@tapedeck/testkit";
import { askFixture } from "../../packages/features/src/ask/fixture.ts";
import { countSupported } from "./citations.ts";
import { says } from "./expected.ts";
import { marketQuestions } from "./marketQuestions.ts";
import type { EvalSet } from "./measure.ts";

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
