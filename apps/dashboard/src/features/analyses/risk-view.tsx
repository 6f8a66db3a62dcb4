import { lastDay } from "@tapedeck/core";
import { useMemo } from "react";
import { Bars } from "../../components/bars.tsx";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { date, integer, number, percent } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { useColumns } from "./result.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, FigureTables, significant, Tiles } from "./figures.tsx";

type Risk = ResultOfKind<"risk">;

const methodNames: Record<Risk["tailRisk"][number]["method"], string> = {
  historical: "Historical",
  normal: "Normal",
  cornishFisher: "Cornish–Fisher",
  studentT: "Student t",
  ewma: "EWMA",
  filteredHistorical: "Filtered historical (GARCH)",
  extremeValue: "Extreme value",
  monteCarlo: "Monte Carlo",
};

export function RiskView({ result, jobId }: { result: Risk; jobId: string }) {
  const { figures } = result;
  return (
    <>
      <Tiles
        figures={[
          figures.cagr,
          figures.volatility,
          figures.sharpe,
          figures.maxDrawdown,
          figures.probabilisticSharpe,
          figures.minimumTrackRecord,
        ]}
      />
      <History of={result.of} jobId={jobId} />
      <TailRisk rows={result.tailRisk} />
      {result.coverage.length === 0 ? null : <Coverage rows={result.coverage} />}
      {result.components.length < 2 ? null : <Components rows={result.components} />}
      <Stress result={result} />
      <FigureTables figures={{ ...figures, ...result.relative }} />
    </>
  );
}

function History({ of, jobId }: { of: string; jobId: string }) {
  const columns = useColumns(jobId);
  const lines = useMemo((): ChartLine[] => {
    if (columns.data === undefined) return [];
    const { openMs: atMs, of: valuesOf } = columns.data;
    return [
      { label: "Growth of 1", atMs, values: valuesOf("wealth"), color: "--series-1", pane: 0 },
      {
        label: "Drawdown",
        atMs,
        values: valuesOf("drawdown").map((value) => (value === null ? null : -value)),
        color: "--bad",
        pane: 1,
        unit: "percent",
      },
    ];
  }, [columns.data]);
  if (columns.isPending) return <Loading what="the history" />;
  if (columns.isError) return <ErrorBox error={columns.error} retry={() => void columns.refetch()} />;
  return (
    <section className="panel">
      <h2>Growth and drawdown of {of}</h2>
      <Legend lines={lines} />
      <Chart lines={lines} label={`Growth of 1 in ${of}, and its drawdown`} />
    </section>
  );
}

