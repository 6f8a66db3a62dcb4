import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFigures } from "../filings/index.ts";
import { income2022, balance2022 } from "../filings/fixture.ts";
import { readerFormats, UnreadableError } from "./document.ts";
import type { ReadDocument, ReaderFormat, ReadItem } from "./document.ts";
import { pdfOf, runsOf } from "./pdf.fixture.ts";
import { formatOf, readFile } from "./read.ts";
import type { ReadOptions } from "./read.ts";

const bytesOf = (text: string) => Buffer.from(text, "utf8");

async function itemsOf(bytes: Uint8Array, options: Partial<ReadOptions> = {}): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of readFile(bytes, { filename: "file", ...options }).items) items.push(item);
  return items;
}

async function documentsOf(bytes: Uint8Array, options: Partial<ReadOptions> = {}): Promise<ReadDocument[]> {
  return (await itemsOf(bytes, options)).flatMap((item) => (item.ok ? [item.document] : []));
}

async function documentOf(
  bytes: Uint8Array | string,
  options: Partial<ReadOptions> = {},
): Promise<ReadDocument> {
  const documents = await documentsOf(typeof bytes === "string" ? bytesOf(bytes) : bytes, options);
  expect(documents).toHaveLength(1);
  return documents[0]!;
}

const refusalOf = (bytes: Uint8Array, options: Partial<ReadOptions> = {}) =>
  itemsOf(bytes, options).then(
    () => undefined,
    (error: unknown) => error,
  );

/** The pages of a read filing as the readers of figures take them. */
const pagesOf = ({ key, company, filing, text }: ReadDocument) =>
  text.split("\f").map((page, at) => ({
    id: `${key}#${at}`,
    filing: {
      id: String(key),
      company: company!,
      form: filing!.form,
      year: filing!.year,
      quarter: null,
      day: null,
    },
    page: at,
    text: page,
  }));

const cover = `UNITED STATES
SECURITIES AND EXCHANGE COMMISSION
FORM 10-K
For the fiscal year ended December 31, 2022
ACME WIDGETS, INC.
(Exact name of registrant as specified in its charter)`;

describe("PDF", () => {
  test("keeps pages and columns, so that its statements are read", async () => {
    const bytes = pdfOf([cover, income2022, balance2022].map((page) => runsOf(page.split("\n"))));
    const read = await documentOf(bytes, { filename: "acme.pdf" });
    expect(read).toMatchObject({ kind: "filing", company: "Acme Widgets, Inc.", publishedMs: null });
    expect(read.filing).toEqual({ company: "Acme Widgets, Inc.", form: "10-K", year: 2022 });
    expect(read.text.split("\f")).toHaveLength(3);
    const answer = createFigures(pagesOf(read)).answer(
      "What was the total revenue of Acme Widgets in FY2022?",
    );
    expect(answer).toMatchObject({ value: 1_200_000_000 });
  });

  test("sets what stands apart on the page apart in the line", async () => {
    const lines = ["Label                 1,200     (30)", "Longer label            900       -"];
    expect((await documentOf(pdfOf([runsOf(lines)]))).text).toBe(lines.join("\n"));
  });

  test.each<[string, Uint8Array, string]>([
    ["without text is a scan", pdfOf([[], []]), "scanned"],
    ["with a password", pdfOf([runsOf(["secret"])], { locked: true }), "encrypted"],
    ["cut off", pdfOf([runsOf(["text"])]).subarray(0, 30), "damaged"],
  ])("one %s is refused", async (_, bytes, reason) => {
    expect(await refusalOf(bytes)).toMatchObject({ name: "UnreadableError", reason });
  });
});

