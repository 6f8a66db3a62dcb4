import { lastDay } from "@tapedeck/core";
import { date, integer } from "../../components/format.ts";
import { AnomaliesView } from "./anomalies-view.tsx";
import { CorrelationView } from "./correlation-view.tsx";
import { EventStudyView } from "./event-study-view.tsx";
import { FigureTables, WithEvidence } from "./figures.tsx";
import { OptionsView } from "./options-view.tsx";
import { PairSearchView } from "./pair-search-view.tsx";
import { PairsView } from "./pairs-view.tsx";
import { PatternsView } from "./patterns-view.tsx";
import { PortfolioView } from "./portfolio-view.tsx";
import { RegimesView } from "./regimes-view.tsx";
import type { AnalyzeResult } from "./result.ts";
import { RiskView } from "./risk-view.tsx";
import { StatisticsView } from "./statistics-view.tsx";

function Body({ result, jobId }: { result: AnalyzeResult; jobId: string }): React.JSX.Element {
  switch (result.kind) {
    case "pairs":
      return <PairsView result={result} jobId={jobId} />;
    case "pairSearch":
      return <PairSearchView result={result} />;
    case "correlation":
      return <CorrelationView result={result} />;
    case "risk":
      return <RiskView result={result} jobId={jobId} />;
    case "portfolio":
      return <PortfolioView result={result} />;
    case "patterns":
      return <PatternsView result={result} />;
    case "regimes":
      return <RegimesView result={result} jobId={jobId} />;
    case "anomalies":
      return <AnomaliesView result={result} />;
    case "eventStudy":
      return <EventStudyView result={result} />;
    case "options":
      return <OptionsView result={result} />;
    case "bond":
    case "attribution":
    case "overfitting":
    case "sizing":
      return <FigureTables figures={result.figures} />;
    case "statistics":
      return <StatisticsView result={result} jobId={jobId} />;
    case "summary":
      return <FigureTables figures={Object.fromEntries(result.summary.map((line) => [line.name, line]))} />;
    case "formulas":
      return (
        <FigureTables
          figures={Object.fromEntries(
            result.series.map(({ formula, last, type, bars, evidenceId }) => [
              formula,
              {
                group: "Formulas",
                label: formula,
                value: last,
                unit: type,
                reading: `at the last bar; ${integer(bars)} bars ${type === "condition" ? "on which it holds" : "with a value"}`,
                evidenceId,
              },
            ]),
          )}
        />
      );
  }
}

/** Any analysis as its kind is shown: figures that open their evidence, charts, tables, what to know. */
export function AnalysisView({ result, jobId }: { result: AnalyzeResult; jobId: string }) {
  return (
    <WithEvidence>
      {"bars" in result ? (
        <p className="dim">
          {integer(result.bars)} bars of {result.timeframe}, {date(result.fromMs)} to {lastDay(result.toMs)},{" "}
          {result.adjustment} prices
          {"datasets" in result && result.datasets.some((one) => one.dropped > 0)
            ? `; left out for want of a partner: ${result.datasets
                .filter((one) => one.dropped > 0)
                .map((one) => `${integer(one.dropped)} of ${one.instrumentId}`)
                .join(", ")}`
            : ""}
          .
        </p>
      ) : null}
      <Body result={result} jobId={jobId} />
      {"notes" in result && result.notes.length > 0 ? (
        <section className="panel">
          <h2>What to know</h2>
          <ul>
            {result.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      ) : null}
    </WithEvidence>
  );
}
