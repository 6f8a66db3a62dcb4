import type { Statement } from "./statements.ts";

/** A line of a company's statements that a question can name. */
export interface Item {
  name: string;
  statement: Statement;
  /** How questions and definitions say it, in lower case. */
  said: RegExp;
  /** Row labels that hold it, best first, matched against `plainLabel`. */
  rows: readonly RegExp[];
  /** Shown in brackets by some filers and without by others; meant as an amount. */
  amount?: true;
  /** Told to the cent, whatever the scale of the statement. */
  perShare?: true;
}

/** Interest less what was capitalised is still without the interest earned. */
const grossInterest = [/^interest expense(?!.*(income|,? net\b(?! of)))/, /^interest and debt expense/];
const netInterest = [/^(net interest expense(?! and)|interest expense, net(?! of)|interest, net(?! of))/];

/** Is a row interest paid less interest earned, so that its sign alone does not tell which is more? */
export function isNetInterest(label: string): boolean {
  return netInterest.some((pattern) => pattern.test(plainLabel(label)));
}

export const items: readonly Item[] = [
  {
    name: "net sales",
    statement: "income",
    said: /(total )?net sales/,
    rows: [/^(total |consolidated )?net sales/, /^total (net )?(revenues?|sales)(?!.*(cost|expens))/],
  },
  {
    name: "revenue",
    statement: "income",
    said: /(total )?(net )?(revenues?|sales)/,
    rows: [
      /^total (net )?(revenues?|sales)( and other income)?(?!.*(cost|expens))/,
      /^(net )?(operating )?(revenues?|sales)( to customers)?$/,
      /^(revenues?, net|net revenues?|(consolidated )?net sales|sales( and revenues?)?)$/,
      /^total .*revenues?$/,
    ],
  },
  {
    name: "cost of sales",
    statement: "income",
    said: /cogs|costs? of (goods sold|sales|revenues?|products? sold)/,
    amount: true,
    rows: [
      /^total costs? of (goods sold|sales|revenues?|products?( and services)?( sold)?)/,
      /^costs? of (goods sold|sales|revenues?|products?( and services)?( sold)?|merchandise sold)/,
      /^merchandise costs$/,
    ],
  },
  {
    name: "gross profit",
    statement: "income",
    said: /gross profit/,
    rows: [/^gross (profit|margin)/],
  },
  {
    name: "operating income",
    statement: "income",
    said: /(unadjusted )?(operating (income|profit|earnings|loss(es)?)|ebit|income from operations)/,
    rows: [
      /^(total )?operating (income|profit|earnings)( \(loss\))?$/,
      /^\(?(loss|income|earnings|profit)\)? ?(\(loss\) )?from operations$/,
      /^(consolidated )?operating (income|profit|earnings|\(loss\) income|loss)/,
    ],
  },
  {
    name: "research and development",
    statement: "income",
    said: /(r ?& ?d|research and development)( (expenses?|costs?|spending))?/,
    rows: [/^research(,| and) development/],
  },
  {
    name: "sales and marketing expenses",
    statement: "income",
    said: /(sales|selling) (and|&) marketing( expenses?)?/,
    amount: true,
    rows: [/^(sales|selling) and marketing/],
  },
  {
    name: "general and administrative expenses",
    statement: "income",
    said: /g ?& ?a( expenses?)?|general (and|&) administrative( expenses?)?/,
    amount: true,
    rows: [/^general and administrative/],
  },
  {
    name: "selling, general and administrative expenses",
    statement: "income",
    said: /(sg ?& ?a|selling,? general,?( and|&) administrative)( (expenses?|costs?))?/,
    rows: [/^selling, general,? and administrative/, /^selling, marketing,? and administrative/],
  },
  {
    name: "restructuring costs",
    statement: "income",
    said: /restructuring (costs?|charges?|expenses?)/,
    amount: true,
    rows: [/^restructuring\b/],
  },
  {
    name: "operating expenses",
    statement: "income",
    said: /total operating (costs and )?expenses/,
    amount: true,
    rows: [/^total operating (costs and )?expenses/],
  },
  {
    name: "interest expense",
    statement: "income",
    said: /(annual )?interest expense/,
    amount: true,
    rows: [...grossInterest, ...netInterest],
  },
  {
    name: "gross interest expense",
    statement: "income",
    said: /gross interest expense/,
    amount: true,
    rows: grossInterest,
  },
  {
    name: "net interest expense",
    statement: "income",
    said: /net interest expense|interest expense, net/,
    rows: netInterest,
  },
  {
    name: "income before tax",
    statement: "income",
    said: /pre-?tax (income|earnings)|(income|earnings) before (income )?tax(es)?/,
    rows: [
      /^\(?(income|earnings|profit|loss)\)?( ?\/? ?\(?(income|earnings|loss)\)?)? (from continuing operations )?before .*tax/,
      /^pre-?tax (income|earnings)/,
    ],
  },
  {
    name: "income tax",
    statement: "income",
    said: /(provision for )?income tax(es)?( expense)?/,
    rows: [
      /^(\(?(provision|benefit)\)?( for| from)?( ?\/? ?\(?(provision|benefit)( for| from)?\)?)? ?(for |from )?)?(income tax(es)?|taxes on income)( expense| provision)?/,
      /^provision for taxes/,
    ],
  },
  {
    name: "net income",
    statement: "income",
    said: /net (income|earnings|profit|loss(es)?)( attributable to (shareholders|common shareholders|the company))?/,
    rows: [
      /^(consolidated )?net (income|earnings|loss|\(loss\) income|\(loss\) earnings)( \(loss\))? attributable to (?!.*non-?controlling)/,
      /^(consolidated )?net (income|earnings|loss|\(loss\) (income|earnings))( \(loss\))?$/,
      /^(consolidated )?net (income|earnings|loss)\b/,
    ],
  },
  {
    name: "basic earnings per share",
    statement: "income",
    said: /basic (eps|earnings per share)/,
    perShare: true,
    rows: [
      /^basic\b.*per( common)? share/,
      /^basic( (net )?(earnings|income|loss|\(loss\))(\/?\(?(loss|income)\)?)?)*$/,
      /per( common)? share.*\bbasic\b/,
    ],
  },
  {
    name: "diluted earnings per share",
    statement: "income",
    said: /(diluted )?(eps|earnings per share)/,
    perShare: true,
    rows: [
      /^diluted\b.*per( common)? share/,
      /^(diluted( (net )?(earnings|income|loss|\(loss\))(\/?\(?(loss|income)\)?)?)*|assuming dilution)$/,
      /per( common)? share.*\b(diluted|assuming dilution)\b/,
    ],
  },
  {
    name: "cash and cash equivalents",
    statement: "balance",
    said: /cash( and| &) cash equivalents/,
    rows: [/^cash and (cash )?equivalents/, /^cash, cash equivalents/, /^cash$/],
  },
  {
    name: "short-term investments",
    statement: "balance",
    said: /short-?term investments|(current )?marketable securities/,
    rows: [/^short-?term (investments|marketable)/, /^(current )?marketable securities/],
  },
  {
    name: "receivables",
    statement: "balance",
    said: /(net )?((accounts?|trade) )?receivables?(, net)?|net ar|(net )?a\/r/,
    rows: [
      /^(accounts|trade)( and notes)? receivables?/,
      /^((customer|net|total) )?receivables?/,
      /^.*receivables?,? (net|less)/,
    ],
  },
  {
    name: "inventory",
    statement: "balance",
    said: /(total |merchandise )?inventor(y|ies)/,
    rows: [/^(total |merchandise )?inventor(y|ies)/],
  },
  {
    name: "current assets",
    statement: "balance",
    said: /(total )?current assets/,
    rows: [/^total current assets/],
  },
  {
    name: "property, plant and equipment",
    statement: "balance",
    said: /(net )?(pp ?& ?e|ppne|property,? plant,? (and|&) equipment|property (and|&) equipment|fixed assets)(, net)?/,
    rows: [
      /^(total )?property, plant,? and equipment ?[,—–-]+ ?net/,
      /^(net )?(property|land|buildings)(, plant,?|, buildings,?)?( and)? equipment,? (net|at cost, net|less)/,
      /^(net )?(property|land)(, plant,?|, buildings,?)?( and)? equipment/,
      /^.*property.*equipment.*net/,
    ],
  },
  {
    name: "intangible assets",
    statement: "balance",
    said: /(net )?(other )?intangible assets(, net)?/,
    rows: [
      /^(other |acquired |acquisition-related |identifiable |purchased )?intangible assets/,
      /^intangibles?\b/,
    ],
  },
  {
    name: "total assets",
    statement: "balance",
    said: /total assets/,
    rows: [/^total assets/],
  },
  {
    name: "accounts payable",
    statement: "balance",
    said: /(accounts|trade) payables?|a\/p/,
    rows: [/^accounts payable$/, /^(trade )?(accounts|trade) payables?/],
  },
  {
    name: "current liabilities",
    statement: "balance",
    said: /(total )?current liabilities/,
    rows: [/^total current liabilities/],
  },
  {
    name: "long-term debt",
    statement: "balance",
    said: /long-?term debt/,
    rows: [/^long-?term debt/],
  },
  {
    name: "total liabilities",
    statement: "balance",
    said: /total liabilities/,
    rows: [/^total liabilities$/],
  },
  {
    name: "retained earnings",
    statement: "balance",
    said: /retained earnings|reinvested earnings|accumulated deficit/,
    rows: [/^(retained|reinvested) earnings/, /^earnings retained/, /^accumulated deficit/],
  },
  {
    name: "equity",
    statement: "balance",
    said: /(total )?((share|stock)holders'? )?equity/,
    rows: [
      /^total .*(share|stock)(holders|owners)'?s?'? (equity|deficit|investment)(?!.*liabilities)/,
      /^total equity/,
    ],
  },
  { name: "goodwill", statement: "balance", said: /goodwill/, rows: [/^goodwill/] },
  {
    name: "depreciation and amortization",
    statement: "cash",
    said: /d ?& ?a|depreciation (and|&) amorti[sz]ation/,
    rows: [
      /^depreciation(,)? (and|&)? ?amorti[sz]ation/,
      /^depreciation, amorti[sz]ation/,
      /^depreciation$/,
      /^depreciation of property/,
    ],
  },
  {
    name: "stock-based compensation",
    statement: "cash",
    said: /(stock|share|equity)-? ?based compensation( expenses?)?/,
    rows: [/^(non-?cash )?(stock|share|equity)-?(based)? compensation/],
  },
  {
    name: "operating cash flow",
    statement: "cash",
    said: /(net )?(cash (flows? )?(from|provided by|generated by) (operating activities|operations)|operating cash ?flows?)/,
    rows: [
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*operating activities(?!.*contin)/,
      /^net cash.*operations$/,
      /^cash (provided( \(used\))? by|from) operations/,
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*operating activities.*\bcontinuing/,
    ],
  },
  {
    name: "investing cash flow",
    statement: "cash",
    said: /(net )?cash (flows? )?(from|provided by|used in|used by) investing activities|investing cash ?flows?/,
    rows: [
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*investing( activities|$)(?!.*contin)/,
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*investing activities.*\bcontinuing/,
    ],
  },
  {
    name: "financing cash flow",
    statement: "cash",
    said: /(net )?cash (flows? )?(from|provided by|used in|used by) financing activities|financing cash ?flows?/,
    rows: [
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*financing( activities|$)(?!.*contin)/,
      /^(total )?(net )?cash (flows? )?(provided|used|from|generated|\(used)\b.*financing activities.*\bcontinuing/,
    ],
  },
  {
    name: "capital expenditure",
    statement: "cash",
    said: /cap ?ex|capital (expenditures?|spending)|purchases? of property,? plant,? and equipment/,
    amount: true,
    rows: [
      /^capital (expenditures?|spending)(?!.*(unpaid|accrued|account))/,
      /^(purchases?|acquisitions?|additions?|payments?|investments?|expenditures?) (of|to|for|in) (property|acquire property|land)/,
      /^(purchases?|payments?) (of|for) .*property/,
      /^property, plant,? and equipment additions/,
    ],
  },
  {
    name: "dividends paid",
    statement: "cash",
    said: /(cash |total )?dividends?( payments?)?( paid)?( out)?/,
    amount: true,
    rows: [
      /^(cash )?dividends? paid/,
      /^payments? of (cash )?dividends/,
      /^(common stock )?(cash )?dividends/,
    ],
  },
  {
    name: "share repurchases",
    statement: "cash",
    said: /(share|stock) (repurchases?|buy ?backs?)/,
    amount: true,
    rows: [
      /^(repurchases?|purchases?|acquisitions?) of (common|treasury|company|our|capital)/,
      /^share repurchases/,
      /^common (stock|shares) repurchased/,
    ],
  },
];

/** Headings that text cut out of a page puts before their first row: "CASH FLOWS FROM OPERATING ACTIVITIES Net income". */
const joinedHeadings = [
  /^cash flows? ?(?:[-–—:]|from|used in) ?(?:operating|investing|financing) activities:? (?=\p{L})/iu,
  /^(?!TOTAL|NET)[\p{Lu}\s,&'’-]+\b(?:ACTIVITIES|ASSETS|LIABILITIES|EQUITY|EXPENSES|REVENUES?):? (?=\p{Lu}\p{Ll})/u,
];

/** A label as row patterns expect it: lower case, without the heading before it, notes and what trails. */
export function plainLabel(label: string): string {
  return joinedHeadings
    .reduce((rest, heading) => rest.replace(heading, ""), label)
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/\((see )?notes?[^)]*\)|\bnotes? \d+( and \d+)*\b|\(\d+\)|\([a-z]\)/g, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[:\s.*]+$/g, "")
    .replace(/^.*: /, "")
    .trim();
}
