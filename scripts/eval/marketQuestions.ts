import type { TestBar } from "@tapedeck/testkit";
import type { Expected, MarketQuestion } from "./expected.ts";

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

type Ask = (question: string, expected: Expected) => void;

const day = (bar: TestBar) => new Date(bar.openMs).toISOString().slice(0, 10);

/** Streaks, gaps, ranges, seasons and what followed large moves. */
function askOfRuns(daily: readonly TestBar[], ask: Ask): void {
  for (const year of ["2003", "2008", "2013", "2017"]) {
    for (const [word, sign] of [
      ["winning", 1],
      ["losing", -1],
    ] as const) {
      let longest = 0;
      let run = 0;
      daily.forEach((bar, at) => {
        if (!day(bar).startsWith(year)) return;
        run = Math.sign(bar.close - daily[at - 1]!.close) === sign ? run + 1 : 0;
        longest = Math.max(longest, run);
      });
      ask(`What was the longest ${word} streak of the S&P 500 in ${year}?`, number(longest));
    }
    const list = daily.filter((bar) => day(bar).startsWith(year));
    const top = Math.max(...list.map(({ high }) => high));
    const bottom = Math.min(...list.map(({ low }) => low));
    ask(`What was the trading range of the S&P 500 in ${year}?`, number(top - bottom));
    for (const size of [0.5, 1]) {
      const count = daily.filter(
        (bar, at) => day(bar).startsWith(year) && bar.open / daily[at - 1]!.close - 1 < -size / 100,
      ).length;
      ask(`How often did the S&P 500 gap down more than ${size}% in ${year}?`, number(count));
    }
  }
  for (const size of [3, 4, 5]) {
    const after: number[] = [];
    for (let at = 1; at + 10 < daily.length; at++) {
      if (daily[at]!.close / daily[at - 1]!.close - 1 <= -size / 100)
        after.push(daily[at + 10]!.close / daily[at]!.close - 1);
    }
    ask(
      `How did the S&P 500 do in the 10 days after a fall of ${size}%?`,
      percent(after.reduce((sum, one) => sum + one, 0) / after.length),
    );
  }
  const ends = daily.filter(
    (bar, at) => day(bar).slice(0, 7) !== (daily[at + 1] && day(daily[at + 1]!))?.slice(0, 7),
  );
  const means = months.map((name, month) => {
    const own = ends.flatMap((bar, at) =>
      at > 0 && new Date(bar.openMs).getUTCMonth() === month ? [bar.close / ends[at - 1]!.close - 1] : [],
    );
    // The first month has its first close to compare with.
    if (month === 0) own.push(ends[0]!.close / daily[0]!.close - 1);
    return { name, mean: own.reduce((sum, one) => sum + one, 0) / own.length };
  });
  const [best] = means.toSorted((one, other) => other.mean - one.mean);
  ask("Which month is best for the S&P 500 on average?", { kind: "name", value: best!.name });
}

