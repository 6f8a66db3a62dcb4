import type { Log } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Db } from "@tapedeck/features/db";
import { meant } from "@tapedeck/features/series/contract";
import { findInstruments, loadInstrument } from "@tapedeck/features/series/store";
import { lastSentimentSeq, loadPoints, loadSentimentAfter } from "@tapedeck/features/sentiment/store";
import type { Bar } from "@tapedeck/formula";

/** Whose documents, and what they are about as a formula names it. */
export interface SentimentOf {
  tenantId: string;
  name: string;
}

/** What was published about instruments, as rows that formulas read: see `loadSentiment` of the series reader. */
export interface LiveSentiments {
  /** All that is known, oldest first. */
  rows(of: SentimentOf): Promise<readonly Bar[]>;
  /** Tells of all rows again whenever a document adds to them, until what it gives is called. */
  follow(of: SentimentOf, onRows: (rows: readonly Bar[]) => void): () => void;
  stop(): void;
}

/** Scores of one look. */
const pageRows = 1_000;

export function createLiveSentiments(options: {
  db: Db;
  /** The id of an instrument that no stored one is, as the venue would name it. */
  idOf(name: string): string;
  now(): number;
  log: Log;
  everyMs: number;
}): LiveSentiments {
  const { db } = options;
  const followed = new Set<{ of: SentimentOf; onRows: (rows: readonly Bar[]) => void }>();
  let lastSeq: Promise<number> | undefined;

  async function idOf({ tenantId, name }: SentimentOf): Promise<string> {
    const exact = await loadInstrument(db, tenantId, name.toUpperCase());
    if (exact !== undefined) return exact.instrumentId;
    const found = meant(await findInstruments(db, tenantId, name));
    return found.length === 1 ? found[0]!.instrumentId : options.idOf(name);
  }

  async function rows(of: SentimentOf): Promise<readonly Bar[]> {
    const points = await loadPoints(db, of.tenantId, await idOf(of), options.now());
    return points.map(({ atMs, score, weight }) => ({
      openMs: atMs,
      closeMs: atMs,
      open: score,
      high: score,
      low: score,
      close: score,
      volume: weight,
    }));
  }

  async function look(): Promise<void> {
    if (followed.size === 0 || lastSeq === undefined) return;
    const afterSeq = await lastSeq;
    const items = await loadSentimentAfter(db, afterSeq, pageRows);
    if (items.length === 0) return;
    const about = new Set(items.map(({ instrumentId }) => instrumentId));
    for (const { of, onRows } of followed) if (about.has(await idOf(of))) onRows(await rows(of));
    lastSeq = Promise.resolve(items.at(-1)!.seq);
  }

  const loop = createLoop({
    work: look,
    everyMs: options.everyMs,
    log: options.log,
    failure: "sentiment was not read; tried again",
  });
  loop.start();

  /** From where on scores are new: before any row is read. */
  async function begin(): Promise<void> {
    lastSeq ??= lastSentimentSeq(db);
    try {
      await lastSeq;
    } catch (error) {
      lastSeq = undefined;
      throw error;
    }
  }

  return {
    async rows(of) {
      await begin();
      return rows(of);
    },
    follow(of, onRows) {
      const one = { of, onRows };
      followed.add(one);
      return () => void followed.delete(one);
    },
    stop: () => void loop.stop(),
  };
}
