import type { Chunk, ChunkQuery, KnowledgeIndex } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const dayMs = 86_400_000;
const start = Date.UTC(2020, 0, 1);
const tenant = "0197a000-0000-7000-8000-000000000001";
const other = "0197a000-0000-7000-8000-000000000002";

function chunk(documentId: string, ordinal: number, text: string, more: Partial<Chunk> = {}): Chunk {
  const version = more.version ?? 1;
  return {
    id: `${documentId}:${version}:${ordinal}`,
    documentId,
    version,
    space: "shared",
    title: documentId.replaceAll("-", " "),
    section: "What it is",
    topic: "risk",
    kind: "reference",
    company: null,
    period: null,
    text,
    start: 0,
    end: text.length,
    publishedMs: start,
    ...more,
  };
}

const drawdown = [
  chunk("drawdown", 0, "A drawdown is the fall from the highest value so far to the present value."),
  chunk("drawdown", 1, "It is measured as a share of the peak and lasts until a new peak.", {
    section: "Measuring it",
  }),
];
const sharpe = chunk("sharpe-ratio", 0, "Mean excess return divided by the standard deviation of returns.");
const average = chunk(
  "simple-moving-average",
  0,
  "The mean of the last n closing prices, each of equal weight.",
);

const query = (text: string, more: Partial<ChunkQuery> = {}): ChunkQuery => ({
  text,
  limit: 5,
  spaces: ["shared"],
  ...more,
});

async function* batches(...lists: Chunk[][]): AsyncGenerator<Chunk[]> {
  yield* lists;
}

