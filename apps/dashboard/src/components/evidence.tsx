import { useQuery } from "@tanstack/react-query";
import { Fragment, useEffect, useRef } from "react";
import { Link } from "react-router";
import { lastDay, timeframeMs } from "@tapedeck/core";
import type { EvidenceItem } from "@tapedeck/features/evidence/contract";
import { api } from "../api.ts";
import { date, time } from "./format.ts";
import { Json } from "./json.tsx";
import { ErrorBox, Loading } from "./state.tsx";

/** Opens what a number or sentence rests on. */
export function EvidenceDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const evidence = useQuery({
    queryKey: ["evidence", id],
    queryFn: () => api.call("getEvidence", { params: { id } }),
    staleTime: Infinity,
  });
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-label="Evidence">
      {evidence.isPending ? <Loading what="the evidence" /> : null}
      {evidence.isError ? <ErrorBox error={evidence.error} /> : null}
      {evidence.isSuccess ? <EvidenceBody item={evidence.data.item} /> : null}
      {evidence.isSuccess && restsOnBars(evidence.data.item) ? <BarsBehind id={id} /> : null}
      <div className="row">
        {evidence.isSuccess ? (
          <Link to={`/jobs/${evidence.data.jobId}`} className="button">
            The job that recorded it
          </Link>
        ) : null}
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      <p className="dim mono">{id}</p>
    </dialog>
  );
}

const restsOnBars = ({ kind }: EvidenceItem) => kind === "rows" || kind === "computation";

