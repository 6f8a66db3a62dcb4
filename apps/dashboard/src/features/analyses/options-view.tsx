import { Legend } from "../../components/chart.tsx";
import { Plot } from "../../components/plot.tsx";
import type { PlotLine } from "../../components/plot.tsx";
import type { ResultOfKind } from "./result.ts";
import { FigureTables, significant } from "./figures.tsx";

export function OptionsView({ result }: { result: ResultOfKind<"options"> }) {
  const { spot, price, intrinsic } = result.curve;
  const lines: PlotLine[] = [
    { label: "Price", x: spot, y: price, color: "--series-1" },
    { label: "At once", x: spot, y: intrinsic, color: "--dim", dashed: true },
  ];
  return (
    <>
      <section className="panel">
        <h2>Price over the {result.model === "black76" ? "forward" : "spot"}</h2>
        <Legend lines={lines} />
        <Plot
          lines={lines}
          xLabel={result.model === "black76" ? "Forward" : "Spot"}
          yLabel="Price"
          show={significant}
          label={`Price of the ${result.type} over the spot, beside its value at once`}
        />
      </section>
      <FigureTables figures={result.figures} />
    </>
  );
}
