import { number } from "../../components/format.ts";
import type { ResultOfKind } from "./result.ts";
import { Cited, Tiles } from "./figures.tsx";

/** The share of the colour in a cell: its size; the colour says the sign. */
function shade(value: number | null): string {
  if (value === null) return "transparent";
  const color = value >= 0 ? "--up" : "--down";
  return `color-mix(in srgb, var(${color}) ${Math.round(Math.abs(value) * 75)}%, transparent)`;
}

const symbolOf = (instrumentId: string) => instrumentId.slice(0, instrumentId.lastIndexOf("."));

export function CorrelationView({ result }: { result: ResultOfKind<"correlation"> }) {
  const { instruments, matrix, matrixEvidence, order, figures, method, of } = result;
  return (
    <>
      <Tiles figures={Object.values(figures)} />
      <section className="panel">
        <h2>
          {method.charAt(0).toUpperCase() + method.slice(1)} correlation of {of}
        </h2>
        <div className="scroll">
          <table className="heat">
            <thead>
              <tr>
                <th />
                {order.map((j) => (
                  <th key={j} scope="col" title={instruments[j]}>
                    {symbolOf(instruments[j]!)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {order.map((i) => (
                <tr key={i}>
                  <th scope="row" title={instruments[i]}>
                    {symbolOf(instruments[i]!)}
                  </th>
                  {order.map((j) => {
                    const value = matrix[i]![j]!;
                    const evidenceId = matrixEvidence[i]![j];
                    return (
                      <td key={j} style={{ background: shade(value) }}>
                        {typeof evidenceId === "string" ? (
                          <Cited id={evidenceId} label={`${instruments[i]} and ${instruments[j]}`}>
                            {number(value)}
                          </Cited>
                        ) : (
                          "1"
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div className="legend">
          <span>
            <i style={{ background: "var(--down)" }} />
            −1
          </span>
          <span>
            <i style={{ background: "var(--line)" }} />0
          </span>
          <span>
            <i style={{ background: "var(--up)" }} />
            +1
          </span>
          <span>alike instruments stand together</span>
        </div>
      </section>
    </>
  );
}