/** The newest bars behind an item, the last of them the one that a computed value is of. */
function BarsBehind({ id }: { id: string }) {
  const rows = useQuery({
    queryKey: ["evidence-rows", id],
    queryFn: () => api.call("getEvidenceRows", { params: { id }, query: { limit: shownBars } }),
    staleTime: Infinity,
  });
  if (!rows.isSuccess) return rows.isError ? <ErrorBox error={rows.error} /> : null;
  return (
    <div className="behind">
      <table className="numbers">
        <caption className="dim">
          Its last bars
          {rows.data.leftOut === 0 ? "" : ` (${rows.data.leftOut.toLocaleString("en-US")} before them)`}
        </caption>
        <thead>
          <tr>
            {["close of", "open", "high", "low", "close", "volume"].map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.data.bars.map((bar) => (
            <tr key={bar.openMs}>
              <td>{date(bar.closeMs - 1)}</td>
              {[bar.open, bar.high, bar.low, bar.close, bar.volume].map((value, i) => (
                <td key={i}>
                  {value === null ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: 8 })}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const recordNames = {
  order: "An order",
  alertTrigger: "An alert that fired",
  event: "An event, as it was read from its documents",
  sentiment: "Sentiment, as it was read from documents",
} as const;
const shownBars = 3;
/** Bars that a chart shows up to the one that a value is of. */
const chartBars = 250;

/** The instrument's chart up to the bar of a value. */
function chartAt(item: Extract<EvidenceItem, { kind: "computation" }>): string {
  const { instrumentId, timeframe, atMs } = item;
  const place =
    atMs === null
      ? {}
      : { fromMs: String(Math.max(0, atMs - chartBars * timeframeMs(timeframe))), toMs: String(atMs) };
  return `/instruments/${encodeURIComponent(instrumentId)}?${new URLSearchParams({ timeframe, ...place }).toString()}`;
}

function EvidenceBody({ item }: { item: EvidenceItem }) {
  switch (item.kind) {
    case "passage":
      return (
        <>
          <h2>
            {item.title} · {item.section}
          </h2>
          <blockquote>{item.text}</blockquote>
          <p>
            <Link
              to={`/documents/${item.documentId}?version=${item.version}&start=${item.start}&end=${item.end}`}
            >
              Open it in the document
            </Link>{" "}
            <span className="dim">
              version {item.version}
              {item.page === null ? "" : `, page ${item.page}`}, characters {item.start} to {item.end}
            </span>
          </p>
        </>
      );
    case "computation":
      return (
        <>
          <h2>Computed</h2>
          <dl className="facts">
            <dt>Formula</dt>
            <dd className="mono">{item.formula}</dd>
            <dt>Value</dt>
            <dd>
              <b>{item.value === null ? "undefined" : String(item.value)}</b> {item.unit}
            </dd>
            <dt>At the close of</dt>
            <dd>{item.atMs === null ? "the whole range" : `${time(item.atMs)} UTC`}</dd>
            <dt>Over</dt>
            <dd>
              <Link to={chartAt(item)}>{item.instrumentId}</Link> {item.timeframe}
              {item.others === undefined
                ? ""
                : ` and ${item.others.map((one) => one.instrumentId).join(", ")}`}
            </dd>
            <dt>{item.others === undefined ? "Dataset" : "Datasets"}</dt>
            <dd className="mono">
              {[item.datasetHash, ...(item.others ?? []).map((one) => one.datasetHash)].join(" ")}
            </dd>
          </dl>
        </>
      );
    case "request":
      return (
        <>
          <h2>Computed from the request alone</h2>
          <dl className="facts">
            <dt>Formula</dt>
            <dd className="mono">{item.formula}</dd>
            <dt>Value</dt>
            <dd>
              <b>{item.value === null ? "undefined" : String(item.value)}</b> {item.unit}
            </dd>
          </dl>
        </>
      );
    case "rows":
      return (
        <>
          <h2>Rows</h2>
          <dl className="facts">
            <dt>Instrument</dt>
            <dd>
              <Link
                to={`/instruments/${encodeURIComponent(item.instrumentId)}?timeframe=${item.timeframe}&fromMs=${item.fromMs}&toMs=${item.toMs}`}
              >
                {item.instrumentId}
              </Link>{" "}
              {item.timeframe}, {item.adjustment}
            </dd>
            <dt>Bars</dt>
            <dd>
              {item.bars.toLocaleString("en-US")}, {date(item.fromMs)} to {lastDay(item.toMs)}
            </dd>
            <dt>Dataset</dt>
            <dd className="mono">{item.datasetHash}</dd>
          </dl>
        </>
      );
    case "job":
      return (
        <>
          <h2>A job's result</h2>
          <dl className="facts">
            <dt>Job</dt>
            <dd>
              <Link to={`/jobs/${item.jobId}`}>
                {item.type} {item.jobId}
              </Link>
            </dd>
            <dt>At</dt>
            <dd className="mono">{item.pointer}</dd>
            <dt>Value</dt>
            <dd>
              <b>{String(item.value)}</b>
            </dd>
          </dl>
        </>
      );
    case "account":
      return (
        <>
          <h2>An account</h2>
          <dl className="facts">
            <dt>Account</dt>
            <dd>
              {item.name}
              {item.simulated ? " (simulated)" : ""}
            </dd>
            <dt>As it stood</dt>
            <dd>{time(item.atMs)} UTC</dd>
            <dt>At</dt>
            <dd className="mono">{item.pointer}</dd>
            <dt>Value</dt>
            <dd>
              <b>{String(item.value)}</b>
            </dd>
          </dl>
        </>
      );
    case "record":
      return (
        <>
          <h2>{recordNames[item.record]}</h2>
          <dl className="facts">
            {Object.entries(item.values).map(([name, value]) => (
              <Fragment key={name}>
                <dt>{name}</dt>
                <dd>
                  {typeof value === "number" && name.endsWith("Ms")
                    ? `${time(value)} UTC`
                    : String(value ?? "–")}
                </dd>
              </Fragment>
            ))}
          </dl>
          {item.record === "alertTrigger" ? <Link to="/alerts">Alerts</Link> : null}
        </>
      );
    default:
      return <Json value={item} />;
  }
}
