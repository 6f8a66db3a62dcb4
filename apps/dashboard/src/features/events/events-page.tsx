import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { eventKinds } from "@tapedeck/text/events/kinds";
import { api } from "../../api.ts";
import { InstrumentInput } from "../../components/instrument-input.tsx";
import { MoreButton } from "../../components/more-button.tsx";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { useFilter } from "../../components/use-filter.ts";
import { EventTable } from "./event-table.tsx";

/** Of an instrument's stored events, of a kind where one is chosen. */
function studyOf(instrumentId: string, kind: string): string {
  const of = { kind: "stored", instruments: [instrumentId], ...(kind === "" ? {} : { kinds: [kind] }) };
  return `/analyses/eventStudy?${new URLSearchParams({ of: JSON.stringify(of) }).toString()}`;
}

/** What documents say happened: by instrument, kind and time, as of any day. */
export function EventsPage() {
  const { value, set } = useFilter();
  const [instrumentId, kind, from, asOf] = [
    value("instrumentId"),
    value("kind"),
    value("from"),
    value("asOf"),
  ];
  const important = value("important");
  const events = useInfiniteQuery({
    queryKey: ["events", instrumentId, kind, from, asOf, important],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listEvents", {
        query: {
          limit: 50,
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
          ...(instrumentId === "" ? {} : { instrumentId }),
          ...(kind === "" ? {} : { kind }),
          ...(from === "" ? {} : { from }),
          ...(asOf === "" ? {} : { asOf: `${asOf}T23:59:59.999Z` }),
          ...(important === "" ? {} : { important }),
        },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const items = events.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = [instrumentId, kind, from, asOf, important].some((one) => one !== "");
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
          <select value={kind} onChange={(event) => set("kind", event.target.value)}>
            <option value="">all</option>
            {eventKinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          From <input type="date" value={from} onChange={(event) => set("from", event.target.value)} />
        </label>
        <label>
          As of <input type="date" value={asOf} onChange={(event) => set("asOf", event.target.value)} />
        </label>
        <label>
          <input
            type="checkbox"
            checked={important === "true"}
            onChange={(event) => set("important", event.target.checked ? "true" : "")}
          />{" "}
          may move prices
        </label>
        {instrumentId === "" ? null : (
          <Link to={studyOf(instrumentId, kind)} className="button">
            Event study
          </Link>
        )}
      </div>
      {events.isPending ? <Loading what="events" /> : null}
      {events.isError ? <ErrorBox error={events.error} retry={() => void events.refetch()} /> : null}
      {events.isSuccess && items.length === 0 ? (
        <Empty>
          No events{filtered ? " match" : " yet"}. They are read from news, calls, filings and posts:{" "}
          <Link to="/documents">add documents</Link>.
        </Empty>
      ) : null}
      {items.length === 0 ? null : (
        <section className="panel scroll">
          <EventTable events={items} withInstrument />
          <MoreButton list={events}>Older events</MoreButton>
        </section>
      )}
    </main>
  );
}
