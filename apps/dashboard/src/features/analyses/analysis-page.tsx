import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { api } from "../../api.ts";
import { Progress } from "../../components/progress.tsx";
import { initialValue, prune, resolve, SchemaForm } from "../../components/schema-form.tsx";
import type { Schema } from "../../components/schema-form.tsx";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { latest, useJob } from "../../components/use-job.ts";
import { useSubmit } from "../../components/use-submit.ts";
import { kindOnPages, kindsOnPages } from "./catalogue.ts";
import { AnalysisView } from "./analysis-view.tsx";
import type { AnalyzeResult } from "./result.ts";
import { useJobTypes } from "../../components/use-job-types.ts";

type Payload = Record<string, unknown>;

/** One kind of analysis: its form, and the result of the job that the address names. */
export function AnalysisPage({ kind }: { kind: string }) {
  const page = kindOnPages(kind);
  const [search, setSearch] = useSearchParams();
  const jobId = search.get("job");
  const types = useJobTypes();
  const earlier = useQuery({
    queryKey: ["job", jobId],
    queryFn: () => api.call("getJob", { params: { id: jobId! } }),
    enabled: jobId !== null,
  });
  if (page === undefined) {
    return (
      <main className="page">
        <h1>No such analysis</h1>
        <p>
          <Link to="/analyses">All analyses</Link>
        </p>
      </main>
    );
  }
  const schema = types.data?.items.find((one) => one.name === "analyze")?.payload as Schema | undefined;
  const variant = schema?.oneOf
    ?.map((one) => resolve(one, schema))
    .find((one) => one.properties?.["kind"]?.const === kind);
  const given = Object.fromEntries(
    [...search].filter(([name]) => name !== "job").map(([name, text]) => [name, givenValue(text)]),
  );
  return (
    <main className="page">
      <nav className="row kinds" aria-label="Kinds of analysis">
        {kindsOnPages.map((one) => (
          <Link
            key={one.kind}
            to={`/analyses/${one.kind}`}
            className="button"
            aria-current={one.kind === kind ? "page" : undefined}
          >
            {one.title}
          </Link>
        ))}
      </nav>
      <h1>{page.title}</h1>
      <p className="dim">{page.question}</p>
      {types.isError ? <ErrorBox error={types.error} retry={() => void types.refetch()} /> : null}
      {types.isPending || (jobId !== null && earlier.isPending) ? <Loading what="the form" /> : null}
      {schema === undefined || variant === undefined || (jobId !== null && earlier.isPending) ? null : (
        <AnalysisForm
          kind={kind}
          root={schema}
          schema={variant}
          main={page.main}
          start={(earlier.data?.payload as Payload | undefined) ?? given}
          onSubmitted={(id) => setSearch({ job: id })}
        />
      )}
      {jobId === null ? null : <Outcome key={jobId} id={jobId} />}
    </main>
  );
}

