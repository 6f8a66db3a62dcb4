import { callTone as toneOfCall } from "@tapedeck/text/sentiment/tone";
import type { CallTone, Tone } from "@tapedeck/text/sentiment/tone";
import { scoreText } from "@tapedeck/text/sentiment/score";
import type { EvidenceItem } from "../../evidence/contract.ts";
import { Declined } from "../answer.ts";
import type { Answer, Draft } from "../answer.ts";
import { formatDate, formatNumber, formatPercent } from "../format.ts";
import {
  callPassage,
  callsMeant,
  guessedDay,
  heldMs,
  holdsRole,
  namesIn,
  namesSpeaker,
  wordsOf,
} from "./calls.ts";
import type { Call } from "./calls.ts";
import { defineFamily } from "./family.ts";

const parts = {
  company: "the company",
  prepared: "the company in prepared remarks",
  answers: "the company in answers",
  questions: "analysts in questions",
} as const;
type Part = keyof typeof parts;

const mostSpeakers = 8;
const shown = (value: number) => Number(value.toFixed(4));

function record(call: Call, who: string, tone: Tone, more: Record<string, number> = {}): EvidenceItem {
  return {
    kind: "record",
    record: "sentiment",
    id: null,
    values: {
      call: call.document.title,
      who,
      publishedMs: heldMs(call),
      score: shown(tone.score),
      hedging: shown(tone.hedging),
      words: tone.words,
      scale: "-1 to 1",
      ...more,
    },
  };
}

const told = ({ score, hedging, label }: Tone) =>
  `${label}, ${formatNumber(shown(score))} on a scale from −1 to 1, with ${formatPercent(shown(hedging))} hedging words`;

/** The sentence that weighs most in what somebody says, as evidence. */
function heaviest(
  call: Call,
  of: (turn: Call["turns"][number]) => boolean,
): Extract<EvidenceItem, { kind: "passage" }>[] {
  const said = call.turns.filter(of).flatMap((turn) =>
    scoreText(call.document.text.slice(turn.start, turn.end)).sentences.map((one) => ({
      turn,
      score: one.score,
      span: { start: turn.start + one.start, end: turn.start + one.end },
    })),
  );
  const [most] = said.toSorted((one, other) => Math.abs(other.score) - Math.abs(one.score));
  return most === undefined || most.score === 0 ? [] : [callPassage(call, most.turn, most.span)];
}

function speakerDrafts(call: Call, { speakers }: CallTone, words: string): Draft[] {
  const all = / speakers? /.test(words);
  return speakers
    .filter((one) => all || namesSpeaker(one, words) || holdsRole(one, words))
    .toSorted((one, other) =>
      / (?:negative|cautious|pessimistic|worst) /.test(words)
        ? one.score - other.score
        : other.score - one.score,
    )
    .slice(0, mostSpeakers)
    .map((one) => {
      const who = one.role === null ? one.speaker : `${one.speaker} (${one.role})`;
      const heard = heaviest(call, ({ speaker }) => speaker === one.speaker);
      const quoted = heard.map(({ text }) => `, most of all in “${text.replaceAll(/\s+/g, " ")}”`).join("");
      return {
        text: `${who} sounded ${told(one)}${quoted}.`,
        cite: [record(call, who, one), ...heard],
        names: [who, "from −1 to 1"],
      };
    });
}

function partDraft(call: Call, tone: CallTone, part: Part): Draft[] {
  const own = tone[part];
  if (own === null) return [];
  const held = formatDate(heldMs(call));
  return [
    {
      text: `In the call of ${held} ${parts[part]} sounded ${told(own)}.`,
      cite: [record(call, parts[part], own)],
      names: ["from −1 to 1", `call of ${held}`],
    },
  ];
}

/** What a call's tone and hedging are against those of the call before. */
function changeDraft(call: Call, before: Call, now: Tone, then: Tone): Draft {
  const change = (name: "score" | "hedging") => shown(shown(now[name]) - shown(then[name]));
  const [score, hedging] = [change("score"), change("hedging")];
  const moved = (value: number, up: string, same: string, down: string) =>
    value === 0 ? same : value > 0 ? up : down;
  const held = formatDate(heldMs(before));
  return {
    text: `Against the call of ${held} the company sounded ${moved(score, "better", "the same", "worse")}: ${formatNumber(shown(now.score))} after ${formatNumber(shown(then.score))}; it hedged ${moved(hedging, "more", "as much", "less")}: ${formatPercent(shown(now.hedging))} of its words after ${formatPercent(shown(then.hedging))}.`,
    cite: [
      record(call, parts.company, now, { scoreChange: score, hedgingChange: hedging }),
      record(before, parts.company, then),
    ],
    names: [`call of ${held}`],
  };
}

/** How a call sounded, by part and speaker, and against the company's call before. */
export const callTone = defineFamily<{ question: string; names: string[] }>({
  name: "callTone",
  takes: ["anything"],
  about:
    "How an earnings call sounded: tone and hedging of the company, its speakers and the analysts, and the change against the call before",
  examples: [
    "What was the tone of the last call of Acme Widgets?",
    "How did the tone of the Acme Widgets call change against the call before?",
    "Did the CFO of Acme Widgets hedge more on the last call?",
    "Which speakers of the Acme Widgets call sounded most negative?",
  ],
  understand(q, hint) {
    const words = wordsOf(q.original);
    const asks =
      / (?:tone|hedg(?:e|es|ed|ing)|sound(?:s|ed)?|confident|cautious|optimistic|pessimistic|upbeat|downbeat) /.test(
        words,
      );
    const onCall =
      / (?:calls?|transcripts?|ceo|cfo|coo|management|analysts?|speakers?|prepared remarks) /.test(words);
    return asks && onCall ? { question: q.original, names: namesIn(q, hint.instruments) } : undefined;
  },
  async run({ question, names }, tools): Promise<Answer> {
    const { meant, all } = await callsMeant(question, names, tools);
    const [call] = meant;
    const before = all[all.indexOf(call) + 1];
    const words = wordsOf(question);
    const tone = toneOfCall(call.document.text, call.turns);
    tools.useDocument(call.document);
    const speakers = speakerDrafts(call, tone, words);
    const analysts = / analysts? /.test(words);
    const drafts = [
      ...partDraft(call, tone, "company"),
      ...(analysts ? [] : [...partDraft(call, tone, "prepared"), ...partDraft(call, tone, "answers")]),
      ...partDraft(call, tone, "questions"),
      ...speakers,
    ];
    if (drafts.length === 0) throw new Declined(`Nobody of the company speaks in "${call.document.title}".`);
    const then = before === undefined ? null : toneOfCall(before.document.text, before.turns).company;
    const comparable = before !== undefined && then !== null && tone.company !== null;
    if (comparable) {
      tools.useDocument(before.document);
      drafts.push(changeDraft(call, before, tone.company!, then));
    }
    const notes = [
      guessedDay(call),
      comparable ? undefined : "There is no call before it to compare with.",
    ].filter((one) => one !== undefined);
    return notes.length === 0 ? { drafts } : { drafts, message: notes.join(" ") };
  },
});
