import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { heatMapDrawing } from "@tapedeck/features/backtest/report/documents/research";
import { objectiveNames } from "@tapedeck/features/backtest/sweep/contract";
import { api } from "../../api.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { DrawingView } from "./drawing.tsx";

const refreshMs = 3_000;

const metricTitles: Record<(typeof objectiveNames)[number], string> = {
  sharpe: "Sharpe ratio",
  totalReturn: "Total return",
  returnOverDrawdown: "Return / drawdown",
  maxDrawdown: "Largest drawdown",
};

/** The best of a metric over two parameters that one chooses, of what has been tried so far. */
export function SweepHeat({
  jobId,
  names,
  live,
}: {
  jobId: string;
  /** Of the parameters, two or more. */
  names: readonly string[];
  /** More combinations are still tried. */
  live: boolean;
}) {
  const [x, setX] = useState(names[0]!);
  const [y, setY] = useState(names[1]!);
  const [metric, setMetric] = useState<(typeof objectiveNames)[number]>("sharpe");
  const heat = useQuery({
    queryKey: ["heat-map", jobId, x, y, metric],
    queryFn: () => api.call("getSweepHeatMap", { params: { id: jobId }, query: { x, y, metric } }),
    refetchInterval: live ? refreshMs : false,
    retry: false,
  });
  const choice = (label: string, value: string, onChange: (name: string) => void, other: string) => (
    <label>
      {label}{" "}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {names
          .filter((name) => name !== other)
          .map((name) => (
            <option key={name}>{name}</option>
          ))}
      </select>
    </label>
  );
  return (
    <section className="panel">
      <h2>Heat map</h2>
      <div className="row">
        {choice("Across", x, setX, y)}
        {choice("Down", y, setY, x)}
        <label>
          Shows{" "}
          <select
            value={metric}
            onChange={(event) => setMetric(event.target.value as (typeof objectiveNames)[number])}
          >
            {objectiveNames.map((name) => (
              <option key={name} value={name}>
                {metricTitles[name]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {heat.isError ? <ErrorBox error={heat.error} /> : null}
      {heat.isPending ? <Loading what="the heat map" /> : null}
      {heat.isSuccess ? <DrawingView drawing={heatMapDrawing(heat.data, metricTitles[metric])} /> : null}
    </section>
  );
}
