import { day, percent, ratio } from "../format.ts";
import { placeRule, scale, timeSteps } from "./axes.ts";
import { corners, textSize } from "./shapes.ts";
import type { Drawing, Shape } from "./shapes.ts";

export interface FoldStrip {
  trainFromMs: number;
  trainToMs: number;
  testFromMs: number;
  testToMs: number;
  testSharpe: number | null;
  testReturn: number;
}

const width = 900;
const [left, right] = [76, 886];
const rowHeight = 18;
const bottom = 26;

/** A row a fold: the bars that chose, and the bars that judged, coloured by what they earned. */
export function drawFolds(folds: readonly FoldStrip[], label: string): Drawing {
  const fromMs = Math.min(...folds.map((fold) => Math.min(fold.trainFromMs, fold.testFromMs)));
  const toMs = Math.max(...folds.map((fold) => Math.max(fold.trainToMs, fold.testToMs)));
  const height = folds.length * rowHeight + bottom + 4;
  const px = scale(fromMs, toMs, left, right);
  const frame = { left, right, top: 0, bottom: height - bottom };
  const strip = (
    from: number,
    to: number,
    row: number,
    rest: Pick<Shape & { kind: "area" }, "ink" | "opacity" | "title">,
  ) =>
    ({
      kind: "area",
      points: corners(px(from), row * rowHeight + 3, Math.max(1, px(to) - px(from)), rowHeight - 6),
      ...rest,
    }) satisfies Shape;
  return {
    width,
    height,
    label,
    legend: [
      { label: "Chosen on", ink: "dim" },
      { label: "Judged on, gained", ink: "good" },
      { label: "Judged on, lost", ink: "bad" },
    ],
    shapes: [
      ...timeSteps(fromMs, toMs, 10).flatMap(({ atMs, text }) => placeRule(frame, px(atMs), text)),
      ...folds.flatMap((fold, row): Shape[] => [
        {
          kind: "text",
          at: [left - 6, row * rowHeight + rowHeight / 2 + 4],
          text: `fold ${row + 1}`,
          ink: "dim",
          size: textSize,
          anchor: "end",
        },
        strip(fold.trainFromMs, fold.trainToMs, row, {
          ink: "dim",
          opacity: 0.3,
          title: `fold ${row + 1}: chosen on ${day(fold.trainFromMs)} to ${day(fold.trainToMs)}`,
        }),
        strip(fold.testFromMs, fold.testToMs, row, {
          ink: fold.testReturn < 0 ? "bad" : "good",
          opacity: 0.75,
          title: `fold ${row + 1}: judged on ${day(fold.testFromMs)} to ${day(fold.testToMs)}, return ${percent(fold.testReturn)}, Sharpe ${ratio(fold.testSharpe)}`,
        }),
      ]),
    ],
  };
}
