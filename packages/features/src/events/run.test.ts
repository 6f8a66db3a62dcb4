import { testLog } from "@tapedeck/testkit";
import fc from "fast-check";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSentimentAfter } from "../sentiment/store.ts";
import { callerOf, eventsFixture, tenantA, tenantB } from "./events.fixture.ts";
import { eventRouteHandlers } from "./read.ts";
import type { SubmitRequest } from "../jobs/contract.ts";
import { createReadingRequester } from "./requester.ts";
import { loadEventsAfter } from "./store.ts";

const nowMs = Date.parse("2024-03-20");
let f: Awaited<ReturnType<typeof eventsFixture>>;

beforeEach(async () => {
  f = await eventsFixture(nowMs);
  await f.addInstrument("AAPL.XNAS", "Apple Inc.");
  await f.addInstrument("INTC.XNAS", "Intel Corporation");
});
afterEach(() => f.close());

const list = async (tenantId = tenantA, query: Parameters<typeof f.deps.events.list>[1] = { limit: 50 }) =>
  (await f.deps.events.list(tenantId, query)).items;

describe("the extract job", () => {
  test("finds events and what they mean for whom, with their places", async () => {
    const text = "A quiet day.\n\nIntel cut its full-year revenue outlook. Apple was not affected.";
    const id = await f.add(text, "2024-03-05T10:00:00Z");
    expect(await f.extract()).toEqual({ documents: 1, events: 1, stories: 1, scores: 2 });
    const [event] = await list();
    expect(event).toMatchObject({
      kind: "guidance",
      instrumentId: "INTC.XNAS",
      direction: "bad",
      important: true,
      documentId: id,
      version: 1,
      reports: 1,
    });
    expect(text.slice(event!.start, event!.end)).toBe("Intel cut its full-year revenue outlook.");
    const scores = await f.deps.sentiments.list(tenantA, { instrumentId: "INTC.XNAS", limit: 10 });
    expect(scores.items).toMatchObject([{ label: "negative", weight: 0.5, source: "news", mentions: 1 }]);
  });

  test("folds what several documents tell into one story, as it was known at the time", async () => {
    await f.add("Apple was fined 1.8 billion euros by the European Commission.", "2024-03-04T12:00:00Z");
    await f.add("Brussels regulators fined Apple 1.8 billion over music streaming.", "2024-03-04T15:00:00Z");
    await f.add("Apple faces a lawsuit by a chip supplier in Texas.", "2024-03-05T09:00:00Z");
    expect(await f.extract()).toMatchObject({ events: 3, stories: 2 });
    expect((await list()).map(({ reports, text }) => [reports, text.slice(0, 20)])).toEqual([
      [1, "Apple faces a lawsui"],
      [2, "Apple was fined 1.8 "],
    ]);
    const asOfMs = Date.parse("2024-03-04T13:00:00Z");
    expect(await list(tenantA, { limit: 10, asOfMs })).toMatchObject([{ reports: 1 }]);
    expect(await list(tenantA, { limit: 10, asOfMs: Date.parse("2024-03-04T11:00:00Z") })).toEqual([]);
    const [, story] = await list();
    const opened = await eventRouteHandlers.getEvent(
      f.deps,
      { params: { id: story!.id }, query: {}, body: undefined, request: new Request("http://x") } as never,
      callerOf(tenantA),
    );
    expect(opened).toMatchObject({
      reports: 2,
      all: [
        { text: expect.stringMatching(/^Apple was/) as string },
        { text: expect.stringMatching(/^Brussels/) as string },
      ],
    });
  });

  test("tells an earlier report that came later as the first", async () => {
    await f.add("Apple was fined 1.8 billion euros by the European Commission.", "2024-03-04T12:00:00Z");
    await f.extract();
    const early = await f.add("EU regulators fined Apple 1.8 billion euros.", "2024-03-04T06:00:00Z");
    expect(await f.extract()).toMatchObject({ events: 1, stories: 0 });
    expect(await list()).toMatchObject([{ documentId: early, reports: 2 }]);
  });

  test("goes on where it was cut off, and does nothing twice", async () => {
    for (let day = 1; day <= 9; day++)
      await f.add(
        `Intel declared a quarterly dividend of 1${day} cents.`,
        `2024-0${day < 5 ? 1 : 2}-1${day}`,
      );
    await expect(f.extract(tenantA, { commits: 5 })).rejects.toThrow("cut off");
    const [one, two] = await Promise.all([f.extract(), f.extract()]);
    expect(one.events + two.events).toBeLessThanOrEqual(9);
    expect(await loadEventsAfter(f.db, 0, 100)).toHaveLength(9);
    expect(await f.extract()).toEqual({ documents: 0, events: 0, stories: 0, scores: 0 });
    expect((await loadSentimentAfter(f.db, 0, 100)).map(({ instrumentId }) => instrumentId)).toEqual(
      Array.from({ length: 9 }, () => "INTC.XNAS"),
    );
  });

  test("looks for instruments that came later in what it has read", async () => {
    await f.add("Boeing swung to a net loss of $641 million in the first quarter.", "2024-03-04");
    expect(await f.extract()).toMatchObject({ documents: 1, events: 0 });
    await f.addInstrument("BA.XNYS", "Boeing Co");
    expect(await f.extract()).toMatchObject({ documents: 0, events: 1, scores: 1 });
    expect(await f.extract()).toMatchObject({ events: 0, scores: 0 });
  });

  test("keeps what a tenant's documents tell to the tenant", async () => {
    await f.add("Apple was fined 1.8 billion euros by the European Commission.", "2024-03-04T12:00:00Z", {
      tenantId: tenantB,
    });
    await f.extract(tenantB);
    await f.add("Apple was fined 1.8 billion euros by EU regulators.", "2024-03-04T13:00:00Z");
    await f.extract(tenantA);
    expect(await list(tenantA)).toMatchObject([
      { reports: 1, publishedMs: Date.parse("2024-03-04T13:00:00Z") },
    ]);
    expect(await list(tenantB)).toHaveLength(2);
    expect(await f.deps.sentiments.valueAt(tenantA, "AAPL.XNAS", nowMs)).toMatchObject({ items: 1 });
    expect(await f.deps.sentiments.valueAt(tenantB, "AAPL.XNAS", nowMs)).toMatchObject({ items: 2 });
  });

  test("shows events of a tenant's own instruments to that tenant only", async () => {
    await f.addInstrument("BA.MINE", "Boeing Co", tenantB);
    await f.add("Boeing swung to a net loss of $641 million in the first quarter.", "2024-03-04");
    await f.extract(tenantA);
    expect(await list(tenantA)).toEqual([]);
    expect(await list(tenantB)).toMatchObject([{ instrumentId: "BA.MINE" }]);
  });

  test("passes over periodic reports, reference, other languages and copies where they are no news", async () => {
    await f.add("Intel cut its full-year revenue outlook.", "2024-03-04", { kind: "reference" });
    expect(await f.extract()).toMatchObject({ documents: 0 });
    await f.add("Intel cut its full-year revenue outlook.", "2024-03-05", { kind: "calendar" });
    expect(await f.extract()).toMatchObject({ events: 1, scores: 0 });
  });

  test("stops when it is cancelled", async () => {
    await f.add("Intel cut its full-year revenue outlook.", "2024-03-04");
    const stop = new AbortController();
    stop.abort(new Error("cancelled"));
    await expect(f.extract(tenantA, { signal: stop.signal })).rejects.toThrow("cancelled");
    expect(await f.extract()).toMatchObject({ documents: 1 });
  });
});

