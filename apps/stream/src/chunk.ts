import type { BarRows, TradeRows } from "@tapedeck/features/series/contract";
import type { KeptPlace } from "@tapedeck/features/ticks/place-store";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import type { OpenBar } from "./bars.ts";
import type { PlacedTick } from "./intake.ts";

/** Rows that are stored together, in one transaction; plain data, so that it can be spilled as a line of JSON. */
export interface Chunk {
  /** The stream's run that made them: their origin. */
  runId: string;
  rows: number;
  instruments: Record<string, ChunkPart>;
}

export interface ChunkPart {
  ticks: TradeRows;
  bars: Partial<Record<LiveTimeframe, BarRows>>;
  /** What was known of the instrument when the last of these rows came; undefined until the chunk is sealed. */
  kept?: KeptPlace<OpenBar>;
}

export function newChunk(runId: string): Chunk {
  return { runId, rows: 0, instruments: {} };
}

function part(chunk: Chunk, instrumentId: string): ChunkPart {
  return (chunk.instruments[instrumentId] ??= {
    ticks: { eventMs: [], ordinal: [], price: [], size: [], venue: [] },
    bars: {},
  });
}

export function addTick(chunk: Chunk, tick: PlacedTick): void {
  const { ticks } = part(chunk, tick.instrumentId);
  ticks.eventMs.push(tick.eventMs);
  ticks.ordinal.push(tick.ordinal);
  ticks.price.push(tick.price);
  ticks.size.push(tick.size);
  ticks.venue.push(tick.venue);
  chunk.rows += 1;
}

/** A later state of a bar that is in the chunk already takes its place. */
export function addBar(chunk: Chunk, bar: LiveBar): void {
  const { bars } = part(chunk, bar.instrumentId);
  const rows = (bars[bar.timeframe] ??= {
    openMs: [],
    closeMs: [],
    open: [],
    high: [],
    low: [],
    close: [],
    volume: [],
  });
  const found = rows.openMs.indexOf(bar.openMs);
  const at = found === -1 ? rows.openMs.length : found;
  for (const name of ["openMs", "closeMs", "open", "high", "low", "close", "volume"] as const)
    rows[name][at] = bar[name];
  if (found === -1) chunk.rows += 1;
}
