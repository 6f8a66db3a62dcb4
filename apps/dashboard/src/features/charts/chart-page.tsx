import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { FormEvent } from "react";
import { Link, useSearchParams } from "react-router";
import { api, messageOf } from "../../api.ts";
import { Chart, Legend, seriesColors } from "../../components/chart.tsx";
import type { ChartLine, ChartMark } from "../../components/chart.tsx";
import { date, number } from "../../components/format.ts";
import { FormulaInput } from "../../components/formula-input.tsx";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { News, useNews } from "../events/news.tsx";
import { kindOnPages } from "../analyses/catalogue.ts";

/** Kernels whose values are on the price's own scale are drawn over the bars, the rest below. */
const overlayGroups = new Set(["overlap", "price"]);

/** The same list at every drawing, so that none is drawn anew for it. */
const noMarks: readonly ChartMark[] = [];

/** The chart once its columns are computed: an answer that comes before that names the job to wait for. */
async function loadChart(input: Parameters<typeof api.call<"getChart">>[1]) {
  const answer = await api.call("getChart", input);
  if ("close" in answer) return answer;
  await api.wait((answer as { jobId: string }).jobId);
  return api.call("getChart", input);
}

export function ChartPage({ instrumentId }: { instrumentId: string }) {
  const search = useSearchParams()[0];
  const [chosen, setChosen] = useState<string | undefined>(search.get("timeframe") ?? undefined);
  const [formulas, setFormulas] = useState<string[]>(
    search.has("formula")
      ? search.getAll("formula")
      : ["sma(close, 50)", "sma(close, 200)", "rsi(close, 14)"],
  );
  const instrument = useQuery({
    queryKey: ["instrument", instrumentId],
    queryFn: () => api.call("getInstrument", { params: { id: instrumentId } }),
  });
  const indicators = useQuery({
    queryKey: ["indicators"],
    queryFn: () => api.call("listIndicators", {}),
    staleTime: Infinity,
  });
  const timeframes = instrument.data?.series.filter((one) => one.kind === "bars") ?? [];
  const timeframe = chosen ?? timeframes[0]?.timeframe;
  const [fromMs, toMs] = [search.get("fromMs"), search.get("toMs")];
  const chart = useQuery({
    queryKey: ["chart", instrumentId, timeframe, formulas, fromMs, toMs],
    enabled: timeframe !== undefined,
    queryFn: () =>
      loadChart({
        params: { instrumentId },
        query: {
          timeframe: timeframe!,
          maxPoints: 20_000,
          ...(formulas.length === 0 ? {} : { formulas: formulas.join(";") }),
          ...(fromMs === null ? {} : { fromMs: Number(fromMs) }),
          ...(toMs === null ? {} : { toMs: Number(toMs) }),
        } as never,
      }),
    placeholderData: (earlier) => earlier,
  });
  const groups = useMemo(
    () => new Map(indicators.data?.items.map((one) => [one.name.toLowerCase(), one.group])),
    [indicators.data],
  );
  const lines = useMemo(() => {
    let pane = 0;
    return (chart.data?.columns ?? []).map((column, i): ChartLine => {
      const name = /^([a-z_][\w]*)\s*\(/i.exec(column.formula)?.[1]?.toLowerCase() ?? "";
      const over = column.type === "series" && overlayGroups.has(groups.get(name) ?? "");
      return {
        label: column.formula,
        atMs: chart.data!.openMs,
        values: column.values,
        color: seriesColors[i % seriesColors.length]!,
        pane: over ? 0 : ++pane,
      };
    });
  }, [chart.data, groups]);
  const news = useNews(instrumentId, chart.data?.openMs[0]);
  const [showsEvents, setShowsEvents] = useState(true);
  const sentiment = `sentiment("${instrumentId}")`;
  const last = chart.data === undefined ? undefined : chart.data.close.at(-1);
  if (instrument.isPending) return <Loading what={instrumentId} />;
  if (instrument.isError) {
    return (
      <main className="page">
        <ErrorBox error={instrument.error} retry={() => void instrument.refetch()} />
      </main>
    );
  }
  return (
    <main className="page">
      <h1>
        {instrument.data.name} <span className="dim">{instrumentId}</span>
      </h1>
      <div className="row">
        <label>
          Bars{" "}
          <select value={timeframe ?? ""} onChange={(event) => setChosen(event.target.value)}>
            {timeframes.map((one) => (
              <option key={one.timeframe}>{one.timeframe}</option>
            ))}
          </select>
        </label>
        {last === undefined || chart.data === undefined ? null : (
          <span>
            last close <b>{number(last)}</b> {chart.data.currency} on {date(chart.data.openMs.at(-1)!)}
          </span>
        )}
        <Link to={`/new/backtest`} className="button">
          Backtest a rule
        </Link>
        {["summary", "patterns", "regimes", "anomalies"].map((kind) => (
          <Link
            key={kind}
            to={`/analyses/${kind}?${new URLSearchParams({ instrumentId, timeframe: timeframe ?? "1d" }).toString()}`}
            className="button"
          >
            {kindOnPages(kind)!.title}
          </Link>
        ))}
      </div>
      {timeframes.length === 0 ? (
        <div className="notice">
          No bars of {instrumentId} yet. <Link to="/import">Import some</Link>.
        </div>
      ) : null}
      {chart.isError ? <ErrorBox error={chart.error} retry={() => void chart.refetch()} /> : null}
      {chart.isPending && timeframe !== undefined ? <Loading what="bars" /> : null}
      <Formulas formulas={formulas} setFormulas={setFormulas} />
      {chart.data === undefined ? null : (
        <section className="panel">
          <div className="row">
            <Legend lines={lines} />
            {news.marks.length === 0 ? null : (
              <label>
                <input
                  type="checkbox"
                  checked={showsEvents}
                  onChange={(event) => setShowsEvents(event.target.checked)}
                />{" "}
                Events
              </label>
            )}
            {(news.sentiment?.items.length ?? 0) === 0 ? null : (
              <label>
                <input
                  type="checkbox"
                  checked={formulas.includes(sentiment)}
                  onChange={(event) =>
                    setFormulas(
                      event.target.checked
                        ? [...formulas, sentiment]
                        : formulas.filter((one) => one !== sentiment),
                    )
                  }
                />{" "}
                Sentiment
              </label>
            )}
          </div>
          <Chart
            bars={chart.data}
            lines={lines}
            marks={showsEvents ? news.marks : noMarks}
            label={`Chart of ${instrumentId}, ${chart.data.openMs.length} bars`}
            className={lines.some((line) => line.pane > 0) ? "tall" : ""}
          />
          {chart.data.step > 1 ? (
            <p className="dim">
              Thinned: one bar in {chart.data.step} of {chart.data.total}.
            </p>
          ) : null}
        </section>
      )}
      <News instrumentId={instrumentId} news={news} />
    </main>
  );
}

function Formulas({
  formulas,
  setFormulas,
}: {
  formulas: string[];
  setFormulas: (formulas: string[]) => void;
}) {
  const [text, setText] = useState("");
  const [refusal, setRefusal] = useState<string>();
  const add = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const checked = await api.call("checkFormula", { query: { formula: text, use: "chart" } });
      if (checked.valid) {
        setFormulas([...formulas, checked.formula!]);
        setText("");
        setRefusal(undefined);
      } else {
        setRefusal(checked.error!.message);
      }
    } catch (caught) {
      setRefusal(messageOf(caught));
    }
  };
  return (
    <section className="panel">
      <h2>Formulas</h2>
      <form className="row top-aligned" onSubmit={(event) => void add(event)}>
        <div className="grow">
          <FormulaInput label="Formula" value={text} onChange={setText} />
        </div>
        <button className="primary" disabled={text.trim() === ""}>
          Add
        </button>
      </form>
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      <div className="row">
        {formulas.map((formula) => (
          <button
            key={formula}
            type="button"
            aria-label={`Remove ${formula}`}
            onClick={() => setFormulas(formulas.filter((one) => one !== formula))}
          >
            <code>{formula}</code> ✕
          </button>
        ))}
      </div>
    </section>
  );
}
