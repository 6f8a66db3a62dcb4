import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { maxSavedFormulas, SavedFormulaBody } from "./contract.ts";
import { createFormulaLibrary } from "./library.ts";
import { indicatorRouteHandlers as routes } from "./read.ts";
import type { IndicatorDeps } from "./read.ts";

let nowMs = Date.UTC(2026, 0, 2);
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let deps: IndicatorDeps;

beforeAll(async () => {
  database = await testDatabase<Database>();
  deps = { db: database.db, now: () => nowMs };
});
afterAll(() => database.close());

/** A caller of a tenant of its own. */
function someone(): Caller {
  const tenantId = newId(nowMs);
  return { principalId: newId(nowMs), kind: "user", tenantId, role: "analyst", requestId: "test" };
}

const request = new Request("http://localhost/");
const input = <P, Q, B>(parts: { params?: P; query?: Q; body?: B }) =>
  ({ params: undefined, query: undefined, body: undefined, request, ...parts }) as never;

const save = (caller: Caller, name: string, body: Parameters<typeof SavedFormulaBody.parse>[0]) =>
  routes.saveFormula(deps, input({ params: { name }, body: SavedFormulaBody.parse(body) }), caller);
const stretch = {
  formula: "(x - sma(x, n)) / stddev(x, n)",
  params: [
    { name: "x", default: "close" },
    { name: "n", default: "20" },
  ],
  meaning: "Standard deviations from the average.",
};

describe("saved formulas", () => {
  test("one is saved, read, listed, replaced and deleted", async () => {
    const caller = someone();
    const made = await save(caller, "stretch", stretch);
    expect(made).toMatchObject({
      name: "stretch",
      ...stretch,
      signature: "stretch(x: close, n: 20)",
      check: { type: "series", warmup: 19, lookAhead: false },
      createdMs: nowMs,
    });
    nowMs += 1_000;
    const next = await save(caller, "stretch", { formula: "close - sma(close, 5)" });
    expect(next).toMatchObject({ createdMs: made.createdMs, updatedMs: nowMs, check: { warmup: 4 } });
    const { items } = await routes.listSavedFormulas(deps, input({}), caller);
    expect(items).toEqual([next]);
    const params = { name: "stretch" };
    expect(await routes.getSavedFormula(deps, input({ params }), caller)).toEqual(next);
    await routes.deleteSavedFormula(deps, input({ params }), caller);
    await expect(routes.getSavedFormula(deps, input({ params }), caller)).rejects.toMatchObject({
      code: "resource.unknown",
    });
  });

  test("other formulas call it; another tenant does not know it", async () => {
    const [mine, theirs] = [someone(), someone()];
    await save(mine, "stretch", stretch);
    await save(mine, "calm", { formula: "stretch(n: 10) < 1" });
    const library = createFormulaLibrary({ db: deps.db });
    expect(await library.expand(mine.tenantId, ["calm", "sma(close,3)", "nosuch("])).toEqual([
      "(close - sma(close, 10)) / stddev(close, 10) < 1",
      "sma(close,3)",
      "nosuch(",
    ]);
    expect(await library.expand(theirs.tenantId, ["calm"])).toEqual(["calm"]);
    await expect(library.expand(mine.tenantId, ["close", "1 + stretch(m: 3)"])).rejects.toMatchObject({
      code: "formula.invalid",
      details: { index: 1, column: 13 },
    });
    const query = { formula: "stretch(hl2) > 2", use: "rule" as const };
    expect(await routes.checkFormula(deps, input({ query }), mine)).toMatchObject({
      valid: true,
      type: "condition",
      warmup: 19,
    });
    expect(await routes.checkFormula(deps, input({ query }), theirs)).toMatchObject({ valid: false });
  });

  test("a change that would break a caller is refused, and so is the deletion of one that is called", async () => {
    const caller = someone();
    await save(caller, "stretch", stretch);
    await save(caller, "calm", { formula: "stretch(n: 10) < 1" });
    const conflict = { code: "resource.conflict", message: expect.stringMatching(/calm/) as string };
    await expect(save(caller, "stretch", { formula: "close" })).rejects.toMatchObject(conflict);
    await expect(save(caller, "stretch", { ...stretch, formula: "calm + x" })).rejects.toMatchObject({
      code: "formula.invalid",
      message: expect.stringMatching(/uses itself/) as string,
    });
    const params = { name: "stretch" };
    await expect(routes.deleteSavedFormula(deps, input({ params }), caller)).rejects.toMatchObject(conflict);
    await routes.deleteSavedFormula(deps, input({ params: { name: "calm" } }), caller);
    await routes.deleteSavedFormula(deps, input({ params }), caller);
  });

  test.each([
    ["sma", { formula: "close" }, /a name of the language already/],
    ["mine", { formula: "smaa(close, 3)" }, /did you mean sma\? \(column 1\)/],
    ["mine", { formula: "close", params: [{ name: "high", default: "1" }] }, /parameter high/],
  ])("%s as %j is refused", async (name, body, message) => {
    await expect(save(someone(), name, body)).rejects.toMatchObject({
      code: "formula.invalid",
      message: expect.stringMatching(message) as string,
    });
  });

  test("two that would call each other cannot both be saved at once", async () => {
    const caller = someone();
    await save(caller, "first", { formula: "close" });
    await save(caller, "second", { formula: "open" });
    const ended = await Promise.allSettled([
      save(caller, "first", { formula: "second + 1" }),
      save(caller, "second", { formula: "first + 1" }),
    ]);
    expect(ended.map((one) => one.status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  test("their number has a limit", async () => {
    const caller = someone();
    await deps.db
      .insertInto("savedFormulas")
      .values(
        Array.from({ length: maxSavedFormulas }, (_, i) => ({
          tenantId: caller.tenantId,
          name: `f${i}`,
          params: "[]",
          formula: "close",
          meaning: "",
          savedBy: caller.principalId,
          createdMs: nowMs,
          updatedMs: nowMs,
        })),
      )
      .execute();
    await expect(save(caller, "more", { formula: "close" })).rejects.toMatchObject({
      code: "resource.conflict",
    });
    await save(caller, "f7", { formula: "open" });
  });
});

test("one indicator is found by its name, and a wrong name is helped", async () => {
  const one = await routes.getIndicator(deps, input({ params: { name: "rsi" } }));
  expect(one).toMatchObject({ name: "rsi", warmup: 14, signature: "rsi(close, n: 14)" });
  await expect(routes.getIndicator(deps, input({ params: { name: "rssi" } }))).rejects.toMatchObject({
    code: "resource.unknown",
    message: expect.stringMatching(/did you mean rsi\?/) as string,
  });
});
