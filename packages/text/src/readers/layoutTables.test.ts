import fc from "fast-check";
import { expect, test } from "vitest";
import { layoutTables } from "./layoutTables.ts";

const page = `CONSOLIDATED STATEMENTS OF INCOME
(In millions)
                              2022      2021
Revenues                    $  900    $  700
Cost of sales                 (480)     (420)

Net income                     150       120
The accompanying notes are part of these statements. They say  much.`;

test("a statement's rows, with its heading of years; prose around it is none", () => {
  const text = `Some words.\f${page}`;
  const [table, ...rest] = layoutTables(text);
  expect(rest).toEqual([]);
  expect(table!.rows).toEqual([
    ["", "2022", "2021"],
    ["Revenues", "$ 900", "$ 700"],
    ["Cost of sales", "(480)", "(420)"],
    ["", "", ""],
    ["Net income", "150", "120"],
  ]);
  expect(text.slice(table!.start, table!.end)).toMatch(/^ +2022 +2021\n[^]*Net income +150 +120$/);
});

test.each(["In 2021  we sold 5 units.\nMore words.", "Label  1\nLabel  2", ""])("%j holds none", (text) => {
  expect(layoutTables(text)).toEqual([]);
});

test("rows are equally long, a line each, and tables do not overlap", () => {
  const cell = fc.constantFrom("Net sales", "1,200", "(30)", "—", "words here", "", "$", "2022");
  const line = fc.array(cell, { maxLength: 5 }).map((cells) => cells.join("   "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 25 }), (lines) => {
      const text = lines.join("\n");
      let after = 0;
      for (const { start, end, rows } of layoutTables(text)) {
        expect(start).toBeGreaterThanOrEqual(after);
        after = end;
        expect(rows).toHaveLength(text.slice(start, end).split("\n").length);
        expect(new Set(rows.map((row) => row.length)).size).toBe(1);
      }
    }),
  );
});
