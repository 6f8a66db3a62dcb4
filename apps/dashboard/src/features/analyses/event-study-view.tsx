import { useMemo } from "react";
import { Link } from "react-router";
import { date, integer, percent } from "../../components/format.ts";
import { Plot } from "../../components/plot.tsx";
import type { PlotLine } from "../../components/plot.tsx";
import { Cited, FigureTable, significant, Tiles } from "./figures.tsx";
import type { ResultOfKind } from "./result.ts";

type EventStudy = ResultOfKind<"eventStudy">;
type Test = EventStudy["windows"][number]["bmp"];

/** A test as people read it: the statistic, and how likely chance gives as much. */
function shown(test: Test): string {
  return test === null ? "–" : `${test.statistic.toFixed(2)} (p ${significant(test.p)})`;
}

export function EventStudyView({ result }: { result: EventStudy }) {
  const { figures, path, windows, events, leftOut } = result;
  const lines = useMemo((): PlotLine[] => {
    const x = path.map(({ bar }) => bar);
    const edge = (label: string, value: (one: EventStudy["path"][number]) => number | null) => {
      const known = path.filter((one) => value(one) !== null);
      return {
        label,
        x: known.map(({ bar }) => bar),
        y: known.map((one) => value(one)!),
        color: "--dim",
        dashed: true,
      };
    };
    return [
      edge("upper end", ({ high }) => high),
      edge("lower end", ({ low }) => low),
      { label: "cumulated", x, y: path.map(({ cumulated }) => cumulated), color: "--series-1" },
    ];
  }, [path]);
  return (
    <>
      <Tiles figures={[figures.events, figures.cumulated, figures.positive, figures.crossSectional]} />
      <section className="panel">
        <h2>Cumulated abnormal return, mean over the events</h2>
        <Plot
          lines={lines}
          xLabel="bars from day 0"
          yLabel="cumulated abnormal return"
          show={(value) => (Math.abs(value) < 1 && value !== 0 ? percent(value, 1) : String(value))}
          label={`Cumulated abnormal return of ${integer(figures.events.value)} events with its 95 % interval`}
        />
        <p className="dim">Dashed: 95 % interval from the spread between the events.</p>
      </section>
      <section className="panel scroll">
        <h2>Windows</h2>
        <table>
          <thead>
            <tr>
              <th>Bars</th>
              <th className="num">Cumulated</th>
              <th className="num">Above 0</th>
              <th className="num">Cross-sectional t</th>
              <th className="num">Time-series t</th>
              <th className="num">Patell</th>
              <th className="num">Boehmer-Musumeci-Poulsen</th>
            </tr>
          </thead>
          <tbody>
            {windows.map((one) => (
              <tr key={`${one.from} ${one.to}`}>
                <td>
                  {one.from} to {one.to}
                </td>
                <td className="num">
                  <Cited id={one.evidenceId}>{percent(one.mean, 2)}</Cited>
                </td>
                <td className="num">{integer(one.positive)}</td>
                <td className="num">{shown(one.crossSectional)}</td>
                <td className="num">{shown(one.timeSeries)}</td>
                <td className="num">{shown(one.patell)}</td>
                <td className="num">{shown(one.bmp)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <FigureTable
        group="Tests of the whole window"
        figures={[figures.crossSectional, figures.timeSeries, figures.patell, figures.bmp]}
      />
      <section className="panel scroll">
        <h2>Events</h2>
        <table>
          <thead>
            <tr>
              <th>Instrument</th>
              <th>Known</th>
              <th>Day 0</th>
              <th className="num">Beta</th>
              <th className="num">Cumulated</th>
              <th>What happened</th>
            </tr>
          </thead>
          <tbody>
            {events.map((one) => (
              <tr key={`${one.instrumentId} ${one.closeMs}`}>
                <td>
                  <Link to={`/instruments/${one.instrumentId}`}>{one.instrumentId}</Link>
                </td>
                <td className="when">{date(one.atMs)}</td>
                <td className="when">{date(one.closeMs)}</td>
                <td className="num">{significant(one.beta)}</td>
                <td className="num">
                  <Cited id={one.evidenceId}>{percent(one.cumulated, 2)}</Cited>
                </td>
                <td>{one.label}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {leftOut.length === 0 ? null : (
          <details>
            <summary>{integer(figures.leftOut.value)} left out</summary>
            <ul>
              {leftOut.map((one) => (
                <li key={`${one.instrumentId} ${one.atMs} ${one.reason}`}>
                  {one.instrumentId}, {date(one.atMs)}: {one.reason}
                </li>
              ))}
            </ul>
          </details>
        )}
      </section>
    </>
  );
}
