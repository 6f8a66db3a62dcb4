import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import type { sweepRoutes } from "./contract.ts";
import { countTrials, loadTrials, requireSweep, trialView } from "./store.ts";

export const sweepRouteHandlers = {
  listSweepTrials: async ({ db }, { params, query }, caller) => {
    await requireSweep(db, caller.tenantId, params.id);
    const after = query.cursor ?? "0";
    if (!/^[0-9]{1,9}$/.test(after)) {
      throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
    }
    const rows = await loadTrials(db, params.id, Number(after), query.limit + 1);
    const items = rows.slice(0, query.limit).map(trialView);
    return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)!.number) : null };
  },

  getTrialLedger: async ({ db }, { params }, caller) =>
    await countTrials(db, caller.tenantId, params.datasetHash),
} satisfies RouteHandlersFor<typeof sweepRoutes, { db: Db }>;
