import type { RouteHandlersFor } from "@tapedeck/core";
import { sentimentHalfLife } from "@tapedeck/formula";
import type { SeriesReader } from "../series/contract.ts";
import type { SentimentReader, sentimentRoutes } from "./contract.ts";

export interface SentimentRouteDeps {
  sentiments: SentimentReader;
  series: Pick<SeriesReader, "resolve">;
  now(): number;
}

const dayMs = 86_400_000;

export const sentimentRouteHandlers = {
  async getSentiment({ sentiments, series, now }, { params, query }, { tenantId }) {
    const { instrumentId } = await series.resolve(tenantId, params.instrumentId);
    const { from, to, asOf = now(), ...page } = query;
    const listed = await sentiments.list(tenantId, {
      ...page,
      instrumentId,
      fromMs: from,
      toMs: to,
      asOfMs: asOf,
    });
    const mean = await sentiments.valueAt(tenantId, instrumentId, asOf);
    return {
      ...listed,
      instrumentId,
      asOfMs: asOf,
      value: mean?.value ?? null,
      halfLifeMs: sentimentHalfLife * dayMs,
    };
  },
} satisfies RouteHandlersFor<typeof sentimentRoutes, SentimentRouteDeps>;
