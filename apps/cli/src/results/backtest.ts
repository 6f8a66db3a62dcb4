import type { ResultOut } from "@tapedeck/client";
import type { backtest } from "@tapedeck/features/backtest/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { amount, counted, days, percent, ratio } from "./format.ts";

type Result = ResultOut<typeof backtest>;

/** Headline statistics beside buy and hold, then what to be careful about. */
export function showBacktest(result: Result, out: Output): void {
  const row = (name: string, of: Result["statistics"]): string[] => [
    name,
    amount(of.finalEquity),
    percent(of.totalReturn),
    percent(of.cagr),
    percent(of.volatility),
    ratio(of.sharpe),
    percent(of.maxDrawdown),
  ];
  const { statistics, benchmark, strategy } = result;
  out.print(
    `${strategy.title} on ${result.instrumentId}, ${counted(result.bars, `${result.timeframe} bar`)}, ${days(result.fromMs, result.toMs)}`,
  );
  out.print(
    table(
      ["", `equity ${result.currency}`, "return", "a year", "volatility", "Sharpe", "drawdown"],
      [row("strategy", statistics), row("buy and hold", benchmark)],
    ),
  );
  const closed = statistics.trades - statistics.openTrades;
  const won = statistics.winRate === null ? "" : `, ${percent(statistics.winRate)} of them won`;
  const open = statistics.openTrades === 0 ? "" : `, ${statistics.openTrades} open`;
  out.print(
    `${counted(closed, "closed trade")}${won}${open}, ${percent(statistics.exposure)} of the bars in the market, costs ${amount(statistics.feesPaid + statistics.slippagePaid, 2)} ${result.currency}`,
  );
  if (result.neverTraded !== null) out.print(result.neverTraded);
  for (const warning of result.warnings) out.print(out.style.dim(`  ${warning}`));
}
