import { createHash } from "node:crypto";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import { tableResponse } from "../../download.ts";
import { barRowsOf } from "../contract.ts";
import type { Instrument, SeriesDataset, SeriesReader } from "../contract.ts";
import { loadNewestTrades, loadTradePage, loadTradesVersion } from "../store.ts";
import type { exportRoutes } from "./contract.ts";
import { answerPart } from "./part.ts";

export interface ExportDeps {
  db: Db;
  series: SeriesReader;
  now(): number;
}

/** Rows that are read, or cut from a dataset, at once. */
const batchRows = 10_000;

interface Range {
  from?: number | undefined;
  to?: number | undefined;
  asOf?: number | undefined;
}

/** What names a file that is made of these, always the same way. */
const tagOf = (...parts: unknown[]) =>
  createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 32);

/**
 * A file in pieces as they are made: with a tag, a part of it where the client asks for one; else compressed where it
 * takes that.
 */
async function sent(request: Request, tag: string | undefined, make: () => Response): Promise<Response> {
  if (tag === undefined) return compressed(make(), request);
  const answer = await answerPart(request, tag, make);
  return answer.status === 200 ? compressed(answer, request) : answer;
}

function compressed(answer: Response, request: Request): Response {
  const takesGzip = /(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(
    request.headers.get("accept-encoding") ?? "",
  );
  const headers = new Headers(answer.headers);
  headers.set("vary", "accept-encoding");
  if (!takesGzip) return new Response(answer.body, { headers });
  headers.set("content-encoding", "gzip");
  // Bytes of a part would be those of the file as it is.
  headers.delete("etag");
  headers.delete("accept-ranges");
  const gzip = new CompressionStream("gzip") as ReadableWritablePair<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >;
  return new Response((answer.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(gzip), {
    headers,
  });
}

const fileName = (...parts: string[]) => parts.join("-").replaceAll(/[^A-Za-z0-9.-]/g, "_");

async function* tradeBatches(db: Db, instrument: Instrument, { from, to, asOf }: Range, nowMs: number) {
  for (let after: { eventMs: number; ordinal: number } | undefined; ;) {
    const rows = await loadTradePage(db, instrument, {
      fromMs: from,
      toMs: to,
      asOfMs: asOf ?? nowMs,
      after,
      limit: batchRows,
    });
    if (rows.length > 0) yield rows;
    if (rows.length < batchRows) return;
    after = rows.at(-1)!;
  }
}

function* barBatches(dataset: SeriesDataset) {
  for (let from = 0; from < dataset.length; from += batchRows)
    yield barRowsOf(dataset.columns, from, Math.min(dataset.length, from + batchRows));
}

async function barsOf(
  { series }: ExportDeps,
  tenantId: string,
  symbol: string,
  query: Range & { timeframe: string; adjustment: "raw" | "split" | "total" },
  signal: AbortSignal,
): Promise<SeriesDataset> {
  const { instrumentId } = await series.resolve(tenantId, symbol);
  const { timeframe, adjustment, from, to, asOf } = query;
  return series.dataset(
    { tenantId, instrumentId, timeframe, adjustment, fromMs: from, toMs: to, asOfMs: asOf },
    signal,
  );
}

export const exportRouteHandlers = {
  async listTicks({ db, series, now }, { params, query }, { tenantId }) {
    const instrument = await series.resolve(tenantId, params.symbol);
    const rows = await loadNewestTrades(db, instrument, {
      fromMs: query.from,
      toMs: query.to,
      asOfMs: query.asOf ?? now(),
      limit: query.limit,
    });
    const items = rows.map(({ eventMs, price, size, venue }) => ({ eventMs, price, size, venue }));
    return { instrumentId: instrument.instrumentId, items };
  },

  async listOhlc(deps, { params, query, request }, { tenantId }) {
    const dataset = await barsOf(deps, tenantId, params.symbol, query, request.signal);
    const items = barRowsOf(dataset.columns, Math.max(0, dataset.length - query.limit), dataset.length);
    return { instrumentId: dataset.instrument.instrumentId, timeframe: dataset.timeframe, items };
  },

  async exportTicks({ db, series, now }, { params, query, request }, { tenantId }) {
    const instrument = await series.resolve(tenantId, params.symbol);
    const columns = { eventMs: "time", price: "number", size: "number", venue: "text" } as const;
    const nowMs = now();
    const { from, to, asOf, format } = query;
    const { version, maxVisibleMs } = await loadTradesVersion(db, instrument);
    const isLasting = asOf !== undefined || maxVisibleMs <= nowMs;
    const tag = isLasting ? tagOf(version, from, to, asOf, format) : undefined;
    const name = fileName(instrument.instrumentId, "ticks");
    return sent(request, tag, () =>
      tableResponse(format, name, columns, tradeBatches(db, instrument, query, nowMs)),
    );
  },

  async exportOhlc(deps, { params, query, request }, { tenantId }) {
    const dataset = await barsOf(deps, tenantId, params.symbol, query, request.signal);
    const columns = {
      openMs: "time",
      closeMs: "time",
      open: "number",
      high: "number",
      low: "number",
      close: "number",
      volume: "number",
    } as const;
    const name = fileName(dataset.instrument.instrumentId, dataset.timeframe);
    return sent(request, tagOf(dataset.hash, query.format), () =>
      tableResponse(query.format, name, columns, barBatches(dataset)),
    );
  },
} satisfies RouteHandlersFor<typeof exportRoutes, ExportDeps>;
