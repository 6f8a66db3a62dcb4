import type { EvidenceItem } from "../../evidence/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount } from "../format.ts";
import type { Question } from "../question.ts";
import { averageKind } from "./averages.ts";
import { defineFamily, say, subject } from "./family.ts";
import { backtestDrafts } from "./jobs.ts";
import { averaging, beyond, falling, rising, units } from "./vocabulary.ts";

interface Rules {
  entry: string;
  exit: string | undefined;
  /** Sold at the next open after this many bars. */
  maxBars: number | undefined;
}

/** Where the question names no way out. */
const defaultBars = 20;

/** The words of a question with its plain numbers put back: percentages as `2%`. */
function withNumbers(q: Question): string {
  let at = 0;
  return q.text.replaceAll(" # ", () => {
    const { value, percent } = q.numbers[at++]!;
    return ` ${value}${percent ? "%" : ""} `;
  });
}

/** Windows and plain numbers of a question that no condition has used. */
interface Unused {
  windows: number[];
  numbers: Question["numbers"];
}

/** A condition of entry or exit, in the formula language; undefined where none is named. Takes what it uses. */
function conditionIn(text: string, { windows, numbers }: Unused, average: "sma" | "ema"): string | undefined {
  const move =
    /(\d+(?:\.\d+)?)% (?:(?:daily|day|one-day) )?(dip|drop|fall|decline|loss|plunge|rise|jump|gain|rally)/.exec(
      text,
    ) ??
    /(dip|drop|fall|decline|loss|plunge|rise|jump|gain|rally)s? of (\d+(?:\.\d+)?)%/.exec(text) ??
    /(?:(fell|falls|fall|dropped|drops|rose|rises|jumped)(?: by)?(?: more than| over| at least)?) (\d+(?:\.\d+)?)%/.exec(
      text,
    );
  if (move !== null) {
    numbers.shift();
    const [size, word] = /^\d/.test(move[1]!) ? [move[1]!, move[2]!] : [move[2]!, move[1]!];
    const share = Number(size) / 100;
    return /rise|rose|jump|gain|rally/.test(word)
      ? `close / lag(close, 1) - 1 >= ${share}`
      : `close / lag(close, 1) - 1 <= -${share}`;
  }
  const rsi = / rsi .*?(below|under|above|over) (\d+)/.exec(text);
  if (rsi !== null) {
    numbers.shift();
    return `rsi(close, ${windows.shift() ?? 14}) ${/below|under/.test(rsi[1]!) ? "<" : ">"} ${rsi[2]!}`;
  }
  if (/ golden cross/.test(text)) return "crossover(sma(close, 50), sma(close, 200))";
  if (/ (?:death|dead) cross/.test(text)) return "crossunder(sma(close, 50), sma(close, 200))";
  const side = / (above|over|below|under) (?:its|the|their)?.*(?:average|sma|ema|ma|dma) /.exec(text)?.[1];
  if (side === undefined) return undefined;
  const window = windows.shift() ?? 200;
  return `close ${/below|under/.test(side) ? "<" : ">"} ${average}(close, ${window})`;
}

const opposite: Record<string, string> = {
  "crossover(sma(close, 50), sma(close, 200))": "crossunder(sma(close, 50), sma(close, 200))",
};

const stops = / (?:stops?|stop-loss|stopped|trailing) /;
/** A way out measured from the price of the entry: a rule on closes does not tell it. */
const fromEntry = / target | \S+% (?:profit|gain|loss) /;

/** Reads what was bought and when it was sold; undefined where no entry is named. Declines what is left unread. */
function rulesIn(q: Question): Rules | undefined {
  const text = withNumbers(q);
  const cut = text.search(/ (?:sold|sell|selling|exit|exited|held|hold|holding|keeping|kept) /);
  const unused: Unused = { windows: [...q.windows], numbers: [...q.numbers] };
  const held = / (?:for|after|held|hold|holding) (?:bars?|days?|sessions?|weeks?|months?) /.test(
    ` ${text.slice(cut < 0 ? text.length : cut)} `,
  );
  const maxBars = held ? unused.windows.pop() : undefined;
  const average = averageKind(q);
  const entry = q.formula ?? conditionIn(cut < 0 ? text : `${text.slice(0, cut)} `, unused, average);
  if (entry === undefined) return undefined;
  // "… RSI is below 30 and selling above 60": the level is the index's.
  const rest = cut < 0 ? "" : text.slice(cut);
  const way = entry.startsWith("rsi(") ? rest.replace(/ (?=(?:above|over|below|under) \d)/, " rsi ") : rest;
  const exit =
    (cut < 0 ? undefined : conditionIn(way, unused, average)) ??
    opposite[entry] ??
    (/^close > (.*)$/.exec(entry)?.[1] === undefined ? undefined : entry.replace(">", "<"));
  if (stops.test(text) || fromEntry.test(rest) || unused.numbers.length > 0) {
    throw new Declined(
      "This rule has a part that is not read. Its entry and exit may be a move of a day, a level of the RSI, a crossing or an average, and its exit a number of bars; stops and targets are parts of POST /api/backtests.",
    );
  }
  if (unused.windows.length > 0) return undefined;
  return { entry, exit, maxBars: maxBars ?? (exit === undefined ? defaultBars : undefined) };
}

