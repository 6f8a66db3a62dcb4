import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { ReactNode } from "react";
import type { BacktestTrade } from "@tapedeck/features/backtest/contract";
import { numberColumn, textColumn } from "@tapedeck/features/backtest/report/documents/document";
import { api } from "../../api.ts";
import { date, integer, number, percent, time } from "../../components/format.ts";
import { ErrorBox } from "../../components/state.tsx";
import { BlockTable } from "./report-blocks.tsx";

const rowsAtOnce = 200;

interface PageInput {
  params: { id: string };
  query: { limit: number; cursor?: string };
}

/** A table of a run, page by page. */
function usePages<Row>(
  table: string,
  id: string,
  load: (input: PageInput) => Promise<{ items: Row[]; nextCursor: string | null }>,
) {
  const pages = useInfiniteQuery({
    queryKey: ["run-table", table, id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      load({
        params: { id },
        query: { limit: rowsAtOnce, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    staleTime: Infinity,
  });
  const rows = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return {
    rows,
    error: pages.error,
    more: pages.hasNextPage ? () => void pages.fetchNextPage() : undefined,
  };
}

export const useTrades = (id: string) =>
  usePages("trades", id, (input) => api.call("listBacktestTrades", input));

/** Links to a table of the run in every format. */
function Downloads({ id, table }: { id: string; table: "trades" | "fills" | "orders" | "equity" }) {
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

function TablePanel({
  title,
  id,
  table,
  error,
  more,
  children,
}: {
  title: string;
  id: string;
  table: "trades" | "fills" | "orders";
  error: unknown;
  /** Reads the next page; absent when all are shown. */
  more: (() => void) | undefined;
  children: ReactNode;
}) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      <Downloads id={id} table={table} />
      {error === null ? null : <ErrorBox error={error} />}
      {children}
      {more === undefined ? null : (
        <button type="button" onClick={more}>
          More {table}
        </button>
      )}
    </section>
  );
}

export function Trades({
  id,
  count,
  trades,
}: {
  id: string;
  count: number;
  trades: ReturnType<typeof useTrades>;
}) {
  const { rows, error, more } = trades;
  return (
    <TablePanel title={`Trades (${integer(count)})`} id={id} table="trades" error={error} more={more}>
      {rows.length === 0 ? <p className="state">No trades.</p> : <TradeTable rows={rows} />}
    </TablePanel>
  );
}

function TradeTable({ rows }: { rows: readonly BacktestTrade[] }) {
  const several = rows.some((trade) => trade.instrumentId !== null);
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th className="num">#</th>
            {several ? <th>Instrument</th> : null}
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
              {several ? <td>{trade.instrumentId}</td> : null}
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

const fillColumns = [
  numberColumn("#"),
  textColumn("At"),
  textColumn("Instrument"),
  textColumn("Side"),
  numberColumn("Quantity"),
  numberColumn("Price"),
  numberColumn("Fee"),
  numberColumn("Slippage"),
  numberColumn("Share of volume"),
  textColumn("Why"),
];

export function Fills({ id }: { id: string }) {
  const { rows, error, more } = usePages("fills", id, (input) => api.call("listBacktestFills", input));
  const texts = rows.map((fill) => [
    String(fill.number),
    time(fill.atMs),
    fill.instrumentId,
    fill.side,
    number(fill.quantity, 4),
    number(fill.price),
    number(fill.fee),
    number(fill.slippage),
    percent(fill.volumeShare, 4),
    fill.reason,
  ]);
  return (
    <TablePanel title="Fills" id={id} table="fills" error={error} more={more}>
      <BlockTable table={{ columns: fillColumns, rows: texts }} className="tall-list" />
    </TablePanel>
  );
}

const orderColumns = [
  numberColumn("#"),
  textColumn("Placed"),
  textColumn("Instrument"),
  textColumn("Side"),
  textColumn("Type"),
  numberColumn("Quantity"),
  numberColumn("Limit"),
  numberColumn("Stop"),
  numberColumn("Filled"),
  textColumn("Status"),
];

/** As they were placed; only the event engine keeps them. */
export function Orders({ id }: { id: string }) {
  const { rows, error, more } = usePages("orders", id, (input) => api.call("listBacktestOrders", input));
  const texts = rows.map((order) => [
    String(order.number),
    time(order.placedMs),
    order.instrumentId,
    order.side,
    order.type,
    number(order.quantity, 4),
    number(order.limitPrice),
    number(order.stopPrice),
    number(order.filled, 4),
    order.status,
  ]);
  return (
    <TablePanel title="Orders" id={id} table="orders" error={error} more={more}>
      <BlockTable table={{ columns: orderColumns, rows: texts }} className="tall-list" />
    </TablePanel>
  );
}
