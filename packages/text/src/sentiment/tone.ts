import type { Turn } from "../readers/transcript.ts";
import { labelOf, scoreText } from "./score.ts";

/** How something said sounds. */
export interface Tone {
  /** In [-1, 1]: mean over its sentences. */
  score: number;
  label: "positive" | "negative" | "neutral";
  /** Share of its words that weaken what is said. */
  hedging: number;
  words: number;
}

export interface SpeakerTone extends Tone {
  speaker: string;
  role: string | null;
  side: Turn["side"];
}

/** What a company says on a call: prepared, and in answers; and what analysts ask. Null where nobody speaks. */
export interface CallTone {
  company: Tone | null;
  prepared: Tone | null;
  answers: Tone | null;
  questions: Tone | null;
  /** In the order in which they first speak; the operator left out. */
  speakers: SpeakerTone[];
}

/** Words that weaken what is said, from how managers speak on calls: own list. */
const hedging = new Set(
  `may might could would should possibly possible perhaps probably likely unlikely potentially potential approximately
  roughly about around somewhat fairly relatively generally mostly largely almost nearly believe believes think thinks
  feel feels hope hopes hopefully expect expects anticipate anticipates estimate estimates assume assumes suggest
  suggests appear appears seem seems seemingly uncertain uncertainty unclear depends depending tentative cautious
  cautiously guess maybe sort kind if unless whether`.split(/\s+/),
);

function toneOf(texts: readonly string[]): Tone | null {
  let [sum, sentences, words, hedges] = [0, 0, 0, 0];
  for (const text of texts) {
    const scored = scoreText(text);
    for (const { score } of scored.sentences) sum += score;
    sentences += scored.sentences.length;
    for (const [word] of text.toLowerCase().matchAll(/\p{L}+(?:['’]\p{L}+)?/gu)) {
      words++;
      if (hedging.has(word)) hedges++;
    }
  }
  if (words === 0) return null;
  const score = sum / sentences;
  return { score, label: labelOf(score), hedging: hedges / words, words };
}

/** The tone of a call by part and by speaker, from the turns of its transcript. English. */
export function callTone(text: string, turns: readonly Turn[]): CallTone {
  const of = (wanted: (turn: Turn) => boolean) =>
    toneOf(turns.filter(wanted).map(({ start, end }) => text.slice(start, end)));
  const heard = new Map<string, Turn>();
  for (const turn of turns)
    if (turn.side !== "operator" && !heard.has(turn.speaker)) heard.set(turn.speaker, turn);
  return {
    company: of(({ side }) => side === "company"),
    prepared: of(({ side, part }) => side === "company" && part === "prepared"),
    answers: of(({ side, part }) => side === "company" && part === "questions"),
    questions: of(({ side }) => side === "analyst"),
    speakers: [...heard.values()].flatMap(({ speaker, role, side }) => {
      const tone = of((turn) => turn.speaker === speaker);
      return tone === null ? [] : [{ speaker, role, side, ...tone }];
    }),
  };
}
