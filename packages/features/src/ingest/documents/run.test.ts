import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { AppError, newId } from "@tapedeck/core";
import { pdfOf, runsOf } from "@tapedeck/text/readers/pdf.fixture";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { documentFixture, tenantId } from "./fixture.ts";
import { createPageFetcher } from "./fetch.ts";

let fixture: Awaited<ReturnType<typeof documentFixture>>;
beforeEach(async () => {
  fixture = await documentFixture();
});
afterEach(() => fixture.close());

const dayMs = 86_400_000;
const entry = (id: string, title: string, text: string, published: string) =>
  `<item><guid>${id}</guid><title>${title}</title><description>${text}</description><pubDate>${published}</pubDate></item>`;
const feedOf = (...entries: string[]) =>
  `<rss><channel><title>The Wire</title>${entries.join("")}</channel></rss>`;
const story = (company: string) =>
  `${company} raised its guidance for the year after record demand in the third quarter, the company said on Tuesday. Revenue rose eight percent to 1.2 billion dollars while margins widened, and shares gained five percent in early trading. Analysts had expected less.`;

describe("an import of documents", () => {
  test("takes files of many formats, each with what it says of itself", async () => {
    const result = await fixture.runFiles({
      "note.md": "# Our view\n\nWidgets are in demand.",
      "wire.xml": feedOf(entry("1", "Acme rises", "Shares of Acme rose.", "Tue, 05 Mar 2024 14:30:00 GMT")),
      "call.txt":
        "Acme Inc. Q3 2023 earnings call\nOperator: Welcome.\nAnn Lee: A good quarter.\nAnn Lee: Really.\nOperator: Bye.",
      "report.pdf": pdfOf([runsOf(["Page one of the report"]), runsOf(["Page two of the report"])]),
      "packed.txt.gz": gzipSync("Packed words."),
    });
    expect(result.counts).toEqual({ added: 5, changed: 0, unchanged: 0, duplicate: 0, refused: 0 });
    const { items } = await fixture.list();
    expect(items.map(({ title, kind, topic }) => [title, kind, topic])).toEqual([
      ["Our view", "note", "notes"],
      ["Acme Inc. Q3 2023 earnings call", "transcript", "transcripts"],
      ["report", "note", "notes"],
      ["Packed words.", "note", "notes"],
      ["Acme rises", "news", "news"],
    ]);
    const [news] = (await fixture.list({ kind: "news" })).items;
    expect(news).toMatchObject({
      publishedMs: Date.UTC(2024, 2, 5, 14, 30),
      publisher: "The Wire",
      indexed: true,
    });
    const report = await fixture.read(items.find(({ title }) => title === "report")!.id);
    expect(report.pages.map(({ start, end }) => report.text.slice(start, end))).toEqual([
      "Page one of the report",
      "Page two of the report",
    ]);
    // Nobody says when the report was published: it is seen from the import on, and that is shown.
    expect(report).toMatchObject({ publishedMs: fixture.clock.ms, guesses: [{ what: "published" }] });
    expect((await fixture.search("page two report"))[0]).toMatchObject({ documentId: report.id });
  });

  test("says for each file what is wrong with it, and goes on", async () => {
    await writeFile(path.join(fixture.dir, "huge.pdf"), "%PDF-1.4");
    // 500 MB of nothing on disk: refused by its size, before it is read.
    await truncate(path.join(fixture.dir, "huge.pdf"), 500_000_000);
    const bomb = gzipSync(Buffer.alloc(70 * 1024 * 1024));
    await writeFile(path.join(fixture.dir, "bomb.txt.gz"), bomb);
    const files = {
      "scan.pdf": pdfOf([[]]),
      "locked.pdf": pdfOf([runsOf(["x"])], { locked: true }),
      "cut.pdf": "%PDF-1.4 cut",
      "empty.txt": "",
      "feed.xml": "<rss><channel></channel></rss>",
      "broken.html": "<html><p>broken <b>markup<table><tr><td>still read",
      "latin.txt": Buffer.from("Umsatz fällt", "latin1"),
      "office.docx": "PK\u0003\u0004",
      "cut.txt.gz": gzipSync("words that are cut off").subarray(0, 12),
    };
    for (const [name, content] of Object.entries(files))
      await writeFile(path.join(fixture.dir, name), content);
    const names = ["huge.pdf", "bomb.txt.gz", "missing.txt", "../outside.txt", ...Object.keys(files)];
    const result = await fixture.run({
      sources: [
        ...names.map((name) => ({ kind: "file" as const, path: name })),
        { kind: "upload", uploadId: newId(Date.now()) },
      ],
    });
    const said = Object.fromEntries(
      result.documents.map(({ source, status, message }) => [source, message ?? status]),
    );
    const upload = Object.keys(said).at(-1)!;
    expect(said).toEqual({
      "huge.pdf": expect.stringMatching(/larger than 64 MiB/),
      "bomb.txt.gz": expect.stringMatching(/larger than 64 MiB/),
      "missing.txt": expect.stringMatching(/no file/),
      "../outside.txt": expect.stringMatching(/no file/),
      "scan.pdf": expect.stringMatching(/it is a scan/),
      "locked.pdf": expect.stringMatching(/password/),
      "cut.pdf": expect.stringMatching(/damaged/),
      "empty.txt": expect.stringMatching(/is empty/),
      "feed.xml": expect.stringMatching(/no entries/),
      "broken.html": "added",
      "latin.txt": "added",
      "office.docx": expect.stringMatching(/zip archive/),
      "cut.txt.gz": expect.stringMatching(/cannot be unpacked/),
      [upload]: expect.stringMatching(/no upload/),
    });
    expect(result.counts).toMatchObject({ added: 2, refused: 12 });
    expect((await fixture.list()).items.find(({ title }) => title.startsWith("Umsatz"))?.title).toBe(
      "Umsatz fällt",
    );
  });

  test("keeps versions: a changed entry is a new one, seen from when it was read", async () => {
    const first = feedOf(entry("1", "Acme", "Old words on gamma.", "Tue, 05 Mar 2024 14:30:00 GMT"));
    await fixture.runFiles({ "wire.xml": first });
    expect((await fixture.runFiles({ "again.xml": first })).counts).toMatchObject({ unchanged: 1, added: 0 });
    fixture.clock.ms += dayMs;
    const second = feedOf(entry("1", "Acme", "New words on gamma.", "Tue, 05 Mar 2024 14:30:00 GMT"));
    const { documents } = await fixture.runFiles({ "wire.xml": second });
    expect(documents).toMatchObject([{ status: "changed", version: 2 }]);
    const texts = async (asOfMs?: number) => (await fixture.search("gamma", asOfMs)).map(({ text }) => text);
    expect(await texts()).toEqual(["New words on gamma."]);
    expect(await texts(fixture.clock.ms - 1)).toEqual(["Old words on gamma."]);
    expect(await texts(Date.UTC(2024, 2, 5))).toEqual([]);
  });

  test("folds near-duplicates into the one that was published first, and unfolds them when it goes", async () => {
    const { documents } = await fixture.runFiles({
      "a.xml": feedOf(
        entry("1", "Acme raises", story("Acme Widgets"), "Tue, 05 Mar 2024 14:30:00 GMT"),
        entry(
          "2",
          "Acme raises (copy)",
          `${story("Acme Widgets")} More to follow.`,
          "Tue, 05 Mar 2024 15:30:00 GMT",
        ),
        entry(
          "3",
          "Other",
          "Beta Corp cut its dividend, citing weak demand across all of its markets in Europe and Asia, and said it would close two of its plants by the end of next year.",
          "Tue, 05 Mar 2024 16:30:00 GMT",
        ),
      ),
    });
    expect(documents.map(({ status }) => status)).toEqual(["added", "duplicate", "added"]);
    const [first, copy] = documents;
    expect(copy!.duplicateOf).toBe(first!.documentId);
    const found = async (asOfMs?: number) =>
      (await fixture.search("guidance", asOfMs)).map(({ documentId }) => documentId);
    expect(await found()).toEqual([first!.documentId]);
    // An older copy that comes later takes its place, so that it is found as of then.
    const older = await fixture.runFiles({
      "b.xml": feedOf(entry("0", "First", `${story("Acme Widgets")}`, "Tue, 05 Mar 2024 10:00:00 GMT")),
    });
    const original = older.documents[0]!.documentId!;
    expect(await found()).toEqual([original]);
    expect(await found(Date.UTC(2024, 2, 5, 12))).toEqual([original]);
    expect((await fixture.read(copy!.documentId!)).duplicateOf).toBe(original);
    expect((await fixture.list({ kind: "news" })).items).toHaveLength(4);
  });

  test("that is killed anywhere goes on: nothing lost, nothing doubled", async () => {
    const files = {
      "a.xml": feedOf(
        ...Array.from({ length: 50 }, (_, n) =>
          entry(`a${n}`, `A ${n}`, `Story number ${n}.`, "Tue, 05 Mar 2024 14:30:00 GMT"),
        ),
      ),
      "bad.pdf": "%PDF-",
      "b.txt": "Last words.",
    };
    const jobId = newId(Date.now());
    const cut = new Error("killed");
    // Twenty documents a transaction; the last of a file says that it is done.
    for (const at of [0, 1, 2, 3, 1]) {
      const onCommit = (commits: number) => {
        if (commits === at) throw cut;
      };
      await expect(fixture.runFiles(files, {}, { jobId, onCommit })).rejects.toBe(cut);
    }
    const result = await fixture.runFiles(files, {}, { jobId });
    expect(result.counts).toEqual({ added: 51, changed: 0, unchanged: 0, duplicate: 0, refused: 1 });
    expect((await fixture.list()).items).toHaveLength(51);
    expect(result.progress.at(-1)).toMatchObject({ sourcesDone: 3, sourcesTotal: 3 });
  });

  test("stops where it is cancelled", async () => {
    const stop = new AbortController();
    const reason = new AppError("job.cancelled", "cancelled");
    const onCommit = (commits: number) => {
      if (commits === 0) stop.abort(reason);
    };
    const files = { "a.txt": "One.", "b.txt": "Two.", "c.txt": "Three." };
    await expect(fixture.runFiles(files, {}, { signal: stop.signal, onCommit })).rejects.toBe(reason);
    expect((await fixture.list()).items).toHaveLength(1);
  });

  test("is seen by its tenant alone, and folds nothing of another's", async () => {
    const other = "01900000-0000-7000-8000-000000000002";
    const feed = feedOf(entry("1", "Acme", story("Acme"), "Tue, 05 Mar 2024 14:30:00 GMT"));
    await fixture.runFiles({ "wire.xml": feed });
    expect((await fixture.list({}, other)).items).toEqual([]);
    expect(await fixture.search("guidance", undefined, other)).toEqual([]);
    const theirs = await fixture.runFiles({ "wire.xml": feed }, {}, { tenantId: other });
    expect(theirs.counts).toMatchObject({ added: 1, duplicate: 0 });
    const mine = (await fixture.search("guidance")).map(({ documentId }) => documentId);
    expect(mine).not.toContain(theirs.documents[0]!.documentId);
  });

  test("takes the caller's word over the file's", async () => {
    await fixture.runFiles(
      { "x.txt": "Rates stay." },
      {
        kind: "research",
        company: "Acme",
        licence: "CC BY 4.0",
        publishedMs: "2020-01-01",
        publisher: "A bank",
      },
    );
    expect((await fixture.list()).items).toMatchObject([
      {
        kind: "research",
        topic: "research",
        company: "Acme",
        licence: "CC BY 4.0",
        publishedMs: Date.UTC(2020, 0, 1),
        publisher: "A bank",
      },
    ]);
    expect((await fixture.list({ company: "acm", asOf: Date.UTC(2020, 0, 1) })).items).toHaveLength(1);
    expect((await fixture.list({ asOf: Date.UTC(2019, 0, 1) })).items).toEqual([]);
    expect((await fixture.list({ title: "100%" })).items).toEqual([]);
  });
});

