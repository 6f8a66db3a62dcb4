import { monthlyStocks, sp500Bars } from "@tapedeck/testkit";
import { askFixture } from "../../packages/features/src/ask/fixture.ts";
import { says } from "./expected.ts";
import type { MarketQuestion } from "./expected.ts";
import type { EvalSet } from "./measure.ts";
import { fairQuestions, hostileQuestions } from "./plainQuestions.ts";

/** Fair questions in everyday words, and hostile ones whose words are those of others, to the built-in planner. */
export const plain: EvalSet = {
  name: "plain",
  files: [],
  async run() {
    const fair = fairQuestions(await sp500Bars(), await monthlyStocks());
    const hostile = hostileQuestions.map((question): MarketQuestion => ({
      question,
      expected: { kind: "declined" },
    }));
    const fixture = await askFixture();
    const count = { right: 0, wrong: 0, declined: 0, answered: 0 };
    try {
      for (const { question, expected } of [...fair, ...hostile]) {
        const { result, text } = await fixture.ask({ question });
        const answered = result.status === "answered";
        const isRight = answered && says(text, expected);
        const isHostile = expected.kind === "declined";
        if (isHostile) count.answered += Number(answered);
        else count[isRight ? "right" : answered ? "wrong" : "declined"]++;
        if ((isHostile ? answered : !isRight) && process.env["EVAL_SHOW"] === "1")
          console.error(`${question} → ${text || result.message} (${JSON.stringify(expected)})`);
      }
    } finally {
      await fixture.close();
    }
    const set = "plain";
    const share = (metric: string, cases: number, n: number, aim?: string) => ({
      set,
      metric,
      value: cases / n,
      n,
      count: cases,
      ...(aim === undefined ? {} : { aim }),
    });
    return [
      share("fair_right", count.right, fair.length, "≥ 0.95"),
      share("fair_wrong", count.wrong, fair.length, "≤ 0.01"),
      share("fair_declined", count.declined, fair.length),
      share("hostile_answered", count.answered, hostile.length, "≤ 0.01"),
    ];
  },
};
