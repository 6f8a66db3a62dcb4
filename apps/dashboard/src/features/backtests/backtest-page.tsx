import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import type { BacktestResult, BacktestTrade, Statistics } from "@tapedeck/features/backtest/contract";
import { api } from "../../api.ts";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine, ChartMark } from "../../components/chart.tsx";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { date, integer, number, percent } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";

const shownPoints = 2_000;
const drawnTrades = 200;

export function BacktestPage({ id }: { id: string }) {
  const run = useQuery({
    queryKey: ["backtest", id],
    queryFn: () => api.call("getBacktest", { params: { id } }),
    staleTime: Infinity,
  });
  const equity = useQuery({
    queryKey: ["equity", id],
    queryFn: () => api.call("getBacktestEquity", { params: { id }, query: { points: shownPoints } }),
    staleTime: Infinity,
  });
  const trades = useInfiniteQuery({
    queryKey: ["trades", id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listBacktestTrades", {
        params: { id },
        query: { limit: drawnTrades, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: Infinity,
  });
  const rows = useMemo(() => trades.data?.pages.flatMap((page) => page.items) ?? [], [trades.data]);
  if (run.isPending) return <Loading what="the backtest" />;
  if (run.isError) {
    return (
      <main className="page">
        <ErrorBox error={run.error} retry={() => void run.refetch()} />
      </main>
    );
  }
  const { result } = run.data;
  return (
    <main className="page">
      <h1>
        {result.strategy.title} <span className="dim">on {result.instrumentId}</span>
      </h1>
      <p className="dim">
        {date(result.fromMs)} to {date(result.toMs)}, {integer(result.bars)} bars of {result.timeframe},{" "}
        {result.adjustment} prices. <Link to={`/jobs/${run.data.jobId}`}>The job</Link>
      </p>
      {result.neverTraded === null ? null : <div className="notice">{result.neverTraded}</div>}
      {result.warnings.map((warning) => (
        <div key={warning} className="notice">
          {warning}
        </div>
      ))}
      <Figures result={result} />
      {equity.isError ? <ErrorBox error={equity.error} /> : null}
      {equity.isSuccess ? <Equity points={equity.data.points} /> : null}
      <Prices result={result} trades={rows} />
      <Comparison result={result} />
      <section className="panel">
        <h2>
          Trades ({integer(result.tradeCount)}){" "}
          <a className="button" href={`/api/backtests/${id}/trades.csv`}>
            CSV
          </a>{" "}
          <a className="button" href={`/api/backtests/${id}/equity.csv`}>
            Equity CSV
          </a>
        </h2>
        <Trades rows={rows} />
        {trades.hasNextPage ? (
          <button type="button" onClick={() => void trades.fetchNextPage()}>
            More
          </button>
        ) : null}
      </section>
      <section className="panel">
        <h2>How fills were made</h2>
        <ul>
          {result.assumptions.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        <h2>Conditions</h2>
        <ul>
          {result.conditions.map((condition) => (
            <li key={condition.name}>
              {condition.name}: <code>{condition.formula}</code>{" "}
              <span className="dim">true at {integer(condition.trueBars)} closes</span>
            </li>
          ))}
        </ul>
        <p className="dim mono">
          dataset {result.datasetHash} · fills {result.fillsHash}
        </p>
      </section>
    </main>
  );
}

function Figures({ result }: { result: BacktestResult }) {
  const [opened, setOpened] = useState<string>();
  const { statistics } = result;
  const tiles: [string, string, string][] = [
    ["Total return", percent(statistics.totalReturn), "/statistics/totalReturn"],
    ["A year (CAGR)", percent(statistics.cagr), "/statistics/cagr"],
    ["Sharpe", number(statistics.sharpe), "/statistics/sharpe"],
    ["Max drawdown", percent(statistics.maxDrawdown), "/statistics/maxDrawdown"],
    ["Win rate", percent(statistics.winRate), "/statistics/winRate"],
    ["Exposure", percent(statistics.exposure), "/statistics/exposure"],
  ];
  return (
    <div className="tiles panel">
      {tiles.map(([label, value, pointer]) => {
        const evidenceId = result.evidence[pointer];
        return (
          <div key={label} className="tile">
            <span>{label}</span>
            <b>{value}</b>
            {evidenceId === undefined ? null : (
              <button type="button" className="link" onClick={() => setOpened(evidenceId)}>
                evidence
              </button>
            )}
          </div>
        );
      })}
      {opened === undefined ? null : (
        <EvidenceDialog key={opened} id={opened} onClose={() => setOpened(undefined)} />
      )}
    </div>
  );
}

function Equity({
  points,
}: {
  points: { atMs: number; equity: number; drawdown: number; benchmark: number }[];
}) {
  const lines = useMemo((): ChartLine[] => {
    const atMs = points.map((point) => point.atMs);
    return [
      { label: "Strategy", atMs, values: points.map((point) => point.equity), color: "--series-1", pane: 0 },
      {
        label: "Buy and hold",
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
  }, [points]);
  return (
    <section className="panel">
      <h2>Equity and drawdown</h2>
      <Legend lines={lines} />
      <Chart lines={lines} label="Equity of the strategy and of buy and hold, and the strategy's drawdown" />
    </section>
  );
}

function Prices({ result, trades }: { result: BacktestResult; trades: BacktestTrade[] }) {
  const chart = useQuery({
    queryKey: ["chart", result.instrumentId, result.timeframe, result.fromMs, result.toMs, result.adjustment],
    queryFn: () =>
      api.call("getChart", {
        params: { instrumentId: result.instrumentId },
        query: {
          timeframe: result.timeframe,
          fromMs: result.fromMs,
          toMs: result.toMs,
          adjustment: result.adjustment as "raw" | "split" | "total",
          asOf: result.asOfMs,
        },
      }),
    staleTime: Infinity,
  });
  const marks = useMemo(
    () =>
      trades.flatMap((trade): ChartMark[] => {
        const open = trade.side === "long" ? "buy" : "sell";
        const entry: ChartMark = { atMs: trade.entryMs, side: open, text: `#${trade.number}` };
        return trade.exitMs === null
          ? [entry]
          : [entry, { atMs: trade.exitMs, side: open === "buy" ? "sell" : "buy", text: `#${trade.number}` }];
      }),
    [trades],
  );
  const none = useMemo(() => [], []);
  return (
    <section className="panel">
      <h2>Trades on the chart</h2>
      {chart.isError ? <ErrorBox error={chart.error} /> : null}
      {chart.isPending ? <Loading what="bars" /> : null}
      {chart.isSuccess ? (
        <Chart
          bars={chart.data}
          lines={none}
          marks={marks}
          label={`Bars with ${trades.length} trades marked`}
        />
      ) : null}
    </section>
  );
}

const comparison: [string, keyof Statistics, (value: never) => string][] = [
  ["Final equity", "finalEquity", integer],
  ["Total return", "totalReturn", percent],
  ["A year (CAGR)", "cagr", percent],
  ["Volatility a year", "volatility", percent],
  ["Sharpe", "sharpe", number],
  ["Sortino", "sortino", number],
  ["Calmar", "calmar", number],
  ["Max drawdown", "maxDrawdown", percent],
  ["Longest drawdown, bars", "longestDrawdownBars", integer],
  ["Exposure", "exposure", percent],
  ["Trades", "trades", integer],
  ["Win rate", "winRate", percent],
  ["Profit factor", "profitFactor", number],
  ["Turnover a year", "turnover", number],
  ["Fees", "feesPaid", number],
  ["Slippage", "slippagePaid", number],
];

function Comparison({ result }: { result: BacktestResult }) {
  return (
    <section className="panel scroll">
      <h2>Against buy and hold</h2>
      <table>
        <thead>
          <tr>
            <th />
            <th className="num">Strategy</th>
            <th className="num">Buy and hold</th>
          </tr>
        </thead>
        <tbody>
          {comparison.map(([label, name, show]) => (
            <tr key={name}>
              <td>{label}</td>
              <td className="num">{show(result.statistics[name] as never)}</td>
              <td className="num">{show(result.benchmark[name] as never)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Trades({ rows }: { rows: BacktestTrade[] }) {
  if (rows.length === 0) return <p className="state">No trades.</p>;
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th className="num">#</th>
            <th>Side</th>
            <th className="num">Quantity</th>
            <th>Entry</th>
            <th className="num">Price</th>
            <th>Exit</th>
            <th className="num">Price</th>
            <th>Why</th>
            <th className="num">Profit</th>
            <th className="num">Return</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((trade) => (
            <tr key={trade.number}>
              <td className="num">{trade.number}</td>
              <td>{trade.side}</td>
              <td className="num">{number(trade.quantity, 4)}</td>
              <td>{date(trade.entryMs)}</td>
              <td className="num">{number(trade.entryPrice)}</td>
              <td>{trade.exitMs === null ? "open" : date(trade.exitMs)}</td>
              <td className="num">{number(trade.exitPrice)}</td>
              <td>{trade.exitReason ?? ""}</td>
              <td className={`num ${trade.profit >= 0 ? "good" : "bad"}`}>{number(trade.profit)}</td>
              <td className="num">{percent(trade.profitReturn)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
