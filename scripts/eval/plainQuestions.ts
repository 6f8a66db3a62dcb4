import type { TestBar } from "@tapedeck/testkit";
import type { Expected, MarketQuestion } from "./expected.ts";

const dayOf = ({ openMs }: TestBar) => new Date(openMs).toISOString().slice(0, 10);
const monthOf = ({ openMs }: TestBar) => new Date(openMs).toISOString().slice(0, 7);

const percent = (share: number): Expected => ({ kind: "percent", value: 100 * share });
const number = (value: number): Expected => ({ kind: "number", value });
const dates = (...value: string[]): Expected => ({ kind: "dates", value });
const name = (value: string): Expected => ({ kind: "name", value });

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const leastBy = <T>(list: readonly T[], key: (one: T) => number) =>
  list.reduce((best, one) => (key(one) < key(best) ? one : best));
const mostBy = <T>(list: readonly T[], key: (one: T) => number) => leastBy(list, (one) => -key(one));

/** Standard deviation (n − 1) of log returns of closes, a year. */
function volatilityOf(closes: readonly number[], perYear: number): number {
  const logs = closes.slice(1).map((close, at) => Math.log(close / closes[at]!));
  const middle = mean(logs);
  return Math.sqrt((logs.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (logs.length - 1)) * perYear);
}

/** Largest fall from a highest close so far. */
function drawdownOf(closes: readonly number[]): number {
  let peak = 0;
  let worst = 0;
  for (const close of closes) {
    peak = Math.max(peak, close);
    worst = Math.max(worst, 1 - close / peak);
  }
  return worst;
}

/** Lookups in bars of one instrument, by plain loops. */
function lookups(bars: readonly TestBar[]) {
  const on = (day: string) => bars.findLast((bar) => dayOf(bar) <= day)!;
  const within = (period: string) => bars.filter((bar) => dayOf(bar).startsWith(period));
  const between = (from: string, to: string) => bars.filter((bar) => dayOf(bar) >= from && dayOf(bar) <= to);
  const before = (period: string) => bars.findLast((bar) => dayOf(bar) < period)!;
  const returnIn = (period: string) => within(period).at(-1)!.close / before(period).close - 1;
  const moves = bars
    .slice(1)
    .map((bar, at) => ({ bar, day: dayOf(bar), move: bar.close / bars[at]!.close - 1 }));
  const movesIn = (period: string) => moves.filter(({ day }) => day.startsWith(period));
  /** Closes of a period with the one before it. */
  const closesFrom = (period: string) => [before(period), ...within(period)].map(({ close }) => close);
  const ends = (of: (bar: TestBar) => string) =>
    bars.filter((bar, at) => of(bar) !== (bars[at + 1] && of(bars[at + 1]!)));
  const monthEnds = ends(monthOf);
  const monthMoves = monthEnds
    .slice(1)
    .map((bar, at) => ({ bar, month: monthOf(bar), move: bar.close / monthEnds[at]!.close - 1 }));
  const yearEnds = ends((bar) => dayOf(bar).slice(0, 4));
  const average = (day: string, window: number) => {
    const at = bars.indexOf(on(day));
    return mean(bars.slice(at - window + 1, at + 1).map(({ close }) => close));
  };
  return {
    bars,
    on,
    within,
    between,
    before,
    returnIn,
    moves,
    movesIn,
    closesFrom,
    monthMoves,
    yearEnds,
    average,
  };
}

type Lookups = ReturnType<typeof lookups>;
type Asked = [question: string, expected: Expected];

function returnsAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const ratio = (from: string, to: string) => spx.on(to).close / spx.on(from).close - 1;
  const dayMove = (day: string) => percent(spx.moves.find((one) => one.day === day)!.move);
  const last = spx.bars.at(-1)!;
  const years = (from: TestBar, to: TestBar) => (to.closeMs - from.closeMs) / (365.25 * 86_400_000);
  const perYear = (from: TestBar, to: TestBar) => (to.close / from.close) ** (1 / years(from, to)) - 1;
  return [
    ["By how much did the S&P 500 change over 2003?", percent(spx.returnIn("2003"))],
    ["How well did the S&P 500 do in 2013?", percent(spx.returnIn("2013"))],
    ["Tell me the S&P 500's performance for 2017", percent(spx.returnIn("2017"))],
    ["In 2011, what did the S&P 500 return?", percent(spx.returnIn("2011"))],
    ["How far did the S&P 500 fall in 2002?", percent(spx.returnIn("2002"))],
    ["How much was lost in the S&P 500 in 2018?", percent(spx.returnIn("2018"))],
    ["What percentage did the S&P 500 gain in 2009?", percent(spx.returnIn("2009"))],
    ["Give me the S&P 500 change for October 2008", percent(spx.returnIn("2008-10"))],
    ["S&P 500, August 2011: how did it do?", percent(spx.returnIn("2011-08"))],
    ["How did the S&P 500 fare in 2014?", percent(spx.returnIn("2014"))],
    ["Did the S&P 500 go up or down in 2015?", percent(spx.returnIn("2015"))],
    ["Was the S&P 500 up in 2016?", percent(spx.returnIn("2016"))],
    [
      "How much has the S&P 500 risen since the end of 2009?",
      percent(last.close / spx.on("2009-12-31").close - 1),
    ],
    ["How much is the S&P 500 up since March 9, 2009?", percent(last.close / spx.on("2009-03-09").close - 1)],
    ["How did the S&P do between 2003 and 2006?", percent(ratio("2002-12-31", "2006-12-31"))],
    [
      "What was the S&P 500's return for the first quarter of 2009?",
      percent(ratio("2008-12-31", "2009-03-31")),
    ],
    ["How did the S&P 500 do in the first half of 2012?", percent(ratio("2011-12-31", "2012-06-30"))],
    ["What did SPX return in Q3 2011?", percent(ratio("2011-06-30", "2011-09-30"))],
    ["How much did Microsoft shares rise in 2003?", percent(of("MSFT").returnIn("2003"))],
    ["How did Apple stock do in 2007?", percent(of("AAPL").returnIn("2007"))],
    ["IBM's return for 2004, please", percent(of("IBM").returnIn("2004"))],
    ["How much did Google gain in 2005?", percent(of("GOOG").returnIn("2005"))],
    ["How much value did Amazon lose in 2008?", percent(of("AMZN").returnIn("2008"))],
    [
      "What was the S&P 500's compound annual growth rate from 2010 to 2019?",
      percent(perYear(spx.on("2009-12-31"), spx.on("2019-12-31"))),
    ],
    ["What has the S&P 500 returned per year since 2010?", percent(perYear(spx.on("2009-12-31"), last))],
    ["How did the S&P 500 do on 13 October 2008?", dayMove("2008-10-13")],
    ["How much did the S&P 500 drop on March 16, 2020?", dayMove("2020-03-16")],
    ["Return of the S&P 500 on 2018-12-26", dayMove("2018-12-26")],
    ["What was the S&P 500's move on 24 August 2015?", dayMove("2015-08-24")],
    ["How did the S&P 500 do in the 2000s?", percent(spx.on("2009-12-31").close / spx.bars[0]!.close - 1)],
    [
      "What was the return of the S&P 500 from 2012-06-29 to 2014-06-30?",
      percent(ratio("2012-06-29", "2014-06-30")),
    ],
    [
      "From the end of 2010 until the end of 2012, how much did the S&P 500 go up?",
      percent(ratio("2010-12-31", "2012-12-31")),
    ],
    ["Show me how Apple performed in 2009", percent(of("AAPL").returnIn("2009"))],
    ["Did IBM gain or lose in 2002?", percent(of("IBM").returnIn("2002"))],
    ["How strong was the S&P 500 in 2019?", percent(spx.returnIn("2019"))],
  ];
}

function pricesAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const close = (day: string) => number(spx.on(day).close);
  const last = spx.bars.at(-1)!;
  return [
    ["What was the S&P 500 at on 9 March 2009?", close("2009-03-09")],
    ["Closing level of the S&P 500 on 2012-06-29", close("2012-06-29")],
    ["What level did the S&P 500 finish at on 31 December 2013?", close("2013-12-31")],
    ["How high did the S&P 500 get on 19 February 2020?", number(spx.on("2020-02-19").high)],
    ["What was the low of the S&P 500 on 2010-05-06?", number(spx.on("2010-05-06").low)],
    ["Where did the S&P 500 open on 2015-08-24?", number(spx.on("2015-08-24").open)],
    ["What was the trading volume of the S&P 500 on 2016-06-24?", number(spx.on("2016-06-24").volume)],
    ["What was Apple's price at the end of 2007?", number(of("AAPL").on("2007-12-31").close)],
    ["What did a share of IBM cost at the end of 2005?", number(of("IBM").on("2005-12-31").close)],
    ["How much was a Microsoft share worth at the end of 2006?", number(of("MSFT").on("2006-12-31").close)],
    ["Price of AMZN in June 2005", number(of("AMZN").on("2005-06-30").close)],
    ["What's the latest close of the S&P 500?", number(last.close)],
    ["Where's the S&P 500 now?", number(last.close)],
    ["S&P 500 current level?", number(last.close)],
    ["What was GOOG trading at in March 2009?", number(of("GOOG").on("2009-03-31").close)],
    ["What did the S&P 500 close at on 4 July 2014?", close("2014-07-03")],
    ["What was the S&P 500 worth on Christmas Eve, 24 December 2018?", close("2018-12-24")],
    ["Where did the S&P 500 end up on 29 May 2015?", close("2015-05-29")],
    ["SPX opening price, 2012-11-07", number(spx.on("2012-11-07").open)],
    ["At what price did the S&P 500 close on the 15th of September 2008?", close("2008-09-15")],
  ];
}

function extremesAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const closeOf = ({ close }: TestBar) => close;
  const highest = (list: readonly TestBar[]) => mostBy(list, closeOf);
  const lowest = (list: readonly TestBar[]) => leastBy(list, closeOf);
  return [
    ["What was the S&P 500's peak close in 2007?", number(highest(spx.within("2007")).close)],
    ["When did the S&P 500 peak in 2007?", dates(dayOf(highest(spx.within("2007"))))],
    ["On what date did the S&P 500 hit bottom in 2009?", dates(dayOf(lowest(spx.within("2009"))))],
    ["What's the highest the S&P 500 has ever closed?", number(highest(spx.bars).close)],
    [
      "What is the lowest the S&P 500 has closed since 2010?",
      number(lowest(spx.between("2010-01-01", "2021")).close),
    ],
    ["How low did the S&P 500 go in 2009?", number(Math.min(...spx.within("2009").map(({ low }) => low)))],
    ["How high did the S&P 500 go in 2000?", number(Math.max(...spx.within("2000").map(({ high }) => high)))],
    [
      "What was the S&P 500's highest level in 2018?",
      number(Math.max(...spx.within("2018").map(({ high }) => high))),
    ],
    ["What was the lowest closing price of the S&P 500 in 2011?", number(lowest(spx.within("2011")).close)],
    ["What was Apple's highest close in 2007?", number(highest(of("AAPL").within("2007")).close)],
    ["What was the lowest close of Amazon in 2001?", number(lowest(of("AMZN").within("2001")).close)],
    [
      "When was trading volume in the S&P 500 highest in 2008?",
      dates(dayOf(mostBy(spx.within("2008"), ({ volume }) => volume))),
    ],
    [
      "What was the S&P 500's 52-week high as of 2009-12-31?",
      number(Math.max(...spx.between("2009-01-01", "2009-12-31").map(({ high }) => high))),
    ],
    ["Minimum close of the S&P 500 in 2016", number(lowest(spx.within("2016")).close)],
    ["When was the S&P 500 at its lowest close in 2003?", dates(dayOf(lowest(spx.within("2003"))))],
    [
      "What was the maximum close of the S&P 500 between 2001 and 2005?",
      number(highest(spx.between("2001-01-01", "2005-12-31")).close),
    ],
    ["The S&P 500's top close in 2014?", number(highest(spx.within("2014")).close)],
    [
      "Smallest trading volume of the S&P 500 in 2012?",
      number(Math.min(...spx.within("2012").map(({ volume }) => volume))),
    ],
  ];
}

function movesAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const best = (list: Lookups["moves"]) => mostBy(list, ({ move }) => move);
  const worst = (list: Lookups["moves"]) => leastBy(list, ({ move }) => move);
  const months = (one: Lookups, period: string) =>
    one.monthMoves.filter(({ month }) => month.startsWith(period)).map(({ move }) => move);
  const years = spx.yearEnds
    .slice(1, -1)
    .map((bar, at) => ({ bar, move: bar.close / spx.yearEnds[at]!.close - 1 }));
  const count = (period: string, holds: (move: number) => boolean) =>
    number(spx.movesIn(period).filter(({ move }) => holds(move)).length);
  const three = (list: readonly { day: string }[]) => dates(...list.slice(0, 3).map(({ day }) => day));
  return [
    ["Which day in 2008 was the best for the S&P 500?", dates(best(spx.movesIn("2008")).day)],
    ["What was the S&P 500's worst day ever?", dates(worst(spx.moves).day)],
    ["Biggest daily gain of the S&P 500 in 2020?", percent(best(spx.movesIn("2020")).move)],
    ["Largest single-day loss for the S&P 500 in 2011?", percent(worst(spx.movesIn("2011")).move)],
    ["On what day did the S&P 500 lose the most in 2010?", dates(worst(spx.movesIn("2010")).day)],
    ["What was the best month for the S&P 500 in 2009?", percent(Math.max(...months(spx, "2009")))],
    ["Which month was the worst for the S&P 500 in 2008?", percent(Math.min(...months(spx, "2008")))],
    ["What was the S&P 500's best year since 2001?", percent(Math.max(...years.map(({ move }) => move)))],
    [
      "What was the worst year for the S&P 500 since 2001?",
      percent(Math.min(...years.map(({ move }) => move))),
    ],
    [
      "What were the three worst days of the S&P 500 in 2008?",
      three(spx.movesIn("2008").toSorted((a, b) => a.move - b.move)),
    ],
    [
      "What were the 3 best days of the S&P 500 in 2009?",
      three(spx.movesIn("2009").toSorted((a, b) => b.move - a.move)),
    ],
    ["Worst month of Apple in 2008?", percent(Math.min(...months(of("AAPL"), "2008")))],
    ["What was the steepest one-day fall of the S&P 500 in 2018?", percent(worst(spx.movesIn("2018")).move)],
    [
      "How many times did the S&P 500 rise more than 2% in a day in 2009?",
      count("2009", (move) => move > 0.02),
    ],
    ["On how many days did the S&P 500 drop over 4% in 2008?", count("2008", (move) => move < -0.04)],
    ["How many days was the S&P 500 down in 2018?", count("2018", (move) => move < 0)],
    ["How many positive days did the S&P 500 have in 2013?", count("2013", (move) => move > 0)],
    [
      "What share of days did the S&P 500 rise in 2017?",
      percent(spx.movesIn("2017").filter(({ move }) => move > 0).length / spx.movesIn("2017").length),
    ],
    [
      "How many days did the S&P 500 move more than 3% in 2020?",
      count("2020", (move) => Math.abs(move) > 0.03),
    ],
    [
      "How many months did the S&P 500 fall in 2011?",
      number(months(spx, "2011").filter((move) => move < 0).length),
    ],
    ["Count the days that the S&P 500 fell at least 1% in 2017", count("2017", (move) => move <= -0.01)],
    [
      "In how many months did Apple fall in 2008?",
      number(months(of("AAPL"), "2008").filter((move) => move < 0).length),
    ],
    [
      "How many losing months did Microsoft have in 2005?",
      number(months(of("MSFT"), "2005").filter((move) => move < 0).length),
    ],
    ["Number of days the S&P 500 gained more than 1% in 2012", count("2012", (move) => move > 0.01)],
    ["How often did the S&P 500 lose more than 2% in a day in 2015?", count("2015", (move) => move < -0.02)],
  ];
}

function risksAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const closes = (list: readonly TestBar[]) => list.map(({ close }) => close);
  const yearly = (period: string) => percent(volatilityOf(spx.closesFrom(period), 252));
  const stock = (symbol: string, period: string) => volatilityOf(of(symbol).closesFrom(period), 12);
  const fall = (list: readonly TestBar[]) => percent(-drawdownOf(closes(list)));
  const peak = mostBy(spx.between("2007-01-01", "2009-12-31"), ({ close }) => close);
  const recovery = spx.bars.find((bar) => bar.closeMs > peak.closeMs && bar.close >= peak.close)!;
  const logs = (symbol: string) =>
    of(symbol)
      .closesFrom("2008")
      .flatMap((close, at, all) => (at === 0 ? [] : [Math.log(close / all[at - 1]!)]));
  const [x, y] = [logs("AAPL"), logs("MSFT")];
  const [mx, my] = [mean(x), mean(y)];
  const covariance = x.reduce((sum, one, at) => sum + (one - mx) * (y[at]! - my), 0);
  const norm = (list: readonly number[], middle: number) =>
    Math.sqrt(list.reduce((sum, one) => sum + (one - middle) ** 2, 0));
  return [
    ["How much did the S&P 500 fluctuate in 2017?", yearly("2017")],
    ["Annualised vol of the S&P 500 in 2020", yearly("2020")],
    ["What was the S&P 500's realized volatility in October 2008?", yearly("2008-10")],
    ["What was the volatility of Apple in 2008?", percent(stock("AAPL", "2008"))],
    [
      "Was Apple or Amazon more volatile in 2008?",
      name(stock("AAPL", "2008") > stock("AMZN", "2008") ? "AAPL" : "AMZN"),
    ],
    [
      "Which was riskier in 2005, IBM or Amazon?",
      name(stock("IBM", "2005") > stock("AMZN", "2005") ? "IBM" : "AMZN"),
    ],
    ["How jumpy was the S&P 500 in 2011?", yearly("2011")],
    ["How risky was the S&P 500 in 2008?", yearly("2008")],
    ["What was the worst drawdown of the S&P 500 in 2008?", fall(spx.within("2008"))],
    ["How far did the S&P 500 fall from its peak in 2011?", fall(spx.within("2011"))],
    [
      "What was the biggest peak-to-trough fall of the S&P 500 from 2007 to 2009?",
      fall(spx.between("2007-01-01", "2009-12-31")),
    ],
    ["How bad was the S&P 500 drawdown in 2018?", fall(spx.within("2018"))],
    ["How deep was the drawdown of the S&P 500 in 2010?", fall(spx.within("2010"))],
    ["max drawdown of AAPL in 2008", fall(of("AAPL").within("2008"))],
    ["When did the S&P 500 recover from its drawdown of 2007 to 2009?", dates(dayOf(recovery))],
    ["What was the maximum decline of the S&P 500 from its peak in 2020?", fall(spx.within("2020"))],
    ["How much did the S&P 500 drop from peak to trough in 2015?", fall(spx.within("2015"))],
    [
      "How closely did Apple and Microsoft move together in 2008?",
      number(covariance / (norm(x, mx) * norm(y, my))),
    ],
  ];
}

