import { termsOf } from "../terms.ts";
import type { EventDirection, EventKind } from "./kinds.ts";

/** What of an event decides whether another tells the same. */
export interface Telling {
  kind: EventKind;
  direction: EventDirection;
  /** Null where it is of the economy as a whole. */
  instrumentId: string | null;
  publishedMs: number;
  /** The sentence that tells it. */
  text: string;
}

/** Tellings further apart in time are two stories. */
export const storyMs = 3 * 86_400_000;

/** Of these a company has one in so short a time, however it is worded. */
const once: ReadonlySet<EventKind> = new Set(["earnings", "guidance", "dividend", "split"]);
/** Share of the words of the shorter telling that the other has too. */
const leastShare = 0.4;

function figuresOf(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(/\d[\d,]*(?:\.\d+)?/g), (match) => match[0].replaceAll(",", "")));
}

/**
 * Do two sentences tell of the same event? The same kind for the same instrument within three days, one not good where the
 * other is bad, and, but for what happens once in such a time, enough of the same words or a figure of three digits or
 * with decimals in both.
 */
export function isSameStory(one: Telling, other: Telling): boolean {
  if (one.kind !== other.kind || one.instrumentId !== other.instrumentId) return false;
  if (Math.abs(one.publishedMs - other.publishedMs) > storyMs) return false;
  if (one.direction !== other.direction && one.direction !== "neutral" && other.direction !== "neutral")
    return false;
  if (once.has(one.kind)) return true;
  const figures = figuresOf(other.text);
  for (const figure of figuresOf(one.text)) if (figure.length >= 3 && figures.has(figure)) return true;
  const [words, others] = [new Set(termsOf(one.text)), new Set(termsOf(other.text))];
  const common = [...words].filter((word) => others.has(word)).length;
  return common >= leastShare * Math.min(words.size, others.size);
}
