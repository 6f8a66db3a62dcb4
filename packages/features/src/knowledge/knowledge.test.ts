import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AppError, Caller, KnowledgeIndex } from "@tapedeck/core";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
import { testDatabase, testLog } from "@tapedeck/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Db } from "../db.ts";
import { knowledgeRoutes } from "./contract.ts";
import { knowledgeRouteHandlers } from "./read.ts";
import { asOnlyWriter } from "./store.ts";
import { rebuildKnowledge, syncKnowledgeBase } from "./sync.ts";

const dayMs = 86_400_000;
const tenant = "0197a000-0000-7000-8000-000000000001";
const other = "0197a000-0000-7000-8000-000000000002";
const caller = (more: Partial<Caller> = {}): Caller => ({
  principalId: "p",
  kind: "user",
  tenantId: tenant,
  role: "analyst",
  requestId: "r",
  ...more,
});
const request = new Request("http://loopback/");

let root: string;
let dir: string;
let database: { db: Db; close(): Promise<void> };
let db: Db;
let index: KnowledgeIndex;
let nowMs: number;
const now = () => nowMs;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "tapedeck-knowledge-"));
  dir = path.join(root, "documents");
  await mkdir(path.join(dir, "risk"), { recursive: true });
  database = await testDatabase();
  db = database.db;
  nowMs = Date.UTC(2026, 0, 2);
  index = createLanceIndex({ dir: path.join(root, "index"), now });
});
afterEach(async () => {
  await index.close();
  await database.close();
  await rm(root, { recursive: true, force: true });
});

const file = (name: string, title: string, text: string) =>
  writeFile(
    path.join(dir, name),
    `---\ntitle: ${title}\ntopic: risk\nsources: [A book (2001)]\n---\n\n${text}\n`,
  );
const sync = () => syncKnowledgeBase({ db, index, dir, now });
const deps = () => ({ db, knowledge: index, now, log: testLog() });
const search = async (q: string, asOf?: number, who = caller()) => {
  const { items } = (await knowledgeRouteHandlers.searchKnowledge(
    deps(),
    { params: undefined, body: undefined, request, query: { q, limit: 5, asOf, documentId: undefined } },
    who,
  )) as { items: { id: string; documentId: string; text: string; start: number; end: number }[] };
  return items;
};
const read = (id: string, query: { version?: number; asOf?: number } = {}, who = caller()) =>
  knowledgeRouteHandlers.getDocument(
    deps(),
    { params: { id }, body: undefined, request, query: { version: query.version, asOf: query.asOf } },
    who,
  ) as Promise<{ text: string; version: number; passages: { start: number; end: number }[] }>;
const status = () => knowledgeRouteHandlers.getKnowledgeStatus(deps());
const post = (body: object, who = caller()) =>
  knowledgeRouteHandlers.postDocument(
    deps(),
    { params: undefined, query: undefined, request, body: knowledgeRoutes.postDocument.body!.parse(body) },
    who,
  ) as Promise<{ id: string; indexed: boolean; space: string }>;
const erase = (id: string, who = caller()) =>
  knowledgeRouteHandlers.deleteDocument(
    deps(),
    { params: { id }, query: undefined, body: undefined, request },
    who,
  );

