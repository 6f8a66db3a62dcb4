import { expect, test } from "vitest";
import { fixtureInstrument } from "../series/instrument.fixture.ts";
import { Declined } from "./answer.ts";
import { families } from "./families/index.ts";
import { makePlan } from "./planner.ts";

const instruments = [
  fixtureInstrument("AAPL.XNAS", { name: "Apple" }),
  fixtureInstrument("MSFT.XNAS", { name: "Microsoft" }),
  fixtureInstrument("IBM.XNAS", { name: "IBM" }),
  fixtureInstrument("SPX.INDEX", { name: "S&P 500" }),
];

function planned(question: string, chain: readonly string[] = []) {
  return makePlan({
    question,
    instruments,
    hinted: [],
    filings: [],
    jobId: undefined,
    asOfMs: Date.UTC(2020, 3, 18),
    chain,
  }).steps.map(({ family }) => family.name);
}

/** Why a question is declined; its plan where it is not. */
function declined(question: string, chain?: readonly string[]): string {
  try {
    return planned(question, chain).join(", ");
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
    return error.message;
  }
}

test.each([
  ["What was the return of the S&P 500 not in 2008?", "not"],
  ["How many days did the S&P 500 not fall in 2008?", "not"],
  ["On how many days didn't the S&P 500 fall in 2008?", "didn't"],
  ["When did the S&P 500 not close above its 200-day average in 2017?", "not"],
  ["Which stocks did not rise more than 40% in 2009?", "not"],
  ["Which of AAPL, MSFT and IBM did not have the highest volatility in 2008?", "not"],
  ["Did the S&P 500 never close above 3000?", "never"],
  ["What was the best day of the S&P 500 except 2008?", "except"],
  ["What was the worst day of the S&P 500 excluding March 2020?", "excluding"],
  ["What was the maximum drawdown of the S&P 500 without 2008?", "without"],
  ["What was the second worst day of the S&P 500 in 2008?", "second worst"],
  ["What was the third highest close of the S&P 500 in 2007?", "third highest"],
  ["Which instrument had the second highest return in 2009?", "second highest"],
  ["What was the median close of the S&P 500 in 2019?", "median"],
  ["What was the average drawdown of the S&P 500?", "average drawdown"],
  ["What was the lowest RSI of the S&P 500 in 2008?", "lowest rsi"],
  ["What was the average RSI of the S&P 500 in 2008?", "average rsi"],
  ["How long was the longest drawdown of the S&P 500?", "longest"],
  ["How many consecutive days did the S&P 500 close above its 200-day average in 2019?", "consecutive"],
  ["What was the real return of the S&P 500 since 2010?", "real"],
  ["What was the inflation-adjusted return of the S&P 500 in 2008?", "inflation-adjusted"],
  ["What was the return of the S&P 500 in 2008 after taxes?", "taxes"],
  ["What was the log return of the S&P 500 in 2008?", "log"],
  ["What was the return of the S&P 500 in 2008, in euros?", "in euros"],
  ["What was the average daily volume of AAPL in dollars in 2008?", "volume of ⟨⟩ in dollars"],
  ["What was the return of the S&P 500 overnight on 16 March 2020?", "overnight"],
  ["What was the hourly return of the S&P 500 on 16 March 2020?", "hourly"],
  ["What was the weekly RSI of the S&P 500 on 16 March 2020?", "weekly"],
  ["What was the weekly Sharpe ratio of the S&P 500 in 2019?", "weekly"],
  ["What was the downside beta of AAPL to MSFT?", "downside"],
  ["How much would I have lost by shorting the S&P 500 in 2009?", "shorting"],
  ["What was the return of AAPL hedged with MSFT in 2008?", "hedged"],
  ["What was the return of AAPL minus MSFT in 2008?", "minus"],
  ["What was the return of half AAPL and half MSFT in 2008?", "half"],
  ["What was the highest volume of the S&P 500 in 2008 on a down day?", "on a down day"],
  ["What was the S&P 500's return on a Monday in 2008?", "a monday"],
  ["What was the return of the S&P 500 in the week of 16 March 2020?", "week of"],
  ["What was the close of the S&P 500 the day before 16 March 2020?", "the day before"],
  ["What was the parametric VaR of the S&P 500 in 2008?", "parametric"],
  ["What was the volume-weighted average price of the S&P 500 in 2019?", "volume-weighted"],
  ["What is the correlation of AAPL and MSFT volumes?", "correlation of ⟨⟩ and ⟨⟩ volumes"],
  ["What was the standard deviation of the close of the S&P 500 in 2019?", "deviation of the close"],
  ["What is the gap between AAPL and MSFT returns in 2008?", "gap between"],
  ["What was the Sharpe ratio of the S&P 500 in 2019 above treasury bills?", "treasury"],
  ["What was the average return of the S&P 500 in election years?", "election"],
  ["What was the lowest low of the S&P 500 before its 2009 recovery?", "before"],
  ["What was the monthly volatility of the S&P 500 in 2008?", "monthly"],
  ["What was the price of apple pie in 2008?", "pie"],
  ["What was the total return of the S&P 500 in 2008?", "total"],
  ["How many days did the S&P 500 fall less than 1% in 2008?", "less"],
  ["What was the best day of the S&P 500 and MSFT in 2008?", "MSFT.XNAS"],
  ["What was the best and worst day of the S&P 500 in 2008?", "best and worst"],
  ["What was the highest and the lowest close of the S&P 500 in 2008?", "highest and the lowest"],
  ["What were the open and close of the S&P 500 on 16 March 2020?", "open and close"],
])("%s is declined for its word", (question, word) => {
  expect(declined(question)).toContain(`"${word}"`);
});

