import { dayMs } from "@tapedeck/core";
import type { EventKind, MarketEvent } from "../../events/contract.ts";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { InstrumentSentiment } from "../../sentiment/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatDate, formatNumber } from "../format.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { defineFamily, subject, subjects } from "./family.ts";
import { returnSentences } from "./returnOver.ts";

const kindWords: readonly [EventKind, RegExp][] = [
  ["litigation", / (?:lawsuits?|litigation|sued|fined|fines?|court) /],
  ["merger", / (?:mergers?|acquisitions?|takeovers?|acquired|acquires?) /],
  ["rating", / (?:upgrades?|upgraded|downgrades?|downgraded|analyst ratings?) /],
  ["guidance", / (?:guidance|outlook) /],
  ["earnings", / earnings /],
  ["dividend", / dividends? /],
  ["split", / splits? /],
  ["management", / (?:ceo|cfo|management|appointed|resigned) /],
  ["product", / (?:products?|launch|launched|launches) /],
  ["hack", / (?:hacks?|hacked|exploits?) /],
  ["listing", / (?:listings?|listed|delisted|delisting) /],
  ["macro", / (?:macro|inflation|interest rates?|unemployment|gdp|central bank) /],
];
/** Kinds that a question asks for by their word alone; the others are also words of statements. */
const ownWords = new Set<EventKind>(["litigation", "merger", "rating", "hack"]);

function kindsIn(q: Question): EventKind[] {
  return kindWords.filter(([, words]) => q.matches(words)).map(([kind]) => kind);
}

/** Does a question ask what was published, rather than for a figure? */
export function asksForNews(q: Question): boolean {
  return (
    q.matches(
      / (?:news|events?|headlines?|stories|announced|announcements?|announce|happened (?:to|at|with)|in the press) /,
    ) || kindsIn(q).some((kind) => ownWords.has(kind))
  );
}

/** The stretch in which something was published, on the clock of what is known. */
function publishedIn(period: Period | undefined, asOfMs: number): { fromMs?: number; toMs?: number } {
  if (period === undefined) return {};
  if (period.trailingDays !== undefined) return { fromMs: asOfMs - period.trailingDays * dayMs };
  return {
    ...(Number.isFinite(period.fromMs) ? { fromMs: period.fromMs } : {}),
    ...(Number.isFinite(period.toMs) ? { toMs: period.toMs } : {}),
  };
}

function passageOf({ documentId, version, title, start, end, text }: MarketEvent): EvidenceItem {
  return { kind: "passage", documentId, version, title, section: "", page: null, start, end, text };
}

/** An event as a sentence: its day, kind and direction, and the words that tell it. */
function eventDraft(event: MarketEvent): Draft {
  const { id, kind, direction, publishedMs, reports, instrumentId, text } = event;
  const told = reports > 1 ? `, told by ${formatCount(reports)} documents` : "";
  const side = direction === "neutral" ? "" : `, ${direction} for ${instrumentId ?? "markets"}`;
  return {
    text: `Published on ${formatDate(publishedMs)} (${kind}${side}${told}): ${text}`,
    cite: [
      {
        kind: "record",
        record: "event",
        id,
        values: { kind, direction, instrumentId, publishedMs, reports, score: event.score },
      },
      passageOf(event),
    ],
    names: instrumentId === null ? [] : [instrumentId],
  };
}

const shownEvents = 8;

/** What was published of an instrument in a period, market-moving first, as sentences in the order of time. */
export async function eventDrafts(
  instrument: Instrument,
  period: Period | undefined,
  tools: Tools,
): Promise<Draft[]> {
  const events = await tools.events({
    instrumentIds: [instrument.instrumentId],
    ...publishedIn(period, tools.asOfMs),
  });
  return events
    .toSorted((a, b) => Number(b.important) - Number(a.important) || b.publishedMs - a.publishedMs)
    .slice(0, shownEvents)
    .toSorted((a, b) => b.publishedMs - a.publishedMs)
    .map(eventDraft);
}

interface NewsArgs extends Record<string, unknown> {
  instruments: Instrument[];
  kinds: EventKind[];
  period: Period | undefined;
  /** "What happened to it": its price is told too. */
  happened: boolean;
}

