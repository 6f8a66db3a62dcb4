import { ClientError } from "@tapedeck/client";
import type { LiveBar, LiveTimeframe, Tick } from "@tapedeck/features/ticks/contract";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { api } from "../../api.ts";
import { number, percent } from "../../components/format.ts";
import { ErrorBox } from "../../components/state.tsx";
import { live } from "../../live.ts";
import { LiveChart } from "./live-chart.tsx";
import type { ChartBar } from "./live-chart.tsx";
import { OrderBook } from "./order-book.tsx";
import { StreamNote } from "./stream-note.tsx";
import { useWatched } from "./watched.ts";

const unstored = new Set(["symbol.unknown", "data.missing"]);
const historyBars = 1_000;
const tapeLength = 25;
/** Drawn at most this often, however many bars and prints come. */
const drawMs = 200;

/** Stored bars; none where the stream has not stored any yet. */
async function fetchHistory(instrumentId: string, timeframe: LiveTimeframe): Promise<ChartBar[]> {
  const page = await api.call("getBars", {
    params: { id: instrumentId },
    query: { timeframe, adjustment: "raw", last: "true", limit: historyBars } as never,
  });
  return page.openMs.map((openMs, i) => ({
    openMs,
    open: page.open[i]!,
    high: page.high[i]!,
    low: page.low[i]!,
    close: page.close[i]!,
    volume: page.volume[i] ?? null,
  }));
}

/** Stored bars and those in the making as one series: of each time, what the stream said last. */
function useBars(
  instrumentId: string,
  timeframe: LiveTimeframe,
): { bars: readonly ChartBar[]; error: unknown } {
  const [bars, setBars] = useState<readonly ChartBar[]>([]);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const known = new Map<number, ChartBar>();
    let fromStream = new Set<number>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const draw = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setBars([...known.values()].toSorted((a, b) => a.openMs - b.openMs).slice(-historyBars));
      }, drawMs);
    };
    const take = (bar: LiveBar) => {
      known.set(bar.openMs, bar);
      fromStream.add(bar.openMs);
      draw();
    };
    const read = () => {
      fetchHistory(instrumentId, timeframe).then(
        (history) => {
          if (stopped) return;
          for (const bar of history) if (!fromStream.has(bar.openMs)) known.set(bar.openMs, bar);
          draw();
        },
        (thrown: unknown) => {
          // Nothing is stored in the first seconds of an instrument: what the stream tells is all there is.
          if (!(thrown instanceof ClientError && unstored.has(thrown.code))) setError(thrown);
        },
      );
    };
    const off = live.subscribe(
      { channel: "bars", instrumentId, timeframe },
      {
        snapshot(data) {
          fromStream = new Set();
          (data as LiveBar[]).forEach(take);
          read();
        },
        delta: (data) => take(data as LiveBar),
      },
    );
    return () => {
      stopped = true;
      clearTimeout(timer);
      off();
    };
  }, [instrumentId, timeframe]);
  return { bars, error };
}

/** The newest prints, newest first. */
function useTape(instrumentId: string): readonly Tick[] {
  const [tape, setTape] = useState<readonly Tick[]>([]);
  useEffect(() => {
    let ticks: Tick[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (more: readonly Tick[]) => {
      ticks = [...more.toReversed(), ...ticks].slice(0, tapeLength);
      timer ??= setTimeout(() => {
        timer = undefined;
        setTape(ticks);
      }, drawMs);
    };
    const off = live.subscribe(
      { channel: "ticks", instrumentId },
      {
        snapshot(data) {
          ticks = [];
          take(data as Tick[]);
        },
        delta: (data) => take([data as Tick]),
      },
    );
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [instrumentId]);
  return tape;
}

export function LivePage({ instrumentId }: { instrumentId: string }) {
  const [timeframe, setTimeframe] = useState<LiveTimeframe>("1s");
  const { bars, error } = useBars(instrumentId, timeframe);
  const tape = useTape(instrumentId);
  const { price, direction, change, average, quote, refusal } = useWatched(instrumentId);
  return (
    <main className="page">
      <h1>
        {instrumentId}{" "}
        <span className={direction ?? ""} data-testid="price">
          {number(price)}
        </span>
      </h1>
      <StreamNote />
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      {error === undefined ? null : <ErrorBox error={error} />}
      <div className="row">
        <label>
          Bars{" "}
          <select value={timeframe} onChange={(event) => setTimeframe(event.target.value as LiveTimeframe)}>
            {liveTimeframes.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <span>
          1 minute <b className={change === null ? "" : change < 0 ? "down" : "up"}>{percent(change, 3)}</b>
        </span>
        <span>
          5-minute average <b>{number(average, 3)}</b>
        </span>
        {quote === undefined ? null : (
          <span className={quote.crossed ? "bad" : ""}>
            bid <b>{number(quote.bid)}</b> × {number(quote.bidSize, 4)} · ask <b>{number(quote.ask)}</b> ×{" "}
            {number(quote.askSize, 4)}
            {quote.crossed ? " (crossed)" : ""}
          </span>
        )}
        <Link to={`/instruments/${encodeURIComponent(instrumentId)}`}>history and formulas</Link>
      </div>
      <section className="panel">
        <LiveChart
          key={timeframe}
          bars={bars}
          label={`Live chart of ${instrumentId}, ${bars.length} bars of ${timeframe}`}
        />
      </section>
      <div className="columns">
        <section className="panel scroll">
          <h2>Order book</h2>
          <OrderBook instrumentId={instrumentId} />
        </section>
        <section className="panel scroll">
          <h2>Tape</h2>
          <table aria-label="Tape">
            <thead>
              <tr>
                <th>Time</th>
                <th className="num">Price</th>
                <th className="num">Size</th>
                <th>Side</th>
              </tr>
            </thead>
            <tbody>
              {tape.map((tick) => (
                <tr key={tick.seq}>
                  <td className="dim">{new Date(tick.eventMs).toISOString().slice(11, 23)}</td>
                  <td className={`num ${tick.side === "buy" ? "up" : "down"}`}>{number(tick.price)}</td>
                  <td className="num">{number(tick.size, 4)}</td>
                  <td>{tick.side}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </main>
  );
}
