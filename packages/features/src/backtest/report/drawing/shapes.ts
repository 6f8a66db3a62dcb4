/** Colour by its role: screen, file and print have their own for each. */
export const inks = ["text", "dim", "grid", "strategy", "benchmark", "other", "good", "bad"] as const;
export type Ink = (typeof inks)[number];

export type Point = readonly [x: number, y: number];

/** One mark on a drawing; lengths in its own units, y downwards. `title` is said where a pointer rests on it. */
export type Shape =
  | { kind: "line"; from: Point; to: Point; ink: Ink; dashed?: boolean }
  | { kind: "path"; points: readonly Point[]; ink: Ink; width: number }
  | { kind: "area"; points: readonly Point[]; ink: Ink; opacity: number; title?: string }
  | {
      kind: "text";
      at: Point;
      text: string;
      ink: Ink;
      size: number;
      anchor: "start" | "middle" | "end";
    };

/** A chart that is drawn alike on a page, in a file and in print. */
export interface Drawing {
  width: number;
  height: number;
  /** What is seen, for those who do not see it. */
  label: string;
  legend: ReadonlyArray<{ label: string; ink: Ink }>;
  shapes: readonly Shape[];
}

export const textSize = 11;

/** The four corners of a rectangle. */
export function corners(x: number, y: number, width: number, height: number): Point[] {
  return [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
}
