import { useQuery } from "@tanstack/react-query";
import { Fragment, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";
import type { DocumentView } from "@tapedeck/features/knowledge/contract";
import { api } from "../../api.ts";
import { time } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { FormulaLinks } from "../indicators/formula-links.tsx";
import { blocksOf, matchesOf, overlap, piecesOf, sheetAt, sheetsOf } from "./reading.ts";
import type { Block, Sheet, Span } from "./reading.ts";

const numberIn = (text: string | null) => (text === null || !/^\d+$/.test(text) ? undefined : Number(text));

/** Reads a document: `?version=&start=&end=` opens it at evidence, `?page=` at a page, `?asOf=` in the version of then. */
export function DocumentPage({ id }: { id: string }) {
  const [query] = useSearchParams();
  const version = numberIn(query.get("version"));
  const asOf = query.get("asOf") ?? undefined;
  const document = useQuery({
    queryKey: ["document", id, version, asOf],
    queryFn: () =>
      api.call("getDocument", {
        params: { id },
        query: {
          ...(version === undefined ? {} : { version }),
          ...(version !== undefined || asOf === undefined ? {} : { asOf }),
        },
      }),
    staleTime: 60_000,
  });
  if (document.isPending) return <Loading what="the document" />;
  if (document.isError) {
    return (
      <main className="page">
        <ErrorBox error={document.error} retry={() => void document.refetch()} />
      </main>
    );
  }
  const [start, end] = [numberIn(query.get("start")), numberIn(query.get("end"))];
  const evidence = start === undefined || end === undefined || end <= start ? null : { start, end };
  return (
    <Reader
      key={`${id} ${document.data.version} ${start} ${end}`}
      document={document.data}
      evidence={evidence}
      page={numberIn(query.get("page"))}
    />
  );
}

function Reader(props: { document: DocumentView; evidence: Span | null; page: number | undefined }) {
  const { document, evidence } = props;
  const sheets = useMemo(() => sheetsOf(document), [document]);
  const [at, setAt] = useState(() => {
    if (evidence !== null) return sheetAt(sheets, evidence.start);
    return Math.max(
      0,
      sheets.findIndex(({ page }) => page === (props.page ?? 1)),
    );
  });
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<number>();
  const matches = useMemo(() => matchesOf(document.text, words), [document, words]);
  const sheet = sheets[at]!;
  const goTo = (match: number) => {
    setChosen(match);
    setAt(sheetAt(sheets, matches[match]!.start));
  };
  const next = (step: number) => {
    if (matches.length === 0) return;
    const from = chosen ?? matches.findIndex(({ start }) => start >= sheet.start);
    goTo(chosen === undefined ? Math.max(0, from) : (from + step + matches.length) % matches.length);
  };
  return (
    <main className="page">
      <Head document={document} />
      <div className="row sticky" role="toolbar" aria-label="Reading">
        <button type="button" aria-label="Page before" disabled={at === 0} onClick={() => setAt(at - 1)}>
          ‹
        </button>
        <select aria-label="Page" value={at} onChange={(event) => setAt(Number(event.target.value))}>
          {sheets.map((one, i) => (
            <option key={i} value={i}>
              {nameOf(one)}
            </option>
          ))}
        </select>
        <button
          type="button"
          aria-label="Page after"
          disabled={at === sheets.length - 1}
          onClick={() => setAt(at + 1)}
        >
          ›
        </button>
        <input
          className="grow"
          type="search"
          aria-label="Search in the document"
          placeholder="Search in the document"
          value={words}
          onChange={(event) => {
            setWords(event.target.value);
            setChosen(undefined);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
          }}
        />
        <span role="status" className="dim">
          {words.trim() === ""
            ? ""
            : chosen === undefined
              ? `${matches.length} found`
              : `${chosen + 1} of ${matches.length}`}
        </span>
        <button type="button" disabled={matches.length === 0} onClick={() => next(1)}>
          Next
        </button>
        {evidence === null ? null : (
          <button type="button" onClick={() => setAt(sheetAt(sheets, evidence.start))}>
            To the evidence
          </button>
        )}
      </div>
      <SheetText
        document={document}
        sheet={sheet}
        evidence={evidence}
        matches={matches}
        chosen={chosen === undefined ? null : matches[chosen]!}
      />
    </main>
  );
}

const nameOf = ({ page, part }: Sheet) => `Page ${page}${part === 0 ? "" : `, part ${part}`}`;

function Head({ document }: { document: DocumentView }) {
  const { id, kind, company, filing, publisher, url, licence, language, publishedMs, version, versions } =
    document;
  const [query, setQuery] = useSearchParams();
  const facts: [string, string | null][] = [
    ["Kind", kind],
    ["Company", company],
    [
      "Filing",
      filing === null
        ? null
        : `${filing.form}, fiscal year ${filing.fiscalYear}${filing.fiscalQuarter === undefined ? "" : `, quarter ${filing.fiscalQuarter}`}`,
    ],
    ["Published", publishedMs === 0 ? "always known" : `${time(publishedMs)} UTC`],
    ["Publisher", publisher],
    ["Licence", licence],
    ["Language", language],
    ["Source", document.sources.join("; ")],
  ];
  const web = url !== null && /^https?:/.test(url) ? url : null;
  return (
    <>
      <h1>{document.title}</h1>
      <section className="panel">
        <dl className="facts">
          {facts.map(([name, value]) =>
            value === null || value === "" ? null : (
              <Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </Fragment>
            ),
          )}
          {document.formulas.length === 0 ? null : (
            <>
              <dt>Formulas</dt>
              <dd>
                {document.formulas.map((formula, at) => (
                  <Fragment key={formula}>
                    {at === 0 ? "" : " · "}
                    <FormulaLinks formula={formula} />
                  </Fragment>
                ))}
              </dd>
            </>
          )}
          {web === null ? null : (
            <>
              <dt>Address</dt>
              <dd>
                <a href={web} rel="noreferrer nofollow" target="_blank">
                  {web}
                </a>
              </dd>
            </>
          )}
          {document.duplicateOf === null ? null : (
            <>
              <dt>Tells the same as</dt>
              <dd>
                <Link to={`/documents/${document.duplicateOf}`}>{document.duplicateOf}</Link>, which searches
                find
              </dd>
            </>
          )}
          {document.guesses.map(({ what, value, why }) => (
            <Fragment key={`${what} ${value}`}>
              <dt>Guessed: {what}</dt>
              <dd>
                {value} <span className="dim">({why})</span>
              </dd>
            </Fragment>
          ))}
        </dl>
        <label>
          Version{" "}
          <select
            value={version}
            onChange={(event) => {
              const next = new URLSearchParams({ version: event.target.value });
              const page = query.get("page");
              if (page !== null) next.set("page", page);
              setQuery(next);
            }}
          >
            {versions.map((one) => (
              <option key={one.version} value={one.version}>
                {one.version}
                {one.publishedMs === 0 ? "" : `, from ${time(one.publishedMs)}`}
                {one.supersededMs === null ? "" : ` to ${time(one.supersededMs)}`}
              </option>
            ))}
          </select>
        </label>
        <span className="dim mono"> {id}</span>
      </section>
    </>
  );
}

function SheetText(props: {
  document: DocumentView;
  sheet: Sheet;
  evidence: Span | null;
  matches: readonly Span[];
  chosen: Span | null;
}) {
  const { document, sheet, evidence, matches, chosen } = props;
  const article = useRef<HTMLElement>(null);
  const blocks = useMemo(() => blocksOf(document, sheet), [document, sheet]);
  const near = useMemo(() => matches.filter((match) => overlap(match, sheet)), [matches, sheet]);
  useEffect(() => {
    const wanted = chosen === null ? ".evidence" : `[data-start="${chosen.start}"]`;
    article.current?.querySelector(wanted)?.scrollIntoView({ block: "center" });
  }, [sheet, chosen]);
  // Statements keep their columns by letters of one width.
  const aligned = document.kind === "filing" || document.pages.length > 1;
  return (
    <article
      ref={article}
      className={aligned ? "panel sheet mono" : "panel sheet"}
      aria-label={nameOf(sheet)}
    >
      {blocks.map((block) => (
        <BlockView key={block.start} text={document.text} block={block} evidence={evidence} matches={near} />
      ))}
    </article>
  );
}

function BlockView(props: { text: string; block: Block; evidence: Span | null; matches: readonly Span[] }) {
  const { text, block, evidence, matches } = props;
  if (block.kind === "text") {
    return (
      <div className="prose">
        <Marked text={text} span={block} evidence={evidence} matches={matches} />
      </div>
    );
  }
  if (block.kind === "heading") {
    const words = { start: block.end - block.text.length, end: block.end };
    const marked = <Marked text={text} span={words} evidence={evidence} matches={matches} />;
    return block.level < 3 ? <h2>{marked}</h2> : <h3>{marked}</h3>;
  }
  return (
    <div className="scroll">
      <table>
        <tbody>
          {block.rows.map(({ cells, span }) => {
            const shown = evidence !== null && overlap(evidence, span);
            const match = matches.find((one) => overlap(one, span));
            return (
              <tr
                key={span.start}
                className={shown ? "evidence" : match === undefined ? undefined : "match"}
                data-start={match?.start}
              >
                {cells.map((cell, i) => (
                  <td key={i} className={i === 0 ? undefined : "num"}>
                    {cell}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Marked(props: { text: string; span: Span; evidence: Span | null; matches: readonly Span[] }) {
  const { text, span, evidence, matches } = props;
  return piecesOf(span, evidence, matches).map(({ start, end, mark }) =>
    mark === null ? (
      text.slice(start, end)
    ) : (
      <mark key={start} className={mark} data-start={start}>
        {text.slice(start, end)}
      </mark>
    ),
  );
}
