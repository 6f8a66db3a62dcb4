import { createCompanyFinder, readPeriods } from "@tapedeck/text/filings/index";
import { readTranscript } from "@tapedeck/text/readers/transcript";
import type { Turn } from "@tapedeck/text/readers/transcript";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { DocumentText } from "../../knowledge/contract.ts";
import { clarify, Declined } from "../answer.ts";
import { formatDate } from "../format.ts";
import { namesOf } from "../names.ts";
import type { Instrument } from "../../series/contract.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";

/** A transcript with who speaks where in its text. */
export interface Call {
  document: DocumentText;
  turns: readonly Turn[];
}

/** Calls of one company that an answer looks through. */
const mostCalls = 8;
/** Calls of all companies that are looked through for a speaker. */
const mostHeard = 24;

/** A question as it was written, in small letters, one blank between its words. */
export function wordsOf(question: string): string {
  return ` ${question
    .replaceAll(/[‘’]/g, "'")
    .toLowerCase()
    .replaceAll(/['’]s\b/g, " ")
    .replaceAll(/[^a-z0-9&'-]+/g, " ")
    .trim()} `;
}

/** Capital letters that are no name. */
const office = /^(?:c[efot]o|q&a|q[1-4].*)$/;

/** Names by which a question may mean what it is about: those of instruments, and what it writes that is no instrument. */
export function namesIn(q: Question, hinted: readonly Instrument[]): string[] {
  const instruments = q.instruments.length > 0 ? q.instruments : hinted;
  return [
    ...instruments.flatMap((one) => namesOf(one).map(({ text }) => text.toLowerCase())),
    ...q.unknownNames.map((name) => name.toLowerCase()).filter((name) => !office.test(name)),
  ];
}

/** The company, of those, that a question or one of the names means. */
export function companyMeant(
  question: string,
  names: readonly string[],
  companies: readonly string[],
): string | undefined {
  const find = createCompanyFinder(companies);
  const [named] = find(question).length > 0 ? find(question) : names.flatMap((name) => find(name));
  return named?.company;
}

/** The calls that a question means, and all of that company; newest first. */
export interface CallsMeant {
  meant: readonly [Call, ...Call[]];
  all: readonly Call[];
}

/**
 * The calls that a question means: of the company that it names, or of the only one there is; of the quarter and year that
 * it names. "Last" is the newest alone, "previous" the one before it. Declines where there is none.
 */
export async function callsMeant(
  question: string,
  names: readonly string[],
  tools: Tools,
): Promise<CallsMeant> {
  const company = await companyOfCalls(question, names, tools);
  const read = await tools.readDocuments({ kind: "transcript", company, limit: mostCalls });
  const all = read.flatMap((document): Call[] => {
    const transcript = readTranscript(document.text);
    return transcript === null ? [] : [{ document, turns: transcript.turns }];
  });
  const [first, ...rest] = inOrderAsked(
    all.filter((call) => fitsPeriod(call, question)),
    wordsOf(question),
  );
  if (first === undefined) {
    const days = all.map((call) => formatDate(heldMs(call)));
    throw new Declined(
      `There is no such call of ${company} here. There ${days.length === 1 ? "is that" : "are those"} of ${days.join(", ")}.`,
    );
  }
  return { meant: [first, ...rest], all };
}

async function companyOfCalls(question: string, names: readonly string[], tools: Tools): Promise<string> {
  const companies = await tools.companiesIn("transcript");
  const [only, another] = companies;
  if (only === undefined)
    throw new Declined(
      "There is no transcript of a call. Add some with POST /api/documents, or npx tapedeck document add.",
    );
  const named = companyMeant(question, names, companies) ?? (await companyOfSpeaker(question, tools));
  if (named !== undefined) return named;
  const listed = companies.slice(0, mostCalls);
  if (names.length > 0)
    throw new Declined(
      `There is no transcript of a call of ${names.at(-1)}; there are some of ${listed.join(", ")}.`,
    );
  if (another === undefined) return only;
  const bare = question.replace(/\s*[?.!]+\s*$/, "");
  throw clarify(
    "Whose call is meant?",
    listed.map((one) => `${bare} of ${one}?`),
  );
}

