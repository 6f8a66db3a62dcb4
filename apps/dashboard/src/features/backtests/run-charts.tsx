import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { BacktestResult, BacktestTrade } from "@tapedeck/features/backtest/contract";
import type { RollingSharpe } from "@tapedeck/features/backtest/report/figures/contract";
import { api } from "../../api.ts";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine, ChartMark } from "../../components/chart.tsx";
import { integer } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";

const shownPoints = 2_000;
const noLines: ChartLine[] = [];

function useEquity(id: string) {
  return useQuery({
    queryKey: ["equity", id],
    queryFn: () => api.call("getBacktestEquity", { params: { id }, query: { points: shownPoints } }),
    staleTime: Infinity,
  });
}

export function EquityChart({ id, benchmark }: { id: string; benchmark: string }) {
  const equity = useEquity(id);
  const points = equity.data?.points;
  const lines = useMemo((): ChartLine[] => {
    if (points === undefined) return [];
    const atMs = points.map((point) => point.atMs);
    return [
      { label: "Strategy", atMs, values: points.map((point) => point.equity), color: "--series-1", pane: 0 },
      {
        label: benchmark,
        atMs,
        values: points.map((point) => point.benchmark),
        color: "--dim",
        pane: 0,
      },
      {
        label: "Drawdown",
        atMs,
        values: points.map((point) => -point.drawdown),
        color: "--bad",
        pane: 1,
        unit: "percent",
      },
    ];
  }, [points, benchmark]);
  return (
    <section className="panel">
      <h2>Equity and drawdown</h2>
      {equity.isError ? <ErrorBox error={equity.error} /> : null}
      {equity.isPending ? <Loading what="the equity curve" /> : null}
      {lines.length === 0 ? null : (
        <>
          <Legend lines={lines} />
          <Chart
            lines={lines}
            label={`Equity of the strategy beside ${benchmark.toLowerCase()}, and its drawdown`}
          />
        </>
      )}
    </section>
  );
}

export function RollingChart({ rolling, benchmark }: { rolling: RollingSharpe; benchmark: string }) {
  const lines = useMemo(
    (): ChartLine[] => [
      { label: "Strategy", atMs: rolling.atMs, values: rolling.strategy, color: "--series-1", pane: 0 },
      { label: benchmark, atMs: rolling.atMs, values: rolling.benchmark, color: "--dim", pane: 0 },
    ],
    [rolling, benchmark],
  );
  return (
    <section className="panel">
      <h2>Sharpe ratio of the last {integer(rolling.windowBars)} bars</h2>
      <Legend lines={lines} />
      <Chart
        className="small"
        lines={lines}
        label={`Rolling Sharpe ratio beside ${benchmark.toLowerCase()}`}
      />
    </section>
  );
}

function marksOf(trade: BacktestTrade): ChartMark[] {
  const open = trade.side === "long" ? "buy" : "sell";
  const text = `#${trade.number}`;
  const entry: ChartMark = { atMs: trade.entryMs, side: open, text };
  return trade.exitMs === null
    ? [entry]
    : [entry, { atMs: trade.exitMs, side: open === "buy" ? "sell" : "buy", text }];
}

export function TradesOnChart({
  result,
  trades,
}: {
  result: BacktestResult;
  trades: readonly BacktestTrade[];
}) {
  const { instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs } = result;
  const chart = useQuery({
    queryKey: ["chart", instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs],
    queryFn: () =>
      api.call("getChart", {
        params: { instrumentId },
        query: {
          timeframe,
          fromMs,
          toMs,
          adjustment: adjustment as "raw" | "split" | "total",
          asOf: asOfMs,
        },
      }),
    staleTime: Infinity,
  });
  const marks = useMemo(() => trades.flatMap(marksOf), [trades]);
  return (
    <section className="panel">
      <h2>Trades on the chart</h2>
      {chart.isError ? <ErrorBox error={chart.error} /> : null}
      {chart.isPending ? <Loading what="bars" /> : null}
      {chart.isSuccess ? (
        <Chart
          bars={chart.data}
          lines={noLines}
          marks={marks}
          label={`Bars with ${trades.length} trades marked`}
        />
      ) : null}
    </section>
  );
}
