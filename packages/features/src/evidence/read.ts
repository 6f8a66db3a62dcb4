import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import { indexAtOrAfter, indexAtOrBefore } from "@tapedeck/quant/measure";
import type * as z from "zod";
import type { JobService } from "../jobs/contract.ts";
import { barRowsOf } from "../series/contract.ts";
import type { SeriesReader } from "../series/contract.ts";
import type { EvidenceItem, evidenceRoutes, EvidenceRows, EvidenceStore } from "./contract.ts";

export interface EvidenceReadDeps {
  evidence: EvidenceStore;
  series: Pick<SeriesReader, "byHash">;
  jobs: Pick<JobService, "get">;
}

/** Bars of one pack over all its items. */
const mostPackBars = 50_000;

/** The newest bars that an item rests on: those of its range, or those up to the bar of a computed value. */
async function loadRows(
  series: EvidenceReadDeps["series"],
  item: Extract<EvidenceItem, { kind: "rows" | "computation" }>,
  limit: number,
): Promise<z.output<typeof EvidenceRows>> {
  const { columns, length } = await series.byHash(item.datasetHash);
  const from = item.kind === "rows" ? indexAtOrAfter(columns.openMs, item.fromMs) : 0;
  const toMs = item.kind === "rows" ? item.toMs : item.atMs;
  const to = toMs === null ? length : indexAtOrBefore(columns.closeMs, toMs) + 1;
  const first = Math.max(from, to - limit);
  const bars = barRowsOf(columns, first, to);
  return {
    datasetHash: item.datasetHash,
    instrumentId: item.instrumentId,
    timeframe: item.timeframe,
    total: to - from,
    leftOut: first - from,
    bars,
  };
}

export const evidenceRouteHandlers = {
  getEvidence: async (deps, { params }, caller) => deps.evidence.get(caller.tenantId, params.id),

  getEvidenceRows: async (deps, { params, query }, caller) => {
    const { item } = await deps.evidence.get(caller.tenantId, params.id);
    if (item.kind !== "rows" && item.kind !== "computation") {
      throw new AppError("resource.unknown", `Evidence ${params.id} is a ${item.kind}; it rests on no bars.`);
    }
    // The caller's own evidence names the dataset, so it may read it.
    return loadRows(deps.series, item, query.limit);
  },

  async getEvidencePack(deps, { params, query }, caller) {
    const job = await deps.jobs.get(caller.tenantId, params.id);
    const ids = [...new Set(JSON.stringify(job.result ?? null).match(/\bev_[0-9a-f]{40}\b/g) ?? [])];
    if (ids.length === 0)
      throw new AppError(
        "resource.unknown",
        `The result of job ${params.id} (${job.state}) cites no evidence.`,
      );
    let barsLeft = mostPackBars;
    const items = [];
    for (const id of ids) {
      const { item } = await deps.evidence.get(caller.tenantId, id);
      const limit = Math.min(query.barsPerItem, barsLeft);
      const rows =
        limit > 0 && (item.kind === "rows" || item.kind === "computation")
          ? await loadRows(deps.series, item, limit)
          : null;
      barsLeft -= rows?.bars.length ?? 0;
      items.push({ id, item, sha256: contentHash(item), rows });
    }
    const { id: jobId, type, createdMs, payload, result } = job;
    const pack = {
      format: "tapedeck-evidence-pack/1" as const,
      jobId,
      type,
      createdMs,
      payload,
      result,
      items,
    };
    return { ...pack, sha256: contentHash(pack) };
  },
} satisfies RouteHandlersFor<typeof evidenceRoutes, EvidenceReadDeps>;
