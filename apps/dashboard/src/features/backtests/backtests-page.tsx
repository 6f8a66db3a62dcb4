import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api } from "../../api.ts";
import { integer, number, percent, time } from "../../components/format.ts";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";

export function BacktestsPage() {
  const runs = useInfiniteQuery({
    queryKey: ["backtests"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listBacktests", {
        query: { limit: 50, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = runs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <main className="page">
      <h1>Backtests</h1>
      <p>
        <Link to="/new/backtest" className="button">
          New backtest
        </Link>
      </p>
      {runs.isPending ? <Loading what="backtests" /> : null}
      {runs.isError ? <ErrorBox error={runs.error} retry={() => void runs.refetch()} /> : null}
      {runs.isSuccess && items.length === 0 ? (
        <Empty>
          No backtest yet. <Link to="/new/backtest">Run one</Link>.
        </Empty>
      ) : null}
      {items.length === 0 ? null : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Strategy</th>
                <th>Instrument</th>
                <th className="num">Return</th>
                <th className="num">Buy and hold</th>
                <th className="num">Sharpe</th>
                <th className="num">Max drawdown</th>
                <th className="num">Trades</th>
                <th>Ran</th>
              </tr>
            </thead>
            <tbody>
              {items.map((run) => (
                <tr key={run.id}>
                  <td>
                    <Link to={`/backtests/${run.id}`}>{run.title}</Link>
                  </td>
                  <td>
                    {run.instrumentId} {run.timeframe}
                  </td>
                  <td className="num">{percent(run.totalReturn)}</td>
                  <td className="num">{percent(run.benchmarkReturn)}</td>
                  <td className="num">{number(run.sharpe)}</td>
                  <td className="num">{percent(run.maxDrawdown)}</td>
                  <td className="num">{integer(run.trades)}</td>
                  <td>{time(run.createdMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {runs.hasNextPage ? (
            <button type="button" onClick={() => void runs.fetchNextPage()}>
              Older
            </button>
          ) : null}
        </div>
      )}
    </main>
  );
}
