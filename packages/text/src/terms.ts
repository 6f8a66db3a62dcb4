/**
 * How text becomes index terms, the same for every backend and for documents and questions, so that both
 * backends rank alike: words in lower case without accents, numbers, function words left out, endings cut.
 */

const stopWords = new Set(
  (
    "a about above after again all also am an and any are as at be because been before being below between both but by " +
    "can could did do does doing down during each few for from further had has have having he her here hers him his how " +
    "i if in into is it its itself just me more most my no nor not now of off on once only or other our ours out over own " +
    "same she should so some such than that the their theirs them then there these they this those through to too under " +
    "until up us very was we were what when where which while who whom why will with would you your yours " +
    "define definition describe explain meaning means please tell give"
  ).split(" "),
);

/** Short forms and the words they stand for: a question with one finds passages with the other. */
const shortForms: readonly (readonly [string, string])[] = [
  ["sma", "simple moving average"],
  ["ema", "exponential moving average"],
  ["rsi", "relative strength index"],
  ["macd", "moving average convergence divergence"],
  ["atr", "average true range"],
  ["adx", "average directional index"],
  ["obv", "on balance volume"],
  ["vwap", "volume weighted average price"],
  ["twap", "time weighted average price"],
  ["var", "value at risk"],
  ["es", "expected shortfall"],
  ["cvar", "expected shortfall"],
  ["cagr", "compound annual growth rate"],
  ["eps", "earnings per share"],
  ["pe", "price earnings ratio"],
  ["capex", "capital expenditure"],
  ["fcf", "free cash flow"],
  ["dcf", "discounted cash flow"],
  ["wacc", "weighted average cost capital"],
  ["roe", "return equity"],
  ["etf", "exchange traded fund"],
  ["capm", "capital asset pricing model"],
  ["bps", "basis point"],
  ["mdd", "maximum drawdown"],
  ["ohlc", "open high low close"],
  ["pow", "proof work"],
  ["pos", "proof stake"],
];

/** Cuts plural, -ed, -ing and a last e; -ize is written -ise. Not a linguist's stem: the same for both sides is enough. */
export function stem(word: string): string {
  if (word.length < 4 || /[0-9&]/.test(word)) return word;
  let out = word.replace(/iz(e|ed|es|er|ers|ing|ation|ations)$/, "is$1");
  if (out.endsWith("ies") && out.length > 4) out = `${out.slice(0, -3)}y`;
  else if (out.endsWith("sses") || out.endsWith("shes") || out.endsWith("ches") || out.endsWith("xes"))
    out = out.slice(0, -2);
  else if (out.endsWith("s") && !/(ss|us|is)$/.test(out)) out = out.slice(0, -1);
  const cut = /^(.*[aeiouy].*?)(ing|ed)$/.exec(out);
  if (cut !== null && cut[1]!.length >= 3) {
    out = cut[1]!;
    if (/([bdfgmnprt])\1$/.test(out)) out = out.slice(0, -1);
  }
  if (out.length > 4 && out.endsWith("e")) out = out.slice(0, -1);
  return out;
}

/** Terms of a text in order, with repeats. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    // One letter is no word, but these two are.
    .replace(/\bp\s?\/\s?e\b/g, "pe");
  for (const match of plain.matchAll(/\p{N}+(?:[.,]\p{N}+)*|\p{L}[\p{L}\p{N}]*(?:&\p{L}+)*/gu)) {
    const word = match[0].replace(/,(?=\p{N}{3})/gu, "");
    if (stopWords.has(word) || word.length > 40) continue;
    if (word.length === 1 && !/\p{N}/u.test(word)) continue;
    terms.push(stem(word));
  }
  return terms;
}

/** The terms asked for, each once, and beside them the terms of what short forms stand for. */
export interface QueryTerms {
  /** Each inner list is one idea: any of its members counts as that idea found. */
  ideas: string[][];
  /** All terms to search for, each once. */
  all: string[];
}

export function queryTerms(question: string): QueryTerms {
  const words = [...new Set(termsOf(question))];
  const joined = ` ${words.join(" ")} `;
  const ideas = words.map((word) => [word]);
  const all = new Set(words);
  for (const [short, long] of shortForms) {
    const spelled = termsOf(long);
    if (all.has(short)) {
      for (const term of spelled) all.add(term);
    } else if (joined.includes(` ${spelled.join(" ")} `)) {
      all.add(short);
    }
  }
  for (const idea of ideas) {
    const long = shortForms.find(([short]) => short === idea[0]);
    if (long !== undefined) idea.push(`=${termsOf(long[1]).join(" ")}`);
  }
  return { ideas, all: [...all] };
}
