import type { BarRows, TradeRows } from "@tapedeck/features/series/contract";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import type { KeptPlace } from "@tapedeck/features/ticks/place-store";
import * as z from "zod";
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

const numbers = z.array(z.number());
const ticks = z.strictObject({
  eventMs: numbers,
  ordinal: numbers,
  price: numbers,
  size: numbers,
  venue: z.array(z.string().nullable()),
});
const bars = z.strictObject({
  openMs: numbers,
  closeMs: numbers,
  open: numbers,
  high: numbers,
  low: numbers,
  close: numbers,
  volume: z.array(z.number().nullable()),
});
const mark = z.strictObject({ tradeId: z.number(), eventMs: z.number() });
const hole = z.strictObject({ fromId: z.number(), toId: z.number(), sinceMs: z.number() });
const place = z.strictObject({
  last: mark,
  holes: z.array(hole),
  numbering: z.string().optional(),
  ids: z.array(z.string()).optional(),
});
/** Each member of `OpenBar`, so that a bar of another version is not taken for one of this. */
const openBar = z.strictObject({
  venue: z.string(),
  instrumentId: z.string(),
  timeframe: z.enum(liveTimeframes),
  openMs: z.number(),
  closeMs: z.number(),
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
  trades: z.number(),
  final: z.boolean(),
  revision: z.number(),
  firstMs: z.number(),
  firstOrdinal: z.number(),
  lastMs: z.number(),
  lastOrdinal: z.number(),
  sum: z.number(),
  lost: z.number(),
}) satisfies z.ZodType<OpenBar>;
const kept = z.strictObject({ place: place.nullable(), bars: z.array(openBar) });
const SealedChunk = z.strictObject({
  runId: z.uuid(),
  rows: z.int(),
  instruments: z.record(
    z.string(),
    z.strictObject({ ticks, bars: z.partialRecord(z.enum(liveTimeframes), bars), kept }),
  ),
});

/** A sealed chunk of a line of JSON. Throws where it is none of this version: another one may have written it. */
export function parseChunk(line: string): Chunk {
  return SealedChunk.parse(JSON.parse(line)) as Chunk;
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
