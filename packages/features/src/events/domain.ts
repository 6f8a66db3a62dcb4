import { extractEvents } from "@tapedeck/text/events/index";
import type { TextEvent } from "@tapedeck/text/events/index";
import type { NameFinder } from "@tapedeck/text/names";
import type { DocumentKind } from "@tapedeck/text/readers/document";
import { scoreText } from "@tapedeck/text/sentiment/score";
import { sentencesOf } from "@tapedeck/text/sentences";
import type { FilingDescription } from "../knowledge/contract.ts";

/** What reading takes of a document. */
export interface ReadableDocument {
  kind: DocumentKind;
  title: string;
  text: string;
  /** ISO 639-3; null: unknown. */
  language: string | null;
  company: string | null;
  filing: FilingDescription | null;
  publishedMs: number;
  /** It tells what an earlier document does. */
  isDuplicate: boolean;
}

/** An event of one instrument; its place in the text, or 0 and 0 where only the title tells it. */
export interface EventDraft extends Pick<
  TextEvent,
  "kind" | "direction" | "score" | "important" | "expected" | "atMs" | "start" | "end"
> {
  instrumentId: string | null;
  /** The sentence. */
  text: string;
}

/** How good a document is for an instrument. */
export interface ScoreDraft {
  instrumentId: string;
  /** In [-1, 1]. */
  score: number;
  weight: number;
  mentions: number;
  /** The sentence that weighs most; 0 and 0 where it is the title. */
  start: number;
  end: number;
}

export interface Reading {
  events: EventDraft[];
  scores: ScoreDraft[];
}

/** How much a document of a kind counts; kinds that are no news count nothing. */
export const sourceWeights: Readonly<Record<DocumentKind, number>> = {
  filing: 1,
  transcript: 1,
  news: 1,
  research: 0.8,
  newsletter: 0.5,
  note: 0.3,
  post: 0.3,
  calendar: 0,
  reference: 0,
};

/** A document that names an instrument beside others, and not in its title, counts half for it. */
const besideWeight = 0.5;

/** Periodic reports tell of the past at length: their figures are read by questions, not as events. */
const eventForms: ReadonlySet<FilingDescription["form"]> = new Set(["8-K", "earnings", "other"]);

function tellsEvents({ kind, filing }: ReadableDocument): boolean {
  return kind !== "reference" && (filing === null || eventForms.has(filing.form));
}

function eventsOf(document: ReadableDocument, finder: NameFinder, about: readonly string[]): EventDraft[] {
  if (!tellsEvents(document)) return [];
  const { title, text, publishedMs } = document;
  const options = { finder, publishedMs, about };
  const each = (event: TextEvent, sentence: string, place: { start: number; end: number }) =>
    (event.instrumentIds.length === 0 ? [null] : event.instrumentIds).map((instrumentId) => ({
      kind: event.kind,
      instrumentId,
      direction: event.direction,
      score: event.score,
      important: event.important,
      expected: event.expected,
      atMs: event.atMs,
      text: sentence,
      start: place.start,
      end: place.end,
    }));
  const told = extractEvents(text, options).flatMap((event) =>
    each(event, text.slice(event.start, event.end), event),
  );
  const isTold = (draft: EventDraft) =>
    told.some((one) => one.kind === draft.kind && one.instrumentId === draft.instrumentId);
  const titled = extractEvents(title, options)
    .flatMap((event) => each(event, title, { start: 0, end: 0 }))
    .filter((draft) => !isTold(draft));
  return [...titled, ...told];
}

interface Tally {
  /** Sum of what the sentences say, before it is squeezed into [-1, 1]. */
  sum: number;
  mentions: number;
  heaviest: { start: number; end: number; score: number };
}

/** Scores add up before they are squeezed: news told twice is firmer, not twice as good. */
function squeeze(tally: Tally): number {
  return Math.tanh(tally.sum / Math.sqrt(tally.mentions));
}

/** Just inside, so that a sum of scores stays finite. */
const widest = 0.999_999;

function scoresOf(document: ReadableDocument, finder: NameFinder, about: readonly string[]): ScoreDraft[] {
  const weight = document.isDuplicate ? 0 : sourceWeights[document.kind];
  if (weight === 0) return [];
  const { title, text } = document;
  if (about.length > 0 && (document.filing !== null || document.kind === "transcript")) {
    const whole = scoreText(text);
    const heaviest = whole.sentences.toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score))[0];
    const { start = 0, end = 0 } = heaviest ?? {};
    return about.map((instrumentId) => ({
      instrumentId,
      score: whole.score,
      weight,
      mentions: 1,
      start,
      end,
    }));
  }
  const tallies = new Map<string, Tally>();
  const read = (sentence: string, place: { start: number; end: number }) => {
    for (const { start, end, instrumentIds } of finder.find(sentence)) {
      const { score } = scoreText(sentence, [sentence.slice(start, end)]).entities[0]!;
      for (const instrumentId of instrumentIds) {
        const tally = tallies.get(instrumentId) ?? { sum: 0, mentions: 0, heaviest: { ...place, score: 0 } };
        tallies.set(instrumentId, tally);
        tally.sum += Math.atanh(Math.max(-widest, Math.min(widest, score)));
        tally.mentions++;
        if (Math.abs(score) > Math.abs(tally.heaviest.score)) tally.heaviest = { ...place, score };
      }
    }
  };
  // Feeds repeat the title in the text: said once, it counts once.
  if (!text.includes(title)) read(title, { start: 0, end: 0 });
  for (const { start, end } of sentencesOf(text)) read(text.slice(start, end), { start, end });
  const titled = new Set(finder.find(title).flatMap(({ instrumentIds }) => instrumentIds));
  return [...tallies].map(([instrumentId, tally]) => ({
    instrumentId,
    score: squeeze(tally),
    weight:
      titled.has(instrumentId) || tallies.size === 1 || about.includes(instrumentId)
        ? weight
        : weight * besideWeight,
    mentions: tally.mentions,
    start: tally.heaviest.start,
    end: tally.heaviest.end,
  }));
}

/** Events that a document tells of and how good its news is for whom it names. Pure; English, other languages give nothing. */
export function readDocument(document: ReadableDocument, finder: NameFinder): Reading {
  const { company, language } = document;
  if (document.kind === "reference" || (language !== null && language !== "eng"))
    return { events: [], scores: [] };
  const about = company === null ? [] : (finder.find(company)[0]?.instrumentIds ?? []);
  return { events: eventsOf(document, finder, about), scores: scoresOf(document, finder, about) };
}
