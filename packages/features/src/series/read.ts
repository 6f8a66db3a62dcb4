import { numbersCursor } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { SeriesReader, seriesRoutes } from "./contract.ts";
import { changeInstrument } from "./instruments.ts";
import { loadActionRows, loadInstruments, loadSeriesRows, loadTradePage } from "./store.ts";

export interface SeriesRouteDeps {
  db: Db;
  series: SeriesReader;
  now(): number;
}

export const seriesRouteHandlers = {
  listInstruments: async ({ db }, { query }, caller) => {
    const text = query.q?.toLowerCase();
    const all = (await loadInstruments(db, caller.tenantId)).filter(
      (item) =>
        (query.assetClass === undefined || item.assetClass === query.assetClass) &&
        (text === undefined ||
          item.instrumentId.toLowerCase().includes(text) ||
          item.name.toLowerCase().includes(text)),
    );
    const rest = query.cursor === undefined ? all : all.filter((item) => item.instrumentId > query.cursor!);
    const items = rest.slice(0, query.limit);
    return { items, nextCursor: rest.length > query.limit ? items.at(-1)!.instrumentId : null };
  },

  getInstrument: async ({ db, series }, { params }, caller) => {
    const instrument = await series.resolve(caller.tenantId, params.id);
    return {
      ...instrument,
      series: await loadSeriesRows(db, instrument),
      actions: await loadActionRows(db, instrument),
    };
  },

  patchInstrument: async ({ db, series }, { params, body }, caller) =>
    changeInstrument(db, await series.resolve(caller.tenantId, params.id), body, caller),

  getBars: async ({ series }, { params, query, request }, caller) => {
    const instrument = await series.resolve(caller.tenantId, params.id);
    const dataset = await series.dataset(
      {
        tenantId: caller.tenantId,
        instrumentId: instrument.instrumentId,
        timeframe: query.timeframe,
        fromMs: query.from,
        toMs: query.to,
        adjustment: query.adjustment,
        asOfMs: query.asOf,
      },
      request.signal,
    );
    // The position in the dataset; it stays right while the data does not change, and the hash tells when it did.
    const start =
      numbersCursor(query.cursor, 1)?.[0] ??
      (query.last === true ? Math.max(0, dataset.length - query.limit) : 0);
    const end = Math.min(dataset.length, start + query.limit);
    const etag = `"${dataset.hash}.${start}.${end}"`;
    const headers = { etag, "cache-control": "private, no-cache" };
    if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
    const { columns } = dataset;
    const cut = (column: Float64Array): number[] => Array.from(column.subarray(start, end));
    return Response.json(
      {
        instrumentId: instrument.instrumentId,
        timeframe: dataset.timeframe,
        adjustment: dataset.adjustment,
        asOfMs: dataset.asOfMs,
        datasetHash: dataset.hash,
        bars: dataset.length,
        openMs: cut(columns.openMs),
        closeMs: cut(columns.closeMs),
        open: cut(columns.open),
        high: cut(columns.high),
        low: cut(columns.low),
        close: cut(columns.close),
        volume: cut(columns.volume).map((value) => (Number.isNaN(value) ? null : value)),
        nextCursor: end < dataset.length ? String(end) : null,
      },
      { headers },
    );
  },

  getTrades: async ({ db, series, now }, { params, query }, caller) => {
    const instrument = await series.resolve(caller.tenantId, params.id);
    const after = numbersCursor(query.cursor, 2);
    const rows = await loadTradePage(db, instrument, {
      fromMs: query.from,
      toMs: query.to,
      asOfMs: query.asOf ?? now(),
      after: after === undefined ? undefined : { eventMs: after[0]!, ordinal: after[1]! },
      limit: query.limit + 1,
    });
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(({ eventMs, price, size, venue }) => ({ eventMs, price, size, venue })),
      nextCursor: rows.length > query.limit && last !== undefined ? `${last.eventMs}_${last.ordinal}` : null,
    };
  },
} satisfies RouteHandlersFor<typeof seriesRoutes, SeriesRouteDeps>;