function levelsAsked(spx: Lookups): Asked[] {
  const firstAbove = (level: number) => dates(dayOf(spx.bars.find(({ close }) => close > level)!));
  const lastBelow = (level: number) => dates(dayOf(spx.bars.findLast(({ close }) => close < level)!));
  const under = (bar: TestBar, window: number) => bar.close < spx.average(dayOf(bar), window);
  const full = spx.bars.slice(200);
  const in2019 = spx.within("2019");
  const closes = (period: string) => spx.within(period).map(({ close }) => close);
  return [
    ["When did the S&P 500 first go above 2000?", firstAbove(2000)],
    ["When did the S&P 500 cross above 3000 for the first time?", firstAbove(3000)],
    ["What day did the S&P 500 first close over 2,500?", firstAbove(2500)],
    ["When was the S&P 500 last below 1500?", lastBelow(1500)],
    ["When did the S&P 500 last close under 900?", lastBelow(900)],
    ["When did the S&P 500 first break above 1,600?", firstAbove(1600)],
    [
      "How many days did the S&P 500 close over 3,000?",
      number(spx.bars.filter(({ close }) => close > 3000).length),
    ],
    [
      "When did the S&P 500 first close below 1,000?",
      dates(dayOf(spx.bars.find(({ close }) => close < 1000)!)),
    ],
    [
      "When did the S&P 500 last close below its 50-day moving average?",
      dates(dayOf(full.findLast((bar) => under(bar, 50))!)),
    ],
    [
      "When did the S&P 500 first close under its 200 day average in 2018?",
      dates(dayOf(spx.within("2018").find((bar) => under(bar, 200))!)),
    ],
    [
      "What share of days was the S&P 500 above its 200-day average in 2019?",
      percent(in2019.filter((bar) => bar.close > spx.average(dayOf(bar), 200)).length / in2019.length),
    ],
    [
      "How many days did the S&P 500 close below its 50-day moving average in 2016?",
      number(spx.within("2016").filter((bar) => under(bar, 50)).length),
    ],
    [
      "What was the 50-day moving average of the S&P 500 on 2019-12-31?",
      number(spx.average("2019-12-31", 50)),
    ],
    ["What was the 200 day SMA of the S&P 500 on 2008-10-10?", number(spx.average("2008-10-10", 200))],
    ["What was the mean closing price of the S&P 500 in 2010?", number(mean(closes("2010")))],
    [
      "Average daily volume of the S&P 500 in 2015",
      number(mean(spx.within("2015").map(({ volume }) => volume))),
    ],
    ["What was the average close of the S&P 500 in March 2020?", number(mean(closes("2020-03")))],
    ["On average, where did the S&P 500 close in 2007?", number(mean(closes("2007")))],
  ];
}

