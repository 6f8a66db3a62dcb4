import { newId } from "@tapedeck/core";
import { testDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database, Db } from "../../db.ts";
import { fixtureContext } from "../books.fixture.ts";
import { noHelp, putSweepJob } from "./parts.fixture.ts";
import { createSpreader, takePart } from "./spread.ts";
import type { PartedWork } from "./spread.ts";
import { claimPart, deleteParts, insertParts } from "./store.ts";

const tenantId = newId(0);
const now = () => 1_000;
let db: Db;
let close: () => Promise<void>;

beforeAll(async () => {
  const database = await testDatabase<Database>();
  ({ db, close } = database);
});
afterAll(async () => await close());

/** Squares a number, and notes who did. */
function squares(by: string, done: Array<[string, number]>): PartedWork<number, number> {
  return {
    inputHashes: [],
    async compute(input, breathe) {
      await breathe();
      done.push([by, input]);
      return input * input;
    },
  };
}

const parts = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ number, input: number + 1 }));

function scene(facts: { jobId?: string; pickup?: number } = {}) {
  const ctx = fixtureContext<never>(db, { tenantId, now, ...facts });
  const done: Array<[string, number]> = [];
  const spreader = createSpreader({ db, jobs: noHelp }, ctx, squares("own", done));
  const given = new Map<number, number>();
  const run = (count: number) =>
    spreader.run(parts(count), (number, output) => {
      expect(given.has(number)).toBe(false);
      given.set(number, output);
    });
  return { ctx, done, spreader, given, run };
}

describe("parts of a job", () => {
  test("alone it computes them all; with helpers each is computed once and given once", async () => {
    const alone = scene();
    await alone.run(9);
    expect([...alone.given].sort(([a], [b]) => a - b)).toEqual(parts(9).map((p) => [p.number, p.input ** 2]));
    const shared = scene();
    const helper = async (name: string) => {
      const own = fixtureContext<never>(db, { tenantId, now });
      for (let idle = 0; idle < 100;) {
        const taken = await takePart(db, own, shared.ctx.jobId, name, squares(name, shared.done));
        if (taken === undefined) idle++;
      }
    };
    await Promise.all([shared.run(60), helper("first"), helper("second")]);
    expect([...shared.given].sort(([a], [b]) => a - b)).toEqual(
      parts(60).map((p) => [p.number, p.input ** 2]),
    );
    expect(shared.done).toHaveLength(60);
    expect(new Set(shared.done.map(([by]) => by)).size).toBeGreaterThan(1);
    await shared.spreader.close();
    expect(
      await db.selectFrom("backtestParts").select("number").where("jobId", "=", shared.ctx.jobId).execute(),
    ).toEqual([]);
  });

  test("a part whose worker died is taken anew, and what that worker stores later is not", async () => {
    const { ctx, run, given, done } = scene();
    await insertParts(db as never, ctx.jobId, parts(3));
    const { promise: late, resolve: wake } = Promise.withResolvers<void>();
    const slow: PartedWork<number, number> = {
      inputHashes: [],
      compute: async () => {
        await late;
        return -1;
      },
    };
    const lost = takePart(db, fixtureContext<never>(db, { tenantId, now }), ctx.jobId, "dead", slow);
    await expect
      .poll(() => db.selectFrom("backtestParts").select("owner").where("jobId", "=", ctx.jobId).execute())
      .toContainEqual({ owner: "dead" });
    await sql`update backtest_parts set lease_until = clock_timestamp() - interval '1 second' where owner = 'dead'`.execute(
      db,
    );
    await run(3);
    wake();
    expect(await lost).toBe("lost");
    expect(given.get(0)).toBe(1);
    expect(done).toHaveLength(3);
  });

  test("a later attempt keeps what was stored, and takes back what the killed one had", async () => {
    const first = scene();
    await first.run(2);
    await insertParts(db as never, first.ctx.jobId, parts(4));
    await claimPart(db as never, first.ctx.jobId, `${first.ctx.jobId}#1`);
    const second = scene({ jobId: first.ctx.jobId, pickup: 2 });
    await second.run(4);
    expect(new Set(second.given.keys())).toEqual(new Set([0, 1, 2, 3]));
    expect(new Set(second.done.map(([, input]) => input))).toEqual(new Set([3, 4]));
  });

  test("a later attempt that reads other data begins anew", async () => {
    const first = scene();
    await first.run(2);
    const second = scene({ jobId: first.ctx.jobId, pickup: 2 });
    const { commit } = second.ctx;
    // What the first attempt read, as the job's row of commits keeps it.
    second.ctx.commit = (fn, options) =>
      options?.once === "inputs" ? (Promise.resolve(["other"]) as never) : commit(fn, options);
    await second.run(2);
    expect(new Set(second.done.map(([, input]) => input))).toEqual(new Set([1, 2]));
  });

  test("one part is taken at a time, whatever the server believes of the table", async () => {
    const { ctx } = scene();
    for (const settings of ["default", "hashjoin", "indexscan"]) {
      const taken = await db.transaction().execute(async (tx) => {
        if (settings !== "default")
          await sql`select set_config(${`enable_${settings}`}, 'off', true)`.execute(tx);
        await deleteParts(tx, [ctx.jobId]);
        await insertParts(tx as never, ctx.jobId, parts(1));
        await sql`analyze backtest_parts`.execute(tx);
        await insertParts(tx as never, ctx.jobId, parts(40));
        await claimPart(tx as never, ctx.jobId, settings);
        return await tx.selectFrom("backtestParts").select("number").where("owner", "=", settings).execute();
      });
      expect(taken).toEqual([{ number: 0 }]);
    }
  });

  test("nothing is taken of a job that was cancelled", async () => {
    const { ctx } = scene();
    await insertParts(db as never, ctx.jobId, parts(1));
    await putSweepJob(db, { id: ctx.jobId, tenantId, payload: {}, cancelRequestedMs: 1 });
    expect(await claimPart(db as never, ctx.jobId, "any")).toBeUndefined();
  });
});
