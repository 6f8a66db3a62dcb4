import { corners, textSize } from "./shapes.ts";
import type { Drawing, Shape } from "./shapes.ts";

export interface HeatChart {
  label: string;
  columns: readonly string[];
  rows: readonly string[];
  /** `[row][column]`; null: nothing there. */
  cells: readonly (readonly (number | null)[])[];
  /** What the axes are; absent where the names say it. */
  columnName?: string;
  rowName?: string;
  show: (value: number) => string;
  /** Colours tell above from below zero; otherwise the lowest of all from the highest. */
  aroundZero: boolean;
}

const width = 900;
const left = 76;
const header = 22;
const mostCellHeight = 30;
/** Fewer than this wide, and a cell says its value only where a pointer rests. */
const leastTextWidth = 40;
const mostLabels = 16;

/** A table whose cells are coloured by their value. */
export function drawHeat(chart: HeatChart): Drawing {
  const top = header + (chart.columnName === undefined ? 0 : 18);
  const cellWidth = (width - left) / Math.max(1, chart.columns.length);
  const cellHeight = Math.min(mostCellHeight, Math.max(12, 420 / Math.max(1, chart.rows.length)));
  const known = chart.cells.flat().filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const size = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const place = (value: number) => (most > least ? (value - least) / (most - least) : 1);
  const heat = (value: number): Pick<Shape & { kind: "area" }, "ink" | "opacity"> =>
    chart.aroundZero
      ? { ink: value < 0 ? "bad" : "good", opacity: 0.08 + 0.72 * (Math.abs(value) / size) }
      : { ink: "strategy", opacity: 0.05 + 0.8 * place(value) };
  const named = (names: readonly string[], i: number) => i % Math.ceil(names.length / mostLabels) === 0;
  const text = (x: number, y: number, words: string, anchor: "start" | "middle" | "end"): Shape => ({
    kind: "text",
    at: [x, y],
    text: words,
    ink: "dim",
    size: textSize,
    anchor,
  });
  return {
    width,
    height: top + chart.rows.length * cellHeight + 4,
    label: chart.label,
    legend: [],
    shapes: [
      ...(chart.columnName === undefined ? [] : [text((left + width) / 2, 12, chart.columnName, "middle")]),
      ...(chart.rowName === undefined ? [] : [text(left - 6, top - 8, chart.rowName, "end")]),
      ...chart.columns.flatMap((name, i) =>
        named(chart.columns, i) ? [text(left + (i + 0.5) * cellWidth, top - 8, name, "middle")] : [],
      ),
      ...chart.rows.flatMap((name, j) =>
        named(chart.rows, j) ? [text(left - 6, top + (j + 0.5) * cellHeight + 4, name, "end")] : [],
      ),
      ...chart.cells.flatMap((row, j) =>
        row.flatMap((value, i): Shape[] => {
          if (value === null) return [];
          const [x, y] = [left + i * cellWidth, top + j * cellHeight];
          const words = chart.show(value);
          const cell: Shape = {
            kind: "area",
            points: corners(x, y, cellWidth - 1, cellHeight - 1),
            ...heat(value),
            title: `${chart.rows[j]!}, ${chart.columns[i]!}: ${words}`,
          };
          if (cellWidth < leastTextWidth || cellHeight < textSize + 3) return [cell];
          const at = [x + cellWidth / 2, y + cellHeight / 2 + 4] as const;
          return [cell, { kind: "text", at, text: words, ink: "text", size: textSize, anchor: "middle" }];
        }),
      ),
    ],
  };
}
