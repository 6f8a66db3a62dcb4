import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createDb, migrateToLatest } from "@tapedeck/platform/postgres/index";
import type { Kysely } from "kysely";
import pg from "pg";

/** Root of the repository. */
export const projectRoot = path.resolve(import.meta.dirname, "../../..");
const migrationsFolder = path.join(projectRoot, "migrations");

/** Where the shared server lives: one a user and a copy of the repository. */
export function serverFolder(): string {
  const name = createHash("sha256").update(projectRoot).digest("hex").slice(0, 8);
  return path.join(tmpdir(), `tapedeck-test-${userInfo().username}-${name}`);
}

export interface TestDatabase<DB> {
  db: Kysely<DB>;
  url: string;
  close: () => Promise<void>;
}

async function query(url: string, ...texts: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    let result: pg.QueryResult | undefined;
    for (const text of texts) result = await client.query(text);
    return result!;
  } finally {
    await client.end();
  }
}

/** Address of the shared server's `postgres` database; started when it does not answer. */
export async function testServerUrl(): Promise<string> {
  const dir = serverFolder();
  await mkdir(dir, { recursive: true });
  let launched = 0;
  for (let attempt = 0; attempt < 600; attempt++) {
    try {
      const { url } = JSON.parse(await readFile(path.join(dir, "server.json"), "utf8")) as { url: string };
      await query(url, "select 1");
      return url;
    } catch {
      // Not there yet, or gone: a second one started at the same time ends by itself.
      if (performance.now() - launched > 5_000 || launched === 0) {
        launched = performance.now();
        spawn(process.execPath, [path.join(import.meta.dirname, "server.ts"), dir], {
          detached: true,
          stdio: "ignore",
        }).unref();
      }
      await sleep(100);
    }
  }
  throw new Error(`the test server did not start; see ${dir}`);
}

/** Changes whenever a migration does. */
async function migrationsHash(): Promise<string> {
  const hash = createHash("sha256");
  const files = await readdir(migrationsFolder).catch(() => []);
  for (const file of files
    .filter((name) => /^\d{4}_.*\.ts$/.test(name) && !name.endsWith(".test.ts"))
    .toSorted()) {
    hash.update(file).update(await readFile(path.join(migrationsFolder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** By server and name: the server ends when nobody was connected for a while, and the next one begins empty. */
const templates = new Map<string, Promise<string>>();

async function makeTemplate(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(7265001)");
    const found = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (found.rowCount === 0) {
      const building = `${name}_building`;
      await client.query(`drop database if exists ${building} with (force)`);
      await client.query(`create database ${building}`);
      const url = new URL(serverUrl);
      url.pathname = `/${building}`;
      await migrateToLatest(url.href, migrationsFolder);
      await client.query(`alter database ${building} rename to ${name}`);
    }
    return name;
  } finally {
    await client.end();
  }
}

/**
 * A fresh database, migrated, on the PostgreSQL that all tests of this machine share. `close()` drops it.
 * `empty: true` skips the migrations.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a test says which tables it speaks of, or none
export async function testDatabase<DB = any>(options: { empty?: boolean } = {}): Promise<TestDatabase<DB>> {
  const serverUrl = await testServerUrl();
  let template = "template1";
  if (options.empty !== true) {
    const name = `template_${await migrationsHash()}`;
    const key = `${serverUrl} ${name}`;
    let made = templates.get(key);
    if (made === undefined) {
      made = makeTemplate(serverUrl, name);
      templates.set(key, made);
      made.catch(() => templates.delete(key));
    }
    template = await made;
  }
  const name = `test_${randomBytes(8).toString("hex")}`;
  await query(serverUrl, `create database ${name} template ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const db = createDb<DB>(url.href, { max: 5 });
  return {
    db,
    url: url.href,
    async close() {
      await db.destroy();
      await query(serverUrl, `drop database if exists ${name} with (force)`);
    },
  };
}
