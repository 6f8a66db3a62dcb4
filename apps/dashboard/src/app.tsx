import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { Link, Navigate, Route, Routes, useLocation, useParams } from "react-router";
import { api, isSignedOut } from "./api.ts";
import { ErrorBox, Loading } from "./components/state.tsx";
import { ThemeButton } from "./components/theme.tsx";
import { AnalysesPage } from "./features/analyses/analyses-page.tsx";
import { AnalysisPage } from "./features/analyses/analysis-page.tsx";
import { AskPage } from "./features/ask/ask-page.tsx";
import { BacktestPage } from "./features/backtests/backtest-page.tsx";
import { BacktestsPage } from "./features/backtests/backtests-page.tsx";
import { ComparePage } from "./features/backtests/compare-page.tsx";
import { NewBacktestPage } from "./features/backtests/new-backtest-page.tsx";
import { ResearchPage } from "./features/backtests/research-page.tsx";
import { ChartPage } from "./features/charts/chart-page.tsx";
import { InstrumentsPage } from "./features/charts/instruments-page.tsx";
import { DocumentPage } from "./features/documents/document-page.tsx";
import { DocumentsPage } from "./features/documents/documents-page.tsx";
import { EventsPage } from "./features/events/events-page.tsx";
import { IndicatorPage } from "./features/indicators/indicator-page.tsx";
import { ImportPage } from "./features/ingest/import-page.tsx";
import { JobPage } from "./features/jobs/job-page.tsx";
import { JobsPage } from "./features/jobs/jobs-page.tsx";
import { NewJobPage } from "./features/jobs/new-job-page.tsx";
import { AlertsPage } from "./features/live/alerts-page.tsx";
import { FeedsPage } from "./features/live/feeds-page.tsx";
import { LivePage } from "./features/live/live-page.tsx";
import { MonitorPage } from "./features/live/monitor-page.tsx";
import { PairsPage } from "./features/live/pairs-page.tsx";
import { QueuesPage } from "./features/queues/queues-page.tsx";
import { SignInPage } from "./features/sign-in/sign-in-page.tsx";

const sections = [
  { path: "/ask", label: "Ask" },
  { path: "/monitor", label: "Monitor" },
  { path: "/pairs", label: "Pairs" },
  { path: "/alerts", label: "Alerts" },
  { path: "/instruments", label: "Instruments" },
  { path: "/documents", label: "Documents" },
  { path: "/events", label: "Events" },
  { path: "/analyses", label: "Analyses" },
  { path: "/backtests", label: "Backtests" },
  { path: "/jobs", label: "Jobs" },
  { path: "/new", label: "New job" },
  { path: "/import", label: "Import" },
  { path: "/queues", label: "Queues" },
  { path: "/feeds", label: "Feeds" },
];

export function App() {
  const me = useQuery({ queryKey: ["me"], queryFn: () => api.call("getMe", {}), staleTime: 60_000 });
  if (me.isPending) return <Loading what="Tapedeck" />;
  if (me.isError && isSignedOut(me.error)) return <SignInPage />;
  if (me.isError) {
    return (
      <main className="page">
        <ErrorBox error={me.error} retry={() => void me.refetch()} />
      </main>
    );
  }
  return (
    <Shell who={me.data.user?.email ?? me.data.role}>
      <Routes>
        <Route path="/" element={<Navigate to="/ask" replace />} />
        <Route path="/ask" element={<AskPage />} />
        <Route path="/instruments" element={<InstrumentsPage />} />
        <Route
          path="/instruments/:id"
          element={<Param>{(id) => <ChartPage key={id} instrumentId={id} />}</Param>}
        />
        <Route path="/analyses" element={<AnalysesPage />} />
        <Route
          path="/analyses/:id"
          element={<Param>{(kind) => <AnalysisPage key={kind} kind={kind} />}</Param>}
        />
        <Route path="/backtests" element={<BacktestsPage />} />
        <Route path="/backtests/new" element={<NewBacktestPage />} />
        <Route path="/backtests/compare" element={<ComparePage />} />
        <Route
          path="/backtests/jobs/:id"
          element={<Param>{(id) => <ResearchPage key={id} id={id} />}</Param>}
        />
        <Route path="/backtests/:id" element={<Param>{(id) => <BacktestPage key={id} id={id} />}</Param>} />
        <Route path="/documents" element={<DocumentsPage />} />
        <Route path="/documents/:id" element={<Param>{(id) => <DocumentPage key={id} id={id} />}</Param>} />
        <Route
          path="/indicators/:id"
          element={<Param>{(name) => <IndicatorPage key={name} name={name} />}</Param>}
        />
        <Route path="/events" element={<EventsPage />} />
        <Route path="/jobs" element={<JobsPage />} />
        <Route path="/jobs/:id" element={<Param>{(id) => <JobPage key={id} id={id} />}</Param>} />
        <Route path="/new" element={<NewJobPage />} />
        <Route path="/new/:id" element={<Param>{(id) => <NewJobPage type={id} />}</Param>} />
        <Route path="/import" element={<ImportPage />} />
        <Route path="/monitor" element={<MonitorPage />} />
        <Route path="/live/:id" element={<Param>{(id) => <LivePage key={id} instrumentId={id} />}</Param>} />
        <Route path="/pairs" element={<PairsPage />} />
        <Route path="/alerts" element={<AlertsPage />} />
        <Route path="/feeds" element={<FeedsPage />} />
        <Route path="/queues" element={<QueuesPage />} />
        <Route path="*" element={<NoSuchPage />} />
      </Routes>
    </Shell>
  );
}

/** The id in the address, decoded. */
function Param({ children }: { children: (id: string) => ReactNode }) {
  const { id = "" } = useParams();
  return children(id);
}

function NoSuchPage() {
  return (
    <main className="page">
      <h1>No such page</h1>
      <p>
        <Link to="/ask">Back to the start</Link>
      </p>
    </main>
  );
}

function Shell({ who, children }: { who: string; children: ReactNode }) {
  const { pathname } = useLocation();
  const queries = useQueryClient();
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the sections do not fit: the one that is open is scrolled to the middle.
  useEffect(() => {
    const row = nav.current;
    const open = row?.querySelector<HTMLElement>('[aria-current="page"]');
    if (row === null || open === null || open === undefined) return;
    row.scrollLeft = open.offsetLeft - row.offsetLeft - (row.clientWidth - open.offsetWidth) / 2;
  }, [pathname]);
  const signOut = async () => {
    await api.call("logout", {});
    queries.clear();
    window.location.assign("/");
  };
  return (
    <>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <Link to="/ask" className="brand" aria-label="Tapedeck, start page">
          <img src="/icon.svg" alt="" width="24" height="24" /> Tapedeck
        </Link>
        <nav aria-label="Sections" ref={nav}>
          {sections.map(({ path, label }) => (
            <Link key={path} to={path} aria-current={pathname.startsWith(path) ? "page" : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <div className="who">
          <a href="/api/docs">API</a>
          <ThemeButton />
          <button type="button" className="quiet" title={who} onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <div id="content">{children}</div>
    </>
  );
}
