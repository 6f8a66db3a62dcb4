import type { TestBar } from "@tapedeck/testkit";

/** What an answer must hold; computed here from the bars by plain loops, not by the code that answers. */
export type Expected =
  | { kind: "percent"; value: number }
  | { kind: "number"; value: number }
  /** yyyy-mm-dd, each of them. */
  | { kind: "dates"; value: string[] }
  | { kind: "name"; value: string }
  | { kind: "declined" };

export interface MarketQuestion {
  question: string;
  expected: Expected;
}

const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

interface Close {
  day: string;
  close: number;
}

const percent = (value: number): Expected => ({ kind: "percent", value: 100 * value });
const number = (value: number): Expected => ({ kind: "number", value });
const dates = (...value: string[]): Expected => ({ kind: "dates", value });

/** Takes its turn through a list, so that wordings vary without chance. */
function turns<T>(list: readonly T[]): () => T {
  let at = 0;
  return () => list[at++ % list.length]!;
}

/** 200 and more questions about the S&P 500's daily bars and the five stocks' monthly prices, with their answers. */
export function marketQuestions(
  daily: readonly TestBar[],
  monthly: ReadonlyMap<string, readonly TestBar[]>,
): MarketQuestion[] {
  const closes: Close[] = daily.map((bar) => ({
    day: new Date(bar.openMs).toISOString().slice(0, 10),
    close: bar.close,
  }));
  const questions: MarketQuestion[] = [];
  const ask = (question: string, expected: Expected) => questions.push({ question, expected });
  const within = (period: string) => closes.filter(({ day }) => day.startsWith(period));
  const before = (period: string) => closes.findLast(({ day }) => day < period)!;
  const returnIn = (period: string) => within(period).at(-1)!.close / before(period).close - 1;
  /** Each day's close with its return from the close before. */
  const moves = closes.map(({ day, close }, at) => ({
    day,
    close,
    move: at === 0 ? 0 : close / closes[at - 1]!.close - 1,
  }));
  const movesIn = (period: string) => moves.filter(({ day }) => day.startsWith(period));
  const years = Array.from({ length: 19 }, (_, at) => String(2001 + at));

  const yearly = turns([
    (year: string) => `What was the return of the S&P 500 in ${year}?`,
    (year: string) => `How did the S&P 500 do in ${year}?`,
    (year: string) => `S&P 500 return in ${year}`,
    (year: string) => `How much did the S&P 500 gain in ${year}?`,
    (year: string) => `What was the performance of the S&P 500 in ${year}?`,
  ]);
  for (const year of years) ask(yearly()(year), percent(returnIn(year)));

  const inMonth = turns([
    (name: string) => `What was the return of the S&P 500 in ${name}?`,
    (name: string) => `How much did the S&P 500 move in ${name}?`,
    (name: string) => `How did the S&P 500 perform in ${name}?`,
  ]);
  for (let at = 0; at < 20; at++) {
    const year = 2001 + ((at * 7) % 19);
    const month = (at * 5) % 12;
    const period = `${year}-${String(month + 1).padStart(2, "0")}`;
    ask(inMonth()(`${months[month]} ${year}`), percent(returnIn(period)));
  }

  const onDay = turns([
    (day: string) => `What was the close of the S&P 500 on ${day}?`,
    (day: string) => `Where did the S&P 500 close on ${day}?`,
    (day: string) => `S&P 500 close ${day}`,
  ]);
  for (let at = 0; at < 20; at++) {
    const { day, close } = closes[150 + at * 250]!;
    const [year, month, date] = day.split("-");
    const written = at % 2 === 0 ? day : `${Number(date)} ${months[Number(month) - 1]} ${year}`;
    ask(onDay()(written), number(close));
  }

  for (const year of years.slice(0, 10)) {
    const list = within(year).toSorted((one, other) => other.close - one.close);
    ask(`What was the highest close of the S&P 500 in ${year}?`, number(list[0]!.close));
    ask(`When was the lowest close of the S&P 500 in ${year}?`, dates(list.at(-1)!.day));
  }
  for (const year of years.slice(10)) {
    const list = within(year).toSorted((one, other) => other.close - one.close);
    ask(`What was the lowest close of the S&P 500 in ${year}?`, number(list.at(-1)!.close));
    ask(`When did the S&P 500 have its highest close in ${year}?`, dates(list[0]!.day));
  }

  for (const year of years.slice(3, 15)) {
    const list = movesIn(year).toSorted((one, other) => other.move - one.move);
    ask(`What was the best day of the S&P 500 in ${year}?`, dates(list[0]!.day));
    ask(`How much did the S&P 500 lose on its worst day in ${year}?`, percent(list.at(-1)!.move));
  }

  for (const [at, year] of years.slice(0, 12).entries()) {
    const size = 1 + (at % 3);
    ask(
      `How many days did the S&P 500 fall more than ${size}% in ${year}?`,
      number(movesIn(year).filter(({ move }) => move < -size / 100).length),
    );
  }
  for (const year of years.slice(8)) {
    ask(
      `How many up days did the S&P 500 have in ${year}?`,
      number(movesIn(year).filter(({ move }) => move > 0).length),
    );
  }

  for (const year of years.slice(5, 15)) {
    const list = within(year);
    ask(
      `What was the average close of the S&P 500 in ${year}?`,
      number(list.reduce((sum, { close }) => sum + close, 0) / list.length),
    );
  }

  for (const year of years.slice(4, 12)) {
    const logs = movesIn(year).map(({ move }) => Math.log(1 + move));
    const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
    const variance = logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (logs.length - 1);
    ask(`How volatile was the S&P 500 in ${year}?`, percent(Math.sqrt(variance * 252)));
  }

  for (const year of years.slice(5, 13)) {
    let peak = 0;
    let worst = 0;
    for (const { close } of within(year)) {
      peak = Math.max(peak, close);
      worst = Math.max(worst, 1 - close / peak);
    }
    ask(`What was the maximum drawdown of the S&P 500 in ${year}?`, percent(-worst));
  }

  for (const year of years.slice(6, 12)) {
    const above = closes.filter(({ day, close }, at) => {
      if (!day.startsWith(year)) return false;
      const window = closes.slice(at - 199, at + 1);
      return close > window.reduce((sum, one) => sum + one.close, 0) / 200;
    });
    ask(`How many days did the S&P 500 close above its 200-day average in ${year}?`, number(above.length));
  }

  for (const level of [1500, 1600, 2000, 2500, 3000, 3300]) {
    const first = closes.find(({ close }) => close > level)!;
    ask(`When did the S&P 500 first close above ${level}?`, dates(first.day));
  }
  for (const level of [700, 800, 1000, 1200]) {
    const last = closes.findLast(({ close }) => close < level)!;
    ask(`When was the last time the S&P 500 closed below ${level}?`, dates(last.day));
  }

  const yearEnd = (symbol: string, year: number) =>
    monthly.get(symbol)!.findLast((bar) => new Date(bar.openMs).getUTCFullYear() === year)!.close;
  const stockReturn = (symbol: string, year: number) => yearEnd(symbol, year) / yearEnd(symbol, year - 1) - 1;
  for (const symbol of ["AAPL", "MSFT", "IBM", "AMZN"]) {
    for (const year of [2002, 2005, 2007, 2008, 2009]) {
      ask(`What was the return of ${symbol} in ${year}?`, percent(stockReturn(symbol, year)));
    }
  }
  const couples = [
    ["AAPL", "MSFT"],
    ["IBM", "AMZN"],
    ["GOOG", "AAPL"],
    ["MSFT", "IBM"],
  ] as const;
  for (const [one, other] of couples) {
    for (const year of [2006, 2008, 2009]) {
      const better = stockReturn(one, year) > stockReturn(other, year) ? one : other;
      ask(`Which did better in ${year}, ${one} or ${other}?`, { kind: "name", value: better });
    }
  }
  for (const symbol of ["AAPL", "MSFT", "IBM", "AMZN"]) {
    ask(
      `How much would 10,000 invested in ${symbol} at the end of 2004 be worth at the end of 2009?`,
      number((10_000 * yearEnd(symbol, 2009)) / yearEnd(symbol, 2004)),
    );
  }

  for (const question of [
    "What was the return of Tesla in 2015?",
    "What was the close of the S&P 500 on 2025-03-03?",
    "Should I buy the S&P 500 now?",
    "What will the S&P 500 do next year?",
    "Buy 100 shares of AAPL",
    "What was the return of AAPL in 1995?",
    "Why did the S&P 500 fall in 2008?",
    "What was Apple's revenue in 2008?",
    "What is the weather in Paris?",
    "What was the intraday high of AAPL at noon on 2008-10-10?",
  ]) {
    ask(question, { kind: "declined" });
  }
  return questions;
}
