import { lastDay } from "@tapedeck/core";
import { Link } from "react-router";
import type { ResultOut } from "@tapedeck/client";
import type { ingest } from "@tapedeck/features/ingest/contract";
import { date, integer } from "../../components/format.ts";

export type ImportOutcome = ResultOut<typeof ingest>;

const shownFindings = 12;

/** What an import stored, what it found of the data's quality, and what it refused. */
export function ImportResult({ result }: { result: ImportOutcome }) {
  const findings = result.quality.flatMap((report) => report.findings);
  return (
    <div className="scroll">
      <p>{integer(result.rowsRead)} rows read.</p>
      <table>
        <thead>
          <tr>
            <th>Instrument</th>
            <th>Kind</th>
            <th>Timeframe</th>
            <th className="num">Rows</th>
            <th className="num">New</th>
            <th className="num">Revised</th>
            <th>From</th>
            <th>To</th>
          </tr>
        </thead>
        <tbody>
          {result.instruments.map((one) => (
            <tr key={`${one.instrumentId} ${one.kind} ${one.timeframe}`}>
              <td>
                <Link to={`/instruments/${one.instrumentId}`}>{one.instrumentId}</Link>{" "}
                <span className="dim">{one.name}</span>
              </td>
              <td>{one.kind}</td>
              <td>{one.timeframe}</td>
              <td className="num">{integer(one.rows)}</td>
              <td className="num">{integer(one.inserted)}</td>
              <td className="num">{integer(one.revised)}</td>
              <td className="when">{one.fromMs === null ? "" : date(one.fromMs)}</td>
              <td className="when">{one.toMs === null ? "" : lastDay(one.toMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {result.quarantined === 0 ? null : (
        <p className="bad">
          {integer(result.quarantined)} rows refused:{" "}
          {Object.entries(result.quarantineReasons)
            .map(([reason, rows]) => `${reason} ${integer(rows)}`)
            .join(", ")}
          .
        </p>
      )}
      {findings.length + result.notes.length === 0 ? null : (
        <ul>
          {result.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
          {findings.slice(0, shownFindings).map(({ kind, message }) => (
            <li key={`${kind} ${message}`}>
              <b>{kind}</b> {message}
            </li>
          ))}
          {findings.length > shownFindings ? (
            <li>and {integer(findings.length - shownFindings)} more findings</li>
          ) : null}
        </ul>
      )}
    </div>
  );
}
