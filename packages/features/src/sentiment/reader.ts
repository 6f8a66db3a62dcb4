import { numbersCursor } from "@tapedeck/core";
import { sentimentDecay, sentimentHalfLife, sentimentMean } from "@tapedeck/formula";
import { labelOf } from "@tapedeck/text/sentiment/score";
import type { Db } from "../db.ts";
import type { SentimentReader, SentimentWriter } from "./contract.ts";
import { insertItems, loadItems, loadPoints } from "./store.ts";

export function createSentimentReader({ db, now }: { db: Db; now(): number }): SentimentReader {
  return {
    async list(tenantId, { asOfMs = now(), cursor, limit, ...query }) {
      const after = numbersCursor(cursor, 2);
      const rows = await loadItems(db, tenantId, {
        ...query,
        asOfMs,
        limit: limit + 1,
        before: after === undefined ? undefined : { publishedMs: after[0]!, seq: after[1]! },
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(({ seq: _, ...item }) => ({ ...item, label: labelOf(item.score) })),
        nextCursor: rows.length > limit && last !== undefined ? `${last.publishedMs}_${last.seq}` : null,
      };
    },

    points: (tenantId, instrumentId, untilMs) => loadPoints(db, tenantId, instrumentId, untilMs),

    async valueAt(tenantId, instrumentId, atMs) {
      const points = await loadPoints(db, tenantId, instrumentId, atMs);
      if (points.length === 0) return undefined;
      let [sum, weights, items] = [0, 0, 0];
      for (const point of points) {
        const left = point.weight * sentimentDecay(atMs - point.atMs, sentimentHalfLife);
        sum += left * point.score;
        weights += left;
        items += point.items;
      }
      return { value: sentimentMean(sum, weights, 1), items, lastMs: points.at(-1)!.atMs };
    },
  };
}

export const sentimentWriter: SentimentWriter = { write: insertItems };