/** A member of the payload in the address: an object as JSON, anything else as its text. */
function givenValue(text: string): unknown {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `zWindow` as people read it: "Z window". */
function wordsOf(name: string): string {
  const known: Record<string, string> = {
    instrumentId: "Instrument",
    fromMs: "From",
    toMs: "To",
    asOf: "As known on",
    of: "Of",
    y: "Explained (y)",
    x: "Hedged with (x)",
  };
  const words = name.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return known[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

function only(schema: Schema, keep: (name: string) => boolean): Schema {
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => keep(name));
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** The first instrument that a payload names. */
function firstInstrument({ instrumentId, y, instruments, assets, of }: Payload): string | undefined {
  const subject = of as
    | {
        instrumentId?: string;
        weights?: { instrumentId?: string }[];
        instruments?: string[];
        events?: { instrumentId?: string }[];
      }
    | undefined;
  const lists = [instruments, assets, subject?.instruments].find((one) => Array.isArray(one)) as
    | string[]
    | undefined;
  const first =
    instrumentId ??
    y ??
    lists?.[0] ??
    subject?.instrumentId ??
    subject?.weights?.[0]?.instrumentId ??
    subject?.events?.[0]?.instrumentId;
  return typeof first === "string" && first !== "" ? first : undefined;
}

/** Bar lengths that are stored of an instrument. */
function useTimeframes(instrumentId: string | undefined): string[] {
  const found = useQuery({
    queryKey: ["instrument", instrumentId],
    queryFn: () => api.call("getInstrument", { params: { id: instrumentId! } }),
    enabled: instrumentId !== undefined,
    retry: false,
  });
  return found.data?.series.filter((one) => one.kind === "bars").map((one) => one.timeframe) ?? [];
}

function AnalysisForm({
  kind,
  root,
  schema,
  main,
  start,
  onSubmitted,
}: {
  kind: string;
  /** The whole payload's schema, which holds the definitions. */
  root: Schema;
  schema: Schema;
  main: readonly string[];
  start: Payload;
  onSubmitted: (jobId: string) => void;
}) {
  const [value, setValue] = useState<Payload>({
    ...(initialValue(schema, root) as Payload),
    ...start,
    kind,
  });
  const { busy, error, submit } = useSubmit(onSubmitted);
  const timeframes = useTimeframes(firstInstrument(value));
  const { timeframe } = value;
  const missing = timeframes.length > 0 && !timeframes.includes((timeframe as string | undefined) ?? "1d");
  useEffect(() => {
    // The default is of no use where the instrument has other bars only.
    if (missing) setValue((current) => ({ ...current, timeframe: timeframes[0] }));
  }, [missing, timeframes]);
  const withTimeframes: Schema =
    timeframes.length === 0
      ? schema
      : {
          ...schema,
          properties: {
            ...schema.properties,
            timeframe: {
              type: "string",
              enum: timeframes,
              default: timeframes.includes("1d") ? "1d" : timeframes[0],
            },
          },
        };
  const form = (part: Schema) => (
    <SchemaForm
      schema={part}
      root={root}
      name={kind}
      wordsOf={wordsOf}
      value={value}
      onChange={(next) => setValue(next as Payload)}
      top
    />
  );
  const isShown = (name: string) => main.includes(name);
  const rest = only(withTimeframes, (name) => !isShown(name) && name !== "kind");
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        void submit("/api/analyses", prune(value));
      }}
    >
      {form({ ...withTimeframes, properties: ordered(withTimeframes, main) })}
      {Object.keys(rest.properties ?? {}).length === 0 ? null : (
        <details>
          <summary>More settings</summary>
          {form(rest)}
        </details>
      )}
      {error === undefined ? null : <ErrorBox error={error} />}
      <button className="primary" disabled={busy}>
        Run
      </button>
    </form>
  );
}

/** The members named, in that order. */
function ordered(schema: Schema, names: readonly string[]): Record<string, Schema> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const member = schema.properties?.[name];
      return member === undefined ? [] : [[name, member]];
    }),
  );
}

/** A job's progress, its refusal, or its result. */
function Outcome({ id }: { id: string }) {
  const { job, events, broken, follow } = useJob(id);
  if (job.isPending) return <Loading what="the analysis" />;
  if (job.isError) return <ErrorBox error={job.error} retry={() => void job.refetch()} />;
  const { state, result, error, progress, endedMs } = job.data;
  if (endedMs === null) {
    return (
      <section className="panel" aria-label="Progress">
        <Progress value={latest(events, "progress") ?? progress} />
        <button type="button" onClick={() => void api.call("cancelJob", { params: { id } })}>
          Cancel
        </button>
        {broken === undefined ? null : <ErrorBox error={broken} retry={follow} />}
      </section>
    );
  }
  if (state === "cancelled") return <div className="notice">The analysis was cancelled.</div>;
  if (error !== null) {
    return (
      <div className="error" role="alert">
        <strong>{error.message}</strong> <code>{error.code}</code>
      </div>
    );
  }
  return (
    <>
      <AnalysisView result={result as AnalyzeResult} jobId={id} />
      <p className="dim">
        <Link to={`/jobs/${id}`}>The job, its lineage and the whole result</Link>
      </p>
    </>
  );
}
