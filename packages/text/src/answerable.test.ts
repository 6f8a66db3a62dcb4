import { expect, test } from "vitest";
import { judgeAnswerable } from "./answerable.ts";

const parks = ["Pine State Park", "Oak State Park", "Elm State Park"].map((title) => ({
  title,
  text: "Dogs are allowed in the park on a leash. Camping costs a fee.",
}));

test.each([
  ["What does beta mean?", [], [], "none"],
  ["What does beta mean?", [], [{ title: "Beta", text: "Beta is the slope of returns." }], "answerable"],
  ["Which colours do pelicans wear?", [], [{ title: "Beta", text: "The slope of returns." }], "thin"],
  ["Are dogs allowed in the park?", [], parks, "unclear"],
  ["Are dogs allowed in the park?", [], parks.slice(0, 1), "answerable"],
  ["Are dogs allowed in Oak park?", [], parks.slice(1, 2), "answerable"],
])("%s (%j, %j) is %s", (question, earlier, passages, verdict) => {
  expect(judgeAnswerable(question, earlier, passages).verdict).toBe(verdict);
});

test("more of the question held is more confidence", () => {
  const [park] = parks;
  const half = judgeAnswerable("Are dogs or pelicans allowed?", [], [park!]).confidence;
  const whole = judgeAnswerable("Are dogs allowed?", [], [park!]).confidence;
  expect(whole).toBeGreaterThan(half);
  expect(whole).toBeLessThanOrEqual(1);
});
