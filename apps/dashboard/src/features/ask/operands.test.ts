import { expect, test } from "vitest";
import { piecesOf } from "./operands.ts";

const operands = [
  { number: 1, evidenceId: "ev_return", value: -0.384858 },
  { number: 2, evidenceId: "ev_first", value: 1_468.36 },
  { number: 3, evidenceId: "ev_last", value: 903.25 },
  { number: 4, evidenceId: "ev_row", excerpt: "Total revenues 1,200.0 1,000.0 800.0" },
];

const linked = (sentence: string) =>
  piecesOf(sentence, operands).flatMap((piece) =>
    piece.kind === "operand" ? [[piece.text, piece.evidenceId]] : [],
  );

test("each operand of the arithmetic leads to what holds it", () => {
  const sentence = "The S&P 500 fell 38.49% in 2008: (903.25 / 1,468.36 − 1). [1][2][3]";
  expect(linked(sentence)).toEqual([
    ["38.49%", "ev_return"],
    ["903.25", "ev_last"],
    ["1,468.36", "ev_first"],
  ]);
  expect(
    piecesOf(sentence, operands)
      .map(({ text }) => text)
      .join(""),
  ).toBe(sentence);
});

test("a number that no citation of the sentence holds is no link", () => {
  expect(linked("It closed at 903.25, up from 900.00. [1]")).toEqual([]);
  expect(linked("Revenue was 1,200 million against 1,100. [4]")).toEqual([["1,200 million", "ev_row"]]);
});

test.each([
  ["230 million", "Net cash provided by operating activities 230,000 170,000", true],
  ["230 million", "Net cash provided by operating activities 230.4 170.0", true],
  ["1.2 billion", "Total revenues 1,200.0 1,000.0", true],
  ["84 million", "Purchases of property 83,400 70,000", false],
  ["84", "Purchases of property 84,000 70,000", false],
])("%s is told by the row %j: %s", (number, excerpt, told) => {
  const pieces = piecesOf(`It was ${number}. [1]`, [{ number: 1, evidenceId: "ev_row", excerpt }]);
  expect(pieces.some(({ kind, text }) => kind === "operand" && text === number)).toBe(told);
});
