import type { Log } from "@tapedeck/core";
import type { Db } from "@tapedeck/features/db";
import type { BarRows, TradeRows } from "@tapedeck/features/series/contract";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import type { LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { keepPlaces } from "@tapedeck/features/ticks/place-store";
import type { Chunk } from "./chunk.ts";
import { isRefusal } from "./refusal.ts";

export interface ChunkStore {
  /**
   * Stores a chunk in one transaction; series in a fixed order, so that two writers never wait for each other. Rows of an
   * instrument that another run has taken since are left out: that run has fetched them. Storing it again changes nothing.
   * One that the database refuses for what it holds is put aside, so that it does not keep up those after it.
   */
  store(chunk: Chunk): Promise<void>;
  /** Rows that were left out so. */
  fenced(): number;
}

export function createChunkStore(options: {
  db: Db;
  venue: string;
  now(): number;
  putAside(chunk: Chunk, reason: unknown): void;
  log: Log;
}): ChunkStore {
  const { db, venue, log } = options;
  const writer = createSeriesWriter({ db });
  let fenced = 0;

  async function storeOwn({ runId, instruments }: Chunk): Promise<void> {
    const common = { space: "shared", jobId: runId, recordedMs: options.now() };
    const parts = Object.entries(instruments);
    const kept = Object.fromEntries(parts.map(([instrumentId, part]) => [instrumentId, part.kept!]));
    const others = await db.transaction().execute(async (tx) => {
      const ours = await keepPlaces(tx, venue, runId, kept);
      const trades = new Map<string, TradeRows>();
      const bars = new Map<string, Partial<Record<LiveTimeframe, BarRows>>>();
      for (const [instrumentId, part] of parts) {
        if (!ours.has(instrumentId)) continue;
        if (part.ticks.eventMs.length > 0) trades.set(instrumentId, part.ticks);
        bars.set(instrumentId, part.bars);
      }
      await writer.writeLiveTrades(tx, { ...common, timeframe: "tick" }, trades);
      await writer.writeLiveBars(tx, common, bars);
      return parts.filter(([instrumentId]) => !ours.has(instrumentId));
    });
    const rows = others.reduce((sum, [, { ticks }]) => sum + ticks.eventMs.length, 0);
    if (rows === 0) return;
    fenced += rows;
    log.warn({ rows, runId }, "rows of instruments that another process took are left out");
  }

  return {
    fenced: () => fenced,
    async store(chunk) {
      try {
        await storeOwn(chunk);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        options.putAside(chunk, error);
      }
    },
  };
}
