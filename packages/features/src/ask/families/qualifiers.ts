import type { Question } from "../question.ts";

const counted = "second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\\d+(?:nd|rd|th)";
const indicators = "rsi|macd|atr|adx|cci|obv|mfi|roc|stochastic|aroon|trix|vwap";

/** Words that make a question another one. A kind that does not say that it reads them would leave them aside. */
const qualifiers = {
  negation: / (?:not|never|no|none|neither|nor|cannot|[a-z]+n't) /,
  exclusion:
    / (?:except(?: for)?|excluding|excludes?|excluded|without|other than|apart from|aside from|ignoring|disregarding)(?! (?:my |its |the |their )*(?:\S+ )?(?:best|worst) )/,
  omission: / (?:excluding|without)(?= (?:my |its |the |their )*(?:\S+ )?(?:best|worst) )/,
  ordinal: new RegExp(
    ` (?:${counted})[- ](?:to[- ]last|best|worst|most|least|last|(?:high|low|larg|bigg|small|great|long|short|deep|steep|strong|weak)\\w*) `,
  ),
  median: / median /,
  meanOfReturns:
    / (?:average|mean) (?:(?:daily|day|weekly|week|monthly|month|yearly|annual) )?(?:returns?|gains?|loss|losses) /,
  statistic: new RegExp(
    ` (?:average|mean) (?:drawdowns?|volatility|sharpe|sortino|correlation|beta|golden|death|gaps?) | (?:average|mean|lowest|highest|maximum|minimum|max|min) (?:\\S+ )?(?:${indicators}) `,
  ),
  length: / (?:longest|shortest) /,
  run: / (?:consecutive|in a row) /,
  purchasingPower: / (?:inflation\S*|real(?= (?:returns?|terms|gains?|growth|performance|value) )) /,
  tax: / (?:\S+-)?tax(?:es|ed)? /,
  logarithm: / (?:log|logarithmic)(?= )/,
  currency: / in (?:euros?|eur|pounds?|gbp|sterling|yen|jpy|francs?|chf) /,
  turnover: / volume (?:\S+ )*in dollars | dollar volume /,
  timeOfDay: / (?:overnight|intraday|hourly|pre-?market|after-hours) /,
  weekly: / weekly /,
  side: / (?:downside|upside) /,
  short: / (?:shorting|shorted|short selling|selling short|sold short|going short) /,
  leverage: / (?:leverage|leveraged|hedged) /,
  combination: / (?:combined|minus|half(?= (?:of )?⟨⟩)) /,
  kindOfDay: / on (?:an? |the |its )?(?:down|up) days? /,
  weekday: / (?:(?:an?|each|every|any) (?:mon|tues|wednes|thurs|fri)day|(?:mon|tues|wednes|thurs|fri)days) /,
  week: / week (?:of(?! (?:the )?⟨⟩)|beginning|starting|ending|commencing) /,
  offset:
    / (?:the|a|\d+|one|two|three|four|five|ten) (?:trading )?(?:days?|sessions?|bars?|weeks?|months?) (?:before|after|prior to) /,
  method:
    / (?:spearman\S*|kendall\S*|parkinson\S*|ewma|garch|parametric|gaussian|monte carlo|volume[- ]weighted|weighted by) /,
  ofVolume: / correlation (?:\S+ )*volumes? /,
  deviationOfPrice: / deviation of (?:the |its )?(?:clos\w+|prices?) /,
  distance: / gap between /,
  variant: / (?:value|growth|equal-weight(?:ed)?|sector) (?:index|stocks?|funds?) /,
  both: / (?:best|worst|highs?|lows?|highest|lowest|largest|smallest|opens?|closes?|closing|opening|rises?|falls?) and (?:the )?(?:best|worst|highs?|lows?|highest|lowest|largest|smallest|opens?|closes?|closing|opening|rises?|falls?) /,
  ofItself: / (\S{4,}) of (?:the |its )?\1 /,
  everyTime: / (?:every|each) (?:\S+ )?(?:day|week|month|quarter|year) /,
  comparison: / (?:than|above|below|exceed\w*) (?:that of |those of |the )*⟨⟩ /,
} satisfies Record<string, RegExp>;

export type Qualifier = keyof typeof qualifiers;

/** The question as it was written, in small letters, with names as `⟨⟩`: misspelt words are not mended, dates stay. */
function written(q: Question): string {
  let text = q.original.replaceAll(/[‘’]/g, "'");
  for (const { start, end } of q.mentions.toReversed())
    text = `${text.slice(0, start)} ⟨⟩ ${text.slice(end)}`;
  return ` ${text
    .replaceAll(/`[^`]+`/g, " ")
    .toLowerCase()
    .split(/[^a-z0-9⟨⟩'%-]+/)
    .filter((word) => word !== "")
    .join(" ")} `;
}

/** The words of a question that change what it asks and are not among those that its kind reads. */
export function qualifiersLeft(q: Question, read: readonly Qualifier[]): string[] {
  const text = written(q);
  return Object.entries(qualifiers)
    .filter(([name]) => !read.includes(name as Qualifier))
    .flatMap(([, pattern]) => pattern.exec(text)?.[0].trim() ?? []);
}