describe("a folder of documents", () => {
  test("becomes passages that are found and open at their spans", async () => {
    await file(
      "risk/drawdown.md",
      "Drawdown",
      "A drawdown is the fall from a peak.\n\n## Pitfalls\n\nIt depends on sampling.",
    );
    await file("beta.md", "Beta", "Beta is the slope of returns on the market's.");
    expect(await sync()).toEqual({ added: 2, changed: 0, retired: 0, unchanged: 0, index: "rebuilt" });
    const [hit] = await search("What is a drawdown?");
    expect(hit).toMatchObject({ id: "kb.risk.drawdown:1:0", text: "A drawdown is the fall from a peak." });
    const view = await read(hit!.documentId);
    expect(view.text.slice(hit!.start, hit!.end)).toBe(hit!.text);
    expect(view.passages.map(({ start, end }) => view.text.slice(start, end))).toEqual([
      "A drawdown is the fall from a peak.",
      "It depends on sampling.",
    ]);
    expect(await status()).toMatchObject({
      documents: 2,
      passages: 3,
      indexed: 3,
      pending: 0,
      consistent: true,
    });
  });

  test("is left alone when nothing changed", async () => {
    await file("beta.md", "Beta", "Beta is a slope.");
    await sync();
    nowMs += dayMs;
    expect(await sync()).toEqual({ added: 0, changed: 0, retired: 0, unchanged: 1, index: "ready" });
  });

  test("keeps versions: each is found and opened as of its time", async () => {
    await file("beta.md", "Beta", "Beta is a slope, in old words.");
    await sync();
    const before = nowMs;
    nowMs += dayMs;
    await file("beta.md", "Beta", "Beta is a slope, in new words.");
    expect(await sync()).toMatchObject({ changed: 1, index: "updated" });
    const texts = async (asOf?: number) => (await search("beta slope", asOf)).map((hit) => hit.text);
    expect(await texts()).toEqual(["Beta is a slope, in new words."]);
    expect(await texts(before)).toEqual(["Beta is a slope, in old words."]);
    expect((await read("kb.beta", { asOf: before })).version).toBe(1);
    expect((await read("kb.beta", { version: 1 })).text).toContain("old");
    expect((await read("kb.beta")).version).toBe(2);
    await expect(read("kb.beta", { version: 3 })).rejects.toMatchObject({ code: "resource.unknown" });
  });

  test("retires what is gone, and takes it back", async () => {
    await file("beta.md", "Beta", "Beta is a slope.");
    await file("gamma.md", "Gamma", "Gamma is a curvature.");
    await sync();
    const before = nowMs;
    nowMs += dayMs;
    await rm(path.join(dir, "beta.md"));
    expect(await sync()).toMatchObject({ retired: 1, unchanged: 1, index: "updated" });
    expect(await search("beta slope")).toEqual([]);
    expect(await search("beta slope", before)).toHaveLength(1);
    nowMs += dayMs;
    await file("beta.md", "Beta", "Beta is a slope.");
    expect(await sync()).toMatchObject({ added: 1 });
    expect((await search("beta slope")).map((hit) => hit.id)).toEqual(["kb.beta:2:0"]);
  });

  test.each([
    ["no front matter", "Just text.", "front matter"],
    ["front matter that is not YAML", "---\ntitle: [\n---\n\nText.", "YAML"],
    ["no sources", "---\ntitle: A\ntopic: b\n---\n\nText.", "sources"],
    ["an unknown key", "---\ntitle: A\ntopic: b\nsources: [x]\nfoo: 1\n---\n\nText.", "foo"],
    ["no text", "---\ntitle: A\ntopic: b\nsources: [x]\n---\n\n", "no text"],
  ])("with %s is refused by the file's name, and nothing is changed", async (_, text, message) => {
    await writeFile(path.join(dir, "broken.md"), text);
    await file("beta.md", "Beta", "Beta is a slope.");
    const error = (await sync().catch((thrown: unknown) => thrown)) as AppError;
    expect(error).toMatchObject({ code: "data.invalid" });
    expect(error.message).toContain("broken.md");
    expect(error.message).toContain(message);
    expect(await db.selectFrom("documents").selectAll().execute()).toEqual([]);
  });

  test("is synchronised by many processes at once, once", async () => {
    await file("beta.md", "Beta", "Beta is a slope.");
    const second = createLanceIndex({ dir: path.join(root, "index"), now });
    const reports = await Promise.all([
      sync(),
      syncKnowledgeBase({ db, index: second, dir, now }),
      sync(),
      syncKnowledgeBase({ db, index: second, dir, now }),
    ]);
    expect(reports.map((report) => report.added).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1]);
    expect(await status()).toMatchObject({ versions: 1, consistent: true });
    await second.close();
  });
});

describe("the index", () => {
  beforeEach(async () => {
    await file("beta.md", "Beta", "Beta is a slope.");
    await file("gamma.md", "Gamma", "Gamma is a curvature.");
    await sync();
  });

  test("that was lost comes back from PostgreSQL at the next start", async () => {
    await index.close();
    await rm(path.join(root, "index"), { recursive: true });
    index = createLanceIndex({ dir: path.join(root, "index"), now });
    await expect(search("beta")).rejects.toMatchObject({ code: "knowledge.unavailable" });
    expect(await sync()).toMatchObject({ unchanged: 2, index: "rebuilt" });
    expect(await search("beta")).toHaveLength(1);
  });

  test("that lacks one document, or has one too many, is mended", async () => {
    const [chunk] = await index.search({ text: "gamma", limit: 1, spaces: ["shared"] });
    const { score: _, coverage: __, ...gamma } = chunk!;
    await index.put([{ ...gamma, id: "stray:1:0", documentId: "stray" }]);
    await index.removeDocument("kb.beta");
    expect(await status()).toMatchObject({ missing: 1, unexpected: 1, consistent: false });
    expect(await sync()).toMatchObject({ index: "updated" });
    expect(await status()).toMatchObject({ missing: 0, unexpected: 0, consistent: true });
  });

  test("with documents that a killed process wrote but did not index takes them in", async () => {
    await db.updateTable("documents").set({ indexed: false }).execute();
    expect(await status()).toMatchObject({ pending: 2, consistent: false });
    expect(await sync()).toMatchObject({ index: "updated" });
    expect(await status()).toMatchObject({ pending: 0, consistent: true });
  });

  test("is rebuilt by command", async () => {
    await index.removeDocument("kb.beta");
    const after = await knowledgeRouteHandlers.rebuildKnowledge(deps());
    expect(after).toMatchObject({ backend: "lancedb", indexed: 2, consistent: true });
  });

  test("is checked by command: what is missing, or lost its vector, is put in anew", async () => {
    await index.removeDocument("kb.beta");
    const losing = { ...index, findLost: async () => ["kb.gamma:1:0"] };
    const checked = await knowledgeRouteHandlers.checkKnowledge({ ...deps(), knowledge: losing });
    expect(checked).toMatchObject({ mended: 2, indexed: 2, consistent: true });
    expect(await search("gamma")).toHaveLength(1);
  });

  test("is written by one at a time; others wait, and give up with a word", async () => {
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = asOnlyWriter(db, () => {
      begun.resolve();
      return held.promise;
    });
    await begun.promise;
    await expect(asOnlyWriter(db, async () => 1, 200)).rejects.toMatchObject({
      code: "service.unavailable",
      retryable: true,
    });
    const waiting = rebuildKnowledge(deps());
    held.resolve();
    await first;
    await waiting;
    expect(await index.count()).toBe(2);
  });
});