describe("HTML", () => {
  const table = `<table><tr><td></td><td colspan="3">2022</td><td></td><td colspan="3">2021</td></tr>
    <tr><td>Total revenues</td><td>$</td><td><ix:nonFraction name="us-gaap:Revenues">1,200</ix:nonFraction></td><td></td><td></td><td>$</td><td>1,000</td><td></td></tr>
    <tr><td>Net loss</td><td colspan="2">(12</td><td>)</td><td></td><td colspan="2">(5</td><td>)</td></tr></table>`;

  test("shows what a reader sees: no code, nothing hidden, inline XBRL as text", async () => {
    const read = await documentOf(
      `<html><head><title>Acme &amp; Co</title><style>p{}</style></head><body><div style="display:none"><ix:header>hidden</ix:header></div>
       <script>alert(1)</script><h1>Results</h1><p>Sales <b>rose</b>&nbsp;5&#37;.</p><ul><li>one<li>two</ul></body></html>`,
    );
    expect(read.title).toBe("Acme & Co");
    expect(read.text).toBe("## Results\n\nSales rose 5%.\n\n- one\n- two");
  });

  test("keeps tables as tables: signs join their figures, columns of signs go", async () => {
    const read = await documentOf(`<html><body><p>STATEMENTS</p>${table}</body></html>`);
    const [{ rows, start, end }] = read.tables as [ReadDocument["tables"][number]];
    expect(rows).toEqual([
      ["", "2022", "2021"],
      ["Total revenues", "$ 1,200", "$ 1,000"],
      ["Net loss", "(12)", "(5)"],
    ]);
    expect(read.text.slice(start, end)).toBe(
      [
        "                   2022     2021",
        "Total revenues  $ 1,200  $ 1,000",
        "Net loss           (12)      (5)",
      ].join("\n"),
    );
  });

  test("has pages where filers break them, else at items and statements, with the tables' spans", async () => {
    const broken = await documentOf(`<html><p>a</p><hr style="page-break-after: always"><p>b</p></html>`);
    expect(broken.text).toBe("a\n\n\fb");
    const words = "word ".repeat(100);
    const read = await documentOf(
      `<html><p>${cover.replaceAll("\n", "<br>")}</p><p>${words}</p><p>Item 1. Business</p><p>${words}</p><p>CONSOLIDATED STATEMENTS OF INCOME</p>${table}</html>`,
    );
    const pages = read.text.split("\f");
    expect(pages).toHaveLength(3);
    expect(pages[2]).toMatch(/^CONSOLIDATED STATEMENTS OF INCOME/);
    const [{ start, end }] = read.tables as [ReadDocument["tables"][number]];
    expect(read.text.slice(start, end)).toMatch(/^ +2022 +2021\nTotal revenues.*\(5\)$/s);
  });

  test("however broken, gives what text it has", async () => {
    const read = await documentOf("<html><body><p>one<div>two</p><table><tr><td>three<td>four</div><b>five");
    expect(read.text.match(/\w+/g)).toEqual(["one", "two", "three", "four", "five"]);
    expect(await refusalOf(bytesOf("<html><script>1</script></html>"))).toMatchObject({ reason: "empty" });
    const endless = await refusalOf(bytesOf(`<html>${"<div>".repeat(50_000)}x`));
    expect(endless).toMatchObject({ reason: "damaged" });
  });

  test("tells when it was published, at its last change", async () => {
    const page = (head: string) => documentOf(`<html><head>${head}</head><body><p>News.</p></body></html>`);
    const published = '<meta property="article:published_time" content="2024-03-01T10:00:00+02:00">';
    const named = `${published}<meta property="og:site_name" content="The Wire"><link rel="license" href="https://creativecommons.org/licenses/by/4.0/">`;
    expect(await page(named)).toMatchObject({
      kind: "news",
      publishedMs: Date.UTC(2024, 2, 1, 8),
      publisher: "The Wire",
      licence: "https://creativecommons.org/licenses/by/4.0/",
    });
    const changed = `${published}<meta property="article:modified_time" content="2024-03-02T00:00:00Z">`;
    expect((await page(changed)).publishedMs).toBe(Date.UTC(2024, 2, 2));
  });
});

