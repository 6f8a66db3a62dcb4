export { watchedClient } from "./client.ts";
export { createDb, createDbWithStats, createPool, typeParsers } from "./db.ts";
export type { DbOptions, PoolStats } from "./db.ts";
export { freePort, startPostgres } from "./embedded.ts";
export type { EmbeddedOptions, EmbeddedServer } from "./embedded.ts";
export { migrateToLatest, migrationNames, pendingMigrations } from "./migrate.ts";
