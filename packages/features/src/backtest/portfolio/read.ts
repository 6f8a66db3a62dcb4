import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import { loadPortfolioRun } from "../store.ts";
import type { portfolioRoutes } from "./contract.ts";

export const portfolioRouteHandlers = {
  getPortfolioBacktest: async ({ db }, { params }, caller) => {
    const run = await loadPortfolioRun(db, caller.tenantId, params.id);
    const { id, jobId, createdMs, title, timeframe, payload, result } = run;
    return { id, jobId, createdMs, title, timeframe, payload, result };
  },
} satisfies RouteHandlersFor<typeof portfolioRoutes, { db: Db }>;
