import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "../../api.ts";
import { InstrumentInput } from "../../components/instrument-input.tsx";
import { ErrorBox, Loading } from "../../components/state.tsx";

/** Passages asked for, of which the documents are shown. */
const passages = 5;

/** What an indicator is: its formula, parameters and source, the documents that explain it, and where to draw it. */
export function IndicatorPage({ name }: { name: string }) {
  const indicator = useQuery({
    queryKey: ["indicator", name],
    queryFn: () => api.call("getIndicator", { params: { name } }),
    staleTime: Infinity,
    retry: false,
  });
  const title = indicator.data?.title;
  const explained = useQuery({
    queryKey: ["knowledge", title],
    enabled: title !== undefined,
    queryFn: () =>
      api.call("searchKnowledge", { query: { q: `What is ${title}?`, kind: "reference", limit: passages } }),
  });
  const [instrumentId, setInstrumentId] = useState("");
  if (indicator.isPending) return <Loading what={name} />;
  if (indicator.isError) {
    return (
      <main className="page">
        <ErrorBox error={indicator.error} retry={() => void indicator.refetch()} />
      </main>
    );
  }
  const { signature, meaning, params, outputs, warmup, source, lookAhead } = indicator.data;
  const formula = outputs.length > 1 ? `${signature}.${outputs[0]}` : signature;
  const documents = new Map(explained.data?.items.map((hit) => [hit.documentId, hit.title]));
  return (
    <main className="page">
      <h1>{title}</h1>
      <section className="panel">
        <p>{meaning}</p>
        <dl className="facts">
          <dt>Formula</dt>
          <dd className="mono">{signature}</dd>
          {outputs.length > 1 ? (
            <>
              <dt>Outputs</dt>
              <dd className="mono">{outputs.map((one) => `.${one}`).join(" ")}</dd>
            </>
          ) : null}
          <dt>First value after</dt>
          <dd>{warmup} bars</dd>
          <dt>Source</dt>
          <dd>{source}</dd>
          {lookAhead ? (
            <>
              <dt>Looks ahead</dt>
              <dd>for charts only: rules, screens, alerts and answers refuse it</dd>
            </>
          ) : null}
          {documents.size === 0 ? null : (
            <>
              <dt>Explained in</dt>
              <dd>
                {[...documents].map(([id, told], at) => (
                  <span key={id}>
                    {at === 0 ? "" : ", "}
                    <Link to={`/documents/${id}`}>{told}</Link>
                  </span>
                ))}
              </dd>
            </>
          )}
        </dl>
        <div className="row">
          <span aria-hidden>Draw it for</span>
          <InstrumentInput label="Draw it for" value={instrumentId} onChange={setInstrumentId} />
          {instrumentId === "" ? null : (
            <Link
              className="button"
              to={`/instruments/${encodeURIComponent(instrumentId)}?${new URLSearchParams({ formula }).toString()}`}
            >
              Draw
            </Link>
          )}
        </div>
      </section>
      {params.length === 0 ? null : (
        <section className="panel scroll">
          <table aria-label="Parameters">
            <thead>
              <tr>
                <th>Parameter</th>
                <th>Meaning</th>
                <th className="num">Default</th>
                <th className="num">From</th>
                <th className="num">To</th>
              </tr>
            </thead>
            <tbody>
              {params.map((param) => (
                <tr key={param.name}>
                  <td className="mono">{param.name}</td>
                  <td>{param.meaning}</td>
                  <td className="num">{param.choices?.[param.default] ?? param.default}</td>
                  <td className="num">{param.choices?.[param.min] ?? param.min}</td>
                  <td className="num">{param.choices?.[param.max] ?? param.max}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </main>
  );
}
