import { readFile } from "node:fs/promises";
import path from "node:path";
import { newId } from "@tapedeck/core";
import type { Kysely } from "kysely";
import { sql } from "kysely";
import { projectRoot } from "./postgres.ts";

export interface TestBar {
  openMs: number;
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export interface TestInstrument {
  instrumentId: string;
  name: string;
  assetClass?: string;
  currency?: string;
  calendar?: string;
  timeframe?: string;
  space?: string;
  jobId?: string;
}

/** Puts bars straight into the series tables, as an ingest would: for tests of what reads them. */
export async function seedBars<DB>(
  database: Kysely<DB>,
  instrument: TestInstrument,
  bars: readonly TestBar[],
): Promise<void> {
  const db = database as unknown as Kysely<Record<string, never>>;
  const { instrumentId, name, timeframe = "1d", space = "shared", jobId = newId(0) } = instrument;
  const at = instrumentId.lastIndexOf(".");
  await sql`insert into instruments (space, instrument_id, symbol, venue, name, asset_class, currency, calendar, created_ms)
    values (${space}, ${instrumentId}, ${instrumentId.slice(0, at)}, ${instrumentId.slice(at + 1)}, ${name},
      ${instrument.assetClass ?? "equity"}, ${instrument.currency ?? "USD"}, ${instrument.calendar ?? "XNYS"}, 0)
    on conflict do nothing`.execute(db);
  const last = bars.at(-1)!;
  const series = await sql<{ seriesId: number }>`insert into series
      (space, instrument_id, kind, timeframe, rows, from_ms, to_ms, max_visible_ms, data_version, job_id)
    values (${space}, ${instrumentId}, 'bars', ${timeframe}, ${bars.length}, ${bars[0]!.openMs}, ${last.closeMs}, ${last.closeMs}, 1, ${jobId})
    returning series_id`.execute(db);
  const seriesId = series.rows[0]!.seriesId;
  const column = (pick: (bar: TestBar) => number) => bars.map(pick);
  await sql`insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms, recorded_ms, job_id)
    select ${seriesId}, o, 1, c, a, h, l, b, v, c, c, ${jobId}
    from unnest(${column((b) => b.openMs)}::int8[], ${column((b) => b.closeMs)}::int8[], ${column((b) => b.open)}::float8[],
      ${column((b) => b.high)}::float8[], ${column((b) => b.low)}::float8[], ${column((b) => b.close)}::float8[],
      ${column((b) => b.volume)}::float8[]) as t(o, c, a, h, l, b, v)`.execute(db);
}

const vega = path.join(projectRoot, "node_modules/vega-datasets/data");
const hourMs = 3_600_000;

/** The S&P 500's daily bars of vega-datasets; a session runs from 14:30 to 21:00 UTC here. */
export async function sp500Bars(): Promise<TestBar[]> {
  const lines = (await readFile(path.join(vega, "sp500-2000.csv"), "utf8")).trim().split("\n").slice(1);
  return lines.map((line) => {
    const [date, open, high, low, close, , volume] = line.split(",");
    const dayMs = Date.parse(date!);
    return {
      openMs: dayMs + 14.5 * hourMs,
      closeMs: dayMs + 21 * hourMs,
      open: Number(open),
      high: Number(high),
      low: Number(low),
      close: Number(close),
      volume: Number(volume),
    };
  });
}

/** The five stocks' monthly prices of vega-datasets, by symbol; open = high = low = close. */
export async function monthlyStocks(): Promise<Map<string, TestBar[]>> {
  const lines = (await readFile(path.join(vega, "stocks.csv"), "utf8")).trim().split("\n").slice(1);
  const bySymbol = new Map<string, TestBar[]>();
  for (const line of lines) {
    const [symbol, date, price] = line.split(",");
    const openMs = Date.parse(`${date} UTC`);
    const next = new Date(openMs);
    const closeMs = Date.UTC(next.getUTCFullYear(), next.getUTCMonth() + 1, 1);
    const value = Number(price);
    const bars = bySymbol.get(symbol!) ?? [];
    bars.push({ openMs, closeMs, open: value, high: value, low: value, close: value, volume: 0 });
    bySymbol.set(symbol!, bars);
  }
  return bySymbol;
}
