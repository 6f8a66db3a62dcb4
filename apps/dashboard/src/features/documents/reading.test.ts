import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blocksOf, matchesOf, piecesOf, sheetAt, sheetsOf } from "./reading.ts";

test("sheets are pages, and parts of long pages, without a gap", () => {
  const line = `${"x".repeat(99)}\n`;
  const text = `${line.repeat(900)}\fshort`;
  const pages = [
    { page: 1, start: 0, end: 90_000 },
    { page: 2, start: 90_001, end: 90_006 },
  ];
  const sheets = sheetsOf({ text, pages });
  expect(sheets.map(({ page, part }) => [page, part])).toEqual([
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 0],
  ]);
  expect(sheets.map(({ start, end }) => text.slice(start, end)).join("\f")).toHaveLength(text.length + 2);
  expect(sheetAt(sheets, 45_000)).toBe(1);
  expect(sheetAt(sheets, 90_002)).toBe(3);
  expect(sheetAt(sheets, 10 ** 6)).toBe(3);
});

test("blocks are headings, tables by rows, and the text between", () => {
  const text = "## Part\n\nBefore.\n\nLabel  1\nOther  2\n\nAfter.";
  const start = text.indexOf("Label");
  const tables = [
    {
      start,
      end: start + 17,
      rows: [
        ["Label", "1"],
        ["Other", "2"],
      ],
    },
  ];
  const blocks = blocksOf({ text, tables }, { start: 0, end: text.length });
  expect(blocks.map(({ kind, ...block }) => [kind, text.slice(block.start, block.end).trim()])).toEqual([
    ["heading", "## Part"],
    ["text", "Before."],
    ["table", "Label  1\nOther  2"],
    ["text", "After."],
  ]);
  const table = blocks.find((block) => block.kind === "table")!;
  expect(table.rows.map(({ span }) => text.slice(span.start, span.end))).toEqual(["Label  1", "Other  2"]);
});

describe("marks", () => {
  test("words are found in any case and over line ends, as they stand", () => {
    const text = "Net Income\nand net\nincome (a.b)";
    expect(matchesOf(text, "net income").map(({ start, end }) => text.slice(start, end))).toEqual([
      "Net Income",
      "net\nincome",
    ]);
    expect(matchesOf(text, "(a.b)")).toHaveLength(1);
    expect(matchesOf(text, "  ")).toEqual([]);
  });

  test("pieces cover their stretch once, in order", () => {
    const span = fc
      .tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 }))
      .map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
    fc.assert(
      fc.property(span, fc.option(span), fc.array(span, { maxLength: 4 }), (whole, evidence, matches) => {
        const pieces = piecesOf(whole, evidence, matches);
        let at = whole.start;
        for (const { start, end, mark } of pieces) {
          expect(start).toBe(at);
          at = end;
          const inEvidence = evidence !== null && evidence.start <= start && end <= evidence.end;
          expect(mark === "evidence").toBe(inEvidence);
        }
        expect(at).toBe(whole.end);
      }),
    );
  });
});
