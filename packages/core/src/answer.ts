import * as z from "zod";

/** Members and places that lead to a value of a JSON answer: ["chart", "result", 0, "timestamp"]. */
export const AnswerPath = z.array(z.union([z.string().max(200), z.int().min(0)])).max(20);
export type AnswerPath = z.output<typeof AnswerPath>;

/** What is at a path of an answer; undefined where it does not lead so far. */
export function answerAt(answer: unknown, path: AnswerPath): unknown {
  let value = answer;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