describe("documents that are sent", () => {
  beforeEach(async () => {
    await file("beta.md", "Beta", "Beta is a slope.");
    await sync();
  });

  test("are found at once by their tenant alone", async () => {
    const made = await post({ title: "Our note", text: "Our gamma is rising." });
    expect(made).toMatchObject({ indexed: true, space: "own" });
    expect((await search("gamma")).map((hit) => hit.documentId)).toEqual([made.id]);
    expect(await search("gamma", undefined, caller({ tenantId: other }))).toEqual([]);
    await expect(read(made.id, {}, caller({ tenantId: other }))).rejects.toMatchObject({
      code: "resource.unknown",
    });
    await expect(erase(made.id, caller({ tenantId: other }))).rejects.toMatchObject({
      code: "resource.unknown",
    });
  });

  test("are kept while the index is down, and found once it is back", async () => {
    const down = path.join(root, "a file in the way");
    await writeFile(down, "");
    const broken = createLanceIndex({ dir: down, now });
    const working = index;
    index = broken;
    const made = await post({ title: "Our note", text: "Our gamma is rising." });
    expect(made.indexed).toBe(false);
    index = working;
    expect(await sync()).toMatchObject({ index: "updated" });
    expect((await search("gamma")).map((hit) => hit.documentId)).toEqual([made.id]);
  });

  test("are not seen as of before they were public", async () => {
    const publishedMs = Date.UTC(2020, 0, 1);
    await post({ title: "Old news", text: "Gamma squeeze.", publishedMs });
    expect(await search("gamma", publishedMs - 1)).toEqual([]);
    expect(await search("gamma", publishedMs)).toHaveLength(1);
  });

  test("are erased whole", async () => {
    const { id } = await post({ title: "Our note", text: "Our gamma is rising." });
    await erase(id);
    expect(await search("gamma")).toEqual([]);
    await expect(read(id)).rejects.toMatchObject({ code: "resource.unknown" });
    expect(await status()).toMatchObject({ documents: 1, consistent: true });
  });

  test("go to the shared space by operators of the deployment only", async () => {
    const body = { title: "For all", text: "Gamma for all.", space: "shared" };
    for (const who of [
      caller(),
      caller({ role: "admin" }),
      caller({ operating: true }),
      caller({ operating: true, role: "trader" }),
    ]) {
      await expect(post(body, who)).rejects.toMatchObject({ code: "auth.forbidden" });
    }
    const { id } = await post(body, caller({ operating: true, role: "operator" }));
    expect((await search("gamma", undefined, caller({ tenantId: other })))[0]!.documentId).toBe(id);
    await expect(erase(id, caller({ tenantId: other }))).rejects.toMatchObject({ code: "auth.forbidden" });
  });

  test("do not include those of files, which cannot be erased", async () => {
    await expect(erase("kb.beta", caller({ operating: true, role: "admin" }))).rejects.toMatchObject({
      code: "resource.conflict",
    });
  });

  test("are listed in pages with the knowledge base", async () => {
    await post({ title: "One", text: "One." });
    await post({ title: "Two", text: "Two." });
    const list = (query: object, who = caller()) =>
      knowledgeRouteHandlers.listDocuments(
        deps(),
        {
          params: undefined,
          body: undefined,
          request,
          query: knowledgeRoutes.listDocuments.query!.parse(query),
        },
        who,
      ) as Promise<{ items: { title: string }[]; nextCursor: string | null }>;
    const first = await list({ limit: 2 });
    const rest = await list({ limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...rest.items].map((one) => one.title).toSorted()).toEqual([
      "Beta",
      "One",
      "Two",
    ]);
    expect(rest.nextCursor).toBeNull();
    expect((await list({ topic: "risk" })).items.map((one) => one.title)).toEqual(["Beta"]);
    expect((await list({}, caller({ tenantId: other }))).items).toHaveLength(1);
  });
});
