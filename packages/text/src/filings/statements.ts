/** The three statements of a company's accounts. */
export type Statement = "balance" | "income" | "cash";
export const statements: readonly Statement[] = ["balance", "income", "cash"];

/** Where text was cut out of a page, the last letter of a title may stand apart. */
const titles: Record<Statement, RegExp> = {
  balance:
    /\b(balance\s+shee\s?ts?|statements?\s+of\s+(consolidated\s+)?financial\s+(position|condition))\b/i,
  income:
    /\b(statements?\s+of\s+(consolidated\s+)?(net\s+)?(incom\s?e|earnings|operations|profit)|income\s+statements?)\b/i,
  cash: /\bstatements?\s+of\s+(consolidated\s+)?cash\s+flows?\b|\bcash\s+flows?\s+statements?\b/i,
};

/** Rows that a statement of the kind has, in the words of most filers. */
const typicalRows: Record<Statement, readonly RegExp[]> = {
  balance: [
    /^\s*total\s+assets\b.*\d/im,
    /^\s*total\s+(current\s+)?liabilities\b.*\d/im,
    /^\s*(retained\s+earnings|accumulated\s+deficit|reinvested\s+earnings|earnings\s+retained)\b.*\d/im,
    /^\s*total\s+.*(equity|deficit)\b.*\d/im,
  ],
  income: [
    /^\s*(total\s+)?(net\s+)?(revenues?|sales)\b.*\d/im,
    /^\s*(basic|diluted)\b.*\d|per\s+(common\s+)?share\b.*\d/im,
    /income\s+tax(es)?\b.*\d/im,
    /^\s*net\s+(income|earnings|loss)\b.*\d/im,
  ],
  cash: [
    /operating\s+activities\b.*\d/im,
    /investing\s+activities\b.*\d/im,
    /financing\s+activities\b.*\d/im,
    /end\s+of\s+(the\s+)?(year|period|quarter)\b.*\d/im,
  ],
};

/** What stands beside the company's own statements: of its parent alone, as if something had happened, in extracts. */
const beside =
  /\b(parent\s+company\s+only|condensed\s+(parent|financial\s+information\s+of)|pro\s+forma|(?<!other\s+)comprehensive|selected|summary\s+of|highlights|(five|ten)[-\s]year|vs\.?)\b/i;
const headLines = 14;
const titleShare = 0.4;
const besideShare = 0.25;

/**
 * How much a page is the statement itself, in [0, 1]: its title among the first lines and its rows. An index of
 * statements, or a note that names one, stays under 0.55.
 */
export function statementFit(text: string, statement: Statement): number {
  const head = text.split("\n", headLines).join("\n");
  const titled = titles[statement].test(head);
  const wanted = typicalRows[statement];
  const held = wanted.filter((row) => row.test(text)).length / wanted.length;
  if (held < (titled ? 0.25 : 0.5)) return 0;
  const own = beside.test(head) ? besideShare : 1;
  return own * (titled ? titleShare + (1 - titleShare) * held : (1 - titleShare) ** 2 * held);
}

const names: readonly (readonly [RegExp, Statement])[] = [
  [/\b(balance sheets?|statements? of financial (position|condition))\b/i, "balance"],
  [/\b(income statements?|p ?& ?l|profit and loss|statements? of (income|earnings|operations))\b/i, "income"],
  [/\b(cash ?flows? statements?|statements? of cash flows?)\b/i, "cash"],
];

/** Statements that a question names. */
export function statementsNamed(question: string): Statement[] {
  return names.filter(([name]) => name.test(question)).map(([, statement]) => statement);
}
