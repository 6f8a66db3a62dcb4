import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api } from "../../api.ts";
import { ago } from "../../components/format.ts";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";
import { kindOnPages, kindsOnPages } from "./catalogue.ts";

const shownJobs = 15;

/** Every kind of analysis, and those that were run last. */
export function AnalysesPage() {
  return (
    <main className="page">
      <h1>Analyses</h1>
      <div className="cards">
        {kindsOnPages.map(({ kind, title, question }) => (
          <Link key={kind} to={`/analyses/${kind}`} className="card">
            <b>{title}</b>
            <span>{question}</span>
          </Link>
        ))}
      </div>
      <Recent />
    </main>
  );
}

function Recent() {
  const jobs = useQuery({
    queryKey: ["jobs", "analyze"],
    queryFn: () => api.call("listJobs", { query: { type: "analyze", limit: 50 } }),
  });
  if (jobs.isPending) return <Loading what="earlier analyses" />;
  if (jobs.isError) return <ErrorBox error={jobs.error} retry={() => void jobs.refetch()} />;
  const rows = jobs.data.items.flatMap((job) => {
    const page = kindOnPages(/"kind":"(\w+)"/.exec(job.payloadPreview)?.[1]);
    return page === undefined ? [] : [{ job, page }];
  });
  return (
    <section className="panel scroll">
      <h2>Earlier analyses</h2>
      {rows.length === 0 ? (
        <Empty>None yet: choose one above.</Empty>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Analysis</th>
              <th>Payload</th>
              <th>State</th>
              <th>Submitted</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shownJobs).map(({ job, page }) => (
              <tr key={job.id}>
                <td>
                  <Link to={`/analyses/${page.kind}?job=${job.id}`}>{page.title}</Link>
                </td>
                <td className="reason">
                  <code>{job.payloadPreview}</code>
                </td>
                <td>
                  <StateBadge state={job.state} />
                </td>
                <td>{ago(job.createdMs, Date.now())}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
