import type { ChunkHit } from "@tapedeck/core";
import { namesOf as companyNamesOf } from "@tapedeck/text/filings/companies";
import { mentionsOf, speaksOf } from "@tapedeck/text/mention";
import type { Turn } from "@tapedeck/text/readers/transcript";
import { termsOf } from "@tapedeck/text/terms";
import type { DocumentKind } from "../../knowledge/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatDate } from "../format.ts";
import { passageOf } from "../passage.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import {
  asksForRole,
  callPassage,
  callsMeant,
  companyMeant,
  guessedDay,
  heldMs,
  holdsRole,
  isNamed,
  namesIn,
  namesSpeaker,
  wordsOf,
} from "./calls.ts";
import type { Call } from "./calls.ts";
import { defineFamily } from "./family.ts";
import { companiesIn } from "./filings.ts";

const sayings =
  "say|says|said|saying|ask|asks|asked|mention|mentions|mentioned|comment|comments|commented|talk|talks|talked|speak|spoke|tell|told|discuss|discussed|answer|answered|write|writes|wrote|written|think|thinks|argue|argues|argued|respond|responded|explain|explained|quote|quotes";
const saying = new RegExp(` (?:${sayings}) `);
/** "What did Acme say about margins": past, and about something. */
const saidAbout =
  / did (?:\S+ ){1,4}(?:say|ask|mention|comment|talk|tell (?:\S+ ){0,2})(?: (?:\S+ ){0,3})?(?:about|on|regarding) /;

const leftUnsaid = new RegExp(` (?:not|never|n't|didn't) (?:\\S+ )?(?:${sayings}) `);

/** Where something was said. */
const sources: readonly { words: RegExp; name: string; kinds: readonly DocumentKind[] }[] = [
  { words: / newsletters? /, name: "newsletters", kinds: ["newsletter"] },
  { words: / (?:posts?|tweets?|social(?: media)?) /, name: "posts", kinds: ["post"] },
  {
    words: / (?:(?:research|analyst|broker) (?:notes?|reports?)|research|notes?) /,
    name: "research notes",
    kinds: ["research", "note"],
  },
  {
    words: / (?:news|articles?|press|newspapers?|papers|headlines?) /,
    name: "news texts",
    kinds: ["news"],
  },
];
const callWords =
  / (?:calls?|transcripts?|prepared remarks|q&a|ceo|cfo|coo|cto|chief (?:\S+ )?officer|chair(?:man|woman|person)?|executives?|management|managers?|analysts?) /;

/** Whose words are wanted, besides those named or of a role. */
interface Wanted extends Record<string, unknown> {
  side: Turn["side"] | undefined;
  part: Turn["part"] | undefined;
}

function sideIn(words: string): Turn["side"] | undefined {
  const asks = / (?:ask|asks|asked) /.test(words);
  const ofCompany = / (?:management|managers?|executives?|the company) /.test(words);
  if (/ analysts? /.test(words) || (asks && !ofCompany && !asksForRole(words))) return "analyst";
  return ofCompany ? "company" : undefined;
}

function partIn(words: string): Turn["part"] | undefined {
  if (/ prepared remarks /.test(words)) return "prepared";
  return / (?:q&a|questions and answers|(?:in|their|its|the) answers?) /.test(words)
    ? "questions"
    : undefined;
}

/** Words of a question that say who said it, where and when, not what about. */
const beside = new RegExp(
  ` (?:${sayings}|what|who|which|when|how|did|does|do|was|were|has|have|is|are|anything|something|there|last|latest|newest|previous|prior|recent|recently|most|(?:earnings|conference|results|investor)(?= calls? )|calls?|transcripts?|prepared remarks|q&a|questions and answers|in answers?|ceo|cfo|coo|cto|chief (?:\\S+ )?officer|chair(?:man|woman|person)?|executives?|management|managers?|analysts?|newsletters?|posts?|tweets?|social|media|research|broker|notes?|news|articles?|press|newspapers?|papers|headlines?|company|today|yesterday|week|weeks|month|months|quarter|quarters|year|years|fiscal|first|second|third|fourth|q[1-4]|(?:fy ?)?(?:19|20)\\d\\d|january|february|march|april|may|june|july|august|september|october|november|december|\\d+)(?= )`,
  "g",
);

/** The terms of what a question asks about: its words without those of who, where and when, and without these names. */
function topicOf(question: string, names: readonly string[]): string[] {
  const known = new Set(names.flatMap((name) => termsOf(name)));
  return [...new Set(termsOf(wordsOf(question).replaceAll(beside, " ")))].filter((term) => !known.has(term));
}

const mostQuotes = 4;

interface Quote {
  call: Call;
  turn: Turn;
  start: number;
  end: number;
  score: number;
}

