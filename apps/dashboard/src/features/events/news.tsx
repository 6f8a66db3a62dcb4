import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "react-router";
import { api } from "../../api.ts";
import type { ChartMark } from "../../components/chart.tsx";
import { date, number } from "../../components/format.ts";
import { EventTable, placeOf } from "./event-table.tsx";

/** Most events drawn on a chart: more would hide the bars. */
const drawn = 200;
const listed = 10;

/** What documents tell of an instrument from a time on: its events, and how good each document is for it. */
export function useNews(instrumentId: string, fromMs: number | undefined) {
  const range = fromMs === undefined ? {} : { from: fromMs };
  const events = useQuery({
    queryKey: ["events of", instrumentId, fromMs],
    queryFn: () => api.call("listEvents", { query: { instrumentId, limit: drawn, ...range } as never }),
    enabled: fromMs !== undefined,
  });
  const sentiment = useQuery({
    queryKey: ["sentiment", instrumentId],
    queryFn: () => api.call("getSentiment", { params: { instrumentId }, query: { limit: listed } }),
  });
  const marks = useMemo(
    () =>
      (events.data?.items ?? []).map(({ publishedMs, direction, kind }): ChartMark => ({
        atMs: publishedMs,
        side: direction === "neutral" ? "note" : direction,
        text: kind,
      })),
    [events.data],
  );
  return { events: events.data?.items ?? [], marks, sentiment: sentiment.data };
}

/** Newest events and sentiment of an instrument, each linked to its place; nothing where there are none. */
export function News({ instrumentId, news }: { instrumentId: string; news: ReturnType<typeof useNews> }) {
  const { events, sentiment } = news;
  return (
    <>
      {events.length === 0 ? null : (
        <section className="panel scroll">
          <h2>
            <Link to={`/events?${new URLSearchParams({ instrumentId }).toString()}`}>Events</Link>
          </h2>
          <EventTable events={events.slice(0, listed)} withInstrument={false} />
        </section>
      )}
      {sentiment === undefined || sentiment.items.length === 0 ? null : (
        <section className="panel scroll">
          <h2>Sentiment now: {number(sentiment.value)}</h2>
          <table>
            <thead>
              <tr>
                <th>Published</th>
                <th>Source</th>
                <th className="num">Score</th>
                <th className="num">Weight</th>
                <th>Document</th>
              </tr>
            </thead>
            <tbody>
              {sentiment.items.map((one) => (
                <tr key={one.documentId}>
                  <td className="when">{date(one.publishedMs)}</td>
                  <td>{one.publisher ?? one.source}</td>
                  <td
                    className={`num ${one.label === "positive" ? "good" : one.label === "negative" ? "bad" : "dim"}`}
                  >
                    {number(one.score)}
                  </td>
                  <td className="num">{number(one.weight)}</td>
                  <td>
                    <Link to={placeOf(one)}>{one.title}</Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}
