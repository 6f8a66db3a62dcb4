import type { Db } from "../db.ts";
import type { AlertReader } from "./contract.ts";
import { loadTriggers } from "./store.ts";

export function createAlertReader({ db }: { db: Db }): AlertReader {
  return {
    triggers: (tenantId, untilMs, limit) => loadTriggers(db, { tenantId, untilMs, limit }),
  };
}
