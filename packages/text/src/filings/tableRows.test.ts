import { expect, test } from "vitest";
import { income2022 } from "./fixture.ts";
import { bestRows } from "./tableRows.ts";

const rowOf = (question: string) => {
  const [row] = bestRows(question, income2022, ["Acme Widgets Inc."]);
  return row === undefined ? undefined : { ...row, text: income2022.slice(row.start, row.end) };
};

test.each([
  [
    "What was attributable to noncontrolling interests in FY2022?",
    "Less: attributable to noncontrolling interests 10.0 20.0 —",
  ],
  [
    "What was the provision for income taxes of Acme in 2021?",
    "Provision for income taxes (50.0) (30.0) 4.0",
  ],
])("%s", (question, text) => {
  expect(rowOf(question)).toMatchObject({ text, years: [2022, 2021, 2020], scale: 1e6 });
});

test("a row about something else is none", () => {
  expect(rowOf("How many pelicans does Acme employ?")).toBeUndefined();
  expect(rowOf("What was it in 2022?")).toBeUndefined();
});