function TailRisk({ rows }: { rows: Risk["tailRisk"] }) {
  const levels = [...new Set(rows.map((row) => row.level))];
  const methods = [...new Set(rows.map((row) => row.method))];
  const find = (method: string, level: number) =>
    rows.find((row) => row.method === method && row.level === level);
  return (
    <section className="panel scroll">
      <h2>Value at risk and expected shortfall</h2>
      <table>
        <thead>
          <tr>
            <th>Method</th>
            {levels.flatMap((level) =>
              ["VaR", "ES"].map((measure) => (
                <th key={`${level} ${measure}`} className="num">
                  {measure} {percent(level)}
                </th>
              )),
            )}
          </tr>
        </thead>
        <tbody>
          {methods.map((method) => (
            <tr key={method}>
              <td>{methodNames[method]}</td>
              {levels.map((level) => {
                const row = find(method, level);
                if (row === undefined || row.refusal !== null)
                  return (
                    <td key={level} colSpan={2} className="dim reason">
                      {row?.refusal ?? ""}
                    </td>
                  );
                return [
                  <td key={`${level} VaR`} className="num">
                    <Cited
                      id={row.evidenceId}
                      label={`${methodNames[method]} value at risk, ${percent(level)}`}
                    >
                      {percent(row.valueAtRisk, 2)}
                    </Cited>
                  </td>,
                  <td key={`${level} ES`} className="num">
                    {percent(row.expectedShortfall, 2)}
                  </td>,
                ];
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Coverage({ rows }: { rows: Risk["coverage"] }) {
  return (
    <section className="panel scroll">
      <h2>Did the forecasts hold?</h2>
      <table>
        <thead>
          <tr>
            <th>Method</th>
            <th className="num">Level</th>
            <th className="num">Violations</th>
            <th className="num">Expected</th>
            <th className="num">Kupiec p</th>
            <th className="num">Independence p</th>
            <th className="num">Both p</th>
            <th>Passed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.method} ${row.level}`}>
              <td>{methodNames[row.method]}</td>
              <td className="num">{percent(row.level)}</td>
              <td className="num">
                <Cited id={row.evidenceId}>{integer(row.violations)}</Cited>
              </td>
              <td className="num">{number(row.expected, 1)}</td>
              <td className="num">{significant(row.kupiecP)}</td>
              <td className="num">{significant(row.independenceP)}</td>
              <td className="num">{significant(row.conditionalP)}</td>
              <td className={row.passed ? "good" : "bad"}>{row.passed ? "yes" : "no"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Components({ rows }: { rows: Risk["components"] }) {
  return (
    <section className="panel">
      <h2>Where the risk comes from</h2>
      <Bars
        label="Weight and share of risk of each holding"
        rows={rows.map((row) => ({ label: row.instrumentId, values: [row.weight, row.share] }))}
        names={["Weight", "Share of risk"]}
      />
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>Holding</th>
              <th className="num">Weight</th>
              <th className="num">Component VaR</th>
              <th className="num">Share</th>
              <th className="num">Marginal</th>
              <th className="num">Incremental</th>
              <th className="num">Component ES</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.instrumentId}>
                <td>{row.instrumentId}</td>
                <td className="num">{percent(row.weight)}</td>
                <td className="num">
                  <Cited id={row.evidenceId}>{percent(row.component, 2)}</Cited>
                </td>
                <td className="num">{percent(row.share)}</td>
                <td className="num">{percent(row.marginal, 2)}</td>
                <td className="num">{percent(row.incremental, 2)}</td>
                <td className="num">{percent(row.componentShortfall, 2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Stress({ result }: { result: Risk }) {
  const { stress, shocks, drawdowns } = result;
  return (
    <div className="columns wide">
      {stress.length === 0 ? null : (
        <section className="panel scroll">
          <h2>In a crisis</h2>
          <table>
            <thead>
              <tr>
                <th>Window</th>
                <th className="num">Return</th>
                <th className="num">Drawdown</th>
                <th className="num">Worst bar</th>
              </tr>
            </thead>
            <tbody>
              {stress.map((row) => (
                <tr key={row.name}>
                  <td>
                    {row.name}
                    <div className="dim reading when">
                      {date(row.fromMs)} to {lastDay(row.toMs)}
                    </div>
                  </td>
                  <td className="num">
                    <Cited id={row.evidenceId}>{percent(row.total)}</Cited>
                  </td>
                  <td className="num">{percent(row.maxDrawdown)}</td>
                  <td className="num">{percent(row.worst)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {shocks.length === 0 ? null : (
        <section className="panel scroll">
          <h2>If that happened</h2>
          <table>
            <tbody>
              {shocks.map((row) => (
                <tr key={row.name}>
                  <td>
                    {row.name}
                    <div className="dim reading">
                      {row.returns
                        .map(
                          (one) =>
                            `${one.instrumentId} ${percent(one.return)}${one.implied ? " implied" : ""}`,
                        )
                        .join(", ")}
                    </div>
                  </td>
                  <td className="num">
                    <Cited id={row.evidenceId}>{percent(row.return)}</Cited>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {drawdowns.length === 0 ? null : (
        <section className="panel scroll">
          <h2>Deepest drawdowns</h2>
          <table>
            <thead>
              <tr>
                <th>Peak</th>
                <th>Trough</th>
                <th>Recovered</th>
                <th className="num">Depth</th>
              </tr>
            </thead>
            <tbody>
              {drawdowns.map((row) => (
                <tr key={row.peakMs}>
                  <td className="when">{date(row.peakMs)}</td>
                  <td className="when">{date(row.troughMs)}</td>
                  <td className="when">{row.recoveryMs === null ? "not yet" : date(row.recoveryMs)}</td>
                  <td className="num">
                    <Cited id={row.evidenceId}>{percent(row.depth)}</Cited>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}
