/** What a question wants made of a table's figures. */
export type Operation =
  | "value"
  | "change"
  | "percentChange"
  | "average"
  | "sum"
  | "difference"
  | "ratio"
  /** One as a percentage of another. */
  | "share"
  /** The year or row that is highest, lowest, or beyond a limit. */
  | "which"
  | "count"
  /** The years that the table is about. */
  | "years";

const comparing = /\b(high|larg|low|small|great|more|less|exceed|most|least)/;

/** First match wins: what is more particular stands before what its words contain. */
const operations: readonly (readonly [Operation, (question: string) => boolean])[] = [
  [
    "change",
    (q) =>
      /\b(change|increase|decrease|difference)\b[ /()a-z]* in (the )?(percentage|proportion|share) of\b/.test(
        q,
      ),
  ],
  ["count", (q) => /\bhow many (years|quarters|periods)\b/.test(q)],
  [
    "years",
    (q) =>
      /\b(which|what) years?\b.*\b(provide|information|available|included|recorded|calculated|reported|presented|show)/.test(
        q,
      ) && !comparing.test(q),
  ],
  ["which", (q) => /\b(which|what) (fiscal )?(year|period|quarter)\b/.test(q)],
  [
    "percentChange",
    (q) =>
      /percent\w*\s*(of\s+)?(change|increase|decrease|growth|decline|difference)|(change|increase|decrease|growth)\s+(in|of)?\s*percent|% (change|increase|decrease)|(change|increase|decrease|growth).*\b(in|as a) percent\w*|growth rate|rate of (increase|change|growth)/.test(
        q,
      ),
  ],
  [
    "share",
    (q) =>
      /as an? (percent\w*|proportion|share|%) of|(proportion|percentage|share) (\(.*?\) )?(constitution )?(of|over|among)|what (percent\w*|proportion|share)/.test(
        q,
      ),
  ],
  ["ratio", (q) => /\bratio\b/.test(q)],
  ["average", (q) => /\baverage\b/.test(q) && !/weighted.average/.test(q)],
  [
    "change",
    (q) =>
      /\b(change|increased?|decreased?|decline|growth|grow)\b/.test(q) &&
      !/\bwhy\b|\bcaus|\bdriv|attribut|\breason/.test(q),
  ],
  ["difference", (q) => /\bdifference\b/.test(q)],
  ["sum", (q) => /\b(sum|altogether|combined|in total)\b|^what (is|was|were|are) the total\b/.test(q)],
  ["which", (q) => /^(which|who)\b/.test(q) && comparing.test(q)],
];

export function operationOf(question: string): Operation {
  const lower = question.toLowerCase();
  return operations.find(([, asked]) => asked(lower))?.[0] ?? "value";
}

/** Forms that name the part before the whole, and those that name the whole first. */
const partFirst = [
  /^(.*?)\bas an? (?:percent\w*|proportion|share|%) of (.*)$/i,
  /\b(?:proportion|percent\w*|share)(?: \(.*?\))?(?: constitution)? of (.*?) (?:over|in|to|out of|among) (?:the )?(.*)$/i,
];
const wholeFirst =
  /\bwhat (?:percent\w*|proportion|share) of (.*?) (?:is|was|were|are|does|did) (?:made up of |from |due to |attributable to )?(.*)$/i;
const ratioForms = [/\bratio of (.*?) (?:to|over|against) (.*)$/i, /\bratio between (.*?) and (.*)$/i];
const pairForms = [/\bbetween (?:the )?(.*?) and (?:the )?(.*)$/i, /\b(?:of|from) (.*?) and (.*)$/i];

/** The two things that a share, ratio or difference is of, the first over or less the second. */
export function operandsOf(question: string, operation: Operation): [string, string] | undefined {
  const forms = operation === "share" ? partFirst : operation === "ratio" ? ratioForms : pairForms;
  for (const form of forms) {
    const match = form.exec(question);
    if (match !== null) return [match[1]!, match[2]!];
  }
  const match = operation === "share" ? wholeFirst.exec(question) : null;
  return match === null ? undefined : [match[2]!, match[1]!];
}
