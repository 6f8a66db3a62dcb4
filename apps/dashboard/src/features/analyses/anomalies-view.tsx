import { useMemo } from "react";
import { Chart } from "../../components/chart.tsx";
import type { ChartMark } from "../../components/chart.tsx";
import { date } from "../../components/format.ts";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { useBars } from "./result.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, significant, Tiles } from "./figures.tsx";

const markedAnomalies = 100;
const none: never[] = [];

export function AnomaliesView({ result }: { result: ResultOfKind<"anomalies"> }) {
  const bars = useBars(result);
  const marks = useMemo(
    () =>
      result.anomalies
        .slice(0, markedAnomalies)
        .map((one, i): ChartMark => ({ atMs: one.openMs, side: "note", text: i < 9 ? String(i + 1) : "" })),
    [result.anomalies],
  );
  return (
    <>
      <Tiles figures={Object.values(result.figures)} />
      {bars.isPending ? <Loading what="bars" /> : null}
      {bars.isError ? <ErrorBox error={bars.error} retry={() => void bars.refetch()} /> : null}
      {bars.isSuccess ? (
        <section className="panel">
          <Chart
            bars={bars.data}
            lines={none}
            marks={marks}
            label={`Bars of ${result.instrumentId} with ${marks.length} unusual ones marked`}
          />
        </section>
      ) : null}
      <section className="panel scroll">
        <h2>The most unusual first</h2>
        {result.anomalies.length === 0 ? (
          <Empty>No bar is beyond the threshold.</Empty>
        ) : (
          <table>
            <thead>
              <tr>
                <th className="num">#</th>
                <th>Bar</th>
                <th className="num">Score</th>
                <th>Why</th>
              </tr>
            </thead>
            <tbody>
              {result.anomalies.map((one, i) => (
                <tr key={one.openMs}>
                  <td className="num">{i + 1}</td>
                  <td className="when">{date(one.openMs)}</td>
                  <td className="num">
                    <Cited id={one.evidenceId}>{significant(one.score)}</Cited>
                  </td>
                  <td>{one.reading}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </>
  );
}
