import { Link } from "react-router";
import { eventKinds } from "@tapedeck/text/events/kinds";
import { api } from "../../api.ts";
import { InstrumentInput } from "../../components/instrument-input.tsx";
import { Pages, usePages } from "../../components/pages.tsx";
import { useFilter } from "../../components/use-filter.ts";
import { EventTable } from "./event-table.tsx";

/** Of an instrument's stored events, of a kind where one is chosen. */
function studyOf(instrumentId: string, kind: string): string {
  const of = { kind: "stored", instruments: [instrumentId], ...(kind === "" ? {} : { kinds: [kind] }) };
  return `/analyses/eventStudy?${new URLSearchParams({ of: JSON.stringify(of) }).toString()}`;
}

/** What documents say happened: by instrument, kind and time, as of any day. */
export function EventsPage() {
  const { given, value, set, filtered } = useFilter();
  const { asOf, ...rest } = given;
  const events = usePages(["events", given], (page) =>
    api.call("listEvents", {
      query: { ...rest, ...page, ...(asOf === undefined ? {} : { asOf: `${asOf}T23:59:59.999Z` }) } as never,
    }),
  );
  const instrumentId = value("instrumentId");
  return (
    <main className="page">
      <h1>Events</h1>
      <div className="row">
        <InstrumentInput
          label="Instrument"
          value={instrumentId}
          onChange={(text) => set("instrumentId", text)}
        />
        <label>
          Kind{" "}
          <select value={value("kind")} onChange={(event) => set("kind", event.target.value)}>
            <option value="">all</option>
            {eventKinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          From{" "}
          <input type="date" value={value("from")} onChange={(event) => set("from", event.target.value)} />
        </label>
        <label>
          As of{" "}
          <input type="date" value={value("asOf")} onChange={(event) => set("asOf", event.target.value)} />
        </label>
        <label>
          <input
            type="checkbox"
            checked={value("important") === "true"}
            onChange={(event) => set("important", event.target.checked ? "true" : "")}
          />{" "}
          may move prices
        </label>
        {instrumentId === "" ? null : (
          <Link to={studyOf(instrumentId, value("kind"))} className="button">
            Event study
          </Link>
        )}
      </div>
      <Pages
        pages={events}
        what="events"
        empty={
          <>
            No events{filtered ? " match" : " yet"}. They are read from news, calls, filings and posts:{" "}
            <Link to="/documents">add documents</Link>.
          </>
        }
      >
        <EventTable events={events.items} withInstrument />
      </Pages>
    </main>
  );
}
