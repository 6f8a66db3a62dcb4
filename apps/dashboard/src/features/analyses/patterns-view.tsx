import { useMemo, useState } from "react";
import type { IChartApi } from "lightweight-charts";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine, ChartMark } from "../../components/chart.tsx";
import { date, integer, number, percent } from "../../components/format.ts";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { useBars } from "./result.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, Tiles } from "./figures.tsx";

type Patterns = ResultOfKind<"patterns">;
type Shape = Patterns["chartPatterns"][number];

/** Levels that are drawn on either side of the last close: the nearest. */
const drawnLevels = 2;
/** Bars around a pattern when it is shown: as wide as itself on either side. */
const around = 1;

const titleOf = (name: string) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** The shape through its points, the line that was broken, the line opposite, and how far the move would go. */
function linesOf(shape: Shape): ChartLine[] {
  const straight = (label: string, line: Shape["neckline"], color: string): ChartLine => ({
    label,
    atMs: [line.fromMs, line.toMs],
    values: [line.fromPrice, line.toPrice],
    color,
    pane: 0,
  });
  return [
    {
      label: titleOf(shape.name),
      atMs: shape.points.map((point) => point.atMs),
      values: shape.points.map((point) => point.price),
      color: "--series-1",
      pane: 0,
    },
    straight("Neckline", shape.neckline, "--series-2"),
    ...(shape.base === null ? [] : [straight("Base", shape.base, "--series-3")]),
    {
      label: `Target ${number(shape.target)}`,
      atMs: [shape.startMs, shape.endMs],
      values: [shape.target, shape.target],
      color: shape.direction > 0 ? "--good" : "--bad",
      pane: 0,
    },
  ];
}

export function PatternsView({ result }: { result: Patterns }) {
  const { chartPatterns, candles, levels, figures } = result;
  const [chosen, setChosen] = useState(chartPatterns.length - 1);
  const bars = useBars(result);
  const shape = chartPatterns[chosen];
  const lines = useMemo((): ChartLine[] => {
    const last = bars.data?.openMs.at(-1);
    if (last === undefined) return [];
    const close = figures.close.value!;
    const near = (side: "support" | "resistance") =>
      levels
        .filter((one) => one.side === side)
        .toSorted((a, b) => Math.abs(a.price - close) - Math.abs(b.price - close))
        .slice(0, drawnLevels);
    const horizontal = [...near("resistance"), ...near("support")].map((level): ChartLine => {
      const from = level.touches[0]!.atMs;
      return {
        label: `${level.side === "support" ? "Support" : "Resistance"} ${number(level.price)}`,
        atMs: [from, last],
        values: [level.price, level.price],
        color: level.side === "support" ? "--up" : "--down",
        pane: 0,
      };
    });
    return [...(shape === undefined ? [] : linesOf(shape)), ...horizontal];
  }, [bars.data, figures, levels, shape]);
  const marks = useMemo(
    () =>
      candles.map((one): ChartMark => ({
        atMs: one.openMs,
        side: one.value > 0 ? "buy" : "sell",
        text: "",
      })),
    [candles],
  );
  const ready = useMemo(
    () => (chart: IChartApi) => {
      const openMs = bars.data?.openMs ?? [];
      const from = openMs.findIndex((ms) => ms >= (shape?.startMs ?? 0));
      const to = openMs.findIndex((ms) => ms >= (shape?.endMs ?? 0));
      if (shape === undefined || to <= from) return;
      const room = (to - from) * around;
      chart.timeScale().setVisibleLogicalRange({ from: from - room, to: to + room });
    },
    [bars.data, shape],
  );
  return (
    <>
      <Tiles figures={Object.values(figures)} />
      {bars.isPending ? <Loading what="bars" /> : null}
      {bars.isError ? <ErrorBox error={bars.error} retry={() => void bars.refetch()} /> : null}
      {bars.isSuccess ? (
        <section className="panel">
          <Legend lines={lines} />
          <Chart
            bars={bars.data}
            lines={lines}
            marks={marks}
            onReady={ready}
            label={
              shape === undefined
                ? `Bars of ${result.instrumentId} with levels`
                : `Bars of ${result.instrumentId} with ${titleOf(shape.name)} from ${date(shape.startMs)} and levels`
            }
          />
        </section>
      ) : null}
      <section className="panel scroll">
        <h2>Chart patterns</h2>
        {chartPatterns.length === 0 ? (
          <Empty>None in these bars fits that well; lower the least fit, or widen the range.</Empty>
        ) : (
          <table>
            <thead>
              <tr>
                <th>Pattern</th>
                <th>Way</th>
                <th>From</th>
                <th>Broke</th>
                <th className="num">Target</th>
                <th className="num">Fit</th>
              </tr>
            </thead>
            <tbody>
              {chartPatterns
                .map((one, i) => (
                  <tr key={one.evidenceId} aria-selected={i === chosen}>
                    <td>
                      <button type="button" className="link" onClick={() => setChosen(i)}>
                        {titleOf(one.name)}
                      </button>
                    </td>
                    <td className={one.direction > 0 ? "good" : "bad"}>
                      {one.direction > 0 ? "up" : "down"}
                    </td>
                    <td>{date(one.startMs)}</td>
                    <td>{date(one.endMs)}</td>
                    <td className="num">
                      <Cited id={one.evidenceId}>{number(one.target)}</Cited>
                    </td>
                    <td className="num">{percent(one.fit)}</td>
                  </tr>
                ))
                .toReversed()}
            </tbody>
          </table>
        )}
        {result.chartPatternsLeftOut === 0 ? null : (
          <p className="dim">{integer(result.chartPatternsLeftOut)} older ones are not listed.</p>
        )}
      </section>
      <div className="columns">
        <Levels levels={levels} />
        <Candles candles={candles} />
      </div>
    </>
  );
}

function Levels({ levels }: { levels: Patterns["levels"] }) {
  return (
    <section className="panel scroll">
      <h2>Support and resistance</h2>
      {levels.length === 0 ? (
        <Empty>No level with that many turns.</Empty>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Side</th>
              <th className="num">Price</th>
              <th className="num">Turns</th>
              <th>Last turn</th>
            </tr>
          </thead>
          <tbody>
            {levels.map((level) => (
              <tr key={level.evidenceId}>
                <td className={level.side === "support" ? "good" : "bad"}>{level.side}</td>
                <td className="num">
                  <Cited id={level.evidenceId}>{number(level.price)}</Cited>
                </td>
                <td className="num">{level.touches.length}</td>
                <td className="when">{date(level.touches.at(-1)!.atMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Candles({ candles }: { candles: Patterns["candles"] }) {
  return (
    <section className="panel scroll">
      <h2>Candlestick patterns</h2>
      {candles.length === 0 ? (
        <Empty>None in the newest bars.</Empty>
      ) : (
        <div className="tall-list">
          <table>
            <thead>
              <tr>
                <th>Day</th>
                <th>Pattern</th>
                <th className="num">Value</th>
              </tr>
            </thead>
            <tbody>
              {candles.toReversed().map((one) => (
                <tr key={`${one.name} ${one.openMs}`}>
                  <td className="when">{date(one.openMs)}</td>
                  <td title={one.meaning}>{one.title}</td>
                  <td className={`num ${one.value > 0 ? "good" : "bad"}`}>
                    <Cited id={one.evidenceId}>{one.value}</Cited>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
