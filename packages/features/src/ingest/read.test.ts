import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import type { BarPageView } from "../series/contract.ts";
import { seriesRoutes } from "../series/contract.ts";
import { seriesRouteHandlers } from "../series/read.ts";
import { ingestRoutes } from "./contract.ts";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";
import { ingestRouteHandlers } from "./read.ts";

const caller: Caller = { principalId: "p", kind: "key", tenantId, role: "viewer", requestId: "r" };
const stranger: Caller = { ...caller, tenantId: "01900000-0000-7000-8000-000000000009" };
const jobId = newId(Date.now());
let fixture: Awaited<ReturnType<typeof ingestFixture>>;
let deps: (typeof fixture)["deps"] & { now(): number };

beforeAll(async () => {
  fixture = await ingestFixture();
  deps = { ...fixture.deps, now: () => fixture.clock.ms };
  const rows = Array.from(
    { length: 25 },
    (_, i) => `2024-01-${String(i + 1).padStart(2, "0")},${i + 1},${i === 4 ? "" : i}`,
  );
  const bad = Array.from({ length: 5 }, (_, i) => `=cmd${i},1,1`);
  await fixture.runFile(
    "acme.csv",
    `date,close,volume\n${rows.join("\n")}\n${bad.join("\n")}\n`,
    { instrument: { name: "Acme, Inc." } },
    { jobId },
  );
  // What the job service writes when a job is submitted.
  await fixture.db
    .insertInto("jobs")
    .values({
      id: jobId,
      tenantId,
      type: "ingest",
      queue: "ingest",
      version: 1,
      state: "completed",
      priority: 5,
      rank: 5,
      held: false,
      payload: "{}",
      submittedBy: "p",
      seed: 0,
      maxAttempts: 1,
      failures: 0,
      attempt: 1,
      pickups: 1,
      unended: 0,
      eventSeq: 0,
      createdMs: 0,
    } as never)
    .execute();
});
afterAll(() => fixture.close());

type Page = z.output<typeof BarPageView>;

async function bars(query: Record<string, string>, headers: Record<string, string> = {}, who = caller) {
  const response = (await seriesRouteHandlers.getBars(
    deps,
    {
      params: { id: "acme" },
      query: seriesRoutes.getBars.query!.parse(query),
      body: undefined,
      request: new Request("http://x/api/bars/acme", { headers }),
    },
    who,
  )) as Response;
  return { response, page: response.status === 200 ? ((await response.json()) as Page) : undefined };
}

describe("GET /api/bars/{id}", () => {
  test("pages over all bars once, in order, as its contract says", async () => {
    const closes: number[] = [];
    let cursor: string | null = null;
    do {
      const { page }: { page: Page | undefined } = await bars({
        limit: "10",
        ...(cursor === null ? {} : { cursor }),
      });
      seriesRoutes.getBars.response!.parse(page);
      closes.push(...page!.close);
      cursor = page!.nextCursor;
    } while (cursor !== null);
    expect(closes).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  });
  test("a missing volume is null; the last bars on demand; a range by dates", async () => {
    expect((await bars({})).page!.volume[4]).toBeNull();
    expect((await bars({ last: "true", limit: "3" })).page!.close).toEqual([23, 24, 25]);
    expect((await bars({ from: "2024-01-10", to: "2024-01-12" })).page!.close).toEqual([10, 11]);
    expect((await bars({ asOf: "2024-01-03T12:00:00Z" })).page!.close).toEqual([1, 2]);
  });
  test("an ETag that matches answers 304", async () => {
    const { response } = await bars({});
    const etag = response.headers.get("etag")!;
    expect((await bars({}, { "if-none-match": etag })).response.status).toBe(304);
    expect((await bars({ limit: "5" }, { "if-none-match": etag })).response.status).toBe(200);
  });
  test("another tenant has no such instrument", async () => {
    await expect(bars({}, {}, stranger)).rejects.toMatchObject({ code: "symbol.unknown" });
  });
  test("a cursor from elsewhere is refused", async () => {
    await expect(bars({ cursor: "x" })).rejects.toMatchObject({ code: "payload.invalid" });
  });
});

