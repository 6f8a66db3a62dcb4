import { createTextBuilder } from "./layout.ts";

/** What one speaker said at a stretch: text.slice(start, end). */
export interface Turn {
  speaker: string;
  /** As the transcript says it ("Chief Financial Officer"); null where it does not. */
  role: string | null;
  /** Whom an analyst works for. */
  firm: string | null;
  side: "company" | "analyst" | "operator";
  part: "prepared" | "questions";
  start: number;
  end: number;
}

export interface Transcript {
  turns: Turn[];
}

export const preparedHeading = "Prepared remarks";
export const questionsHeading = "Questions and answers";

type Speaker = Pick<Turn, "speaker" | "role" | "firm" | "side">;
type Said = Speaker & { part: Turn["part"]; paragraphs: string[] };

const operator: Speaker = { speaker: "Operator", role: null, firm: null, side: "operator" };
const fullName = /^\p{Lu}[\p{L}.'’-]*(?: (?:\p{Lu}[\p{L}.'’-]*|de|van|von|der|la|di|bin)){1,4}$/u;
const listed = /^(.{3,60}?)\s+(?:--|—|–|-)\s+(.{2,120})$/;
const companyList =
  /^(company|corporate|management) (participants|representatives|executives)\b|^executives$/i;
const analystList = /^(conference call|other|call) participants\b|^analysts$/i;
const preparedLine =
  /^(presentation|prepared remarks|management('s)? (discussion|remarks)( section)?)\s*:?$/i;
const questionsLine = /^(questions?[- ](and|&)[- ]answers?|q ?& ?a)( session| section)?\s*:?$/i;
const opensQuestions =
  /\b(first|next) question\b|\bopen (up )?the (line|call|floor)s? (up )?(for|to) questions\b/i;
const aboutCall = /\b(earnings|conference|results|investor) call\b|\btranscript\b/i;
const analystWord = /\banalyst\b/i;

/** "Morgan Stanley -- Analyst" and "Analyst, Morgan Stanley" name a firm; "Chief Executive Officer" is a role. */
function speakerOf(name: string, rest: string, side: Turn["side"] | undefined): Speaker {
  const speaker = name.replaceAll(/[*_]/g, "").trim();
  const told = rest
    .replaceAll(/[*_]/g, "")
    .split(/\s+(?:--|—|–|-)\s+|,\s*(?=analyst\b)|(?<=\banalyst),\s*/i)
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const isAnalyst = side === "analyst" || told.some((part) => analystWord.test(part));
  if (!isAnalyst) return { speaker, role: told.join(", ") || null, firm: null, side: "company" };
  const firm = told.find((part) => !analystWord.test(part)) ?? null;
  return { speaker, role: told.find((part) => analystWord.test(part)) ?? "Analyst", firm, side: "analyst" };
}

const isOperator = (name: string) => /^(the )?(conference )?operator$/i.test(name.trim());

/** Names that stand before a colon more than once are speakers too. */
function repeatedNames(lines: readonly string[]): Set<string> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const name = /^([^:]{3,60}):\s*\S/.exec(line)?.[1]?.trim();
    if (name !== undefined && fullName.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= 2).map(([name]) => name));
}

interface Heard {
  before: string[];
  said: Said[];
}