describe("a feed on the network", () => {
  let pages: Record<string, string | Buffer>;
  let server: ReturnType<typeof createServer>;
  let base: string;
  beforeEach(async () => {
    pages = {};
    server = createServer((request, response) => {
      const page = pages[request.url!];
      if (request.url === "/moved") response.writeHead(302, { location: "/1" }).end();
      else if (page === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "application/atom+xml; charset=utf-8" }).end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const page = (id: number, next: string | null) =>
    `<feed><title>T</title>${next === null ? "" : `<link rel="next" href="${next}"/>`}<entry><id>${id}</id><title>Entry ${id}</title><updated>2024-03-0${id}T00:00:00Z</updated><summary>Text ${id}.</summary></entry></feed>`;
  const run = (url: string) => fixture.run({ sources: [{ kind: "url", url }] });

  test("is followed over its pages, redirects too; a second poll adds what is new", async () => {
    pages = { "/1": page(1, "/2"), "/2": page(2, null) };
    expect((await run(`${base}/moved`)).counts).toMatchObject({ added: 2, refused: 0 });
    pages["/2"] = page(3, null);
    expect((await run(`${base}/1`)).counts).toMatchObject({ added: 1, unchanged: 1 });
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("packed as %s is unpacked, and one that is cut off is told", async (_, pack) => {
    const packed = pack(page(1, null));
    pages = { "/feed.xml.gz": packed, "/cut.gz": packed.subarray(0, packed.length - 12) };
    expect((await run(`${base}/feed.xml.gz`)).counts).toMatchObject({ added: 1, refused: 0 });
    const { documents } = await run(`${base}/cut.gz`);
    expect(documents).toMatchObject([
      { status: "refused", message: expect.stringMatching(/cannot be unpacked/) },
    ]);
  });

  test("that loops ends, and says so", async () => {
    pages = { "/1": page(1, "/2"), "/2": page(2, "/1") };
    const { counts, documents } = await run(`${base}/1`);
    expect(counts).toMatchObject({ added: 2, refused: 1 });
    expect(documents.at(-1)!.message).toMatch(/the feed loops/);
  });

  test("that has no end is read so far", async () => {
    for (let n = 1; n <= 25; n++) pages[`/${n}`] = page(n % 10, `/${n + 1}`);
    const { counts, documents } = await run(`${base}/1`);
    expect(counts).toMatchObject({ added: 10, refused: 1 });
    expect(documents.at(-1)!.message).toMatch(/more than 20 pages/);
  });

  test.each([
    ["that is not there", "/404", /answers 404/],
    ["whose next page leads to a file", "/1", /not an address of http/],
    ["whose next page is no address", "/2", /is no address/],
  ])("%s is told", async (_, address, message) => {
    pages = { "/1": page(1, "file:///etc/passwd"), "/2": page(2, "http://[") };
    const { documents } = await run(`${base}${address}`);
    expect(documents.at(-1)).toMatchObject({ status: "refused", message: expect.stringMatching(message) });
  });

  test("on a private address is refused where that is not allowed", async () => {
    pages = { "/1": page(1, null) };
    const fetchPage = createPageFetcher({ allowPrivate: false });
    const limits = { maxBytes: 1_000, signal: new AbortController().signal };
    await expect(fetchPage(`${base}/1`, limits)).rejects.toMatchObject({ code: "payload.invalid" });
    await expect(fetchPage("http://localhost:1/", limits)).rejects.toMatchObject({ code: "payload.invalid" });
    const open = createPageFetcher({ allowPrivate: true });
    await expect(open(`${base}/1`, { ...limits, maxBytes: 10 })).rejects.toMatchObject({
      code: "payload.tooLarge",
    });
  });
});

test("no document is read, listed or found as of a time before it was published", async () => {
  const start = Date.UTC(2024, 0, 1);
  const at = (day: number) => start + day * dayMs;
  const days = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(days, fc.integer({ min: 0, max: 300 }), async (published, asked) => {
      const run = newId(Date.now());
      const entries = published.map((day) =>
        entry(
          `${run}-${day}`,
          `Widget news ${day}`,
          `Widget ${run} on day ${day}.`,
          new Date(at(day)).toUTCString(),
        ),
      );
      const { documents } = await fixture.runFiles({ "wire.xml": feedOf(...entries) });
      const mine = new Set(documents.map(({ documentId }) => documentId));
      const expected = published.filter((day) => day <= asked).length;
      const { items } = await fixture.list({ asOf: at(asked) });
      const listed = items.filter(({ id }) => mine.has(id));
      expect(listed).toHaveLength(expected);
      for (const one of listed) expect(one.publishedMs).toBeLessThanOrEqual(at(asked));
      const texts = await fixture.reader.texts(tenantId, {
        asOfMs: at(asked),
        kinds: ["news"],
        limit: 1_000,
      });
      expect(texts.filter(({ documentId }) => mine.has(documentId))).toHaveLength(expected);
      for (const hit of await fixture.search("widget news", at(asked))) {
        expect(hit.publishedMs).toBeLessThanOrEqual(at(asked));
      }
    }),
    { numRuns: 8 },
  );
});
