import type { Log } from "@tapedeck/core";
import type { Db } from "@tapedeck/features/db";
import type { TradeRows } from "@tapedeck/features/series/contract";
import { createSeriesWriter } from "@tapedeck/features/series/writer";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import { keepPlaces } from "@tapedeck/features/ticks/place-store";
import type { Chunk } from "./chunk.ts";

export interface ChunkStore {
  /**
   * Stores a chunk in one transaction; series in a fixed order, so that two writers never wait for each other. Rows of an
   * instrument that another run has taken since are left out: that run has fetched them. Storing it again changes nothing.
   */
  store(chunk: Chunk): Promise<void>;
  /** Rows that were left out so. */
  fenced(): number;
}

export function createChunkStore(options: { db: Db; venue: string; now(): number; log: Log }): ChunkStore {
  const { db, venue, log } = options;
  const writer = createSeriesWriter({ db });
  let fenced = 0;

  return {
    fenced: () => fenced,
    async store({ runId, instruments }) {
      const common = { space: "shared", jobId: runId, recordedMs: options.now() };
      const parts = Object.entries(instruments);
      const kept = Object.fromEntries(parts.map(([instrumentId, part]) => [instrumentId, part.kept!]));
      const others = await db.transaction().execute(async (tx) => {
        const ours = await keepPlaces(tx, venue, runId, kept);
        const trades = new Map<string, TradeRows>();
        for (const [instrumentId, { ticks }] of parts)
          if (ours.has(instrumentId) && ticks.eventMs.length > 0) trades.set(instrumentId, ticks);
        await writer.writeLiveTrades(tx, { ...common, timeframe: "tick" }, trades);
        for (const instrumentId of [...ours].toSorted())
          for (const timeframe of liveTimeframes) {
            const rows = instruments[instrumentId]!.bars[timeframe];
            if (rows !== undefined) await writer.writeBars(tx, { ...common, instrumentId, timeframe }, rows);
          }
        return parts.filter(([instrumentId]) => !ours.has(instrumentId));
      });
      const rows = others.reduce((sum, [, { ticks }]) => sum + ticks.eventMs.length, 0);
      if (rows === 0) return;
      fenced += rows;
      log.warn({ rows, runId }, "rows of instruments that another process took are left out");
    },
  };
}
