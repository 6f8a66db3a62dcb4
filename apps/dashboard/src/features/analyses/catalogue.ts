import type { AnalysisKindName } from "@tapedeck/features/analyze/kinds/contracts";

interface KindOnPages {
  kind: AnalysisKindName;
  title: string;
  /** The question that it answers. */
  question: string;
  /** Members of the payload that are shown at once; the rest is under "More settings". */
  main: readonly string[];
}

/** Kinds of analysis that have a page, in the order of the menu. */
export const kindsOnPages: readonly KindOnPages[] = [
  {
    kind: "pairs",
    title: "Pair",
    question: "Do two instruments hold together, by what hedge ratio, and how far apart are they now?",
    main: ["y", "x", "timeframe", "fromMs", "hedge"],
  },
  {
    kind: "pairSearch",
    title: "Pair search",
    question: "Which pairs of a universe are cointegrated, with false discoveries held down?",
    main: ["instruments", "timeframe", "fromMs", "falseDiscoveryRate"],
  },
  {
    kind: "correlation",
    title: "Correlation",
    question: "Which instruments move together, and how much is one common movement?",
    main: ["instruments", "timeframe", "fromMs", "method"],
  },
  {
    kind: "risk",
    title: "Risk",
    question: "What could be lost, how sure is the performance, and what would a crisis do?",
    main: ["of", "timeframe", "fromMs", "benchmark"],
  },
  {
    kind: "portfolio",
    title: "Portfolio",
    question: "Which weights fit the risk that you want to bear, and where does their risk come from?",
    main: ["assets", "timeframe", "fromMs", "method", "riskTolerance", "target", "maxWeight", "cash"],
  },
  {
    kind: "patterns",
    title: "Patterns",
    question: "Which chart and candlestick patterns are there, and where are support and resistance?",
    main: ["instrumentId", "timeframe", "fromMs", "minFit"],
  },
  {
    kind: "regimes",
    title: "Regimes",
    question: "Is the market calm or turbulent, since when, and how long does that last?",
    main: ["instrumentId", "timeframe", "fromMs", "model"],
  },
  {
    kind: "anomalies",
    title: "Anomalies",
    question: "Which bars are unusual, and what about them is?",
    main: ["instrumentId", "timeframe", "fromMs", "method"],
  },
  {
    kind: "eventStudy",
    title: "Event study",
    question: "Do prices move around such events more than the market explains, and is it chance?",
    main: ["of", "market", "timeframe", "fromMs", "before", "after", "model"],
  },
  {
    kind: "statistics",
    title: "Statistics",
    question: "Does the price return, do returns remember, how does volatility move, how fat are the tails?",
    main: ["instrumentId", "timeframe", "fromMs", "lags"],
  },
  {
    kind: "options",
    title: "Option",
    question: "What is an option worth, what are its Greeks, which volatility does its price imply?",
    main: ["model", "type", "spot", "strike", "years", "rate", "volatility", "price"],
  },
  {
    kind: "bond",
    title: "Bond",
    question: "What is a bond worth, what does it yield, how does it move with the yield?",
    main: ["face", "couponRate", "frequency", "periods", "yieldRate", "price"],
  },
  {
    kind: "attribution",
    title: "Attribution",
    question: "Why does a portfolio's return differ from its benchmark's: weights or choices?",
    main: ["sectors", "periods", "link"],
  },
  {
    kind: "overfitting",
    title: "Overfitting",
    question: "How likely is it that the best of many trials was best by luck?",
    main: ["trials", "blocks"],
  },
  {
    kind: "sizing",
    title: "Sizing",
    question: "How much to trade, where to give up, when is a profit worth taking?",
    main: ["rule"],
  },
  {
    kind: "summary",
    title: "Summary",
    question: "Where does an instrument stand: trend, momentum, volatility, range?",
    main: ["instrumentId", "timeframe", "fromMs"],
  },
];

export function kindOnPages(kind: string | undefined): KindOnPages | undefined {
  return kindsOnPages.find((one) => one.kind === kind);
}
