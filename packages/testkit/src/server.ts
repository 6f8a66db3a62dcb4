/**
 * The PostgreSQL that tests share: `node server.ts FOLDER`. One a folder; ends by itself, and removes the folder,
 * when nobody has been connected for a while.
 */
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "@tapedeck/platform/postgres/index";
import pg from "pg";

const idleMs = 120_000;
const dir = process.argv[2]!;
const lockFile = path.join(dir, "server.lock");

async function lock(): Promise<boolean> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(lockFile, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return true;
    } catch {
      const pid = Number(await readFile(lockFile, "utf8").catch(() => "0"));
      try {
        process.kill(pid === 0 ? process.pid : pid, 0);
        return false;
      } catch {
        await rm(lockFile, { force: true });
      }
    }
  }
  return false;
}

if (await lock()) {
  const server = await startPostgres({
    dir: path.join(dir, "postgres"),
    settings: {
      fsync: "off",
      synchronous_commit: "off",
      full_page_writes: "off",
      max_connections: "400",
      shared_buffers: "128MB",
    },
  });
  let over = false;
  void server.ended.then(() => (over = true));
  const url = server.urlOf("postgres");
  const address = path.join(dir, "server.json");
  await writeFile(`${address}.new`, JSON.stringify({ url, pid: server.pid }), { mode: 0o600 });
  await rename(`${address}.new`, address);
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => (over = true));
  await client.connect();
  let lastUse = performance.now();
  while (!over && performance.now() - lastUse < idleMs) {
    await sleep(2_000);
    const { rows } = await client.query<{ others: number }>(
      "select count(*)::int as others from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    );
    if (rows[0]!.others > 0) lastUse = performance.now();
  }
  await rm(address, { force: true });
  await client.end().catch(() => undefined);
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}
