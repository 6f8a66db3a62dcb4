/** What can happen to an instrument, or to the economy (macro). */
export const eventKinds = [
  "earnings",
  "guidance",
  "merger",
  "dividend",
  "split",
  "rating",
  "litigation",
  "management",
  "product",
  "macro",
  "hack",
  "listing",
] as const;
export type EventKind = (typeof eventKinds)[number];

/** For the instrument that it happens to. */
export type EventDirection = "good" | "bad" | "neutral";

/** What of it moves prices by itself, in the field's experience; the others only where they surprise. */
export const marketMoving: ReadonlySet<EventKind> = new Set([
  "earnings",
  "guidance",
  "merger",
  "rating",
  "litigation",
  "macro",
  "hack",
  "listing",
]);
