import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import type { ResponseOut } from "@tapedeck/client";
import type { ingestRoutes } from "@tapedeck/features/ingest/contract";
import type { Upload } from "@tapedeck/features/uploads/contract";
import { api } from "../../api.ts";
import { time } from "../../components/format.ts";
import { ErrorBox } from "../../components/state.tsx";

/** Choose a file, see how it would be read, import it. */
export function ImportPage() {
  const go = useNavigate();
  const [symbol, setSymbol] = useState("");
  const [venue, setVenue] = useState("");
  const [name, setName] = useState("");
  const [currency, setCurrency] = useState("");
  const [timeZone, setTimeZone] = useState("");
  const [upload, setUpload] = useState<Upload>();
  const instrument = () => ({
    ...(symbol.trim() === "" ? {} : { symbol: symbol.trim().toUpperCase() }),
    ...(venue.trim() === "" ? {} : { venue: venue.trim().toUpperCase() }),
    ...(name.trim() === "" ? {} : { name: name.trim() }),
    ...(currency.trim() === "" ? {} : { currency: currency.trim().toUpperCase() }),
  });
  const options = () => ({
    instrument: instrument(),
    ...(timeZone.trim() === "" ? {} : { mapping: { timeZone: timeZone.trim() } }),
  });
  const preview = useMutation({
    mutationFn: (uploadId: string) =>
      api.call("previewIngest", { body: { source: { kind: "upload", uploadId }, ...options() } }),
  });
  const send = useMutation({
    mutationFn: async (file: File) => {
      const response = await api.fetch(`/api/uploads?filename=${encodeURIComponent(file.name)}`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: file,
      });
      const made = (await response.json()) as Upload;
      setUpload(made);
      await preview.mutateAsync(made.id);
    },
  });
  const start = useMutation({
    mutationFn: (id: string) =>
      api.submit("ingest", { source: { kind: "upload", uploadId: id }, ...options() }),
    onSuccess: (job) => void go(`/jobs/${job.id}`),
  });
  const bundled = useMutation({
    mutationFn: (name: "sp500" | "stocks") => api.submit("ingest", { source: { kind: "bundled", name } }),
    onSuccess: (job) => void go(`/jobs/${job.id}`),
  });
  return (
    <main className="page">
      <h1>Import bars</h1>
      <section className="panel">
        <label className="field">
          <span className="label">CSV or Parquet file</span>
          <span className="hint">
            Columns are found by their headers; what was guessed is shown before anything is written.
          </span>
          <input
            type="file"
            accept=".csv,.txt,.tsv,.gz,.parquet"
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file !== undefined) send.mutate(file);
            }}
          />
        </label>
        <div className="row">
          <label className="field">
            <span className="label">Symbol</span>
            <input
              value={symbol}
              onChange={(event) => setSymbol(event.target.value)}
              placeholder="from the file"
            />
          </label>
          <label className="field">
            <span className="label">Venue</span>
            <input value={venue} onChange={(event) => setVenue(event.target.value)} placeholder="LOCAL" />
          </label>
          <label className="field">
            <span className="label">Name</span>
            <input value={name} onChange={(event) => setName(event.target.value)} placeholder="the symbol" />
          </label>
          <label className="field">
            <span className="label">Currency</span>
            <input
              value={currency}
              onChange={(event) => setCurrency(event.target.value)}
              placeholder="guessed"
            />
          </label>
          <label className="field">
            <span className="label">Time zone of the file</span>
            <input
              value={timeZone}
              onChange={(event) => setTimeZone(event.target.value)}
              placeholder="guessed"
            />
          </label>
        </div>
        {send.isPending ? <p role="status">Sending …</p> : null}
        {send.isError ? <ErrorBox error={send.error} /> : null}
        {preview.isError ? <ErrorBox error={preview.error} /> : null}
        {start.isError ? <ErrorBox error={start.error} /> : null}
        <div className="row">
          <button type="button" disabled={upload === undefined} onClick={() => preview.mutate(upload!.id)}>
            Preview again
          </button>
          <button
            type="button"
            className="primary"
            disabled={upload === undefined || start.isPending}
            onClick={() => start.mutate(upload!.id)}
          >
            Import
          </button>
        </div>
      </section>
      {preview.isSuccess ? <Preview preview={preview.data} /> : null}
      <section className="panel">
        <h2>Bundled sample data</h2>
        <div className="row">
          <button type="button" onClick={() => bundled.mutate("sp500")}>
            S&amp;P 500, daily, 2000 to 2020
          </button>
          <button type="button" onClick={() => bundled.mutate("stocks")}>
            Five stocks, monthly
          </button>
        </div>
        {bundled.isError ? <ErrorBox error={bundled.error} /> : null}
      </section>
    </main>
  );
}

function Preview({ preview }: { preview: ResponseOut<typeof ingestRoutes.previewIngest> }) {
  const { mapping, rows } = preview;
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.values)))];
  return (
    <section className="panel scroll">
      <h2>How it would be read</h2>
      <dl className="facts">
        <dt>Columns</dt>
        <dd>
          {Object.entries(mapping.columns)
            .map(([role, column]) => `${role} = ${column}`)
            .join(", ")}
        </dd>
        <dt>Bars</dt>
        <dd>
          {mapping.timeframe}, stamped at the {mapping.stamp}, {mapping.timeZone}, calendar {mapping.calendar}
        </dd>
        {mapping.guesses.map((guess) => (
          <div key={guess.what} style={{ display: "contents" }}>
            <dt>{guess.what}</dt>
            <dd>
              {guess.value} <span className="dim">({guess.why})</span>
            </dd>
          </div>
        ))}
      </dl>
      <table>
        <thead>
          <tr>
            <th>Line</th>
            <th>Instrument</th>
            <th>Opens</th>
            {names.map((name) => (
              <th key={name} className="num">
                {name}
              </th>
            ))}
            <th />
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.line}>
              <td>{row.line}</td>
              <td>{row.instrumentId}</td>
              <td>{row.openMs === null ? "–" : time(row.openMs)}</td>
              {names.map((name) => (
                <td key={name} className="num">
                  {row.values[name] ?? ""}
                </td>
              ))}
              <td className="bad">{row.rejected}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
