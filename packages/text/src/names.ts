/** How instruments are named in English prose: by symbol, by company, by what people call them. */

/** What people call well-known instruments, by symbol, lower case. */
export const nicknames: Readonly<Record<string, readonly string[]>> = {
  SPX: [
    "s&p 500",
    "s&p500",
    "s & p 500",
    "sp500",
    "sp 500",
    "s and p 500",
    "s&p",
    "standard & poor's 500",
    "standard and poor's 500",
    "standard and poors 500",
  ],
  SPY: ["spdr s&p 500 etf"],
  MSFT: ["microsoft"],
  AMZN: ["amazon"],
  IBM: ["international business machines"],
  GOOG: ["google", "alphabet"],
  GOOGL: ["google class a", "alphabet class a"],
  AAPL: ["apple"],
  QQQ: ["nasdaq 100 etf", "invesco qqq"],
  IWM: ["russell 2000 etf"],
  EEM: ["emerging markets etf"],
  USO: ["united states oil fund", "oil fund"],
  AIG: ["american international group"],
  BAC: ["bank of america"],
  BTC: ["bitcoin"],
  ETH: ["ethereum", "ether"],
  TSLA: ["tesla"],
  NVDA: ["nvidia"],
  META: ["facebook", "meta platforms"],
  NFLX: ["netflix"],
  SOL: ["solana"],
  XRP: ["ripple"],
  DOGE: ["dogecoin"],
  GLD: ["gold"],
  NDX: ["nasdaq 100", "nasdaq"],
  DJI: ["dow jones", "the dow", "dow jones industrial average"],
  RUT: ["russell 2000"],
  VIX: ["volatility index"],
  DIS: ["disney"],
  GE: ["general electric"],
  JPM: ["jpmorgan", "jp morgan", "j.p. morgan"],
};

/** What a company's legal name ends with and its everyday name does not; for names in lower case. */
export const companySuffix =
  /,? (?:inc|corp|corporation|company|co|plc|ltd|limited|group|holdings|class [abc])\.?$/;

/** What of an instrument is looked for in a text. */
export interface NamedInstrument {
  instrumentId: string;
  symbol: string;
  name: string;
}

/** A place where instruments are named: text.slice(start, end). */
export interface NameMention {
  start: number;
  end: number;
  /** All that bear the name, in the order of the list: a coin's pairs, a share's listings. */
  instrumentIds: readonly string[];
}

export interface NameFinder {
  /** Mentions in order, none inside another. */
  find(text: string): NameMention[];
}

/** More endings of companies' names in capitals and small letters, taken off again and again. */
const legalForm =
  /[,\s]+(?:inc|incorporated|corp|corporation|company|co|plc|ltd|limited|group|holdings?|global|technologies|& co|llc|lp|nv|n\.v|sa|s\.a|ag|se|oyj|abp?|asa|a\/s|spa|s\.p\.a|kgaa|gmbh|class [a-c]|ordinary shares|common stock|the)\.?$/i;

/** One-word names that are words of English: with a capital at a sentence's beginning they may be just that. */
const wordNames = new Set(
  `target gap visa shell delta block snap match square best ford wish hope ball carnival general public first
  progressive national united key core fox corning waters nucor ball masco global chase service
  world square apple intuit ally element unity zoom box root compass open`.split(/\s+/),
);

/** What follows a word of English where it is not the company. */
const notCompanyNext =
  /^\s+(?:prices?|rates?|ranges?|of|between|requirements?|rules?|applications?|companies|company|year|years|week|insurance|hedg\w+|neutral|date|audience|market|markets|holders?)\b/;

/** First words that do not stand for a company by themselves: common to many, or given names. */
const sharedWords = new Set(
  `advanced allied american applied arch associated atlantic bank black blue british brown canadian capital central
  charles china cross crown data digital direct dollar dominion dow dual duke eagle east eastern eli energy equity
  european federal fidelity fifth financial first fiserv five franklin free general genuine george global gold golden
  grand great green hewlett henry home host illinois industrial integrated international interactive investors iron
  japan john jack johnson jones king las live louis martin mid modern monster morgan national natural new news
  nippon noble north northern old omega pacific palo park paul peoples philip philips pioneer pool power premier
  principal public pure quest ralph real red regions republic rio robert rock rocky royal san sherwin silver simon sky
  smith south southern southwest spirit stanley star state steel stone sun super swiss texas thermo thomas total tractor
  true twenty tyler london tokyo paris hong singapore shanghai bombay mumbai delhi india indian germany dutch russian
  brazil mexico australia australian africa african toronto boston chicago california kansas virginia florida america asia
  asian euro europe canada israel korea taiwan court bank stock market crude natural union united universal us valley vanguard walt warner waste water wells west western white whole
  william willis wynn yum bitcoin banco compagnie deutsche hong societe`.split(/\s+/),
);

/** Capital letters that are no symbol though some exchange lists one. */
const acronyms = new Set(
  `CEO CFO COO CTO USA US UK EU UN IPO EPS ETF GDP CPI PPI PMI FDA SEC DOJ FTC ECB FED AI IT TV PC HR PR ALL ARE CAN
  FOR NOW ONE OUT NEW AND THE BIG LOW HIGH KEY DAY ANY ITS HAS WAS WHO WHY HOW AM PM Q A I M AG SA SE`.split(
    /\s+/,
  ),
);

