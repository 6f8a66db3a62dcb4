import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiFixture } from "./fixture.ts";
import type { ApiFixture } from "./fixture.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await apiFixture();
});
afterAll(() => api.close());

const put = (name: string, body: unknown, token = api.adminKey) =>
  api.call("PUT", `/api/formulas/${name}`, { token, body });
const get = (path: string, token = api.adminKey) => api.call("GET", path, { token });
const remove = (name: string) => api.call("DELETE", `/api/formulas/${name}`, { token: api.adminKey });

describe("saved formulas over HTTP", () => {
  test("are put, read, used in a check and deleted", async () => {
    const body = { formula: "close / sma(close, n)", params: [{ name: "n", default: "20" }] };
    expect((await put("ratio", body)).status).toBe(200);
    expect(await (await get("/api/formulas/ratio")).json()).toMatchObject({
      signature: "ratio(n: 20)",
      check: { formula: "close / sma(close, 20)", warmup: 19 },
    });
    const checked = await get(`/api/formulas/check?formula=${encodeURIComponent("ratio(5) > 1")}`);
    expect(await checked.json()).toMatchObject({ valid: true, formula: "close / sma(close, 5) > 1" });
    expect((await put("calm", { formula: "ratio < 1" })).status).toBe(200);
    expect((await remove("ratio")).status).toBe(409);
    expect((await remove("calm")).status).toBe(204);
    expect((await remove("ratio")).status).toBe(204);
    expect((await get("/api/formulas/ratio")).status).toBe(404);
    expect(await (await get("/api/formulas")).json()).toEqual({ items: [] });
  });

  test.each([
    ["ratio", { formula: "smaa(close, 3)" }, 422],
    ["ratio", {}, 422],
    ["Ratio", { formula: "close" }, 422],
    ["check", { formula: "close" }, 422],
    ["sma", { formula: "close" }, 422],
  ])("%s as %j is refused with %i", async (name, body, status) => {
    expect((await put(name, body)).status).toBe(status);
  });

  test("need a caller, and one who may write", async () => {
    const viewer = await api.user("viewer");
    expect((await put("ratio", { formula: "close" }, viewer.accessToken)).status).toBe(403);
    expect((await put("ratio", { formula: "close" }, "tdk_guess")).status).toBe(401);
    expect((await get("/api/formulas", viewer.accessToken)).status).toBe(200);
  });
});

test("an indicator is read by its name; a wrong one is 404", async () => {
  expect(await (await get("/api/indicators/macd")).json()).toMatchObject({
    outputs: ["macd", "signal", "hist"],
  });
  expect((await get("/api/indicators/macdd")).status).toBe(404);
});
