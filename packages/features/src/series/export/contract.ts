import { defineQuery, InstrumentId, InstrumentRef, Timeframe } from "@tapedeck/core";
import * as z from "zod";
import { Adjustment, QueryTime } from "../contract.ts";

const bySymbol = z.object({ symbol: InstrumentRef });
const range = { from: QueryTime.optional(), to: QueryTime.optional(), asOf: QueryTime.optional() };
const limit = z.coerce.number().int().min(1).max(10_000).default(500);
const barFields = { timeframe: Timeframe.default("1m"), adjustment: Adjustment.default("split") };
const Format = z.enum(["csv", "parquet"]).default("csv");

export const TickRow = z.object({
  eventMs: z.int(),
  price: z.number(),
  size: z.number(),
  venue: z.string().nullable(),
});
export const OhlcRow = z.object({
  openMs: z.int(),
  closeMs: z.int(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number().nullable(),
});

export const exportRoutes = {
  listTicks: defineQuery({
    name: "listTicks",
    path: "/ticks/{symbol}",
    tag: "Instruments",
    summary: "The newest prints of a range, oldest first",
    role: "viewer",
    params: bySymbol,
    query: z.object({ ...range, limit }),
    response: z.object({ instrumentId: InstrumentId, items: z.array(TickRow) }),
  }),
  listOhlc: defineQuery({
    name: "listOhlc",
    path: "/ohlc/{symbol}",
    tag: "Instruments",
    summary: "The newest bars of a range, oldest first, one object a bar",
    role: "viewer",
    params: bySymbol,
    query: z.object({ ...range, ...barFields, limit }),
    response: z.object({ instrumentId: InstrumentId, timeframe: z.string(), items: z.array(OhlcRow) }),
  }),
  exportTicks: defineQuery({
    name: "exportTicks",
    path: "/export/ticks/{symbol}",
    tag: "Instruments",
    summary: "All prints of a range as a file: CSV or Parquet, gzip where the client takes it",
    role: "viewer",
    params: bySymbol,
    query: z.object({ ...range, format: Format }),
    raw: true,
    contentType: "text/csv",
  }),
  exportOhlc: defineQuery({
    name: "exportOhlc",
    path: "/export/ohlc/{symbol}",
    tag: "Instruments",
    summary: "All bars of a range as a file: CSV or Parquet, gzip where the client takes it",
    role: "viewer",
    params: bySymbol,
    query: z.object({ ...range, ...barFields, format: Format }),
    raw: true,
    contentType: "text/csv",
  }),
};