describe("reading of documents as they come", () => {
  test("is asked for once, for each tenant that has some, and again after a failure only later", async () => {
    const submitted: SubmitRequest[] = [];
    let atMs = nowMs;
    const requester = createReadingRequester({
      db: f.db,
      log: testLog(),
      now: () => atMs,
      jobs: {
        submit: (request) => {
          submitted.push(request);
          return Promise.resolve({} as never);
        },
      },
    });
    for (const [id, operating] of [
      [tenantA, true],
      [tenantB, false],
    ] as const)
      await sql`insert into tenants (id, name, operating, created_ms) values (${id}, ${id}, ${operating}, 0)`.execute(
        f.db,
      );
    const due = async () => {
      submitted.length = 0;
      await requester.runOnce();
      return submitted.map(({ caller, type }) => [caller.tenantId, type]);
    };
    expect(await due()).toEqual([]);
    await f.add("Intel cut its full-year revenue outlook.", "2024-03-04");
    expect(await due()).toEqual([[tenantA, "extract"]]);
    await f.extract(tenantA);
    expect(await due()).toEqual([]);
    await f.add("Intel cut its full-year revenue outlook.", "2024-03-05", { tenantId: tenantB });
    expect(await due()).toEqual([[tenantB, "extract"]]);
    await f.failedJob(tenantB, atMs);
    expect(await due()).toEqual([]);
    atMs += 11 * 60_000;
    expect(await due()).toEqual([[tenantB, "extract"]]);
    await f.extract(tenantB);
    await f.addInstrument("OWN.MINE", "Own", tenantB);
    expect(await due()).toEqual([[tenantB, "extract"]]);
  });
});

describe("lists of events", () => {
  test("filter and page without a gap, and never show what was published later", async () => {
    const kinds = [
      "Apple cut its full-year revenue outlook.",
      "Intel named a new chief financial officer.",
      "The Federal Reserve raised interest rates by a quarter point.",
    ];
    for (let i = 0; i < 12; i++)
      await f.add(kinds[i % 3]!, new Date(Date.parse("2024-01-01") + i * 5 * 86_400_000).toISOString());
    await f.extract();
    const all = await list();
    expect(all).toHaveLength(12);
    const paged = [];
    let cursor: string | undefined;
    do {
      const page = await f.deps.events.list(tenantA, { limit: 5, cursor });
      paged.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(paged).toEqual(all);
    expect(await list(tenantA, { limit: 50, kinds: ["macro"] })).toHaveLength(4);
    expect(await list(tenantA, { limit: 50, important: false })).toHaveLength(4);
    expect(await list(tenantA, { limit: 50, instrumentIds: ["AAPL.XNAS"] })).toHaveLength(4);
    const fromMs = Date.parse("2024-01-11");
    expect(await list(tenantA, { limit: 50, fromMs, toMs: fromMs + 10 * 86_400_000 })).toHaveLength(2);
    await expect(list(tenantA, { limit: 5, cursor: "x" })).rejects.toMatchObject({ code: "payload.invalid" });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), async (day) => {
        const asOfMs = Date.parse("2024-01-01") + day * 86_400_000 - 1;
        const seen = await list(tenantA, { limit: 50, asOfMs });
        expect(seen).toHaveLength(all.filter(({ publishedMs }) => publishedMs <= asOfMs).length);
      }),
      { numRuns: 10 },
    );
  });

  test("say that there is no event of that id", async () => {
    const asked = eventRouteHandlers.getEvent(
      f.deps,
      { params: { id: tenantA }, query: {}, body: undefined, request: new Request("http://x") } as never,
      callerOf(tenantA),
    );
    await expect(asked).rejects.toMatchObject({ code: "resource.unknown" });
  });
});