/** What every knowledge index must do. `open` gives another handle on the same index, as another process has. */
export function knowledgeIndexContract(
  name: string,
  make: () => Promise<{ open(): Promise<KnowledgeIndex>; destroy(): Promise<void> }>,
): void {
  describe(`the knowledge index on ${name}`, () => {
    let place: Awaited<ReturnType<typeof make>>;
    let index: KnowledgeIndex;
    let reader: KnowledgeIndex;
    const ids = async (q: ChunkQuery, from = reader) => (await from.search(q)).map((hit) => hit.id);

    beforeAll(async () => {
      place = await make();
      index = await place.open();
      reader = await place.open();
    });
    afterAll(async () => {
      await index?.close();
      await reader?.close();
      await place?.destroy();
    });

    test("says that it was never built, instead of finding nothing", async () => {
      await expect(reader.search(query("drawdown"))).rejects.toMatchObject({
        code: "knowledge.unavailable",
        retryable: true,
      });
      expect(await index.count()).toBe(0);
      expect(await index.check(["a"])).toEqual({ missing: ["a"], unexpected: [] });
    });

    test("finds what was put, in another handle at once, with every field", async () => {
      await index.put([...drawdown, sharpe, average]);
      expect(await reader.count()).toBe(4);
      const [first] = await reader.search(query("What is a drawdown?"));
      expect(first).toEqual({ ...drawdown[0], score: expect.any(Number), coverage: 1 });
    });

    test.each([
      ["an inflected word", "drawdowns measured at peaks", "drawdown:1:1"],
      ["a short form", "what does the SMA do", "simple-moving-average:1:0"],
      ["the title of another word order", "ratio of Sharpe", "sharpe-ratio:1:0"],
      ["signs that a query language would take", '"sharpe" AND (ratio: *~^ OR \\ -x', "sharpe-ratio:1:0"],
    ])("finds by %s", async (_, text, id) => {
      expect((await ids(query(text)))[0]).toBe(id);
    });

    test.each(["", "   ", "what is the", "?!", "\u0000", "zyzzyva"])("finds nothing for %j", async (text) => {
      expect(await ids(query(text))).toEqual([]);
    });

    test("orders by score, keeps to the limit, and says how much of the question is covered", async () => {
      const hits = await reader.search(query("drawdown peak returns", { limit: 2 }));
      expect(hits).toHaveLength(2);
      expect(hits[0]!.score).toBeGreaterThanOrEqual(hits[1]!.score);
      const [thin] = await reader.search(query("drawdown of quantum bakeries in Lisbon"));
      expect(thin!.coverage).toBeCloseTo(1 / 4, 12);
    });

    test("shows a space to those who name it only", async () => {
      await index.put([
        chunk("own-note", 0, "Our own drawdown note.", { space: tenant }),
        chunk("their-note", 0, "Their own drawdown note.", { space: other }),
      ]);
      const found = await ids(query("drawdown note", { spaces: ["shared", tenant], limit: 10 }));
      expect(found).toContain("own-note:1:0");
      expect(found).not.toContain("their-note:1:0");
      expect(await ids(query("drawdown note", { spaces: [] }))).toEqual([]);
      await index.removeDocument("own-note");
      await index.removeDocument("their-note");
      await index.removeDocument("never-there");
      expect(await reader.count()).toBe(4);
    });

    test("shows at a time what was the newest version then", async () => {
      const change = start + 10 * dayMs;
      await index.put([
        chunk("beta", 0, "Sensitivity to the market, old words.", { supersededMs: change }),
        chunk("beta", 0, "Sensitivity to the market, new words.", { version: 2, publishedMs: change }),
      ]);
      const at = (asOfMs?: number) =>
        ids(query("market sensitivity", { limit: 1, ...(asOfMs === undefined ? {} : { asOfMs }) }));
      expect(await at(start - 1)).toEqual([]);
      expect(await at(start)).toEqual(["beta:1:0"]);
      expect(await at(change - 1)).toEqual(["beta:1:0"]);
      expect(await at(change)).toEqual(["beta:2:0"]);
      expect(await at()).toEqual(["beta:2:0"]);
    });

    test("keeps to the documents that are named", async () => {
      expect(await ids(query("mean", { documentIds: ["sharpe-ratio"] }))).toEqual(["sharpe-ratio:1:0"]);
      expect(await ids(query("mean", { documentIds: [] }))).toEqual([]);
      expect(await ids(query("mean", { documentIds: ["o'neill"] }))).toEqual([]);
    });

    test("keeps to kinds and companies that are named", async () => {
      await index.put([
        chunk("acme-news", 0, "Acme raises its dividend.", { kind: "news", company: "Acme Inc." }),
        chunk("beta-news", 0, "Beta Corp raises its dividend.", { kind: "news", company: "Beta Corp" }),
        chunk("dividend", 0, "A dividend is a payment to shareholders."),
      ]);
      const found = async (more: Partial<ChunkQuery>) => (await ids(query("dividend", more))).toSorted();
      expect(await found({ kinds: ["news"] })).toEqual(["acme-news:1:0", "beta-news:1:0"]);
      expect(await found({ company: "Acme Inc." })).toEqual(["acme-news:1:0"]);
      expect(await found({ kinds: ["reference"], company: "Acme Inc." })).toEqual([]);
      expect(await found({ kinds: [] })).toEqual([]);
      for (const id of ["acme-news", "beta-news", "dividend"]) await index.removeDocument(id);
    });

    test("takes the filing of the company and year that the question names", async () => {
      const page = (company: string, period: string) =>
        chunk(`${company}-${period}`.replaceAll(/\W+/g, "-"), 0, "Net sales rose to record amounts.", {
          kind: "filing",
          title: "Annual report",
          company,
          period,
        });
      const pages = [
        page("Acme Widgets, Inc.", "10-K 2021"),
        page("Acme Widgets, Inc.", "10-K 2022"),
        page("Beta Holdings", "10-K 2022"),
        page("Beta Holdings", "10-Q 2022 Q3"),
      ];
      await index.put(pages);
      const first = async (text: string) => (await reader.search(query(text)))[0];
      expect(await first("net sales of Acme Widgets in 2022")).toMatchObject(pages[1]!);
      expect(await first("net sales of Acme Widgets in FY2021")).toMatchObject(pages[0]!);
      expect(await first("Beta Holdings net sales 2022 Q3")).toMatchObject(pages[3]!);
      for (const { documentId } of pages) await index.removeDocument(documentId);
    });

    test("finds the statement where a figure stands, in the filers' words; other documents keep their places", async () => {
      const filing = (year: number, pages: readonly string[]) =>
        pages.map((text, at) =>
          chunk(`acme-${year}`, at, text, {
            kind: "filing",
            title: `Annual report ${year}`,
            section: `Page ${at + 1}`,
            company: "Acme Widgets, Inc.",
            period: `10-K ${year}`,
          }),
        );
      const cashFlows = (spent: number) =>
        `Consolidated Statements of Cash Flows\nNet cash provided by operating activities 900\n` +
        `Purchases of property, plant and equipment (${spent})\nNet cash used in investing activities (310)\n` +
        `Net cash used in financing activities (120)\nCash at end of year 700`;
      const talk = "Capital expenditures of Acme Widgets matter. Capital expenditures will grow.";
      const news = chunk("acme-talk", 0, talk, { kind: "news", company: "Acme Widgets, Inc." });
      await index.put([
        ...filing(2021, [talk, cashFlows(210)]),
        ...filing(2022, [talk, cashFlows(220)]),
        news,
      ]);
      await index.put(filing(2023, [talk, cashFlows(230)]).map((one) => ({ ...one, space: other })));
      const found = await ids(query("What was the capex of Acme Widgets in fiscal 2022?", { limit: 10 }));
      expect(found.filter((id) => id !== news.id)).toEqual([
        "acme-2022:1:1",
        "acme-2022:1:0",
        "acme-2021:1:1",
        "acme-2021:1:0",
      ]);
      expect(found).toContain(news.id);
      // Nothing but the company and the year: its filings are found all the same.
      expect(await ids(query("Acme Widgets 2022", { limit: 10 }))).toHaveLength(5);
      for (const id of ["acme-2021", "acme-2022", "acme-2023", news.documentId])
        await index.removeDocument(id);
    });

    test("filters before it ranks: one match behind 200 better ones of others is found", async () => {
      const crowd = Array.from({ length: 200 }, (_, i) =>
        chunk(`crowd-${i}`, 0, "kurtosis kurtosis kurtosis", { space: other }),
      );
      await index.put([...crowd, chunk("tails", 0, "Fat tails show as kurtosis among many other words.")]);
      expect(await ids(query("kurtosis"))).toEqual(["tails:1:0"]);
    });

    test("replaces a document's chunks, old versions too", async () => {
      await index.put([drawdown[0]!]);
      expect(await ids(query("peak", { limit: 10 }))).toEqual([]);
      await index.put([chunk("beta", 0, "Slope against the market.", { version: 3 })]);
      const check = await index.check(["beta:3:0"]);
      expect(check.missing).toEqual([]);
      expect(check.unexpected).not.toContain("beta:1:0");
    });

    test("puts the same again without a change", async () => {
      const before = await index.count();
      await index.put([sharpe]);
      await index.put([sharpe]);
      expect(await index.count()).toBe(before);
    });

    test("is built anew while readers go on, and then holds that alone", async () => {
      let reads = 0;
      let done = false;
      const reading = (async () => {
        while (!done) {
          expect(await ids(query("sharpe ratio"))).toEqual(["sharpe-ratio:1:0"]);
          reads++;
        }
      })();
      for (let i = 0; i < 3; i++) await index.rebuild(batches([...drawdown, sharpe], [average]));
      done = true;
      await reading;
      expect(reads).toBeGreaterThan(0);
      expect(await reader.check([...drawdown, sharpe, average].map((one) => one.id))).toEqual({
        missing: [],
        unexpected: [],
      });
    });

    test("a rebuild that fails leaves the index as it was", async () => {
      const failing = (async function* () {
        yield [sharpe];
        throw new Error("the source broke");
      })();
      await expect(index.rebuild(failing)).rejects.toThrow("the source broke");
      expect(await reader.count()).toBe(4);
      await index.rebuild(batches([sharpe]));
      expect(await reader.count()).toBe(1);
    });

    test("an index of nothing is built, and finds nothing", async () => {
      await index.rebuild(batches());
      expect(await ids(query("sharpe ratio"))).toEqual([]);
      await index.put([sharpe]);
      expect(await ids(query("sharpe ratio"))).toEqual(["sharpe-ratio:1:0"]);
    });
  });
}