describe("encodings", () => {
  const euro = "Der Umsatz stieg auf 5 Mrd. €.";
  const latin = Buffer.from(euro.replace("€", "\u0080"), "latin1");
  test.each<[string, Uint8Array, string[]]>([
    ["UTF-8", bytesOf(euro), []],
    ["UTF-8 with a mark", Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytesOf(euro)]), []],
    ["UTF-16 with a mark", Buffer.from(`\ufeff${euro}`, "utf16le"), []],
    ["UTF-16 without one", Buffer.from(euro, "utf16le"), []],
    ["Windows-1252 that nothing declares", latin, ["windows-1252"]],
    [
      "Windows-1252 that declares itself UTF-8",
      Buffer.concat([bytesOf('<meta charset="utf-8"><p>'), latin]),
      ["windows-1252"],
    ],
    ["Windows-1252 that says so", Buffer.concat([bytesOf('<meta charset="windows-1252"><p>'), latin]), []],
  ])("%s", async (_, bytes, guessed) => {
    const read = await documentOf(bytes);
    expect(read.text).toContain(euro);
    expect(read.guesses.filter(({ what }) => what === "encoding").map(({ value }) => value)).toEqual(guessed);
  });

  test("bytes that are no text are refused", async () => {
    const noise = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251);
    expect(await refusalOf(noise)).toMatchObject({ reason: "format" });
    expect(await refusalOf(new Uint8Array())).toMatchObject({ reason: "empty" });
    expect(await refusalOf(bytesOf("  \n "))).toMatchObject({ reason: "empty" });
  });
});

describe("a submission to the SEC", () => {
  const submission = (
    type: string,
    period: string,
    yearEnd = "1231",
  ) => `<SEC-DOCUMENT>0000000001-23-000001.txt
<SEC-HEADER>
<ACCEPTANCE-DATETIME>20230203170144
ACCESSION NUMBER:		0000000001-23-000001
CONFORMED SUBMISSION TYPE:	${type}
CONFORMED PERIOD OF REPORT:	${period}
FILED AS OF DATE:		20230203
	COMPANY DATA:
		COMPANY CONFORMED NAME:			ACME WIDGETS INC
		FISCAL YEAR END:			${yearEnd}
</SEC-HEADER>
<DOCUMENT>
<TYPE>${type}
<TEXT>
<html><body><p>Report</p></body></html>
</TEXT>
</DOCUMENT>
<DOCUMENT>
<TYPE>EX-99
<TEXT>
exhibit
</TEXT>
</DOCUMENT>`;
  test.each([
    ["10-K", "20221231", "1231", { form: "10-K", year: 2022 }],
    ["10-K", "20230129", "0129", { form: "10-K", year: 2022 }],
    ["10-Q", "20220930", "1231", { form: "10-Q", year: 2022, quarter: 3 }],
    ["10-Q", "20221231", "0930", { form: "10-Q", year: 2023, quarter: 1 }],
    ["10-Q", "20230401", "0930", { form: "10-Q", year: 2023, quarter: 2 }],
    ["10-Q", "20230729", "0131", { form: "10-Q", year: 2023, quarter: 2 }],
    ["8-K", "20230201", "1231", { form: "8-K", year: 2023, day: "2023-02-01" }],
    ["10-K/A", "20221231", "1231", { form: "other", year: 2022 }],
  ])("%s of %s, fiscal years ending %s", async (type, period, yearEnd, filing) => {
    const read = await documentOf(submission(type, period, yearEnd));
    expect(read).toMatchObject({
      kind: "filing",
      key: "0000000001-23-000001",
      text: "Report",
      // 17:01 in New York.
      publishedMs: Date.UTC(2023, 1, 3, 22, 1, 44),
      publisher: "SEC",
    });
    expect(read.filing).toEqual({ company: "ACME WIDGETS INC", ...filing });
  });
});

