import { lastDay } from "@tapedeck/core";
import { useMemo } from "react";
import { Chart, Legend, seriesColors } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { date, integer, number, percent } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { useColumns } from "./result.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, FigureTable, Tiles } from "./figures.tsx";

/** From calm to turbulent; segments of change points take turns. */
const calmToTurbulent = ["--up", "--series-3", "--down", "--bad"];
const shownSpans = 12;

function colorOf(regime: number, model: string, count: number): string {
  const ofModel = count === 2 ? ["--up", "--down"] : calmToTurbulent;
  const colors = model === "changePoints" ? seriesColors.slice(0, 4) : ofModel;
  return colors[regime % colors.length]!;
}

export function RegimesView({ result, jobId }: { result: ResultOfKind<"regimes">; jobId: string }) {
  const { regimes, spans, figures, model, transition } = result;
  const columns = useColumns(jobId);
  const isSegments = model === "changePoints";
  const nameOf = (regime: number) =>
    isSegments
      ? `Segment ${regime + 1}`
      : regime === 0
        ? "Calm"
        : regime === regimes.length - 1
          ? "Turbulent"
          : `Middle ${regime}`;
  const lines = useMemo((): ChartLine[] => {
    if (columns.data === undefined) return [];
    const { openMs: atMs, of } = columns.data;
    const probability = of(`filtered[${regimes.length - 1}]`);
    return [
      { label: "Close", atMs, values: of("close"), color: "--series-1", pane: 0 },
      ...(probability.length === 0
        ? []
        : [
            {
              label: "Probability of the most turbulent regime, from the bars so far",
              atMs,
              values: probability,
              color: "--series-2",
              pane: 1,
              unit: "percent" as const,
            },
          ]),
    ];
  }, [columns.data, regimes.length]);
  const shades = useMemo(
    () => spans.map((span) => ({ ...span, color: colorOf(span.regime, model, regimes.length) })),
    [spans, model, regimes.length],
  );
  return (
    <>
      <Tiles figures={Object.values(figures).slice(0, 2)} />
      {columns.isPending ? <Loading what="the regimes" /> : null}
      {columns.isError ? <ErrorBox error={columns.error} retry={() => void columns.refetch()} /> : null}
      {columns.isSuccess ? (
        <section className="panel">
          <Legend
            lines={[
              ...lines,
              ...(isSegments
                ? []
                : regimes.map(({ regime }) => ({
                    label: nameOf(regime),
                    color: colorOf(regime, model, regimes.length),
                  }))),
            ]}
          />
          <Chart
            lines={lines}
            shades={shades}
            label={`Closes of ${result.instrumentId} with ${regimes.length} regimes behind them`}
          />
        </section>
      ) : null}
      <section className="panel scroll">
        <h2>{isSegments ? "Segments" : "Regimes"}</h2>
        <table>
          <thead>
            <tr>
              <th>{isSegments ? "Segment" : "Regime"}</th>
              <th className="num">Volatility a year</th>
              <th className="num">Mean return a bar</th>
              <th className="num">Share of bars</th>
              {isSegments ? null : (
                <>
                  <th className="num">Stays, a bar</th>
                  <th className="num">Lasts, bars</th>
                  {transition?.map((_, to) => (
                    <th key={to} className="num">
                      to {nameOf(to).toLowerCase()}
                    </th>
                  ))}
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {regimes.map((one) => (
              <tr key={one.regime}>
                <td>
                  <i
                    className="swatch"
                    style={{ background: `var(${colorOf(one.regime, model, regimes.length)})` }}
                  />
                  {nameOf(one.regime)}
                </td>
                <td className="num">
                  <Cited id={one.evidenceId}>{percent(one.volatilityAnnual)}</Cited>
                </td>
                <td className="num">{percent(one.mean, 3)}</td>
                <td className="num">{percent(one.share)}</td>
                {isSegments ? null : (
                  <>
                    <td className="num">{percent(one.stay, 2)}</td>
                    <td className="num">{number(one.expectedBars, 0)}</td>
                    {transition?.[one.regime]?.map((p, to) => (
                      <td key={to} className="num">
                        {percent(p, 2)}
                      </td>
                    ))}
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div className="columns">
        <section className="panel scroll">
          <h2>Last stretches</h2>
          <table>
            <tbody>
              {spans
                .slice(-shownSpans)
                .map((span) => (
                  <tr key={span.fromMs}>
                    <td>{nameOf(span.regime)}</td>
                    <td className="when">
                      {date(span.fromMs)} to {lastDay(span.toMs)}
                    </td>
                    <td className="num">{integer(span.bars)} bars</td>
                  </tr>
                ))
                .toReversed()}
            </tbody>
          </table>
        </section>
        {isSegments ? null : <FigureTable group="Fit" figures={[figures.logLikelihood, figures.bic]} />}
      </div>
    </>
  );
}