/** Walks the lines of a call: who is listed, who speaks, when questions begin. */
function listen(lines: readonly string[]): Heard {
  const known = new Map<string, Speaker>();
  const repeated = repeatedNames(lines);
  const before: string[] = [];
  const said: Said[] = [];
  let list: Turn["side"] | undefined;
  let part: Turn["part"] = "prepared";

  const hear = (turn: Said, words: string) => {
    turn.paragraphs.push(words);
    if (turn.side !== "operator" || part === "questions" || !opensQuestions.test(words)) return;
    part = "questions";
    turn.part = "questions";
  };
  const speak = (speaker: Speaker, words: string) => {
    known.set(speaker.speaker.toLowerCase(), speaker);
    const turn: Said = { ...speaker, part, paragraphs: [] };
    said.push(turn);
    list = undefined;
    if (words !== "") hear(turn, words);
  };

  for (const raw of lines) {
    const line = raw.trim();
    const plain = line.replaceAll(/[*_#]/g, "").trim();
    if (plain === "") continue;
    if (companyList.test(plain) || analystList.test(plain)) {
      list = companyList.test(plain) ? "company" : "analyst";
      continue;
    }
    if (preparedLine.test(plain) || questionsLine.test(plain)) {
      part = preparedLine.test(plain) ? "prepared" : "questions";
      list = undefined;
      continue;
    }
    const colon = /^([^:]{3,60}):\s*(.*)$/.exec(plain);
    const named = colon === null ? plain : colon[1]!.trim();
    const words = colon === null ? "" : colon[2]!;
    if (isOperator(named)) {
      speak(operator, words);
      continue;
    }
    const inList = listed.exec(plain);
    const namesOne = inList !== null && fullName.test(inList[1]!.replaceAll(/[*_]/g, "").trim());
    if (namesOne && list !== undefined) {
      const speaker = speakerOf(inList[1]!, inList[2]!, list);
      known.set(speaker.speaker.toLowerCase(), speaker);
      continue;
    }
    if (namesOne && plain.length < 120 && !/[.!?]$/.test(plain)) {
      speak(speakerOf(inList[1]!, inList[2]!, undefined), "");
      continue;
    }
    const speaker =
      known.get(named.toLowerCase()) ?? (repeated.has(named) ? speakerOf(named, "", undefined) : undefined);
    if (speaker !== undefined) {
      speak(speaker, words);
      continue;
    }
    const open = said.at(-1);
    if (open === undefined) before.push(line);
    else hear(open, line);
  }
  return { before, said: said.filter(({ paragraphs }) => paragraphs.length > 0) };
}

/** Who asks, of whom nothing is listed: those who first speak once questions began, and ask. */
function withAnalysts(said: readonly Said[]): Said[] {
  const prepared = new Set(said.filter(({ part }) => part === "prepared").map(({ speaker }) => speaker));
  const asks = new Set(
    said
      .filter(
        (one, at) =>
          one.side === "company" &&
          one.role === null &&
          one.part === "questions" &&
          !prepared.has(one.speaker) &&
          said[at - 1]?.side === "operator",
      )
      .map(({ speaker }) => speaker),
  );
  return said.map((one) =>
    asks.has(one.speaker) ? { ...one, side: "analyst" as const, role: "Analyst" } : one,
  );
}

/** Fewer turns are no call. */
const leastTurns = 3;

/**
 * Text of a call in one form: an opening, `## Prepared remarks`, `## Questions and answers`, and `### Name, role` before
 * each turn ("### Ann Lee, Analyst, Firm"). Null for text that is no transcript of a call.
 */
export function transcriptText(text: string): string | null {
  const head = text.slice(0, 5_000);
  if (!aboutCall.test(head) || !/^\W*(conference )?operator\b/im.test(text)) return null;
  const { before, said } = listen(text.split(/\n|\f/));
  if (said.length < leastTurns) return null;
  const out = createTextBuilder();
  for (const line of before) {
    out.words(line);
    out.line();
  }
  let part: Turn["part"] | undefined;
  for (const turn of withAnalysts(said)) {
    if (turn.part !== part) {
      part = turn.part;
      out.heading(2, part === "prepared" ? preparedHeading : questionsHeading);
    }
    out.heading(3, [turn.speaker, turn.role, turn.firm].filter((one) => one !== null).join(", "));
    for (const paragraph of turn.paragraphs) {
      out.words(paragraph);
      out.paragraph();
    }
  }
  return out.done().text;
}

const named = /^[\p{L}\p{N}&'’.,()/ -]{2,60}$/u;
const roleWord =
  /\b(?:chief|officer|president|chair\w*|director|head|manager|founder|treasurer|controller|counsel|secretary|partner|relations|C[EFOT]O|[ES]?VP|analyst)\b/i;

/** A firm or role as a list of speakers names it; null for what is no name: a sentence, or code. */
function nameOf(written: string): string | null {
  return named.test(written) && !/[.] \p{Lu}/u.test(written) ? written : null;
}

function roleOf(written: string): string | null {
  return roleWord.test(written) ? nameOf(written) : null;
}

/** The turns of a transcript's text as `transcriptText` writes it; null for other text. */
export function readTranscript(text: string): Transcript | null {
  const turns: Turn[] = [];
  let part: Turn["part"] | undefined;
  const headings = [...text.matchAll(/^(##|###) (.+)$/gm)];
  for (const [i, match] of headings.entries()) {
    const [, level, heading] = match;
    if (level === "##") {
      part =
        heading === preparedHeading ? "prepared" : heading === questionsHeading ? "questions" : undefined;
      continue;
    }
    if (part === undefined) continue;
    const from = match.index + match[0].length;
    const whole = text.slice(from, headings[i + 1]?.index ?? text.length);
    const start = from + (whole.length - whole.trimStart().length);
    const end = start + whole.trim().length;
    const [name, ...rest] = heading!.split(", ");
    const speaker = isOperator(name!)
      ? operator
      : analystWord.test(rest[0] ?? "")
        ? { speaker: name!, role: rest[0]!, firm: nameOf(rest.slice(1).join(", ")), side: "analyst" as const }
        : { speaker: name!, role: roleOf(rest.join(", ")), firm: null, side: "company" as const };
    turns.push({ ...speaker, part, start, end });
  }
  return turns.length === 0 ? null : { turns };
}
