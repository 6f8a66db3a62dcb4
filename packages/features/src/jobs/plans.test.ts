import { newId } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createDb } from "@tapedeck/platform/postgres/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { testDatabase, testLog } from "@tapedeck/testkit";
import { sql } from "kysely";
import { expect, test } from "vitest";
import type { Database, Db } from "../db.ts";
import { jobFixture, testCaller } from "./fixture.ts";
import { claimJobs, endJobs } from "./store.ts";

const backlog = 2_000;

test("claims and ends planned while there were no jobs read the rows they name, not the backlog", async () => {
  const database = await testDatabase<Database>();
  const queue = createQueue({ databaseUrl: database.url }, { log: testLog() });
  const bus = createBus({ databaseUrl: database.url }, { log: testLog() });
  const { service } = jobFixture({ db: database.db, queue, bus });
  const keyed = createDb<Database>(database.url, { max: 1, keyedOnly: true });
  const workerId = newId(Date.now());
  const claim = (db: Db, ids: string[]) => claimJobs(db, ids, { workerId, nowMs: Date.now(), maxUnended: 3 });
  const end = (db: Db, ids: string[]) =>
    endJobs(
      db,
      ids.map((id) => ({
        id,
        pickup: 1,
        from: "owner",
        state: "completed",
        result: "{}",
        error: null,
        contentKey: null,
        reusedFrom: null,
        alone: true,
      })),
      Date.now(),
    );
  expect(await claim(keyed, [newId(Date.now())])).toEqual([]);
  expect((await end(keyed, [newId(Date.now())])).ids.size).toBe(0);

  const caller = testCaller(newId(Date.now()));
  const jobs = await Promise.all(
    Array.from({ length: backlog }, () => service.submit({ caller, type: "echo", payload: { text: "" } })),
  );
  const ids = jobs.slice(0, 3).map(({ job }) => job.id);
  await keyed.transaction().execute(async (tx) => {
    expect((await claim(tx, ids)).map((row) => row.id).toSorted()).toEqual(ids.toSorted());
    expect((await end(tx, ids)).ids).toEqual(new Set(ids));
    const { rows } = await sql<{ rows: number }>`
      select seq_tup_read + idx_tup_fetch as rows from pg_stat_xact_user_tables where relname = 'jobs'`.execute(
      tx,
    );
    expect(rows[0]!.rows).toBeGreaterThan(0);
    expect(rows[0]!.rows).toBeLessThan(backlog / 10);
  });

  await service.stop();
  await Promise.all([keyed.destroy(), queue.close(), bus.close()]);
  await database.close();
});