describe("XBRL company facts", () => {
  const value = (end: string, val: number, more: object = {}) => ({
    end,
    val,
    accn: "0000000001-23-000001",
    fy: 2022,
    fp: "FY",
    form: "10-K",
    filed: "2023-02-03",
    ...(end.length > 0 && !("instant" in more) ? { start: `${end.slice(0, 4)}-01-01` } : {}),
    ...more,
  });
  const restated = { accn: "0000000001-24-000001", fy: 2023, filed: "2024-02-02" };
  const instant = { instant: true, start: undefined };
  const facts = {
    entityName: "Acme Widgets Inc.",
    facts: {
      "us-gaap": {
        Revenues: {
          label: "Revenues",
          units: {
            USD: [
              value("2021-12-31", 1_000_000_500),
              value("2022-12-31", 1_200_000_000),
              value("2022-12-31", 300_000_000, { start: "2022-10-01" }),
              value("2022-12-31", 1_190_000_000, restated),
              value("2023-12-31", 1_300_000_000, restated),
            ],
          },
        },
        NetIncomeLoss: {
          label: "Net income",
          units: { USD: [value("2021-12-31", -5_000_000), value("2022-12-31", 140_000_000)] },
        },
        IncomeTaxExpenseBenefit: { label: "Tax", units: { USD: [value("2022-12-31", 50_000_000)] } },
        EarningsPerShareBasic: {
          label: "EPS",
          units: { "USD/shares": [value("2021-12-31", -0.05), value("2022-12-31", 1.4)] },
        },
        Assets: {
          label: "Assets",
          units: { USD: [value("2021-12-31", 9e8, instant), value("2022-12-31", 1e9, instant)] },
        },
        Liabilities: {
          label: "Liabilities",
          units: { USD: [value("2021-12-31", 5e8, instant), value("2022-12-31", 6e8, instant)] },
        },
        OddTag: { label: "An odd figure", units: { USD: [value("2022-12-31", 7_000)] } },
      },
    },
  };

  test("are filings as filed, whose statements the reader of figures answers from", async () => {
    const [first, second] = await documentsOf(bytesOf(JSON.stringify(facts)), { filename: "CIK1.json" });
    expect(first).toMatchObject({
      kind: "filing",
      key: "0000000001-23-000001",
      filing: { company: "Acme Widgets Inc.", form: "10-K", year: 2022 },
      // The day's end.
      publishedMs: Date.UTC(2023, 1, 4),
    });
    expect(second).toMatchObject({ filing: { year: 2023 }, publishedMs: Date.UTC(2024, 1, 3) });
    const figures = createFigures(pagesOf(first!));
    const valueOf = (question: string) => figures.answer(`What was the ${question} of Acme Widgets?`);
    expect(valueOf("revenue in FY2022")).toMatchObject({ value: 1_200_000_000 });
    expect(valueOf("revenue in FY2021")).toMatchObject({ value: 1_000_000_500 });
    expect(valueOf("net income in FY2021")).toMatchObject({ value: -5_000_000 });
    expect(valueOf("total assets in FY2022")).toMatchObject({ value: 1_000_000_000 });
    expect(first!.text).toContain("An odd figure");
    // What was restated later stands in the later report alone.
    expect(
      createFigures(pagesOf(second!)).answer("What was the revenue of Acme Widgets in FY2022?"),
    ).toMatchObject({
      value: 1_190_000_000,
    });
  });

  test("without reports of US GAAP are refused", async () => {
    const bytes = bytesOf(JSON.stringify({ entityName: "Acme", facts: { dei: {} } }));
    expect(await refusalOf(bytes)).toMatchObject({ reason: "empty" });
  });
});