/**
 * The turns of a call that are wanted: of who is named, if only as a speaker of another of the company's calls, else of who has
 * the role or stands on the side.
 */
function turnsWanted({ turns }: Call, { side, part }: Wanted, words: string, all: readonly Call[]): Turn[] {
  const spoken = turns.filter(
    (turn) => turn.side !== "operator" && (part === undefined || turn.part === part),
  );
  // "The CEO about Barclays": whose words are wanted is said by the office, not by the firm.
  const isMeant = asksForRole(words) ? namesSpeaker : isNamed;
  const named = spoken.filter((turn) => isMeant(turn, words));
  const isSpeakerElsewhere = all.some((call) => call.turns.some((turn) => namesSpeaker(turn, words)));
  if (named.length > 0 || isSpeakerElsewhere) return named;
  if (asksForRole(words)) return spoken.filter((turn) => holdsRole(turn, words));
  return spoken.filter((turn) => side === undefined || turn.side === side);
}

/** Sentences of a turn about a subject; an answer may leave it to the question that it answers. */
function quotesOf(call: Call, turn: Turn, topic: readonly string[]): Quote[] {
  const { text } = call.document;
  const before = call.turns.slice(0, call.turns.indexOf(turn)).findLast(({ side }) => side !== "operator");
  const question =
    turn.side === "company" && before?.side === "analyst" ? text.slice(before.start, before.end) : "";
  const own = text.slice(turn.start, turn.end);
  const found = mentionsOf(own, topic, question);
  const answers =
    found.length === 0 && question !== "" && topic.length > 0 && speaksOf(question, topic)
      ? mentionsOf(own, []).slice(0, 1)
      : [];
  return [...found, ...answers.map((one) => ({ ...one, score: 0 }))].map(({ start, end, score }) => ({
    call,
    turn,
    start: turn.start + start,
    end: turn.start + end,
    score,
  }));
}

/** Without a subject: what each speaker of the company opens with, the sentences that tell a figure first. */
function openings(call: Call, turns: readonly Turn[]): Quote[] {
  const first = new Map<string, Turn>();
  for (const turn of turns) if (!first.has(turn.speaker)) first.set(turn.speaker, turn);
  return [...first.values()].flatMap((turn) => {
    const all = quotesOf(call, turn, []);
    const figures = all.filter(({ start, end }) => /\d/.test(call.document.text.slice(start, end)));
    return (figures.length > 0 ? figures : all).slice(0, 2);
  });
}

function quoteDraft({ call, turn, start, end }: Quote): Draft {
  const cite = callPassage(call, turn, { start, end });
  const held = formatDate(heldMs(call));
  const where = turn.part === "prepared" ? "prepared remarks" : "questions and answers";
  const who =
    turn.role === null
      ? turn.speaker
      : `${turn.speaker} (${[turn.role, turn.firm].filter((one) => one !== null).join(", ")})`;
  return {
    text: `${who}, ${where}, call of ${held}: “${call.document.text.slice(start, end).replaceAll(/\s+/g, " ")}”`,
    cite: [cite],
    names: [who, `call of ${held}`],
  };
}

interface CallArgs extends Wanted {
  question: string;
  names: string[];
}

async function quoteCalls(
  { question, names, ...wanted }: CallArgs,
  tools: Tools,
): Promise<{ drafts: Draft[]; message?: string }> {
  const { meant, all } = await callsMeant(question, names, tools);
  const words = wordsOf(question);
  const told: string[] = [];
  for (const call of meant) {
    const turns = turnsWanted(call, wanted, words, all);
    const { company } = call.document;
    const ofCompany =
      company === null
        ? []
        : [
            ...companyNamesOf(company),
            ...names.filter((name) => companyMeant(name, [], [company]) !== undefined),
          ];
    const speakers = turns
      .filter((turn) => isNamed(turn, words))
      .flatMap(({ speaker, firm }) => [speaker, firm ?? ""]);
    // Any other name is what is asked about: "Ohio", "Europe".
    const topic = topicOf(question, [...ofCompany, ...speakers]);
    const found =
      topic.length === 0 ? openings(call, turns) : turns.flatMap((turn) => quotesOf(call, turn, topic));
    if (found.length === 0) {
      const about = topic.length === 0 ? "" : ` about ${topic.join(" ")}`;
      told.push(
        turns.length === 0
          ? `Nobody whose words are asked for speaks in the call of ${formatDate(heldMs(call))}.`
          : `In the call of ${formatDate(heldMs(call))} nothing is said${about} by whom it is asked.`,
      );
      continue;
    }
    tools.useDocument(call.document);
    const best = found
      .toSorted((one, other) => other.score - one.score)
      .slice(0, mostQuotes)
      .toSorted((one, other) => one.start - other.start);
    const notes = [guessedDay(call), ...told].filter((one) => one !== undefined);
    const drafts = best.map(quoteDraft);
    return notes.length === 0 ? { drafts } : { drafts, message: notes.join(" ") };
  }
  throw new Declined(told.slice(0, 3).join(" "));
}