function severalAsked(spx: Lookups, of: (symbol: string) => Lookups): Asked[] {
  const symbols = ["AAPL", "AMZN", "GOOG", "IBM", "MSFT"];
  const returnOf = (symbol: string, year: string) => of(symbol).returnIn(year);
  const better = (one: string, other: string, year: string) =>
    name(returnOf(one, year) > returnOf(other, year) ? one : other);
  const stocks = symbols.filter((symbol) => symbol !== "GOOG");
  const grown = (one: Lookups, amount: number, from: string, to: string) =>
    number((amount * one.on(to).close) / one.on(from).close);
  return [
    ["Between Apple and Microsoft, which did better in 2005?", better("AAPL", "MSFT", "2005")],
    ["Who won in 2008, IBM or Amazon?", better("IBM", "AMZN", "2008")],
    ["Did Apple beat IBM in 2007?", better("AAPL", "IBM", "2007")],
    ["Which gained more in 2003, AMZN or MSFT?", better("AMZN", "MSFT", "2003")],
    ["Which stock did best in 2005?", name(mostBy([...stocks, "GOOG"], (one) => returnOf(one, "2005")))],
    ["Which stock lost the most in 2008?", name(leastBy(symbols, (one) => returnOf(one, "2008")))],
    ["Worst performing stock of 2002?", name(leastBy(stocks, (one) => returnOf(one, "2002")))],
    [
      "Which of Apple, IBM and Microsoft was the most volatile in 2008?",
      name(mostBy(["AAPL", "IBM", "MSFT"], (one) => volatilityOf(of(one).closesFrom("2008"), 12))),
    ],
    [
      "Which stocks gained over 50% in 2007?",
      number(symbols.filter((one) => returnOf(one, "2007") > 0.5).length),
    ],
    ["Was MSFT better than IBM in 2004?", better("MSFT", "IBM", "2004")],
    ["Compare how Amazon and Google did in 2006", better("AMZN", "GOOG", "2006")],
    [
      "If I had put 1000 into the S&P 500 at the end of 2008, what would it be worth at the end of 2019?",
      grown(spx, 1000, "2008-12-31", "2019-12-31"),
    ],
    [
      "What would 5,000 invested in Apple at the end of 2003 have grown to by the end of 2007?",
      grown(of("AAPL"), 5000, "2003-12-31", "2007-12-31"),
    ],
    [
      "How much would 2000 invested in IBM at the end of 2001 be worth at the end of 2009?",
      grown(of("IBM"), 2000, "2001-12-31", "2009-12-31"),
    ],
    ["What gain makes up for a 20% loss?", percent(0.25)],
    ["How much do I need to gain to get back from a 75% loss?", percent(3)],
  ];
}

/** Questions as people ask them, about the bundled bars; the answers are computed here. */
export function fairQuestions(
  daily: readonly TestBar[],
  monthly: ReadonlyMap<string, readonly TestBar[]>,
): MarketQuestion[] {
  const spx = lookups(daily);
  const stocks = new Map([...monthly].map(([symbol, bars]) => [symbol, lookups(bars)]));
  const of = (symbol: string) => stocks.get(symbol)!;
  return [
    ...returnsAsked(spx, of),
    ...pricesAsked(spx, of),
    ...extremesAsked(spx, of),
    ...movesAsked(spx, of),
    ...risksAsked(spx, of),
    ...levelsAsked(spx),
    ...severalAsked(spx, of),
  ].map(([question, expected]) => ({ question, expected }));
}

/**
 * Questions that the data has no answer to, though most of their words are of questions that it answers: a word that
 * turns what is asked, another asset, currency, method or time, two questions in one, homonyms, symbols that are words.
 */
