import { Link } from "react-router";
import type { MarketEvent } from "@tapedeck/features/events/contract";
import { date, integer } from "../../components/format.ts";

const classOf = { good: "good", bad: "bad", neutral: "dim" } as const;

/** The place in its document that tells an event. */
export function placeOf({
  documentId,
  version,
  start,
  end,
}: {
  documentId: string;
  version: number;
  start: number;
  end: number;
}): string {
  const place = new URLSearchParams({ version: String(version) });
  if (end > start) {
    place.set("start", String(start));
    place.set("end", String(end));
  }
  return `/documents/${documentId}?${place.toString()}`;
}

/** Events, each linked to the sentence that tells it. */
export function EventTable({
  events,
  withInstrument,
}: {
  events: readonly MarketEvent[];
  withInstrument: boolean;
}) {
  return (
    <table>
      <thead>
        <tr>
          <th>Published</th>
          {withInstrument ? <th>Instrument</th> : null}
          <th>Kind</th>
          <th>For it</th>
          <th>What happened</th>
          <th className="num">Documents</th>
        </tr>
      </thead>
      <tbody>
        {events.map((one) => (
          <tr key={one.id}>
            <td className="when">{date(one.publishedMs)}</td>
            {withInstrument ? (
              <td>
                {one.instrumentId === null ? (
                  "economy"
                ) : (
                  <Link to={`/instruments/${one.instrumentId}`}>{one.instrumentId}</Link>
                )}
              </td>
            ) : null}
            <td>
              {one.kind}
              {one.expected ? <span className="dim"> ahead</span> : null}
            </td>
            <td className={classOf[one.direction]}>{one.direction}</td>
            <td>
              <Link to={placeOf(one)}>{one.text}</Link>
            </td>
            <td className="num">{integer(one.reports)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
