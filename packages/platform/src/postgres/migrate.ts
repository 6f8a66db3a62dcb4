import { readdir } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@tapedeck/core";
import { Migrator } from "kysely/migration";
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";
import { createDb } from "./db.ts";

// oxlint-disable typescript/no-explicit-any -- a migration knows no table types
const fileName = /^(\d{4}_[a-z0-9_]+)\.ts$/;

/** Names of the migrations of a folder, in the order in which they run. */
export async function migrationNames(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .map((file) => fileName.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .toSorted();
}

async function loadMigrations(folder: string): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {};
  for (const name of await migrationNames(folder)) {
    const url = pathToFileURL(path.join(folder, `${name}.ts`)).href;
    migrations[name] = (await import(/* @vite-ignore */ url)) as Migration;
  }
  return migrations;
}

/**
 * Runs what has not run yet, all in one transaction; several at once wait for each other. Numbers may arrive out
 * of order, since each feature owns a range of them. Returns the names that ran.
 */
export async function migrateToLatest(target: string | Kysely<any>, folder: string): Promise<string[]> {
  const owned =
    typeof target === "string" ? createDb<any>(target, { max: 2, statementTimeoutMs: 0 }) : undefined;
  const db = owned ?? (target as Kysely<any>);
  try {
    const migrator = new Migrator({
      db: db.withoutPlugins(),
      provider: { getMigrations: () => loadMigrations(folder) },
      allowUnorderedMigrations: true,
    });
    const { error, results = [] } = await migrator.migrateToLatest();
    if (error !== undefined) {
      const failed = results.find((result) => result.status === "Error")?.migrationName;
      const reason = error instanceof Error ? error.message : "unknown";
      throw new AppError(
        "config.invalid",
        failed === undefined
          ? `The database could not be migrated: ${reason}`
          : `Migration ${failed} failed and nothing was changed: ${reason}`,
        { cause: error },
      );
    }
    return results.map((result) => result.migrationName);
  } finally {
    await owned?.destroy();
  }
}

/** Migrations of the folder that have not run. Throws when the database does not answer. */
export async function pendingMigrations(db: Kysely<any>, folder: string): Promise<string[]> {
  const migrator = new Migrator({
    db: db.withoutPlugins(),
    provider: { getMigrations: () => loadMigrations(folder) },
    allowUnorderedMigrations: true,
  });
  const all = await migrator.getMigrations();
  return all.filter((migration) => migration.executedAt === undefined).map((migration) => migration.name);
}