describe("feeds", () => {
  const rss = (items: string) =>
    `<?xml version="1.0"?><rss version="2.0" xmlns:content="c"><channel><title>The Wire</title><copyright>CC BY 4.0</copyright>${items}</channel></rss>`;
  test("RSS: entries with their text, time, link and licence", async () => {
    const [one, two] = await documentsOf(
      bytesOf(
        rss(`<item><guid>a-1</guid><title>Acme &amp; Sons raise guidance</title><link>https://x/1</link><pubDate>Tue, 05 Mar 2024 14:30:00 EST</pubDate>
          <description>short</description><content:encoded><![CDATA[<p>Acme <b>raises</b> guidance.</p>]]></content:encoded></item>
          <item><link>https://x/2</link><pubDate>Tue, 05 Mar 2024 14:31:00 GMT</pubDate><description>No title &lt;b&gt;here&lt;/b&gt;.</description></item>`),
      ),
    );
    expect(one).toMatchObject({
      kind: "news",
      key: "a-1",
      title: "Acme & Sons raise guidance",
      text: "Acme raises guidance.",
      publishedMs: Date.UTC(2024, 2, 5, 19, 30),
      url: "https://x/1",
      publisher: "The Wire",
      licence: "CC BY 4.0",
    });
    expect(two).toMatchObject({ kind: "post", key: "https://x/2", text: "No title here." });
  });

  test("Atom: the alternate link, and a change counts as the time", async () => {
    const read = readFile(
      bytesOf(
        `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link rel="next" href="https://x/page2"/>
         <entry><id>urn:1</id><title type="html">One</title><link rel="self" href="https://x/self"/><link href="https://x/1"/>
         <published>2024-03-01T00:00:00Z</published><updated>2024-03-02T00:00:00Z</updated><summary>Text.</summary></entry></feed>`,
      ),
      { filename: "f" },
    );
    expect(read.next).toBe("https://x/page2");
    for await (const item of read.items) {
      expect(item).toMatchObject({
        ok: true,
        document: { key: "urn:1", url: "https://x/1", publishedMs: Date.UTC(2024, 2, 2) },
      });
    }
  });

  test("JSON Feed", async () => {
    const feed = {
      version: "https://jsonfeed.org/version/1.1",
      title: "Blog",
      items: [
        {
          id: 7,
          content_text: "2 < 3 & so on",
          date_published: "2024-03-01T00:00:00Z",
          authors: [{ name: "Ann" }],
        },
      ],
    };
    expect(await documentOf(JSON.stringify(feed))).toMatchObject({
      kind: "post",
      key: "7",
      title: "Ann: 2 < 3 & so on",
      text: "2 < 3 & so on",
    });
  });

  test("an entry without anything is told, and the others go on; a feed of none is refused", async () => {
    const items = await itemsOf(bytesOf(rss("<item><guid>x</guid></item><item><title>Two</title></item>")));
    expect(items).toMatchObject([{ ok: false, key: "x", reason: "empty" }, { ok: true }]);
    expect(await refusalOf(bytesOf(rss("")))).toMatchObject({ reason: "empty" });
  });
});

describe("mail", () => {
  const mail = (id: string, body: string) =>
    `From: "The Letter" <letter@example.org>\nTo: you@example.org\nSubject: =?utf-8?q?Markt=C3=BCbersicht?=\nMessage-ID: <${id}>\nDate: Fri, 01 Mar 2024 08:00:00 +0100\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n${body}`;
  test("a newsletter", async () => {
    expect(
      await documentOf(mail("1@x", "<p>Stocks fell =E2=80=94 a lot.</p>"), { filename: "n.eml" }),
    ).toMatchObject({
      kind: "newsletter",
      key: "<1@x>",
      title: "Marktübersicht",
      text: "Stocks fell — a lot.",
      publisher: "The Letter",
      publishedMs: Date.UTC(2024, 2, 1, 7),
    });
  });
  test("a box of them, one without text", async () => {
    const box = `From a@b Fri Mar  1 08:00:00 2024\n${mail("1@x", "<p>One.</p>")}\n\nFrom a@b Fri Mar  1 08:01:00 2024\n${mail("2@x", "")}\n`;
    expect(await itemsOf(bytesOf(box))).toMatchObject([
      { ok: true, document: { text: "One." } },
      { ok: false, key: "<2@x>", reason: "empty" },
    ]);
  });
});

