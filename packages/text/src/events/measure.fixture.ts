import { createNameFinder } from "../names.ts";
import { extractEvents } from "./extract.ts";
import { sentenceInstruments } from "./sentences.fixture.ts";
import type { LabelledSentence } from "./sentences.fixture.ts";

export interface EventMeasure {
  sentences: number;
  found: number;
  labelled: number;
  /** Found with the label's kind and instrument. */
  right: number;
  precision: number;
  recall: number;
  /** Of the right ones, those whose direction is the label's too. */
  directionShare: number;
  rightDirection: number;
}

/** The labelled sentences read as if published then. */
const publishedMs = Date.UTC(2024, 5, 1);

/** A coin's pairs count as one. */
function baseOf(instrumentId: string): string {
  return instrumentId.slice(0, instrumentId.lastIndexOf(".")).split("-")[0]!;
}

/** How well events are found in labelled sentences: an event is right with its kind and its instrument. */
export function measureEvents(sentences: readonly LabelledSentence[]): EventMeasure {
  const finder = createNameFinder(sentenceInstruments);
  let [found, labelled, right, rightDirection] = [0, 0, 0, 0];
  for (const { text, events } of sentences) {
    const left = [...events];
    labelled += left.length;
    for (const { kind, direction, instrumentIds } of extractEvents(text, { finder, publishedMs })) {
      const subjects = instrumentIds.length === 0 ? [null] : [...new Set(instrumentIds.map(baseOf))];
      for (const subject of subjects) {
        found++;
        const at = left.findIndex((label) => label[0] === kind && label[2] === subject);
        if (at < 0) continue;
        right++;
        rightDirection += Number(left.splice(at, 1)[0]![1] === direction);
      }
    }
  }
  return {
    sentences: sentences.length,
    found,
    labelled,
    right,
    precision: right / found,
    recall: right / labelled,
    directionShare: rightDirection / right,
    rightDirection,
  };
}
