import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { indexAtOrAfter, indexAtOrBefore } from "@tapedeck/quant/measure";
import type { SeriesReader } from "../series/contract.ts";
import type { evidenceRoutes, EvidenceStore } from "./contract.ts";

export interface EvidenceReadDeps {
  evidence: EvidenceStore;
  series: Pick<SeriesReader, "byHash">;
}

export const evidenceRouteHandlers = {
  getEvidence: async (deps, { params }, caller) => deps.evidence.get(caller.tenantId, params.id),

  getEvidenceRows: async (deps, { params, query }, caller) => {
    const { item } = await deps.evidence.get(caller.tenantId, params.id);
    if (item.kind !== "rows" && item.kind !== "computation") {
      throw new AppError("resource.unknown", `Evidence ${params.id} is a ${item.kind}; it rests on no bars.`);
    }
    // The caller's own evidence names the dataset, so it may read it.
    const { columns, length } = await deps.series.byHash(item.datasetHash);
    const from = item.kind === "rows" ? indexAtOrAfter(columns.openMs, item.fromMs) : 0;
    const toMs = item.kind === "rows" ? item.toMs : item.atMs;
    const to = toMs === null ? length : indexAtOrBefore(columns.closeMs, toMs) + 1;
    const first = Math.max(from, to - query.limit);
    const bars = Array.from({ length: to - first }, (_, i) => {
      const at = first + i;
      const volume = columns.volume[at]!;
      return {
        openMs: columns.openMs[at]!,
        closeMs: columns.closeMs[at]!,
        open: columns.open[at]!,
        high: columns.high[at]!,
        low: columns.low[at]!,
        close: columns.close[at]!,
        volume: Number.isNaN(volume) ? null : volume,
      };
    });
    return {
      datasetHash: item.datasetHash,
      instrumentId: item.instrumentId,
      timeframe: item.timeframe,
      total: to - from,
      leftOut: first - from,
      bars,
    };
  },
} satisfies RouteHandlersFor<typeof evidenceRoutes, EvidenceReadDeps>;