describe("economic calendars", () => {
  test("CSV: an outcome is public from its time on, an announcement when it was told", async () => {
    const csv = `Date,Time,Country,Event,Importance,Actual,Forecast,Previous,Updated
2024-05-15,12:30,US,CPI YoY,high,3.4 %,3.4 %,3.5 %,
2024-06-12,12:30,US,CPI YoY,high,,3.4 %,3.4 %,2024-06-01T00:00:00Z
someday,,US,Nothing,,,,,`;
    const items = await itemsOf(bytesOf(csv), { filename: "calendar.csv" });
    expect(items).toMatchObject([
      {
        ok: true,
        document: {
          kind: "calendar",
          title: "CPI YoY (US), 2024-05-15 12:30 UTC",
          publishedMs: Date.UTC(2024, 4, 15, 12, 30),
        },
      },
      { ok: true, document: { publishedMs: Date.UTC(2024, 5, 1) } },
      { ok: false, reason: "damaged" },
    ]);
    expect(items[0]).toHaveProperty("document.text", expect.stringContaining("Actual: 3.4 %."));
  });
  test("JSON", async () => {
    const json = [
      { event: "Payrolls", date: "2024-06-07T12:30:00Z", actual: 272, unit: "thousand", country: "US" },
    ];
    expect((await documentOf(JSON.stringify(json), { filename: "c.json" })).text).toContain(
      "Actual: 272 thousand.",
    );
  });
  test("iCalendar: folded lines, zones, whole days", async () => {
    const ics = `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:fomc-1\r\nDTSTAMP:20240101T000000Z\r\nDTSTART;TZID=America/New_York:20240731T140000\r\nSUMMARY:FOMC rate\r\n  decision\\, statement\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:day\r\nDTSTART;VALUE=DATE:20240801\r\nSUMMARY:Earnings\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;
    expect(await documentsOf(bytesOf(ics))).toMatchObject([
      {
        key: "fomc-1",
        title: "FOMC rate decision, statement, 2024-07-31 18:00 UTC",
        publishedMs: Date.UTC(2024, 0, 1),
      },
      { title: "Earnings, 2024-08-01", publishedMs: null },
    ]);
  });
});

describe("what a file is", () => {
  test.each<[string, string, ReaderFormat]>([
    ["%PDF-1.7 …", "x", "pdf"],
    ["<!DOCTYPE html><html>", "x", "html"],
    ["Plain words.", "x.txt", "text"],
    ["# Note\n<p>kept</p>", "note.md", "text"],
    ["date,open,high,low,close", "x.csv", "text"],
    ["date;event;actual\n", "x.csv", "calendarCsv"],
    ["BEGIN:VCALENDAR", "x", "ics"],
    ["<?xml version='1.0'?><rss>", "x", "feed"],
  ])("%j named %s is %s", (head, filename, format) => {
    expect(formatOf(bytesOf(head), filename)).toBe(format);
  });
  test.each<[string, string, string]>([
    ["PK\u0003\u0004rest", "x.docx", "format"],
    ['{"a": 1', "x.json", "damaged"],
    ['{"a": 1}', "x.json", "format"],
  ])("%j named %s is refused", (head, filename, reason) => {
    expect(() => formatOf(bytesOf(head), filename)).toThrow(expect.objectContaining({ reason }));
  });
});

test("languages are told where there is enough text", async () => {
  const german =
    "Der Umsatz des Unternehmens stieg im dritten Quartal deutlich an, obwohl die Kosten für Energie und Löhne weiter zunahmen. Der Vorstand erwartet für das nächste Jahr ein ähnliches Wachstum.";
  expect((await documentOf(german)).language).toBe("deu");
  expect((await documentOf("Der Umsatz stieg.")).language).toBeNull();
});

test("whatever the bytes, a reader gives documents or says why not", async () => {
  const format = fc.constantFrom<ReaderFormat>(...readerFormats.filter((one) => one !== "pdf"));
  const words = fc.constantFrom(
    "<",
    "item",
    "rss>",
    "table><tr><td>",
    "1",
    '"',
    "[",
    "{",
    ":",
    ",",
    "\n",
    ";",
    "BEGIN:VEVENT",
    "From ",
    "é",
    "\0",
  );
  const text = fc.oneof(
    fc.json(),
    fc.array(words, { maxLength: 60 }).map((parts) => parts.join("")),
    fc
      .json()
      .map(
        (json) =>
          `{"entityName": "x", "facts": {"us-gaap": {"Revenues": {"units": ${json}}}}, "items": [${json}]}`,
      ),
  );
  await fc.assert(
    fc.asyncProperty(text, format, async (content, as) => {
      const items = await itemsOf(bytesOf(content), { format: as }).catch((error: unknown) => {
        expect(error).toBeInstanceOf(UnreadableError);
        return [];
      });
      for (const item of items) if (item.ok) expect(item.document.text).not.toBe("");
    }),
    { numRuns: 400 },
  );
});

test("lines made to be slow are read at once", async () => {
  const ics = `BEGIN:VCALENDAR\nBEGIN:VEVENT\nX${";".repeat(50_000)}\nEND:VEVENT`;
  expect(await itemsOf(bytesOf(ics), { format: "ics" })).toMatchObject([{ ok: false }]);
  const rows = "<tr><td>Label<td colspan=2>1,000<td colspan=3>(2".repeat(5_000);
  expect((await documentOf(`<html><table>${rows}`)).tables).toHaveLength(1);
});