interface WhatIfArgs extends Record<string, unknown>, Rules {
  instrument: Instrument;
  period: Period | undefined;
  assumed: boolean;
}

/** A rule tried on past bars: a real backtest, waited for. */
export const whatIf = defineFamily<WhatIfArgs>({
  name: "whatIf",
  takes: ["numbers", "windows"],
  words: `if suppose imagine backtest test simulate try strategy rule buy bought purchased enter entry long trade each every any whenever when once dip move sell sold exit hold held keep kept after until next open close go went golden death dead cross crossing rsi relative strength return made make profit least single ${beyond} ${rising} ${falling} ${units} ${averaging}`,
  about: "What buying by a rule would have made, by a backtest that is run for the answer",
  examples: [
    "What if I had bought each 2% dip of the S&P 500?",
    "What would buying the S&P 500 when its RSI is below 30 and selling above 60 have returned since 2005?",
    "What if I had bought every golden cross of the S&P 500?",
    "How would buying each 3% fall of the S&P 500 and holding for 10 days have done?",
    "Backtest buying the S&P 500 above its 100-day average",
  ],
  understand(q, hint) {
    const told = q.matches(/^ (?:please )?(?:backtest|back-test|simulate|test|try) /);
    const supposed =
      q.matches(
        / (?:what if|if i had|had i|what would|how would|would have|backtest|back-test|test|simulate|suppose i) /,
      ) && q.matches(/ (?:bought|buy|buying|purchased|entering|long) /);
    if (!told && !supposed) return undefined;
    const rules = rulesIn(q);
    if (rules === undefined) return undefined;
    const named = rules.maxBars === undefined || rules.exit !== undefined || q.windows.length > 0;
    return { ...rules, instrument: subject(q, hint), period: q.period, assumed: !named };
  },
  async run({ instrument, entry, exit, maxBars, period, assumed }, tools) {
    const bars = await tools.readBars(instrument);
    const { from, to } = bars.stretch(period);
    const { openMs, closeMs } = bars.dataset.columns;
    const job = await tools.runJob("backtest", {
      instrumentId: instrument.instrumentId,
      timeframe: bars.dataset.timeframe,
      ...(period === undefined ? {} : { fromMs: openMs[from], toMs: closeMs[to - 1] }),
      strategy: { kind: "rules", entry, ...(exit === undefined ? {} : { exit }) },
      protection: maxBars === undefined ? {} : { maxBars },
    });
    if (job.state !== "completed")
      throw new Declined(
        `The backtest ${job.id} is ${job.state}${job.error === null ? "; ask about it when it has ended" : `: ${job.error.message}`}.`,
      );
    const out = [
      ...(exit === undefined ? [] : [`sold after a close with ${exit}`]),
      ...(maxBars === undefined ? [] : [`sold after ${maxBars} bars`]),
    ].join(" or ");
    const rule: EvidenceItem = {
      kind: "request",
      formula: `buy: ${entry}; ${out}`,
      value: null,
      unit: "rule",
    };
    const [holds] = await tools.evaluateFormula(bars, [entry]);
    const met = holds!.subarray(from, to).reduce((count, value) => count + (value === 1 ? 1 : 0), 0);
    const fields = ["totalReturn", "cagr", "sharpe", "maxDrawdown", "trades", "winRate"];
    return {
      drafts: [
        {
          text: `A backtest was run for this: all cash buys at the open after a close with ${entry}, and is ${out}, costs included${assumed ? "; the question names no exit, so that one was assumed" : ""}.`,
          cite: [rule],
          names: [entry, exit ?? entry],
        },
        say(
          bars,
          `The rule was met at ${formatCount(met)} closes; one position is held at a time, so that nothing is bought at those while it is.`,
          bars.value(`count of ${entry}`, null, met, "count"),
          bars.rows(from, to),
        ),
        ...backtestDrafts(job, fields, true),
      ],
    };
  },
});
