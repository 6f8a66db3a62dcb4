import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { SeriesReader } from "../series/contract.ts";
import type { EventReader, eventRoutes } from "./contract.ts";
import { loadStory } from "./store.ts";

export interface EventRouteDeps {
  db: Db;
  events: EventReader;
  series: Pick<SeriesReader, "resolve">;
  now(): number;
}

export const eventRouteHandlers = {
  async listEvents({ events, series }, { query }, { tenantId }) {
    const { instrumentId, kind, from, to, asOf, ...rest } = query;
    const instrument = instrumentId === undefined ? undefined : await series.resolve(tenantId, instrumentId);
    return events.list(tenantId, {
      ...rest,
      instrumentIds: instrument === undefined ? undefined : [instrument.instrumentId],
      kinds: kind,
      fromMs: from,
      toMs: to,
      asOfMs: asOf,
    });
  },

  async getEvent({ db, now }, { params, query }, { tenantId }) {
    const all = await loadStory(db, { tenantId, asOfMs: query.asOf ?? now() }, params.id);
    const first = all[0];
    if (first === undefined) {
      throw new AppError(
        "resource.unknown",
        `There is no event ${params.id} here${query.asOf === undefined ? "" : " as of then"}. GET /api/events lists those there are.`,
      );
    }
    return { ...first, reports: new Set(all.map(({ documentId }) => documentId)).size, all };
  },
} satisfies RouteHandlersFor<typeof eventRoutes, EventRouteDeps>;
