import type { BarRange, FillColumns, SimulatedTrade } from "@tapedeck/trading";
import type { BacktestTrade } from "../../contract.ts";
import type { ReportedRun } from "./run.ts";

export interface Stitch {
  /** Bars [from, to) of a run, the first of them at `at`; null: nothing is held there. */
  add(run: ReportedRun | null, bars: BarRange, at: number): void;
  result(): ReportedRun;
}

type Fill = Record<Exclude<keyof FillColumns, "count">, number>;

/**
 * Parts of runs one after the other over bars that close at `closeMs`, each with the wealth that those before have left: quantities and money are
 * scaled to it. A trade that reaches over the border of its part is in no list, though its bars are in the curve; one that is open at
 * the end of its run counts as closed there, without a price.
 */
export function createStitch(closeMs: Float64Array, initialCash: number): Stitch {
  const { length } = closeMs;
  const equity = new Float64Array(length).fill(initialCash);
  const position = new Float64Array(length);
  const fills: Fill[] = [];
  const volumeShares: number[] = [];
  const trades: SimulatedTrade[] = [];
  const rows: BacktestTrade[] = [];
  return {
    add(run, { from, to }, at) {
      const wealth = at === 0 ? initialCash : equity[at - 1]!;
      const before = run === null ? 0 : run.equity[Math.max(0, from - 1)]!;
      if (run === null || before <= 0) return;
      const scale = wealth / before;
      const inside = (bar: number) => bar >= from && bar < to;
      const placed = (bar: number) => bar - from + at;
      for (let bar = from; bar < to; bar++) {
        equity[placed(bar)] = run.equity[bar]! * scale;
        position[placed(bar)] = run.position[bar]! * scale;
      }
      equity.fill(equity[placed(to - 1)]!, placed(to));
      for (let k = 0; k < run.fills.count; k++) {
        const bar = run.fills.bar[k]!;
        if (!inside(bar)) continue;
        fills.push(scaledFill(run.fills, k, scale, placed(bar)));
        volumeShares.push(run.volumeShares[k]! * scale);
      }
      run.trades.forEach((trade, k) => {
        const exitBar = trade.exitBar < 0 ? run.equity.length - 1 : trade.exitBar;
        if (!inside(trade.entryBar) || !inside(exitBar)) return;
        const bars = { entryBar: placed(trade.entryBar), exitBar: placed(exitBar) };
        trades.push({ ...scaledTrade(trade, scale), ...bars });
        const row = scaledTrade(run.rows[k]!, scale);
        rows.push({ ...row, number: rows.length + 1, exitMs: row.exitMs ?? closeMs[bars.exitBar]! });
      });
    },
    result: () => ({
      equity,
      position,
      fills: fillColumns(fills),
      volumeShares: Float64Array.from(volumeShares),
      trades,
      rows,
    }),
  };
}

function scaledFill(fills: FillColumns, k: number, scale: number, bar: number): Fill {
  return {
    bar,
    quantity: fills.quantity[k]! * scale,
    price: fills.price[k]!,
    fee: fills.fee[k]! * scale,
    slippage: fills.slippage[k]! * scale,
    cash: fills.cash[k]! * scale,
    reason: fills.reason[k]!,
  };
}

function scaledTrade<T extends Pick<SimulatedTrade, "quantity" | "fees" | "profit">>(
  trade: T,
  scale: number,
): T {
  const { quantity, fees, profit } = trade;
  return { ...trade, quantity: quantity * scale, fees: fees * scale, profit: profit * scale };
}

function fillColumns(fills: readonly Fill[]): FillColumns {
  const column = (name: keyof Fill) => Float64Array.from(fills, (fill) => fill[name]);
  return {
    count: fills.length,
    bar: Int32Array.from(column("bar")),
    quantity: column("quantity"),
    price: column("price"),
    fee: column("fee"),
    slippage: column("slippage"),
    cash: column("cash"),
    reason: Uint8Array.from(column("reason")),
  };
}
