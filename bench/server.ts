import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { migrateToLatest, startPostgres } from "@tapedeck/platform/postgres/index";

/** A PostgreSQL of its own, migrated, with durable commits as in production. */
export async function benchDatabase(): Promise<{
  url: string;
  urlOf(name: string): string;
  close(): Promise<void>;
}> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-bench-"));
  const server = await startPostgres({ dir });
  await migrateToLatest(server.url, path.resolve(import.meta.dirname, "../migrations"));
  return {
    url: server.url,
    urlOf: server.urlOf,
    async close() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Rate limits out of the way: a bench has one caller. */
export const openGates = {
  TAPEDECK_RATE_PER_SECOND: "1000000",
  TAPEDECK_RATE_BURST: "1000000",
  TAPEDECK_MAX_WAITING_JOBS: "100000000",
  LOG_LEVEL: "error",
};
