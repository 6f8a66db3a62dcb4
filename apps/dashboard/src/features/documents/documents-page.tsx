import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { documentKinds } from "@tapedeck/text/readers/document";
import { api } from "../../api.ts";
import { date, integer } from "../../components/format.ts";
import { MoreButton } from "../../components/more-button.tsx";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { useFilter } from "../../components/use-filter.ts";
import { DocumentImport } from "./document-import.tsx";

/** Documents that questions and sentiment rest on: found by kind, company and title, as of any day; imported here. */
export function DocumentsPage() {
  const { value, set } = useFilter();
  const [kind, company, title, asOf] = [value("kind"), value("company"), value("title"), value("asOf")];
  const documents = useInfiniteQuery({
    queryKey: ["documents", kind, company, title, asOf],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listDocuments", {
        query: {
          limit: 50,
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
          ...(kind === "" ? {} : { kind: kind as (typeof documentKinds)[number] }),
          ...(company === "" ? {} : { company }),
          ...(title === "" ? {} : { title }),
          ...(asOf === "" ? {} : { asOf: `${asOf}T23:59:59.999Z` }),
        },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const items = documents.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = kind !== "" || company !== "" || title !== "" || asOf !== "";
  return (
    <main className="page">
      <h1>Documents</h1>
      <DocumentImport />
      <div className="row">
        <label>
          Kind{" "}
          <select value={kind} onChange={(event) => set("kind", event.target.value)}>
            <option value="">all</option>
            {documentKinds.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <input
          type="search"
          aria-label="Company"
          placeholder="Company"
          value={company}
          onChange={(event) => set("company", event.target.value)}
        />
        <input
          className="grow"
          type="search"
          aria-label="Title"
          placeholder="Words of the title"
          value={title}
          onChange={(event) => set("title", event.target.value)}
        />
        <label>
          As of <input type="date" value={asOf} onChange={(event) => set("asOf", event.target.value)} />
        </label>
      </div>
      {documents.isPending ? <Loading what="documents" /> : null}
      {documents.isError ? <ErrorBox error={documents.error} retry={() => void documents.refetch()} /> : null}
      {documents.isSuccess && items.length === 0 ? (
        <Empty>No documents{filtered ? " match" : " yet: import some above"}.</Empty>
      ) : null}
      {items.length === 0 ? null : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Document</th>
                <th>Kind</th>
                <th>Company</th>
                <th>Published</th>
                <th>Publisher</th>
                <th className="num">Characters</th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => (
                <tr key={one.id}>
                  <td>
                    <Link to={`/documents/${one.id}?version=${one.version}`}>{one.title}</Link>
                    {one.duplicateOf === null ? null : (
                      <>
                        {" "}
                        <Link to={`/documents/${one.duplicateOf}`} className="badge">
                          duplicate
                        </Link>
                      </>
                    )}
                  </td>
                  <td>{one.kind}</td>
                  <td>{one.company}</td>
                  <td>{one.publishedMs === 0 ? "always" : date(one.publishedMs)}</td>
                  <td>{one.publisher}</td>
                  <td className="num">{integer(one.characters)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <MoreButton list={documents}>Older documents</MoreButton>
        </div>
      )}
    </main>
  );
}
