import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { ResultOut } from "@tapedeck/client";
import { documentKinds } from "@tapedeck/text/readers/document";
import { maxDocumentBytes } from "@tapedeck/features/ingest/documents/contract";
import type { documentIngest } from "@tapedeck/features/ingest/documents/contract";
import type { Upload } from "@tapedeck/features/uploads/contract";
import { api } from "../../api.ts";
import { ErrorBox } from "../../components/state.tsx";

type Result = ResultOut<typeof documentIngest>;
type Kind = (typeof documentKinds)[number];

async function send(file: File): Promise<string> {
  const response = await api.fetch(`/api/uploads?filename=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: file,
  });
  return ((await response.json()) as Upload).id;
}

/** Choose files or name a feed; what became of each document is shown. */
export function DocumentImport() {
  const queries = useQueryClient();
  const [files, setFiles] = useState<File[]>([]);
  const [url, setUrl] = useState("");
  const [kind, setKind] = useState("");
  const [company, setCompany] = useState("");
  const start = useMutation({
    mutationFn: async (): Promise<{ id: string; result: Result }> => {
      const sources = [
        ...(await Promise.all(
          files.map(async (file) => ({ kind: "upload" as const, uploadId: await send(file) })),
        )),
        ...(url.trim() === "" ? [] : [{ kind: "url" as const, url: url.trim() }]),
      ];
      const job = await api.submit("documentIngest", {
        sources,
        ...(kind === "" ? {} : { kind: kind as Kind }),
        ...(company.trim() === "" ? {} : { company: company.trim() }),
      });
      const ended = await api.wait(job.id);
      if (ended.result === null) throw new Error(ended.error?.message ?? `the import was ${ended.state}`);
      return { id: ended.id, result: ended.result as Result };
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["documents"] }),
  });
  const tooLarge = files.filter((file) => file.size > maxDocumentBytes);
  const nothing = files.length === 0 && url.trim() === "";
  return (
    <details className="panel">
      <summary>Import documents</summary>
      <label className="field">
        <span className="label">Files</span>
        <span className="hint">
          PDF with text, HTML, text, a submission to the SEC, XBRL company facts, RSS, Atom or JSON feeds,
          mail, economic calendars; 64 MiB each at most.
        </span>
        <input type="file" multiple onChange={(event) => setFiles([...(event.target.files ?? [])])} />
      </label>
      <div className="row">
        <label className="field grow">
          <span className="label">Address of a feed or page</span>
          <input
            type="url"
            value={url}
            placeholder="https://…"
            onChange={(event) => setUrl(event.target.value)}
          />
        </label>
        <label className="field">
          <span className="label">Kind</span>
          <select value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">guessed</option>
            {documentKinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label className="field">
          <span className="label">Company</span>
          <input
            value={company}
            placeholder="as they say"
            onChange={(event) => setCompany(event.target.value)}
          />
        </label>
        <button
          type="button"
          className="primary"
          disabled={nothing || tooLarge.length > 0 || start.isPending}
          onClick={() => start.mutate()}
        >
          Import
        </button>
      </div>
      {tooLarge.length === 0 ? null : (
        <div className="notice" role="alert">
          {tooLarge.map((file) => file.name).join(", ")}: larger than 64 MiB. Split it.
        </div>
      )}
      {start.isPending ? <p role="status">Importing …</p> : null}
      {start.isError ? <ErrorBox error={start.error} /> : null}
      {start.isSuccess ? <Outcome jobId={start.data.id} result={start.data.result} /> : null}
    </details>
  );
}

function Outcome({ jobId, result }: { jobId: string; result: Result }) {
  const counts = Object.entries(result.counts).filter(([, count]) => count > 0);
  return (
    <section aria-label="What became of them">
      <p>
        {counts.map(([status, count]) => `${count} ${status}`).join(", ")}.{" "}
        {result.indexed ? "" : "The index is away: searches find them once it is back. "}
        <Link to={`/jobs/${jobId}`}>The import</Link>
      </p>
      <div className="scroll">
        <table>
          <tbody>
            {result.documents.map((one, at) => (
              <tr key={at}>
                <td>
                  <span className={one.status === "refused" ? "badge failed" : "badge"}>{one.status}</span>
                </td>
                <td>
                  {one.documentId === null ? (
                    one.source
                  ) : (
                    <Link to={`/documents/${one.documentId}`}>{one.title}</Link>
                  )}
                </td>
                <td>{one.message}</td>
                <td className="dim">
                  {one.guesses.map(({ what, value, why }) => `${what}: ${value} (${why})`).join("; ")}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
