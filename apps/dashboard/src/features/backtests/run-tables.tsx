import { useInfiniteQuery } from "@tanstack/react-query";
import type { BacktestTrade } from "@tapedeck/features/backtest/contract";
import { api } from "../../api.ts";
import { date, integer, number, percent, time } from "../../components/format.ts";
import { ErrorBox } from "../../components/state.tsx";

const rowsAtOnce = 200;

export function useTrades(id: string) {
  return useInfiniteQuery({
    queryKey: ["trades", id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listBacktestTrades", {
        params: { id },
        query: { limit: rowsAtOnce, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: Infinity,
  });
}

/** Links to a table of the run in every format. */
function Downloads({ id, table }: { id: string; table: "trades" | "fills" | "equity" }) {
  return (
    <span className="row">
      {(["csv", "json", "parquet"] as const).map((format) => (
        <a
          key={format}
          className="button"
          href={`/api/backtests/${id}/${table}.${format}`}
          download
          aria-label={`${table} as ${format}`}
        >
          {format}
        </a>
      ))}
    </span>
  );
}

export function EquityDownloads({ id }: { id: string }) {
  return (
    <p className="row">
      Equity at every close: <Downloads id={id} table="equity" />
    </p>
  );
}

export function Trades({
  id,
  count,
  rows,
  onMore,
}: {
  id: string;
  count: number;
  rows: readonly BacktestTrade[];
  /** Reads the next page; absent when all are shown. */
  onMore: (() => void) | undefined;
}) {
  return (
    <section className="panel">
      <h2>Trades ({integer(count)})</h2>
      <Downloads id={id} table="trades" />
      {rows.length === 0 ? <p className="state">No trades.</p> : <TradeTable rows={rows} />}
      {onMore === undefined ? null : (
        <button type="button" onClick={onMore}>
          More
        </button>
      )}
    </section>
  );
}

function TradeTable({ rows }: { rows: readonly BacktestTrade[] }) {
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

/** What was filled for the run's orders, read when it is opened. */
export function Fills({ id }: { id: string }) {
  const fills = useInfiniteQuery({
    queryKey: ["fills", id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listBacktestFills", {
        params: { id },
        query: { limit: rowsAtOnce, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: Infinity,
  });
  const rows = fills.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel">
      <h2>Fills</h2>
      <Downloads id={id} table="fills" />
      {fills.isError ? <ErrorBox error={fills.error} /> : null}
      {rows.length === 0 ? null : (
        <div className="scroll tall-list">
          <table>
            <thead>
              <tr>
                <th className="num">#</th>
                <th>At</th>
                <th>Side</th>
                <th className="num">Quantity</th>
                <th className="num">Price</th>
                <th className="num">Fee</th>
                <th className="num">Slippage</th>
                <th className="num">Share of volume</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((fill) => (
                <tr key={fill.number}>
                  <td className="num">{fill.number}</td>
                  <td className="when">{time(fill.atMs)}</td>
                  <td>{fill.side}</td>
                  <td className="num">{number(fill.quantity, 4)}</td>
                  <td className="num">{number(fill.price)}</td>
                  <td className="num">{number(fill.fee)}</td>
                  <td className="num">{number(fill.slippage)}</td>
                  <td className="num">{percent(fill.volumeShare, 4)}</td>
                  <td>{fill.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {fills.hasNextPage ? (
        <button type="button" onClick={() => void fills.fetchNextPage()}>
          More fills
        </button>
      ) : null}
    </section>
  );
}
