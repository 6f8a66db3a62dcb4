import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { tcpProxy, testDatabase, testLog } from "@tapedeck/testkit";
import { CompiledQuery, sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { createDb, freePort, migrateToLatest, pendingMigrations, startPostgres } from "./index.ts";

const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-embedded-"));
afterAll(() => rm(dir, { recursive: true, force: true }));

test("int8 is a number, numeric is text, an int8 past 2^53 is an error, columns are camelCase", async () => {
  const { db, close } = await testDatabase({ empty: true });
  const { rows } = await sql`select 1700000000123::int8 as opened_ms, array[1, null, 3]::int8[] as some,
    1.50::numeric as price`.execute(db);
  expect(rows).toEqual([{ openedMs: 1700000000123, some: [1, null, 3], price: "1.50" }]);
  await expect(sql`select 9007199254740993::int8 as big`.execute(db)).rejects.toThrow("not a safe integer");
  await close();
});

test("a statement past its time is ended by the server and the connection stays usable", async () => {
  const { url, close } = await testDatabase({ empty: true });
  const db = createDb(url, { max: 1, statementTimeoutMs: 300 });
  await expect(sql`select pg_sleep(20)`.execute(db)).rejects.toMatchObject({ code: "57014" });
  expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  await db.destroy();
  await close();
});

test("rows in the server's binary format are copied; a fault in them is an error and the connection stays usable", async () => {
  const { url, close } = await testDatabase({ empty: true });
  const db = createDb(url, { max: 1 });
  await sql`create table things (id int4 primary key)`.execute(db);
  const header = Buffer.from("5047434f50590aff0d0a000000000000000000", "hex");
  const row = (id: number) => Buffer.from([0, 1, 0, 0, 0, 4, 0, 0, 0, id]);
  const copy = (...ids: number[]) =>
    db.executeQuery(
      CompiledQuery.raw("copy things from stdin (format binary)", [
        Buffer.concat([header, ...ids.map(row), Buffer.from([255, 255])]),
      ]),
    );
  await copy(1, 2, 3);
  await expect(copy(4, 1)).rejects.toMatchObject({ code: "23505" });
  expect((await sql`select id from things order by id`.execute(db)).rows).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
  await db.destroy();
  await close();
});

test.each([
  ["plans a prepared statement once a connection where rows are found by key alone", true, 3, 0],
  ["plans a prepared statement at each call elsewhere", false, 0, 3],
])("a pool %s", async (_what, keyedOnly, generic, custom) => {
  const { url, close } = await testDatabase({ empty: true });
  const db = createDb(url, { max: 1, keyedOnly });
  await sql`create table things (id int primary key)`.execute(db);
  const find = CompiledQuery.raw("/* prepared */ select id from things where id = any($1::int[])", [[1, 2]]);
  for (let call = 0; call < 3; call++) await db.executeQuery(find);
  const plans = await sql`select generic_plans, custom_plans from pg_prepared_statements`.execute(db);
  expect(plans.rows).toEqual([{ genericPlans: generic, customPlans: custom }]);
  await db.destroy();
  await close();
});

test("a server that stops answering costs a query its silence limit, not for ever", async () => {
  const silent = createServer(() => undefined);
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
  const db = createDb(`postgres://u:p@127.0.0.1:${port}/x`, { connectTimeoutMs: 500 });
  const started = performance.now();
  await expect(sql`select 1`.execute(db)).rejects.toThrow(/timeout/);
  expect(performance.now() - started).toBeLessThan(3_000);
  await db.destroy();
  silent.close();
});

test("a dead connection is found out within seconds; a slow statement is let be", async () => {
  const { url, close } = await testDatabase({ empty: true });
  const address = new URL(url);
  const proxy = await tcpProxy(Number(address.port));
  address.port = String(proxy.port);
  const db = createDb(address.href, { max: 2 });
  await sql`select pg_sleep(5.5)`.execute(db);
  proxy.blackHole();
  const started = performance.now();
  await expect(sql`select 1`.execute(db)).rejects.toThrow("the database connection was dead");
  expect(performance.now() - started).toBeLessThan(10_000);
  proxy.heal();
  expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  await db.destroy();
  await proxy.close();
  await close();
});

test("migrations run once, in one transaction, and are reported", async () => {
  const { db, close } = await testDatabase({ empty: true });
  const folder = await mkdtemp(path.join(dir, "migrations-"));
  const write = (name: string, text: string) =>
    writeFile(
      path.join(folder, name),
      `import { sql } from ${JSON.stringify(import.meta.resolve("kysely"))};\nexport const up = (db) => sql\`${text}\`.execute(db);\n`,
    );
  await write("0002_a_second.ts", "create table second (id int)");
  expect(await migrateToLatest(db, folder)).toEqual(["0002_a_second"]);
  await write("0001_b_first.ts", "create table first (id int)");
  expect(await pendingMigrations(db, folder)).toEqual(["0001_b_first"]);
  expect(await migrateToLatest(db, folder)).toEqual(["0001_b_first"]);
  expect(await migrateToLatest(db, folder)).toEqual([]);
  await write("0003_c_good.ts", "create table third (id int)");
  await write("0004_d_bad.ts", "create tabel fourth (id int)");
  await expect(migrateToLatest(db, folder)).rejects.toMatchObject({
    code: "config.invalid",
    message: expect.stringContaining("Migration 0004_d_bad failed and nothing was changed"),
  });
  const { rows } = await sql<{ found: boolean }>`select to_regclass('third') is not null as found`.execute(
    db,
  );
  expect(rows).toEqual([{ found: false }]);
  await close();
});

test("the embedded server keeps its rows over a crash, a stale mark and a second start", async () => {
  const folder = path.join(dir, "server");
  const first = await startPostgres({ dir: folder });
  const write = createDb(first.url);
  await sql`create table kept (n int)`.execute(write);
  await sql`insert into kept values (7)`.execute(write);
  await write.destroy();
  expect(first.adopted).toBe(false);
  expect((await stat(path.join(folder, "password"))).mode & 0o777).toBe(0o600);

  const log = testLog();
  const same = await startPostgres({ dir: folder, log });
  expect([same.adopted, same.pid, same.url]).toEqual([true, first.pid, first.url]);

  await first.kill();
  await first.ended;
  // A mark whose pid now belongs to another program (this one).
  const mark = path.join(folder, "data", "postmaster.pid");
  const lines = (await readFile(mark, "utf8")).split("\n");
  await writeFile(mark, [process.pid, ...lines.slice(1)].join("\n"));
  const again = await startPostgres({ dir: folder });
  const read = createDb(again.url);
  expect((await sql`select n from kept`.execute(read)).rows).toEqual([{ n: 7 }]);
  await read.destroy();
  await again.stop();
  await again.stop();
  await expect(
    createDb(again.url)
      .connection()
      .execute(async () => undefined),
  ).rejects.toThrow("ECONNREFUSED");
});

test("a folder that cannot be written, and a port that is taken, say so in one line", async () => {
  await writeFile(path.join(dir, "file"), "");
  await expect(startPostgres({ dir: path.join(dir, "file", "below") })).rejects.toMatchObject({
    code: "config.invalid",
    message: expect.stringMatching(
      /^The folder .*below cannot be written .* set TAPEDECK_DIR to one that can\.$/,
    ),
  });
  const blocker = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => blocker.listen(port, "127.0.0.1", resolve));
  const failure = await startPostgres({ dir: path.join(dir, "taken"), port }).catch((error: Error) => error);
  expect(failure).toMatchObject({ code: "service.unavailable" });
  expect((failure as Error).message.split("\n")).toHaveLength(1);
  blocker.close();
});
