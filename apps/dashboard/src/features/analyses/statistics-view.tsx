import { useMemo } from "react";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { number } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { Cited, FigureTables, significant, Tiles } from "./figures.tsx";
import { useColumns } from "./result.ts";
import type { ResultOfKind } from "./result.ts";

type Statistics = ResultOfKind<"statistics">;

export function StatisticsView({ result, jobId }: { result: Statistics; jobId: string }) {
  const { figures, instrumentId } = result;
  const columns = useColumns(jobId);
  const lines = useMemo((): ChartLine[] => {
    if (columns.data === undefined) return [];
    const { openMs: atMs, of } = columns.data;
    return [
      {
        label: "Volatility a year, GARCH",
        atMs,
        values: of("volatility"),
        color: "--series-2",
        pane: 0,
        unit: "percent",
      },
      { label: "Log return", atMs, values: of("return"), color: "--series-1", pane: 1, unit: "percent" },
    ];
  }, [columns.data]);
  return (
    <>
      <Tiles figures={[figures.volatilityNow, figures.volatilityForecast, figures.adfP, figures.archLmP]} />
      {columns.isPending ? <Loading what="the volatility" /> : null}
      {columns.isError ? <ErrorBox error={columns.error} retry={() => void columns.refetch()} /> : null}
      {columns.isSuccess ? (
        <section className="panel">
          <Legend lines={lines} />
          <Chart lines={lines} label={`Volatility and returns of ${instrumentId}`} />
        </section>
      ) : null}
      <FigureTables figures={figures} />
      <div className="columns">
        <Distributions rows={result.distributions} />
        <Autocorrelations rows={result.autocorrelations} bound={result.autocorrelationBound} />
      </div>
    </>
  );
}

function Distributions({ rows }: { rows: Statistics["distributions"] }) {
  return (
    <section className="panel scroll">
      <h2>Distributions, the best first</h2>
      <table>
        <thead>
          <tr>
            <th>Distribution</th>
            <th className="num">AIC</th>
            <th className="num">Location</th>
            <th className="num">Scale</th>
            <th className="num">Degrees</th>
            <th className="num">Largest gap</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.name}>
              <td>{one.name}</td>
              <td className="num">
                <Cited id={one.evidenceId}>{number(one.aic, 1)}</Cited>
              </td>
              <td className="num">{significant(one.location)}</td>
              <td className="num">{significant(one.scale)}</td>
              <td className="num">{number(one.degreesOfFreedom)}</td>
              <td className="num">{significant(one.distance)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Autocorrelations({ rows, bound }: { rows: Statistics["autocorrelations"]; bound: number }) {
  const shown = (value: number) => (
    <span className={Math.abs(value) > bound ? "bad" : ""}>{number(value, 3)}</span>
  );
  return (
    <section className="panel scroll">
      <h2>Autocorrelations</h2>
      <p className="dim">Beyond ±{number(bound, 3)}: unlikely for independent returns.</p>
      <table>
        <thead>
          <tr>
            <th className="num">Lag</th>
            <th className="num">Returns</th>
            <th className="num">Squares</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.lag}>
              <td className="num">{one.lag}</td>
              <td className="num">{shown(one.returns)}</td>
              <td className="num">{shown(one.squares)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
