import { Fragment } from "react";
import type { ReactNode } from "react";
import type {
  Block,
  DocumentFigure,
  DocumentTable,
} from "@tapedeck/features/backtest/report/documents/document";
import { Cited } from "../analyses/figures.tsx";
import { DrawingView } from "./drawing.tsx";

/** Ids of evidence by the pointers that figures name. */
type Evidence = Readonly<Record<string, string>>;

function FigureTiles({ figures, evidence }: { figures: readonly DocumentFigure[]; evidence: Evidence }) {
  return (
    <div className="tiles">
      {figures.map(({ label, value, reading, pointer }) => {
        const id = pointer === undefined ? undefined : evidence[pointer];
        return (
          <div key={label} className="tile">
            <span>{label}</span>
            <b>
              {id === undefined ? (
                value
              ) : (
                <Cited id={id} label={label}>
                  {value}
                </Cited>
              )}
            </b>
            <span>{reading}</span>
          </div>
        );
      })}
    </div>
  );
}

export function BlockTable({
  table: { columns, rows },
  className = "",
}: {
  table: DocumentTable;
  className?: string;
}) {
  return (
    <div className={`scroll ${className}`}>
      <table>
        <thead>
          <tr>
            {columns.map(({ label, numeric }, k) => (
              <th key={k} className={numeric ? "num" : undefined}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((text, k) => (
                <td key={k} className={columns[k]!.numeric ? "num" : undefined}>
                  {text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function BlockBody({ block, evidence }: { block: Block; evidence: Evidence }) {
  switch (block.kind) {
    case "figures":
      return (
        <>
          {block.lead === undefined ? null : <p className="dim">{block.lead}</p>}
          <FigureTiles figures={block.figures} evidence={evidence} />
        </>
      );
    case "drawing":
      return (
        <>
          <DrawingView drawing={block.drawing} />
          {block.note === undefined ? null : <p className="dim">{block.note}</p>}
        </>
      );
    case "table":
      return (
        <>
          <BlockTable table={block.table} />
          {block.note === undefined ? null : <p className="dim">{block.note}</p>}
        </>
      );
    case "notes":
      return (
        <ul>
          {block.lines.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      );
  }
}

const noEvidence: Evidence = {};

/** What is shown in the place of blocks, by their titles. */
export type Instead = Readonly<Record<string, ReactNode>>;

/** The parts of a report as panels; figures open their evidence where there is some. */
export function ReportBlocks({
  blocks,
  evidence = noEvidence,
  instead = {},
}: {
  blocks: readonly (Block | null)[];
  evidence?: Evidence;
  instead?: Instead | undefined;
}) {
  return blocks
    .filter((block) => block !== null)
    .map((block) => (
      <Fragment key={block.title}>
        {instead[block.title] ?? (
          <section className="panel">
            <h2>{block.title}</h2>
            <BlockBody block={block} evidence={evidence} />
          </section>
        )}
      </Fragment>
    ));
}

export function Warnings({ lines }: { lines: readonly string[] }) {
  return lines.map((line) => (
    <div key={line} className="notice">
      {line}
    </div>
  ));
}