const searchedPassages = 40;
const mostOfOneDocument = 2;
const kindNames: Partial<Record<string, string>> = {
  research: "A research note",
  note: "A note",
  newsletter: "A newsletter",
  post: "A post",
  news: "A news text",
};

interface TextArgs extends Record<string, unknown> {
  question: string;
  names: string[];
  /** Those of the names that are no instrument's: a text is about each of them. */
  others: string[];
  source: string;
  period: Period | undefined;
}

function isAbout(hit: ChunkHit, { names, others }: Pick<TextArgs, "names" | "others">): boolean {
  const held = wordsOf(`${hit.title} ${hit.section} ${hit.company ?? ""} ${hit.text}`);
  const holds = (name: string) => held.includes(wordsOf(name));
  return (names.length === 0 || names.some(holds)) && others.every(holds);
}

async function quoteTexts(
  { question, names, others, source, period }: TextArgs,
  tools: Tools,
): Promise<{ drafts: Draft[] }> {
  const { kinds } = sources.find(({ name }) => name === source)!;
  const topic = topicOf(question, names);
  const query = [...names.slice(0, 3), ...topic].join(" ");
  const hits = query === "" ? [] : await tools.searchKnowledge(query, searchedPassages, kinds);
  const inTime = ({ publishedMs }: ChunkHit) =>
    period === undefined || (publishedMs >= period.fromMs && publishedMs < period.toMs);
  const near = hits.filter((hit) => inTime(hit) && isAbout(hit, { names, others }));
  const taken = new Map<string, number>();
  const quotes = near
    .flatMap((hit) =>
      mentionsOf(hit.text, topic, `${hit.title} ${hit.section}`).map((one) => ({ ...one, hit })),
    )
    .toSorted((one, other) => other.score - one.score || other.hit.publishedMs - one.hit.publishedMs)
    .filter(({ hit }) => {
      const count = (taken.get(hit.documentId) ?? 0) + 1;
      taken.set(hit.documentId, count);
      return count <= mostOfOneDocument;
    })
    .slice(0, mostQuotes);
  if (quotes.length === 0) {
    const about = [...new Set([...names.slice(0, 1), ...others, ...topic])].join(" ");
    throw new Declined(
      `The ${source} that are here say nothing about ${about}${period === undefined ? "" : ` ${period.label}`}. Add some with POST /api/documents, or npx tapedeck document add.`,
    );
  }
  return {
    drafts: quotes.map(({ hit, start, end }) => {
      const published = formatDate(hit.publishedMs);
      const words = hit.text.slice(start, end);
      return {
        text: `${kindNames[hit.kind]} of ${published} says: “${words.replaceAll(/\s+/g, " ")}”`,
        cite: [passageOf(hit, { start, end, text: words })],
        names: [`of ${published}`],
      };
    }),
  };
}

/** Does a question ask for what somebody said or wrote, of documents that hold it? */
export function asksWhatWasSaid(q: Question): boolean {
  const words = wordsOf(q.original);
  const told = saying.test(words) && (callWords.test(words) || sources.some((one) => one.words.test(words)));
  return told || saidAbout.test(words);
}

/** What somebody said on a call, or a note, newsletter, post or news text said, in their own words. */
export const said = defineFamily<CallArgs | TextArgs>({
  name: "said",
  takes: ["anything"],
  about:
    "What was said about a subject on a company's calls, by whom, or in research notes, newsletters, posts and news texts, in their own words",
  examples: [
    "What did the CFO of Acme Widgets say about margins on the last call?",
    "What did analysts ask about guidance on the Acme Widgets call?",
    "What was said in the last call of Acme Widgets?",
    "What do the research notes say about NVDA's valuation?",
    "What did the newsletter say about copper?",
  ],
  understand(q, hint) {
    if (!asksWhatWasSaid(q)) return undefined;
    const words = wordsOf(q.original);
    if (leftUnsaid.test(words)) throw new Declined("What was not said cannot be quoted. Ask what was said.");
    const source = sources.find((one) => one.words.test(words));
    const onCall = callWords.test(words.replaceAll(/ analyst(?= (?:notes?|reports?) )/g, " "));
    if (source === undefined && !onCall && companiesIn(q, hint).length > 0) return undefined;
    const common = { question: q.original, names: namesIn(q, hint.instruments) };
    if (source === undefined || onCall) return { ...common, side: sideIn(words), part: partIn(words) };
    const others = namesIn({ ...q, instruments: [] }, []);
    return { ...common, others, source: source.name, period: q.period };
  },
  run: (args, tools) => ("source" in args ? quoteTexts(args as TextArgs, tools) : quoteCalls(args, tools)),
});
