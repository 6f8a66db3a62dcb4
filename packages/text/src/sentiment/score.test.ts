import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scoreText } from "./score.ts";

describe("the label of a text", () => {
  test.each([
    // What moved, and whether it is good that it moved so.
    ["Shares of the company rose 4%", "positive"],
    ["Shares of the company fell 4%", "negative"],
    ["Quarterly losses widened", "negative"],
    ["Quarterly losses narrowed", "positive"],
    ["The firm cut costs", "positive"],
    ["The firm cut its dividend", "negative"],
    ["The company raises its full-year guidance", "positive"],
    ["Unemployment rises in August", "negative"],
    ["Jobless claims fall", "positive"],
    ["Net debt increased", "negative"],
    ["Net debt decreased", "positive"],
    // Numbers compared.
    ["Operating profit was EUR 13.1 mn, compared to EUR 8.7 mn a year earlier", "positive"],
    ["Operating profit was EUR 5.1 mn, compared to EUR 8.7 mn a year earlier", "negative"],
    ["The operating loss was EUR 9 mn versus EUR 4 mn", "negative"],
    ["Price target raised to $410 from $350", "positive"],
    ["Sales went from 12.5 million to 10.1 million", "negative"],
    // Judgements.
    ["Upgraded to buy from neutral", "positive"],
    ["Downgraded to sell", "negative"],
    ["Stock hits a 52-week high", "positive"],
    ["Stock hits a record low", "negative"],
    ["Index ends in the red", "negative"],
    ["The regulator opens a probe into accounting fraud", "negative"],
    // Negation.
    ["Sales did not rise", "negative"],
    ["There is no risk of default", "positive"],
    // Words that mislead.
    ["The company sets up a branch in Oslo", "neutral"],
    ["Put a stop-loss at 120", "neutral"],
    ["The chief financial officer signs up for a conference", "neutral"],
    ["The annual meeting takes place on Monday", "neutral"],
    ["What is a drop shipment?", "neutral"],
  ])("%s: %s", (text, label) => {
    expect(scoreText(text).label).toBe(label);
  });
});

test("the words that decided are named with their places, weights and reasons", () => {
  const text = "Net losses narrowed and sales did not fall.";
  const { words } = scoreText(text);
  for (const word of words) expect(text.slice(word.start, word.end)).toBe(word.text);
  expect(words.map(({ text: word, weight }) => [word, Math.sign(weight)])).toEqual([
    ["narrowed", 1],
    ["fall", 1],
  ]);
  expect(words[0]!.why).toContain("losses");
  expect(words[1]!.why).toContain("turned by “not”");
});

test("each sentence has its own score", () => {
  const text = "Profit rose sharply. The outlook was cut. The meeting is on Monday.";
  const { sentences } = scoreText(text);
  expect(sentences.map(({ start, end, label }) => [text.slice(start, end), label])).toEqual([
    ["Profit rose sharply.", "positive"],
    ["The outlook was cut.", "negative"],
    ["The meeting is on Monday.", "neutral"],
  ]);
});

test("entities are scored by what is said of them", () => {
  const { entities } = scoreText("Alpha soars to a record high while Beta slumps; $GAM unchanged", [
    "Alpha",
    "Beta",
    "Delta",
  ]);
  expect(entities.map(({ entity, label, mentions }) => [entity, label, mentions])).toEqual([
    ["Alpha", "positive", 1],
    ["Beta", "negative", 1],
    ["$GAM", "neutral", 1],
  ]);
});

test("whatever the text, the score is within its bounds and the places are right", () => {
  const word = fc.constantFrom(
    "loss",
    "rose",
    "not",
    "fell",
    "profit",
    "to 5 from 3",
    "?",
    "$TSLA",
    "-4%",
    "é",
    "市",
    ";",
    "\n",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(word, { maxLength: 40 }).map((all) => all.join(" ")),
        fc.string(),
      ),
      (text) => {
        const result = scoreText(text, ["profit"]);
        for (const { score } of [result, ...result.sentences, ...result.entities]) {
          expect(Math.abs(score)).toBeLessThanOrEqual(1);
        }
        for (const finding of result.words) {
          expect(text.slice(finding.start, finding.end)).toBe(finding.text);
          expect(Number.isFinite(finding.weight)).toBe(true);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("a long text takes time in proportion to its length", () => {
  const text = "Quarterly losses widened and the outlook was cut to 5 from 7. ".repeat(320);
  const started = performance.now();
  expect(scoreText(text).label).toBe("negative");
  expect(performance.now() - started).toBeLessThan(5_000);
  const many = scoreText(
    "a rose; ".repeat(2_500),
    Array.from({ length: 50 }, (_, i) => "aros e;".slice(i % 6)),
  );
  expect(many.label).toBe("positive");
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(scoreText("1 ".repeat(10_000)).label).toBe("neutral");
  expect(scoreText("to 1 a b c d ".repeat(1_500)).label).toBe("neutral");
});
