import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "../../api.ts";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";

export function InstrumentsPage() {
  const [text, setText] = useState("");
  const found = useQuery({
    queryKey: ["instruments", text],
    queryFn: () =>
      api.call("listInstruments", { query: { limit: 200, ...(text === "" ? {} : { q: text }) } }),
  });
  return (
    <main className="page">
      <h1>Instruments</h1>
      <div className="row">
        <input
          className="grow"
          type="search"
          aria-label="Search instruments"
          placeholder="Symbol or name"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Link to="/import" className="button">
          Import bars
        </Link>
      </div>
      {found.isPending ? <Loading what="instruments" /> : null}
      {found.isError ? <ErrorBox error={found.error} retry={() => void found.refetch()} /> : null}
      {found.isSuccess && found.data.items.length === 0 ? (
        <Empty>
          {text === "" ? "No instrument yet. " : "None matches. "}
          <Link to="/import">Import bars from a file</Link>.
        </Empty>
      ) : null}
      {found.isSuccess && found.data.items.length > 0 ? (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Instrument</th>
                <th>Name</th>
                <th>Class</th>
                <th>Currency</th>
                <th>Calendar</th>
              </tr>
            </thead>
            <tbody>
              {found.data.items.map((one) => (
                <tr key={one.instrumentId}>
                  <td>
                    <Link to={`/instruments/${encodeURIComponent(one.instrumentId)}`}>
                      {one.instrumentId}
                    </Link>
                  </td>
                  <td>{one.name}</td>
                  <td>{one.assetClass}</td>
                  <td>{one.currency}</td>
                  <td>{one.calendar}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </main>
  );
}
