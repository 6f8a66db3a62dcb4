import { numbersCursor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { EventReader } from "./contract.ts";
import { loadStories } from "./store.ts";

export function createEventReader({ db, now }: { db: Db; now(): number }): EventReader {
  return {
    async list(tenantId, { asOfMs = now(), cursor, limit, ...query }) {
      const after = numbersCursor(cursor, 2);
      const rows = await loadStories(
        db,
        { tenantId, asOfMs },
        {
          ...query,
          limit: limit + 1,
          before: after === undefined ? undefined : { publishedMs: after[0]!, seq: after[1]! },
        },
      );
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map(({ seq: _, storyId: __, ...event }) => event),
        nextCursor: rows.length > limit && last !== undefined ? `${last.publishedMs}_${last.seq}` : null,
      };
    },
  };
}
