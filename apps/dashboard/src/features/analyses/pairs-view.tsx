import { useMemo } from "react";
import { Chart, Legend } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { useColumns } from "./result.ts";
import type { ResultOfKind } from "./result.ts";
import { FigureTables, Tiles } from "./figures.tsx";

export function PairsView({ result, jobId }: { result: ResultOfKind<"pairs">; jobId: string }) {
  const { figures, y, x, entryZ } = result;
  const columns = useColumns(jobId);
  const lines = useMemo((): { spread: ChartLine[]; prices: ChartLine[] } => {
    if (columns.data === undefined) return { spread: [], prices: [] };
    const { openMs: atMs, of } = columns.data;
    const line = (label: string, name: string, color: string, pane = 0): ChartLine => ({
      label,
      atMs,
      values: of(name),
      color,
      pane,
    });
    const level = (label: string, value: number): ChartLine => ({
      label,
      atMs,
      values: atMs.map(() => value),
      color: "--dim",
      pane: 1,
    });
    const first = (name: string) => of(name)[0] ?? 1;
    const rebased = (label: string, name: string, color: string): ChartLine => ({
      ...line(label, name, color),
      values: of(name).map((value) => (value === null ? null : (value / first(name)) * 100)),
    });
    return {
      spread: [
        line("Spread", "spread", "--series-1"),
        line("Rolling mean", "mean", "--dim"),
        line(`+${entryZ} deviations`, "upper", "--down"),
        line(`−${entryZ} deviations`, "lower", "--up"),
        line("z-score", "zScore", "--series-2", 1),
        level(`z = ${entryZ}`, entryZ),
        level(`z = −${entryZ}`, -entryZ),
      ],
      prices: [rebased(y, "y", "--series-1"), rebased(x, "x", "--series-3")],
    };
  }, [columns.data, entryZ, x, y]);
  return (
    <>
      <p className="verdict-line">
        <strong className={result.cointegrated ? "good" : "bad"}>
          {result.cointegrated ? "Cointegrated" : "Not shown to be cointegrated"}
        </strong>{" "}
        <span className="dim">
          at 5 %, {y} explained by {x}
        </span>
      </p>
      <Tiles figures={[figures.zScore, figures.hedgeRatio, figures.halfLife, figures.engleGrangerP]} />
      {columns.isPending ? <Loading what="the spread" /> : null}
      {columns.isError ? <ErrorBox error={columns.error} retry={() => void columns.refetch()} /> : null}
      {columns.isSuccess ? (
        <>
          <section className="panel">
            <h2>Spread and z-score</h2>
            <Legend lines={lines.spread.slice(0, 5)} />
            <Chart lines={lines.spread} label={`Spread of ${y} and ${x} with its bands, and its z-score`} />
          </section>
          <section className="panel">
            <h2>Both, from 100</h2>
            <Legend lines={lines.prices} />
            <Chart lines={lines.prices} label={`Closes of ${y} and ${x}, both from 100`} className="low" />
          </section>
        </>
      ) : null}
      <FigureTables figures={figures} />
    </>
  );
}