/** Everyday forms of a company's name, capitals as written: "Apple Inc." gives "Apple". */
function everydayNames(name: string): string[] {
  const names = [name];
  let short = name;
  for (;;) {
    const next = short
      .replace(legalForm, "")
      .replace(/^The\s+/i, "")
      .trim();
    if (next === short || next === "") break;
    short = next;
    names.push(short);
  }
  const [first, second] = short.split(/[,\s]+/);
  if (second !== undefined && first!.length >= 4 && !sharedWords.has(first!.toLowerCase()))
    names.push(first!);
  return names.map((one) => one.replace(/[.,\s]+$/, "")).filter((one) => one.length > 1);
}

const wordsIn = /[\p{L}\p{N}$][\p{L}\p{N}&.\-/’']*(?<![.\-/’'])/gu;

/** For comparing: small letters, a possessive and inner dots left out. */
function keyOf(word: string): string {
  return word
    .replace(/['’]s$/i, "")
    .replaceAll(".", "")
    .toLowerCase();
}

interface Entry {
  /** Further words, by their keys. */
  rest: readonly string[];
  instrumentIds: string[];
  /** A symbol: in capitals only. */
  isSymbol: boolean;
  isWord: boolean;
}

/** How an instrument is written: its names, and its symbol with and without what it is quoted in. */
function writtenForms({ symbol, name }: NamedInstrument): { names: string[]; symbols: string[] } {
  const base = symbol.split(/[-/]/)[0]!;
  return {
    names: [
      ...everydayNames(name).filter((one) => one !== base),
      ...(nicknames[symbol] ?? nicknames[base] ?? []),
    ],
    symbols: [...new Set([symbol, base])],
  };
}

/** Words in small letters, one of which every mention of the instrument has. */
export function searchWords(instrument: NamedInstrument): string[] {
  const { names, symbols } = writtenForms(instrument);
  return [...new Set([...names, ...symbols].flatMap((one) => one.match(wordsIn)?.slice(0, 1) ?? []))].map(
    (word) => word.toLowerCase(),
  );
}

/**
 * Finds instruments in prose: "Apple", "Apple's", "$AAPL", "(NASDAQ: AAPL)", "AAPL". The longest name wins; names begin
 * with a capital. Reads a text in one pass, however many instruments there are.
 */
export function createNameFinder(instruments: readonly NamedInstrument[]): NameFinder {
  const byFirst = new Map<string, Entry[]>();

  function add(name: string, instrumentId: string, isSymbol: boolean): void {
    const [first, ...rest] = Array.from(name.matchAll(wordsIn), (match) => keyOf(match[0]));
    if (first === undefined) return;
    const entries = byFirst.get(first) ?? [];
    byFirst.set(first, entries);
    const same = entries.find((one) => one.isSymbol === isSymbol && one.rest.join(" ") === rest.join(" "));
    if (same === undefined) {
      const isWord = rest.length === 0 && wordNames.has(first);
      entries.push({ rest, instrumentIds: [instrumentId], isSymbol, isWord });
    } else if (!same.instrumentIds.includes(instrumentId)) same.instrumentIds.push(instrumentId);
  }

  for (const instrument of instruments) {
    const { names, symbols } = writtenForms(instrument);
    for (const one of names) add(one, instrument.instrumentId, false);
    for (const one of symbols) add(one, instrument.instrumentId, true);
  }
  for (const entries of byFirst.values()) entries.sort((a, b) => b.rest.length - a.rest.length);

  function fits(entry: Entry, text: string, words: readonly RegExpExecArray[], at: number): boolean {
    const word = words[at]![0];
    const end = words[at]!.index + word.length;
    if (entry.isSymbol) return isSymbolHere(text, words[at]!);
    if (!/^[\p{Lu}\p{N}]/u.test(word)) return false;
    const begins = at === 0 || /[.!?:"“]\s*$/.test(text.slice(0, words[at]!.index));
    if (entry.isWord && begins && notCompanyNext.test(text.slice(end, end + 30)) && !/['’]s$/i.test(word))
      return false;
    return entry.rest.every((key, k) => {
      const next = words[at + 1 + k];
      return next !== undefined && keyOf(next[0]) === key && next.index - end < 40;
    });
  }

  return {
    find(text) {
      const words = [...text.matchAll(wordsIn)];
      const mentions: NameMention[] = [];
      for (let at = 0; at < words.length; at++) {
        const word = words[at]!;
        const entries = byFirst.get(keyOf(word[0].replace(/^\$/, "")));
        const entry = entries?.find((one) => fits(one, text, words, at));
        if (entry === undefined) continue;
        const last = words[at + entry.rest.length]!;
        const end = last.index + last[0].replace(/['’]s$/i, "").length;
        mentions.push({ start: word.index, end, instrumentIds: entry.instrumentIds });
        at += entry.rest.length;
      }
      return mentions;
    },
  };
}

/** Is a word that is spelt like a symbol meant as one? */
function isSymbolHere(text: string, word: RegExpExecArray): boolean {
  const written = word[0].replace(/['’]s$/i, "");
  if (written.startsWith("$")) return true;
  if (written !== written.toUpperCase()) return false;
  const before = text.slice(Math.max(0, word.index - 24), word.index);
  if (/\b(?:NASDAQ|NYSE|AMEX|LSE|XETRA|TSX|ticker|symbol)\s?:?\s*$/i.test(before)) return true;
  if (before.endsWith("(") && text[word.index + written.length] === ")") return true;
  if (written.length < 2 || acronyms.has(written)) return false;
  // Between words that are all in capitals it is one of them.
  const around = text.slice(Math.max(0, word.index - 30), word.index + written.length + 30);
  return /[a-z]{2}/.test(around);
}