const input = <P, Q>(params: P, query: Q) => ({
  params,
  query,
  body: undefined,
  request: new Request("http://x/"),
});

describe("instruments and quality", () => {
  test("are listed, searched and opened", async () => {
    const list = (query: object, who = caller) =>
      seriesRouteHandlers.listInstruments(
        deps,
        input(undefined, seriesRoutes.listInstruments.query!.parse(query)),
        who,
      );
    expect(await list({ q: "acme, i" })).toMatchObject({
      items: [{ instrumentId: "ACME.LOCAL", name: "Acme, Inc." }],
      nextCursor: null,
    });
    expect(await list({ q: "zzz" })).toEqual({ items: [], nextCursor: null });
    expect(await list({}, stranger)).toEqual({ items: [], nextCursor: null });
    const details = await seriesRouteHandlers.getInstrument(
      deps,
      input({ id: "ACME.LOCAL" }, undefined),
      caller,
    );
    seriesRoutes.getInstrument.response!.parse(details);
    expect(details).toMatchObject({
      series: [{ kind: "bars", timeframe: "1d", rows: 25, jobId }],
      actions: [],
    });
  });
  test("the last report is kept", async () => {
    const { items } = (await ingestRouteHandlers.getQuality(
      deps,
      input({ id: "ACME" }, undefined),
      caller,
    )) as { items: object[] };
    expect(items).toMatchObject([
      { instrumentId: "ACME.LOCAL", bars: 25, missingVolume: 1, zeroVolume: 1, calendar: "24x7", missing: 0 },
    ]);
  });
});

describe("quarantine", () => {
  const list = (query: object, who = caller) =>
    ingestRouteHandlers.getQuarantine(
      deps,
      input({ id: jobId }, ingestRoutes.getQuarantine.query!.parse(query)),
      who,
    ) as Promise<{
      items: { line: number }[];
      nextCursor: string | null;
    }>;
  test("is paged", async () => {
    const first = await list({ limit: "3" });
    const second = await list({ limit: "3", cursor: first.nextCursor! });
    expect([...first.items, ...second.items].map((row) => row.line)).toEqual([27, 28, 29, 30, 31]);
    expect(second.nextCursor).toBeNull();
  });
  test("is another tenant's not to see", async () => {
    await expect(list({}, stranger)).rejects.toMatchObject({ code: "job.unknown" });
    await expect(
      ingestRouteHandlers.downloadQuarantine(deps, input({ id: jobId }, undefined), stranger),
    ).rejects.toMatchObject({ code: "job.unknown" });
  });
  test("comes as CSV in which nothing runs as a spreadsheet formula", async () => {
    const response = (await ingestRouteHandlers.downloadQuarantine(
      deps,
      input({ id: jobId }, undefined),
      caller,
    )) as Response;
    const lines = (await response.text()).split("\r\n");
    expect(lines[0]).toBe("line,reason,message,row");
    expect(lines[1]).toBe(`27,time.invalid,"""=cmd0"" is not a time","'=cmd0,1,1"`);
    expect(lines).toHaveLength(7);
  });
});

test("a preview shows mapping and rows and writes nothing", async () => {
  const upload = await fixture.uploads.add(tenantId, {
    filename: "prev.csv",
    data: chunks("date,close\n2024-01-02,10\n2024-01-03,x\n"),
  });
  const body = ingestRoutes.previewIngest.body!.parse({ source: { kind: "upload", uploadId: upload.id } });
  const shown = await ingestRouteHandlers.previewIngest(
    deps,
    { params: undefined, query: undefined, body, request: new Request("http://x/") },
    caller,
  );
  const parsed = ingestRoutes.previewIngest.response!.parse(shown);
  expect(parsed.rows).toMatchObject([
    { line: 2, instrumentId: "PREV.LOCAL", values: { close: 10 }, rejected: null },
    { line: 3, rejected: expect.stringContaining("not a number") as string },
  ]);
  await expect(fixture.series.resolve(tenantId, "PREV")).rejects.toMatchObject({ code: "symbol.unknown" });
});

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