/** The one company on whose newest calls somebody speaks whom the question names. */
async function companyOfSpeaker(question: string, tools: Tools): Promise<string | undefined> {
  const words = wordsOf(question);
  const newest = await tools.readDocuments({ kind: "transcript", limit: mostHeard });
  const heard = newest.filter(({ text }) => readTranscript(text)?.turns.some((turn) => isNamed(turn, words)));
  const [company, another] = new Set(heard.map((one) => one.company));
  return another === undefined ? (company ?? undefined) : undefined;
}

function inOrderAsked(calls: readonly Call[], question: string): readonly Call[] {
  // "More positive than on the previous call" is about the one after it.
  const words = question.replace(/ (?:than|against|versus|vs|compared (?:to|with)) .*$/, " ");
  if (/ (?:previous|prior|second[- ]to[- ]last) (?:\S+ ){0,2}call /.test(words)) return calls.slice(1, 2);
  return / (?:last|latest|newest|recent) (?:\S+ ){0,3}call /.test(words) ? calls.slice(0, 1) : calls;
}

/** Where a call's transcript begins, it names its quarter. */
const openingCharacters = 600;

function fitsPeriod({ document }: Call, question: string): boolean {
  const { years, quarters } = readPeriods(question);
  if (years.length === 0 && quarters.length === 0) return true;
  const told = readPeriods(`${document.title}. ${document.text.slice(0, openingCharacters)}`);
  if (quarters.length > 0) {
    return quarters.some(({ quarter, year }) =>
      told.quarters.some((one) => one.quarter === quarter && (year === null || one.year === year)),
    );
  }
  const held = new Date(heldMs({ document })).getUTCFullYear();
  return years.some((year) => year === held || told.quarters.some((one) => one.year === year));
}

const guessOf = ({ document }: Pick<Call, "document">) =>
  document.guesses.find(({ what }) => what === "published");

/** When a call was held. A day that was guessed is public from its end on. */
export function heldMs(call: Pick<Call, "document">): number {
  return call.document.publishedMs - (guessOf(call) === undefined ? 0 : 1);
}

/** That a call's day is a guess, and of what; undefined where its source tells the day. */
export function guessedDay(call: Call): string | undefined {
  const guess = guessOf(call);
  return guess === undefined
    ? undefined
    : `That the call was held on ${guess.value} is a guess (${guess.why}).`;
}

/** Roles as questions and transcripts write them. */
const roles: readonly { asked: RegExp; held: RegExp }[] = [
  { asked: / (?:ceo|chief executive(?: officer)?) /, held: /\bceo\b|chief executive/i },
  { asked: / (?:cfo|chief financial officer|finance chief) /, held: /\bcfo\b|chief financial/i },
  { asked: / (?:coo|chief operating officer) /, held: /\bcoo\b|chief operating/i },
  { asked: / (?:cto|chief technology officer) /, held: /\bcto\b|chief techn/i },
  { asked: / chair(?:man|woman|person)? /, held: /\bchair/i },
];

/** Do the words of a question ask for a role, whoever holds it? */
export const asksForRole = (words: string) => roles.some(({ asked }) => asked.test(words));

/** Does a speaker hold a role that the words of a question ask for? */
export function holdsRole({ role }: Pick<Turn, "role">, words: string): boolean {
  return role !== null && roles.some(({ asked, held }) => asked.test(words) && held.test(role));
}

/** Do the words of a question name a speaker, in full or by the last name? */
export function namesSpeaker({ speaker }: Pick<Turn, "speaker">, words: string): boolean {
  return [speaker, speaker.split(" ").at(-1)!].some((name) => words.includes(wordsOf(name)));
}

/** Do the words of a question name a speaker, or the firm of an analyst? */
export function isNamed(turn: Turn, words: string): boolean {
  return namesSpeaker(turn, words) || (turn.firm !== null && words.includes(wordsOf(turn.firm)));
}

/** Words of a call as evidence. */
export function callPassage(
  { document }: Call,
  turn: Turn,
  span: { start: number; end: number },
): Extract<EvidenceItem, { kind: "passage" }> {
  const { documentId, version, title } = document;
  return {
    kind: "passage",
    documentId,
    version,
    title,
    section: [turn.speaker, turn.role, turn.firm].filter((one) => one !== null).join(", "),
    page: null,
    ...span,
    text: document.text.slice(span.start, span.end),
  };
}