export const hostileQuestions: readonly string[] = [
  "What was the return of the S&P 500 in every year but 2008?",
  "What was the best day of the S&P 500 in 2008 that was not in October?",
  "Which stocks failed to rise in 2007?",
  "What was the return of the S&P 500 in 2008 leaving out October?",
  "How did the S&P 500 do in 2009 barring March?",
  "Which month of 2008 was neither up nor down for the S&P 500?",
  "What was the highest close of the S&P 500 in 2007 aside from October?",
  "How many days in 2008 did the S&P 500 stay flat?",
  "What was the worst day of the S&P 500 that nobody remembers?",
  "How many days did the S&P 500 fall less than 2% in 2008?",
  "How many days did the S&P 500 rise at most 1% in 2017?",
  "How many days did the S&P 500 move between 1% and 2% in 2015?",
  "How many days did the S&P 500 rise exactly 1% in 2016?",
  "On how many days did the S&P 500 fall more than the day before in 2008?",
  "How many days did the S&P 500 rise twice as much as its average in 2009?",
  "By how much more did AAPL rise than twice MSFT in 2005?",
  "Which of AAPL and MSFT came closest to the S&P 500 in 2005?",
  "Was the gain of AAPL in 2007 more than triple that of IBM?",
  "How much worse than gold was the S&P 500 in 2011?",
  "Did MSFT beat inflation in 2005?",
  "Did the S&P 500 beat the average hedge fund in 2008?",
  "How did AAPL do compared with its sector in 2007?",
  "What was the alpha of AAPL against the S&P 500 in 2007?",
  "What was the tracking error of MSFT in 2005?",
  "What was the information ratio of AAPL against MSFT in 2006?",
  "What was the Treynor ratio of IBM in 2007?",
  "What was the Omega ratio of the S&P 500 in 2019?",
  "What was the Ulcer index of the S&P 500 in 2008?",
  "What was the semivariance of the S&P 500 in 2008?",
  "What was the variance of the S&P 500 in 2008?",
  "What was the variance of AAPL returns in 2008?",
  "What was the volatility of volatility of the S&P 500 in 2008?",
  "What was the implied volatility of the S&P 500 in March 2020?",
  "What was the intraday volatility of the S&P 500 on 16 March 2020?",
  "What was the daily volatility of the S&P 500 in 2008?",
  "What was the weekly volatility of the S&P 500 in 2008?",
  "What was the overnight volatility of the S&P 500 in 2008?",
  "What was the volatility of the volume of the S&P 500 in 2008?",
  "What was the return of the S&P 500 in basis points in 2008?",
  "What was the return of the S&P 500 in gold terms in 2008?",
  "What was the return of the S&P 500 in yen in 2008?",
  "What was the close of the S&P 500 on 16 March 2020 in Swiss francs?",
  "What was the return of AAPL in bitcoin in 2009?",
  "What was the price of AAPL in pounds at the end of 2008?",
  "How many euros would 1000 dollars put into the S&P 500 since 2010 be worth?",
  "What was the S&P 500's close on 16 March 2020 in logarithms?",
  "What was the return of the S&P 500 in 2008 squared?",
  "What was the square root of the S&P 500's close on 16 March 2020?",
  "What was the return of the S&P 500 in 2008 per trading hour?",
  "What was the return of the S&P 500 in 2008 per unit of risk taken by hedge funds?",
  "What was the return of the S&P 500 in 2008 and who was president then?",
  "What was the close of the S&P 500 on 16 March 2020 and the temperature in New York?",
  "What was the S&P 500's return in 2008 if October had been flat?",
  "What would the S&P 500 be worth if it had fallen 10% in 2019?",
  "If AAPL had split in 2006, what would its price have been at the end of 2007?",
  "What was the return of the S&P 500 in 2008 when the Fed cut rates?",
  "What was the return of the S&P 500 on days when AAPL fell in 2008?",
  "What was the return of the S&P 500 on the days after a full moon?",
  "What was the return of the S&P 500 in leap years?",
  "What was the return of the S&P 500 under President Obama?",
  "What was the return of the S&P 500 during recessions since 2000?",
  "What was the return of the S&P 500 between Thanksgiving and Christmas 2015?",
  "What was the return of the S&P 500 around the Lehman bankruptcy?",
  "What was the return of the S&P 500 since the last rate hike?",
  "What was the return of the S&P 500 from Easter to Pentecost 2012?",
  "What was the return of the S&P 500 in the fortnight of 16 March 2020?",
  "What was the return of the S&P 500 in fiscal 2008?",
  "What was the return of the S&P 500 in the 2008 tax year?",
  "What was the return of the S&P 500 in the summer of 2011?",
  "What was the return of the S&P 500 in the run-up to the 2008 election?",
  "What was the return of the S&P 500 three days before 16 March 2020?",
  "What was the close of the S&P 500 a week after 16 March 2020?",
  "What was the close of the S&P 500 at 11:30 on 16 March 2020?",
  "What was the afternoon low of the S&P 500 on 16 March 2020?",
  "What was the opening auction volume of the S&P 500 on 16 March 2020?",
  "What was the return of the S&P 500 futures in 2008?",
  "What was the return of S&P 500 puts in 2008?",
  "What was the price of an AAPL call option at the end of 2008?",
  "What was the return of the equal-weighted S&P 500 in 2008?",
  "What was the return of the S&P 500 value index in 2008?",
  "What was the return of the S&P 500 technology sector in 2008?",
  "What was the return of an inverse S&P 500 fund in 2008?",
  "What was the return of the S&P 500 total return index in 2008?",
  "What was the return of AAPL bonds in 2008?",
  "What was the yield of AAPL bonds in 2008?",
  "What was the price of an apple in 2008?",
  "How much did an apple a day cost in 2008?",
  "What was the price of Apple juice in 2008?",
  "What was the return of Amazon rainforest land in 2008?",
  "What was the price of an Amazon river cruise in 2005?",
  "What was the value of a Google search in 2008?",
  "How volatile is the Microsoft work culture?",
  "How high is the IBM tower in Chicago?",
  "What was the peak load of the IBM mainframe in 2005?",
  "What was the low point of the Amazon river in 2008?",
  "What is the price of a share of pizza in 2008?",
  "What was the close of the shop on 16 March 2020?",
  "What was the return of the king in 2003?",
  "What was the volume of the lake in 2008?",
  "When did the bank close on 16 March 2020?",
  "What was the trading range of baseball cards in 2008?",
  "How did Orange perform in 2008?",
  "What was the return of ALL in 2008?",
  "What was the return of CAT in 2007?",
  "What was the price of GOLD at the end of 2008?",
  "How did F do in 2008?",
  "What was the return of T in 2008?",
  "What was the close of the Nasdaq on 16 March 2020?",
  "What was the return of the Dow in 2008?",
  "What was the return of oil in 2008?",
  "What was the return of the DAX in 2008?",
  "What was the close of the VIX on 16 March 2020?",
  "What was the return of AAPL on 16 March 2009 at noon?",
  "What was the return of AAPL in 1998?",
  "What was the return of GOOG in 2003?",
  "What was the return of MSFT in 2015?",
  "What was the close of the S&P 500 on 16 March 1985?",
  "What was the return of the S&P 500 in 1929?",
  "What was the highest close of the S&P 500 in 1987?",
  "What was the drawdown of the S&P 500 in 1973?",
  "How many up days did the S&P 500 have in 2024?",
  "What was the correlation of AAPL and gold since 2005?",
  "What was the rank correlation of AAPL and MSFT since 2005?",
  "What was the lagged correlation of AAPL and MSFT since 2005?",
  "What was the partial correlation of AAPL and MSFT given IBM since 2005?",
  "What was the correlation of AAPL, MSFT and IBM volumes?",
  "What was the autocorrelation of the S&P 500 in 2008?",
  "What was the upside beta of AAPL to MSFT?",
  "What is the beta of AAPL to MSFT in down months?",
  "Are AAPL and MSFT cointegrated when volatility is high?",
  "What was the third worst month of the S&P 500?",
  "What was the next to last golden cross of the S&P 500?",
  "What was the average golden cross of the S&P 500?",
  "How long did the average golden cross of the S&P 500 last?",
  "What was the average length of a losing streak of the S&P 500?",
  "How long did the average drawdown of the S&P 500 last?",
  "What was the highest volatility of the S&P 500 in 2008?",
  "What was the lowest drawdown month of the S&P 500?",
  "What was the highest Sharpe ratio of the S&P 500 in any year?",
  "What was the maximum 14-day RSI of the S&P 500 in 2008?",
  "How fast did the MACD of the S&P 500 fall in 2008?",
  "What was the slope of the 200-day average of the S&P 500 on 16 March 2020?",
  "What was the distance of the S&P 500 from its Bollinger band on 16 March 2020?",
  "What if I had bought each 2% dip of the S&P 500 with borrowed money?",
  "What if I had bought each 2% dip of the S&P 500 but only on Mondays?",
  "What if I had bought each 2% dip of the S&P 500 and paid 1% fees?",
  "What if I had sold each 2% rise of the S&P 500?",
  "What would 1000 put into the S&P 500 since 2010 have become after inflation?",
  "What would 1000 put into half AAPL and half MSFT since 2005 have become?",
  "What if I had invested 100 every second month in the S&P 500 since 2010?",
  "What if I had missed the 10 best days of the S&P 500 but also the 10 worst since 2010?",
  "Which stocks rose every month of 2009?",
  "Which stocks fell more than 40% and then recovered in 2008?",
  "Which stocks rose more than the S&P 500 in 2007?",
  "Which stocks are cheaper than their book value?",
  "Which stocks had a volatility above that of AAPL in 2008?",
  "Rank AAPL, MSFT and IBM by return per unit of drawdown in 2008",
  "Rank AAPL, MSFT and IBM by number of employees",
  "Compare the drawdowns of AAPL in 2008 and MSFT in 2002",
  "Compare the return of AAPL in 2005 with that of MSFT in 2007",
  "How likely is the S&P 500 to fall 10%?",
  "How soon will the S&P 500 recover?",
  "Is the S&P 500 a good investment at the moment?",
  "Is it wise to hold AAPL?",
  "Which stock is the best buy?",
  "What should the S&P 500 be worth?",
  "What would Warren Buffett pay for AAPL?",
  "Why is AAPL the best company?",
  "Who sold AAPL in 2008?",
  "How many people own AAPL?",
  "How many shares of AAPL are outstanding?",
  "What is the market value of AAPL?",
  "What is the book value of MSFT in 2008?",
  "Where is the S&P 500 headquartered?",
  "When was IBM founded?",
];
