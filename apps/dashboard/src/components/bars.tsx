import { percent } from "./format.ts";
import { Legend, seriesColors } from "./chart.tsx";

/** Horizontal bars of fractions, several beside each other for each row; negative ones go left. */
export function Bars({
  rows,
  names,
  label,
}: {
  rows: readonly { label: string; values: readonly number[] }[];
  /** What each of a row's values is. */
  names: readonly string[];
  label: string;
}) {
  const all = rows.flatMap((row) => row.values);
  const least = Math.min(0, ...all);
  const span = Math.max(0, ...all) - least || 1;
  const place = (value: number) => `${((value - least) / span) * 100}%`;
  return (
    <div className="bars" role="img" aria-label={label}>
      {names.length < 2 ? null : (
        <Legend lines={names.map((name, i) => ({ label: name, color: seriesColors[i]! }))} />
      )}
      {rows.map((row) => (
        <div key={row.label} className="bar-row">
          <span>{row.label}</span>
          <div>
            {row.values.map((value, i) => (
              <div key={names[i]} className="bar-line" title={`${names[i]} ${percent(value)}`}>
                <div
                  style={{
                    left: place(Math.min(0, value)),
                    width: `${(Math.abs(value) / span) * 100}%`,
                    background: `var(${seriesColors[i]!})`,
                  }}
                />
              </div>
            ))}
          </div>
          <span className="num">{percent(row.values[0])}</span>
        </div>
      ))}
    </div>
  );
}
