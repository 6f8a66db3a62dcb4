import { families } from "../../packages/features/src/ask/families/index.ts";
import { askFixture } from "../../packages/features/src/ask/fixture.ts";
import { countSupported } from "./citations.ts";
import type { EvalSet } from "./measure.ts";

/** Every documented example of every kind of question: is it answered, and does each citation support its sentence? */
export const examples: EvalSet = {
  name: "examples",
  files: [],
  async run() {
    const questions = families.flatMap((family) => family.examples);
    const fixture = await askFixture();
    let answered = 0;
    let citations = 0;
    let supported = 0;
    try {
      await fixture.finishBacktest();
      await fixture.fillBooks();
      for (const question of questions) {
        const answer = await fixture.ask({ question });
        if (answer.result.status === "answered") answered++;
        const count = await countSupported(answer, fixture);
        citations += count.citations;
        supported += count.supported;
      }
    } finally {
      await fixture.close();
    }
    const set = "examples";
    const n = questions.length;
    return [
      { set, metric: "answered", value: answered / n, n, count: answered, aim: "1.00" },
      {
        set,
        metric: "citation_precision",
        value: supported / citations,
        n: citations,
        count: supported,
        aim: "1.00",
      },
    ];
  },
};