/** Holding for years, doubling, investing again and again, missing days, ratios and tails. */
function askOfHolding(closes: readonly Close[], ask: Ask): void {
  for (const [start, gain] of [
    ["2009-03-09", 100],
    ["2002-10-09", 50],
    ["2011-10-03", 80],
  ] as const) {
    const from = closes.findIndex(({ day: one }) => one === start);
    const reached = closes.slice(from).find(({ close }) => close >= closes[from]!.close * (1 + gain / 100))!;
    const word = gain === 100 ? "double" : `gain ${gain}%`;
    ask(`How long did it take the S&P 500 to ${word} since ${start}?`, dates(reached.day));
  }
  for (const from of ["2005", "2010", "2015"]) {
    const list = closes.filter(({ day: one }) => one >= from);
    const buys = list.filter(({ day: one }, at) => list[at + 1]?.day.slice(0, 7) !== one.slice(0, 7));
    const units = buys.reduce((sum, { close }) => sum + 250 / close, 0);
    ask(
      `What would 250 a month put into the S&P 500 since ${from} be worth?`,
      number(units * list.at(-1)!.close),
    );
  }
  for (const year of ["2008", "2012", "2016", "2018"]) {
    const moves = closes.flatMap(({ day: one, close }, at) =>
      one.startsWith(year) ? [close / closes[at - 1]!.close - 1] : [],
    );
    const mean = moves.reduce((sum, one) => sum + one, 0) / moves.length;
    const deviation = Math.sqrt(moves.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (moves.length - 1));
    const downside = Math.sqrt(moves.reduce((sum, one) => sum + Math.min(one, 0) ** 2, 0) / moves.length);
    ask(`What was the Sharpe ratio of the S&P 500 in ${year}?`, number((mean / deviation) * Math.sqrt(252)));
    ask(`Sortino ratio of the S&P 500 in ${year}`, number((mean / downside) * Math.sqrt(252)));
    const ascending = moves.toSorted((one, other) => one - other);
    const place = 0.05 * (moves.length - 1);
    const low = ascending[Math.floor(place)]!;
    const quantile = low + (place - Math.floor(place)) * (ascending[Math.floor(place) + 1]! - low);
    ask(`What was the value at risk of the S&P 500 in ${year}?`, percent(quantile));
    const kept = ascending.slice(0, -5).reduce((wealth, one) => wealth * (1 + one), 1) - 1;
    ask(`What if I had missed the 5 best days of the S&P 500 in ${year}?`, percent(kept));
  }
  for (const loss of [10, 25, 60]) {
    ask(`What gain is needed to recover a ${loss}% loss?`, percent(1 / (1 - loss / 100) - 1));
  }
}

/** Ranks, screens and betas over the stocks. */
function askOfSeveral(
  monthly: ReadonlyMap<string, readonly TestBar[]>,
  yearEnd: (symbol: string, year: number) => number,
  stockReturn: (symbol: string, year: number) => number,
  ask: Ask,
): void {
  const symbols = ["AAPL", "AMZN", "IBM", "MSFT"];
  const list = `${symbols.slice(0, -1).join(", ")} and ${symbols.at(-1)!}`;
  for (const year of [2003, 2005, 2007, 2008]) {
    const ranked = symbols.toSorted((one, other) => stockReturn(other, year) - stockReturn(one, year));
    ask(`Rank ${list} by return in ${year}`, { kind: "name", value: ranked[0]! });
    ask(`Which of ${list} fell the most in ${year}?`, { kind: "name", value: ranked.at(-1)! });
    const above = symbols.filter((symbol) => stockReturn(symbol, year) > 0.2);
    ask(`Which of the stocks ${list} rose more than 20% in ${year}?`, number(above.length));
  }
  for (const [one, other] of [
    ["AAPL", "MSFT"],
    ["AMZN", "IBM"],
  ] as const) {
    const moves = (symbol: string) => {
      const bars = monthly.get(symbol)!;
      return bars.flatMap((bar, at) => {
        const year = new Date(bar.openMs).getUTCFullYear();
        return year >= 2003 && year <= 2007 ? [bar.close / bars[at - 1]!.close - 1] : [];
      });
    };
    const [y, x] = [moves(one), moves(other)];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [my, mx] = [mean(y), mean(x)];
    const slope =
      x.reduce((sum, value, at) => sum + (value - mx) * (y[at]! - my), 0) /
      x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
    ask(`What was the beta of ${one} to ${other} from 2003 to 2007?`, number(slope));
    ask(`Which did better from 2003 to 2007, ${one} or ${other}?`, {
      kind: "name",
      value:
        yearEnd(one, 2007) / yearEnd(one, 2002) > yearEnd(other, 2007) / yearEnd(other, 2002) ? one : other,
    });
  }
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

  askOfRuns(daily, ask);
  askOfHolding(closes, ask);
  askOfSeveral(monthly, yearEnd, stockReturn, ask);

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
