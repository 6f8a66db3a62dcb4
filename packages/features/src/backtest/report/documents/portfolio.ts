import type { PortfolioBacktestResult } from "../../portfolio/contract.ts";
import { amount, closeDay, counted, day, ratio } from "../format.ts";
import { figure, numberColumn, textColumn } from "./document.ts";
import type { Block, ReportDocument } from "./document.ts";
import { runDocument } from "./run.ts";
import type { RunContent } from "./run.ts";

export interface PortfolioContent extends RunContent {
  result: PortfolioBacktestResult;
}

export const heldBenchmark = "Equal weights, held";
const listedDatasets = 20;

export function portfolioTitle(result: PortfolioBacktestResult): string {
  return `${result.title}, ${counted(result.instruments.length, "instrument")}`;
}

export function portfolioSubtitle(result: PortfolioBacktestResult): string {
  return `${counted(result.instants, "close")} of ${result.timeframe}, ${day(result.fromMs)} to ${closeDay(result.toMs)}, ${result.baseCurrency}`;
}

/** A run over several instruments, honest statistics first. */
export function portfolioDocument(content: PortfolioContent): ReportDocument {
  const { result } = content;
  return runDocument(content, {
    title: portfolioTitle(result),
    subtitle: portfolioSubtitle(result),
    benchmark: heldBenchmark,
    tradeCount: result.roundTrips,
    blocks: portfolioBlocks(result),
    sources: result.instruments
      .slice(0, listedDatasets)
      .map(({ instrumentId, datasetHash }) => [`Dataset of ${instrumentId}`, datasetHash] as const),
  });
}

/** What only a run over several instruments has. */
export function portfolioBlocks(result: PortfolioBacktestResult): Block[] {
  const money = (value: number) => amount(value, 2);
  return [
    {
      kind: "table",
      title: "Instruments",
      table: {
        columns: [
          textColumn("Instrument"),
          numberColumn("Round trips"),
          numberColumn("Profit"),
          textColumn("Currency"),
          numberColumn("Position at the end"),
          textColumn("Bars end"),
        ],
        rows: result.instruments.map((one) => [
          one.instrumentId,
          amount(one.roundTrips),
          money(one.profit),
          one.currency,
          ratio(one.position, 4),
          one.endedMs === null ? "" : closeDay(one.endedMs),
        ]),
      },
    },
    {
      kind: "figures",
      title: "Money besides the trades",
      figures: [
        figure("Liquidations", amount(result.liquidations), "below the maintenance margin"),
        figure("Dividends", money(result.dividends), result.baseCurrency),
        figure("Borrow fees", money(result.borrowFees), result.baseCurrency),
        figure("Funding", money(result.funding), result.baseCurrency),
        figure("Interest", money(result.interest), result.baseCurrency),
      ],
    },
  ];
}
