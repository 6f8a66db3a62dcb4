import fc from "fast-check";
import { expect, test } from "vitest";
import { nearKeysOf, shinglesOf, similarityOf } from "./nearDuplicate.ts";

const story =
  "Acme Widgets raised its guidance for the year after record demand in the third quarter, the company said on Tuesday. " +
  "Revenue rose eight percent to 1.2 billion dollars while margins widened. Shares gained five percent in early trading. " +
  "Analysts had expected revenue of 1.1 billion dollars on average, and several lifted their price targets after the report.";

const sharesKey = (one: string, other: string) => {
  const keys = new Set(nearKeysOf(shinglesOf(one)));
  return nearKeysOf(shinglesOf(other)).some((key) => keys.has(key));
};

test("a story with another opening and ending is near it, one on the same subject is not", () => {
  const wire = `(The Wire) ${story} More to follow.`;
  const other =
    "Acme Widgets cut its guidance for next year. Revenue is seen falling as demand for widgets weakens in Europe, the chief executive told a conference.";
  expect(similarityOf(shinglesOf(story), shinglesOf(wire))).toBeGreaterThan(0.8);
  expect(sharesKey(story, wire)).toBe(true);
  expect(similarityOf(shinglesOf(story), shinglesOf(other))).toBeLessThan(0.1);
  expect(sharesKey(story, other)).toBe(false);
});

test("texts of few words and of none", () => {
  expect(nearKeysOf(shinglesOf("Rates unchanged"))).toHaveLength(16);
  expect(nearKeysOf(shinglesOf("the of"))).toEqual([]);
  expect(similarityOf(new Set(), new Set())).toBe(0);
});

test("similarity is in [0, 1], the same both ways, and 1 for the same", () => {
  const text = fc
    .array(fc.constantFrom("alpha", "beta", "gamma", "delta", "rose", "fell"))
    .map((words) => words.join(" "));
  fc.assert(
    fc.property(text, text, (one, other) => {
      const [a, b] = [shinglesOf(one), shinglesOf(other)];
      const value = similarityOf(a, b);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      expect(similarityOf(b, a)).toBe(value);
      if (a.size > 0) expect(similarityOf(a, a)).toBe(1);
    }),
  );
});
