import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { LiveEvents, tickRoutes } from "./contract.ts";
import { loadFindings, loadGaps, loadRuns } from "./store.ts";

export interface TickDeps {
  db: Db;
  liveEvents: LiveEvents;
  now(): number;
}

/** A run that has not beaten for this long is gone. */
const silentMs = 10_000;

export const tickRouteHandlers = {
  streamEvents: ({ liveEvents }, { request }, { address = "unknown" }) => liveEvents.open(request, address),

  async listFeeds(deps) {
    const [runs, gaps, findings] = await Promise.all([
      loadRuns(deps.db, 20),
      loadGaps(deps.db, 100),
      loadFindings(deps.db, 100),
    ]);
    const nowMs = deps.now();
    return {
      runs: runs.map(({ stoppedMs, id, venue, simulated, startedMs, heartbeatMs, instruments, feed }) => ({
        id,
        venue,
        simulated,
        instruments,
        state: stoppedMs === null && nowMs - heartbeatMs < silentMs ? ("alive" as const) : ("gone" as const),
        startedMs,
        heartbeatMs,
        feed,
      })),
      gaps,
      findings,
    };
  },
} satisfies RouteHandlersFor<typeof tickRoutes, TickDeps>;