test("every kind that reads no free text says which words it reads", () => {
  const free = families.filter(({ takes, words }) => words === undefined && !takes.includes("anything"));
  expect(free.map(({ name }) => name)).toEqual(["sentiment", "news"]);
});

test("the window of an average is not taken for that of an index", () => {
  expect(declined("Is AAPL's RSI below 30 and above its 200-day average?")).toContain("of no kind");
});

test("a price of a time to come is no price now", () => {
  expect(declined("What is the S&P 500's price in 1 year?")).toContain("do not predict");
  expect(planned("What is the S&P 500's largest fall in a day?")).toEqual(["bestWorst"]);
});

test("a word that a following question adds is not left aside", () => {
  const chain = ["What was the return of the S&P 500 in 2008?"];
  expect(planned("And in 2009?", chain)).toEqual(["returnOver"]);
  expect(declined("And not in 2009?", chain)).toContain('"not" is not understood');
});

test.each([
  ["What would the S&P 500 have returned without its 20 worst days?", "missedDays"],
  ["What is the median return of AAPL?", "distribution"],
  ["Average return of the S&P 500 by month since 2000", "seasonality"],
  ["What was the longest losing streak of the S&P 500 in 2008?", "streak"],
  ["How did the S&P 500 do in the 60 days after a rise of 4%?", "afterMoves"],
  ["What was the worst week of the S&P 500?", "bestWorst"],
  ["What was the return of the S&P 500 in the second quarter of 2009?", "returnOver"],
])("%s is of a kind that reads the word: %s", (question, family) => {
  expect(planned(question)).toEqual([family]);
});

test.each([
  ["What if I had bought each 2% dip of the S&P 500 with a 5% stop loss?", "not read"],
  ["What if I had bought each 2% dip of the S&P 500 with a trailing stop?", "not read"],
  ["What if I had bought each 2% dip of the S&P 500 and sold at a 10% profit?", "not read"],
  ["What if I had bought each 2% dip of the S&P 500 and sold at a 10% gain?", "not read"],
  ["Which stocks rose more than 40% but had a volatility below 30% in 2009?", "in part only"],
])("%s is declined for the part that is not read", (question, why) => {
  expect(declined(question)).toContain(why);
});
