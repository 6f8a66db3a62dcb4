import { recordingContext, testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db } from "../db.ts";
import { createEvidenceStore } from "../evidence/store.ts";
import { saveSentDocument } from "../knowledge/store.ts";
import { sentiment } from "./contract.ts";
import { runSentiment } from "./run.ts";

const tenant = "0197a000-0000-7000-8000-000000000001";
const other = "0197a000-0000-7000-8000-000000000002";
let database: { db: Db; close(): Promise<void> };
const deps = () => ({ db: database.db, evidence: createEvidenceStore({ db: database.db, now: Date.now }) });
const run = async (payload: object, tenantId = tenant) => {
  const context = recordingContext<{ done: number; total: number }, never>({ tenantId });
  const result = await runSentiment(deps(), sentiment.payload.parse(payload), context);
  return { result: sentiment.result.parse(result), context };
};

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

describe("the sentiment job", () => {
  test("scores texts in order, by their ids", async () => {
    const { result, context } = await run({
      texts: [
        { id: "a", text: "Profit rose." },
        { text: "Losses widened." },
        { text: "The meeting is on Monday." },
      ],
    });
    expect(result.items.map(({ id, label }) => [id, label])).toEqual([
      ["a", "positive"],
      ["1", "negative"],
      ["2", "neutral"],
    ]);
    expect(result.counts).toEqual({ positive: 1, negative: 1, neutral: 1 });
    const sum = result.items.reduce((total, item) => total + item.score, 0);
    expect(result.meanScore).toBeCloseTo(sum / 3, 12);
    expect(context.recorded.progress.at(-1)).toEqual({ done: 3, total: 3 });
  });

  test("scores documents, citing the sentences that weigh most", async () => {
    const text = "The quarter was as usual.\n\nOperating profit rose to 9 from 5. Orders declined a little.";
    const id = await saveSentDocument(
      database.db,
      tenant,
      { title: "Report", topic: "notes", sources: [], formulas: [], publishedMs: 0, text },
      Date.now(),
    );
    const { result, context } = await run({ documentIds: [id] });
    const [item] = result.items;
    expect(item!.document).toEqual({ id, version: 1, title: "Report" });
    const store = deps().evidence;
    const cited = await Promise.all(item!.evidenceIds.map((one) => store.get(tenant, one)));
    expect(cited.map(({ item: passage }) => passage.kind === "passage" && passage.text)).toEqual([
      "Operating profit rose to 9 from 5.",
      "Orders declined a little.",
    ]);
    for (const { item: passage } of cited) {
      if (passage.kind === "passage") expect(text.slice(passage.start, passage.end)).toBe(passage.text);
    }
    expect(context.recorded.inputs).toMatchObject([{ kind: "document", ref: id }]);
    const resolved = await runSentiment.resolveInputs(
      deps(),
      { documentIds: [id] },
      {
        tenantId: tenant,
        nowMs: Date.now(),
      },
    );
    expect(resolved.hashes).toHaveLength(1);
  });

  test("does not see a document before it is published", async () => {
    const publishedMs = Date.parse("2026-03-01");
    const document = {
      title: "Later",
      topic: "n",
      sources: [],
      formulas: [],
      publishedMs,
      text: "Profit rose.",
    };
    const id = await saveSentDocument(database.db, tenant, document, Date.parse("2026-01-01"));
    const error = { code: "data.missing", message: expect.stringContaining("as of 2026-02-01") as string };
    await expect(run({ documentIds: [id], asOf: Date.parse("2026-02-01") })).rejects.toMatchObject(error);
    const { result } = await run({ documentIds: [id], asOf: publishedMs });
    expect(result.items[0]!.label).toBe("positive");
  });

  test("does not see another tenant's documents", async () => {
    const document = {
      title: "Ours",
      topic: "n",
      sources: [],
      formulas: [],
      publishedMs: 0,
      text: "Profit rose.",
    };
    const id = await saveSentDocument(database.db, other, document, Date.now());
    await expect(run({ documentIds: [id] })).rejects.toMatchObject({ code: "data.missing" });
  });

  test("tells how a call sounds by part and speaker, and against the call before", async () => {
    const call = (words: { ceo: string; cfo: string }) =>
      [
        "## Prepared remarks",
        "### Ann Lee, Chief Executive Officer",
        words.ceo,
        "## Questions and answers",
        "### Bob Ray, Analyst, Some Bank",
        "Are you worried about weak demand?",
        "### Carl Fox, Chief Financial Officer",
        words.cfo,
      ].join("\n\n");
    const add = (publishedMs: number, text: string) =>
      saveSentDocument(
        database.db,
        tenant,
        {
          title: `Call ${publishedMs}`,
          topic: "calls",
          sources: [],
          formulas: [],
          publishedMs,
          text,
        },
        Date.now(),
        { kind: "transcript", company: "Acme" },
      );
    const first = await add(1_000, call({ ceo: "Profit rose. Demand is strong.", cfo: "Margins improved." }));
    const later = await add(
      2_000,
      call({ ceo: "Losses widened.", cfo: "We believe that demand may perhaps be weak." }),
    );
    const { result, context } = await run({ documentIds: [later, first] });
    const [second, before] = result.items.map((item) => item.call!);
    expect(before).toMatchObject({ previous: null, company: { label: "positive", hedging: 0 } });
    expect(second).toMatchObject({
      prepared: { label: "negative" },
      answers: { words: 8, hedging: 3 / 8 },
      speakers: [
        { speaker: "Ann Lee", role: "Chief Executive Officer", side: "company" },
        { speaker: "Bob Ray", side: "analyst" },
        { speaker: "Carl Fox", side: "company" },
      ],
      previous: { documentId: first, publishedMs: 1_000 },
    });
    const { change } = second!.previous!;
    expect(change.prepared).toBeCloseTo(second!.prepared!.score - before!.prepared!.score, 12);
    expect(change.hedging).toBeCloseTo(second!.company!.hedging, 12);
    expect(context.recorded.inputs.map(({ ref }) => ref)).toContain(first);
    expect((await run({ texts: [{ text: "Profit rose." }] })).result.items[0]!.call).toBeNull();
  });

  test.each([{}, { texts: [] }, { texts: [{ text: "" }] }, { documentIds: ["a b"] }])(
    "refuses %j",
    (payload) => {
      expect(sentiment.payload.safeParse(payload).success).toBe(false);
    },
  );

  test("stops when it is cancelled", async () => {
    const stop = new AbortController();
    stop.abort(new Error("cancelled"));
    const context = recordingContext<{ done: number; total: number }, never>({ signal: stop.signal });
    await expect(runSentiment(deps(), { texts: [{ text: "Profit rose." }] }, context)).rejects.toThrow(
      "cancelled",
    );
  });
});
