import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { api } from "../../api.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { initialValue, prune, SchemaForm } from "../../components/schema-form.tsx";
import type { Schema } from "../../components/schema-form.tsx";
import { useSubmit } from "../../components/use-submit.ts";
import { useJobTypes } from "../../components/use-job-types.ts";

/** A form for any job type, made from its contract's JSON Schema. */
export function NewJobPage({ type }: { type?: string }) {
  const types = useJobTypes();
  if (types.isPending) return <Loading what="job types" />;
  if (types.isError) {
    return (
      <main className="page">
        <ErrorBox error={types.error} retry={() => void types.refetch()} />
      </main>
    );
  }
  const offered = types.data.items.filter(({ internal }) => !internal);
  const chosen = types.data.items.find((one) => one.name === type);
  return (
    <main className="page">
      <h1>New job</h1>
      <div className="row" role="navigation" aria-label="Job types">
        {offered.map((one) => (
          <Link
            key={one.name}
            to={`/new/${one.name}`}
            className="button"
            aria-current={one.name === type ? "page" : undefined}
          >
            {one.name}
          </Link>
        ))}
      </div>
      {chosen === undefined ? (
        <p className="dim">Choose what to run.</p>
      ) : (
        <JobForm
          key={chosen.name}
          path={chosen.path}
          summary={chosen.summary}
          schema={chosen.payload as Schema}
          examples={chosen.examples}
        />
      )}
    </main>
  );
}

function JobForm({
  path,
  summary,
  schema,
  examples,
}: {
  path: string;
  summary: string;
  schema: Schema;
  examples: unknown[];
}) {
  const from = useSearchParams()[0].get("from");
  const earlier = useQuery({
    queryKey: ["job", from],
    queryFn: () => api.call("getJob", { params: { id: from! } }),
    enabled: from !== null,
  });
  if (from !== null && earlier.isPending) return <Loading what="the earlier payload" />;
  const start = earlier.data?.payload ?? examples[0] ?? initialValue(schema, schema);
  return <Editor path={path} summary={summary} schema={schema} examples={examples} start={start} />;
}

function Editor({
  path,
  summary,
  schema,
  examples,
  start,
}: {
  path: string;
  summary: string;
  schema: Schema;
  examples: unknown[];
  start: unknown;
}) {
  const go = useNavigate();
  const [value, setValue] = useState<unknown>(start);
  const [asJson, setAsJson] = useState<string>();
  const { busy, error, submit } = useSubmit((id) => void go(`/jobs/${id}`));
  const malformed = useMemo(() => {
    if (asJson === undefined) return undefined;
    try {
      JSON.parse(asJson);
      return undefined;
    } catch (caught) {
      return (caught as Error).message;
    }
  }, [asJson]);
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(path, asJson === undefined ? prune(value) : JSON.parse(asJson));
      }}
    >
      <p>{summary}</p>
      <div className="row">
        {examples.map((example, i) => (
          <button
            key={i}
            type="button"
            onClick={() =>
              asJson === undefined ? setValue(example) : setAsJson(JSON.stringify(example, null, 2))
            }
          >
            Example {i + 1}
          </button>
        ))}
        <button
          type="button"
          onClick={() => {
            if (asJson === undefined) setAsJson(JSON.stringify(prune(value), null, 2));
            else if (malformed === undefined) {
              setValue(JSON.parse(asJson));
              setAsJson(undefined);
            }
          }}
        >
          {asJson === undefined ? "Edit as JSON" : "Edit as a form"}
        </button>
      </div>
      {asJson === undefined ? (
        <SchemaForm schema={schema} root={schema} value={value} onChange={setValue} name="payload" top />
      ) : (
        <label className="field">
          <span className="label">Payload</span>
          <textarea
            className="mono"
            rows={18}
            spellCheck={false}
            value={asJson}
            onChange={(event) => setAsJson(event.target.value)}
          />
          {malformed === undefined ? null : <span className="bad">{malformed}</span>}
        </label>
      )}
      {error === undefined ? null : <SubmitError error={error} />}
      <button className="primary" disabled={busy || malformed !== undefined}>
        Submit
      </button>
    </form>
  );
}

function SubmitError({ error }: { error: unknown }) {
  const errors =
    (error as { problem?: { errors?: { path: string; message: string }[] } }).problem?.errors ?? [];
  return (
    <>
      <ErrorBox error={error} />
      <ul>
        {errors.map((one) => (
          <li key={one.path}>
            <code>{one.path}</code> {one.message}
          </li>
        ))}
      </ul>
    </>
  );
}
