import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
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
              <Link to={`/instruments/${encodeURIComponent(item.instrumentId)}?timeframe=${item.timeframe}`}>
                {item.instrumentId}
              </Link>{" "}
              {item.timeframe}
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
              {item.bars.toLocaleString("en-US")}, {date(item.fromMs)} to {date(item.toMs)}
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
    default:
      return <Json value={item} />;
  }
}
