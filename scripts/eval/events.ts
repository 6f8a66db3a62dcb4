import { measureEvents } from "../../packages/text/src/events/measure.fixture.ts";
import { developmentSentences, heldOutSentences } from "../../packages/text/src/events/sentences.fixture.ts";
import type { LabelledSentence } from "../../packages/text/src/events/sentences.fixture.ts";
import type { EvalSet, Measure } from "./measure.ts";

function measuresOf(set: string, sentences: readonly LabelledSentence[]): Measure[] {
  const { found, labelled, right, rightDirection, precision, recall, directionShare } =
    measureEvents(sentences);
  return [
    { set, metric: "precision", value: precision, n: found, count: right },
    { set, metric: "recall", value: recall, n: labelled, count: right },
    { set, metric: "direction", value: directionShare, n: right, count: rightDirection },
  ];
}

/** Own sentences, labelled by hand: those that the rules were developed on, and those kept aside. */
export const events: EvalSet = {
  name: "events",
  files: [],
  async run() {
    return [
      ...measuresOf("events_development", developmentSentences),
      ...measuresOf("events_held_out", heldOutSentences),
    ];
  },
};
