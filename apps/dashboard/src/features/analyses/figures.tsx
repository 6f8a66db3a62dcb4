import { createContext, useContext, useState } from "react";
import type { ReactNode } from "react";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { number, percent } from "../../components/format.ts";

export interface FigureView {
  group: string;
  label: string;
  value: number | null;
  unit: string;
  reading: string;
  evidenceId: string;
}

/** A number of any size: four significant digits below 1, two decimals above. */
export function significant(value: number | null): string {
  if (value === null) return "–";
  const size = Math.abs(value);
  if (size >= 1 || value === 0) return number(value);
  return size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

export function amountOf({ value, unit }: { value: number | null; unit: string }): string {
  if (unit.startsWith("fraction")) return percent(value, 2);
  return Number.isInteger(value) ? number(value, 0) : significant(value);
}

const OpenEvidence = createContext<(id: string) => void>(() => undefined);

/** Gives what is inside a way to open evidence. */
export function WithEvidence({ children }: { children: ReactNode }) {
  const [opened, setOpened] = useState<string>();
  return (
    <OpenEvidence value={setOpened}>
      {children}
      {opened === undefined ? null : (
        <EvidenceDialog key={opened} id={opened} onClose={() => setOpened(undefined)} />
      )}
    </OpenEvidence>
  );
}

/** A number that opens what it rests on. */
export function Cited({ id, label, children }: { id: string; label?: string; children: ReactNode }) {
  const open = useContext(OpenEvidence);
  return (
    <button
      type="button"
      className="cited"
      title="Show the evidence"
      aria-label={label === undefined ? undefined : `Evidence of ${label}`}
      onClick={() => open(id)}
    >
      {children}
    </button>
  );
}

/** The figures that say most, large. */
export function Tiles({ figures }: { figures: readonly FigureView[] }) {
  return (
    <div className="tiles panel">
      {figures.map((one) => (
        <div key={one.label} className="tile">
          <span>{one.label}</span>
          <b>
            <Cited id={one.evidenceId}>{amountOf(one)}</Cited>
          </b>
          <span>{one.reading}</span>
        </div>
      ))}
    </div>
  );
}

/** Figures of one group; each number opens its evidence. */
export function FigureTable({ group, figures }: { group: string; figures: readonly FigureView[] }) {
  return (
    <section className="panel scroll">
      <h2>{group}</h2>
      <table className="figures">
        <tbody>
          {figures.map((one) => (
            <tr key={one.label}>
              <td>
                {one.label}
                <div className="dim reading">{one.reading}</div>
              </td>
              <td className="num">
                <Cited id={one.evidenceId} label={one.label}>
                  {amountOf(one)}
                </Cited>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** All figures, a table for each group. */
export function FigureTables({ figures }: { figures: Record<string, FigureView> }) {
  const all = Object.values(figures);
  const groups = [...new Set(all.map((one) => one.group))];
  return (
    <div className="columns">
      {groups.map((group) => (
        <FigureTable key={group} group={group} figures={all.filter((one) => one.group === group)} />
      ))}
    </div>
  );
}
