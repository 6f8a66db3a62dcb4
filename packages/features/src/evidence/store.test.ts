import { newId } from "@tapedeck/core";
import { testDatabase } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import type { EvidenceItem, EvidenceStore } from "./contract.ts";
import { createEvidenceStore } from "./store.ts";

let database: TestDatabase<Database>;
let store: EvidenceStore;
const tenant = newId(1);
const jobId = newId(2);
beforeAll(async () => {
  database = await testDatabase<Database>();
  store = createEvidenceStore({ db: database.db, now: () => 123 });
});
afterAll(async () => {
  await database.close();
});

const item = (value: number): EvidenceItem => ({
  kind: "computation",
  formula: "close",
  datasetHash: "h",
  instrumentId: "SPX.INDEX",
  timeframe: "1d",
  atMs: 5,
  value,
  unit: "points",
});

describe("evidence", () => {
  test("comes back as it went in, every digit", async () => {
    for (const value of [0.1 + 0.2, 1e-300, 1.7976931348623157e308, -2386.129883, 0]) {
      const id = await store.add(tenant, jobId, item(value));
      expect(await store.get(tenant, id)).toEqual({ id, jobId, createdMs: 123, item: item(value) });
    }
  });

  test("the same item has one id and one row, whoever adds it", async () => {
    const [a, b] = await store.addAll(tenant, jobId, [item(7), item(7)]);
    const again = await store.add(tenant, newId(3), { ...item(7) });
    expect(new Set([a, b, again]).size).toBe(1);
    const rows = await database.db.selectFrom("evidence").selectAll().where("id", "=", a!).execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]!.jobId).toBe(jobId);
  });

  test("many at once, in two orders at the same time", async () => {
    const items = Array.from({ length: 1_200 }, (_, i) => item(i + 1_000));
    const [ids, reversed] = await Promise.all([
      store.addAll(tenant, jobId, items),
      store.addAll(tenant, jobId, items.toReversed()),
    ]);
    expect(reversed.toReversed()).toEqual(ids);
    expect((await store.get(tenant, ids[1_199]!)).item).toEqual(item(2_199));
  });

  test("is its tenant's alone", async () => {
    const id = await store.add(tenant, jobId, item(42));
    await expect(store.get(newId(9), id)).rejects.toMatchObject({ code: "resource.unknown" });
  });

  test("refuses a value that JSON has not", async () => {
    await expect(store.add(tenant, jobId, item(Number.NaN))).rejects.toThrow(/NaN|number/i);
  });
});
