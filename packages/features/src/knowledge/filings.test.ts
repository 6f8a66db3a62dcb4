import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Caller, KnowledgeIndex } from "@tapedeck/core";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
import { testDatabase, testLog } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Db } from "../db.ts";
import { knowledgeRoutes } from "./contract.ts";
import { createFilingReader } from "./filings.ts";
import { knowledgeRouteHandlers } from "./read.ts";

const tenant = "0197a000-0000-7000-8000-000000000001";
const other = "0197a000-0000-7000-8000-000000000002";
const caller: Caller = {
  principalId: "p",
  kind: "user",
  tenantId: tenant,
  role: "analyst",
  requestId: "r",
};
const nowMs = Date.UTC(2026, 0, 2);
const publishedMs = Date.UTC(2023, 1, 10);
const filing = { company: "Acme Widgets Inc.", form: "10-K", fiscalYear: 2022 } as const;

let dir: string;
let index: KnowledgeIndex;
let database: { db: Db; close(): Promise<void> };
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-filings-"));
  database = await testDatabase();
  index = createLanceIndex({ dir, now: () => nowMs });
});
afterAll(async () => {
  await index.close();
  await database.close();
  await rm(dir, { recursive: true, force: true });
});

const post = (body: object) =>
  knowledgeRouteHandlers.postDocument(
    { db: database.db, knowledge: index, now: () => nowMs, log: testLog() },
    {
      params: undefined,
      query: undefined,
      request: new Request("http://loopback/"),
      body: knowledgeRoutes.postDocument.body!.parse(body),
    },
    caller,
  ) as Promise<{ id: string; filing: unknown }>;

test("a filing is found by its tenant from its day on, page by page", async () => {
  const text = "Cover\fItem 1. Business\nIt sells widgets.\fTotal assets 5 4";
  const { id, filing: stored } = await post({ title: "Acme 10-K", text, filing, publishedMs });
  expect(stored).toEqual(filing);
  const reader = createFilingReader({ db: database.db });
  const [found, ...more] = await reader.list(tenant, nowMs);
  expect(found).toEqual({ documentId: id, version: 1, title: "Acme 10-K", ...filing });
  expect(more).toEqual([]);
  expect(await reader.list(tenant, publishedMs - 1)).toEqual([]);
  expect(await reader.list(other, nowMs)).toEqual([]);

  const pages = await reader.pages(tenant, found!);
  expect(pages.map(({ page, text: own }) => [page, own])).toEqual([
    [1, "Cover"],
    [2, "Item 1. Business\nIt sells widgets."],
    [3, "Total assets 5 4"],
  ]);
  for (const { start, text: own } of pages) expect(text.slice(start, start + own.length)).toBe(own);
  await expect(reader.pages(other, found!)).rejects.toMatchObject({ code: "resource.unknown" });

  const [hit] = await index.search({ text: "sells widgets", limit: 1, spaces: [tenant] });
  expect(hit).toMatchObject({ section: "Page 2", documentId: id });
});

test.each([
  ["a year out of range", { ...filing, fiscalYear: 22 }],
  ["an unknown form", { ...filing, form: "20-F" }],
  ["no company", { ...filing, company: " " }],
  ["a day that is none", { ...filing, eventDate: "2023-02-30" }],
])("%s is refused", (_name, bad) => {
  const parsed = knowledgeRoutes.postDocument.body!.safeParse({ title: "t", text: "x", filing: bad });
  expect(parsed.success).toBe(false);
});