/** What happened to instruments, by the documents that were read. */
export const news = defineFamily<NewsArgs>({
  name: "news",
  takes: [],
  about:
    "News and events of an instrument: earnings, guidance, mergers, ratings, litigation and others, each once",
  examples: [
    "What is the latest news on AAPL?",
    "Which events happened to Microsoft in 2009?",
    "Were there lawsuits against AAPL?",
  ],
  understand(q, hint) {
    if (!asksForNews(q) || q.any("why")) return undefined;
    const kinds = kindsIn(q);
    if (kinds.includes("macro")) return { instruments: [], kinds, period: q.period, happened: false };
    if (q.instruments.length + hint.instruments.length + q.unknownNames.length === 0) return undefined;
    const happened = q.period !== undefined && q.matches(/ happened /) && !q.matches(/ (?:news|events?) /);
    return { instruments: subjects(q, hint), kinds, period: q.period, happened };
  },
  async run({ instruments, kinds, period, happened }, tools) {
    const [first] = instruments;
    const drafts: Draft[] = [];
    if (happened && first !== undefined) {
      const bars = await tools.readBars(first);
      drafts.push(...returnSentences(bars, bars.stretch(period), { annual: false, presumed: undefined }));
    }
    const events = await tools.events({
      ...(instruments.length === 0 ? {} : { instrumentIds: instruments.map((one) => one.instrumentId) }),
      ...(kinds.length === 0 ? {} : { kinds }),
      ...publishedIn(period, tools.asOfMs),
    });
    if (events.length === 0 && drafts.length === 0) {
      const of = instruments.length === 0 ? "markets" : instruments.map((one) => one.instrumentId).join(", ");
      const what = kinds.length === 0 ? "event" : `event of kind ${kinds.join(" or ")}`;
      throw new Declined(
        `No ${what} of ${of} is known${period === undefined ? "" : ` ${period.label}`}. Events are read from news, posts, transcripts and filings: add some with POST /api/documents, or npx tapedeck document add.`,
      );
    }
    return { drafts: [...drafts, ...events.slice(0, shownEvents).map(eventDraft)] };
  },
});

interface SentimentArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period | undefined;
}

const shownItems = 4;

/** How good the news of an instrument is. */
export const sentimentOf = defineFamily<SentimentArgs>({
  name: "sentiment",
  takes: [],
  about: "How good or bad the news of an instrument is: the decayed mean, and the items that weigh most",
  examples: ["What is the sentiment of AAPL?", "How was the news sentiment on Microsoft as of 2009-12-31?"],
  understand(q, hint) {
    if (!q.matches(/ (?:sentiment|mood|tone|bullish|bearish) /)) return undefined;
    if (q.instruments.length + hint.instruments.length + q.unknownNames.length === 0) return undefined;
    return { instrument: subject(q, hint), period: q.period };
  },
  async run({ instrument, period }, tools) {
    const { instrumentId } = instrument;
    if (period !== undefined && period.fromMs > tools.asOfMs)
      throw new Declined(`No news is known ${period.label}: that is after ${formatDate(tools.asOfMs)}.`);
    const toMs = period === undefined || !Number.isFinite(period.toMs) ? tools.asOfMs : period.toMs - 1;
    const atMs = Math.min(toMs, tools.asOfMs);
    const { value, items } = await tools.sentiment(instrumentId, atMs);
    if (value === undefined) {
      throw new Declined(
        `No news of ${instrumentId} was known on ${formatDate(atMs)}. It is read from documents: add some with POST /api/documents, or npx tapedeck document add.`,
      );
    }
    const side = value.value > 0.05 ? "good" : value.value < -0.05 ? "bad" : "neutral";
    const at = formatDate(atMs);
    const shown = Number(value.value.toFixed(3));
    const drafts: Draft[] = [
      {
        text: `The news of ${instrumentId} was ${side} on ${at}: its sentiment, the mean of ${formatCount(value.items)} documents by source and age, was ${formatNumber(shown)} on a scale from −1 to 1; the newest is of ${formatDate(value.lastMs)}.`,
        cite: [
          {
            kind: "record",
            record: "sentiment",
            id: null,
            values: {
              instrumentId,
              formula: `sentiment("${instrumentId}")`,
              atMs,
              value: shown,
              lastMs: value.lastMs,
              items: value.items,
              scale: "-1 to 1",
            },
          },
        ],
        names: [instrumentId],
      },
    ];
    for (const item of items.slice(0, shownItems)) drafts.push(await itemDraft(item, instrumentId, tools));
    return { drafts };
  },
});

/** A document's part in the sentiment, in the sentence of it that weighs most; its title where none does. */
async function itemDraft(item: InstrumentSentiment, instrumentId: string, tools: Tools): Promise<Draft> {
  const { documentId, version, title, start, end, label, publishedMs, score } = item;
  const text = end > start ? await tools.readSpan({ documentId, version, start, end }) : title;
  return {
    text: `Published on ${formatDate(publishedMs)} (${label}): ${text}`,
    cite: [
      {
        kind: "record",
        record: "sentiment",
        id: null,
        values: { instrumentId, title, label, publishedMs, score },
      },
      { kind: "passage", documentId, version, title, section: "", page: null, start, end, text },
    ],
    names: [instrumentId],
  };
}
