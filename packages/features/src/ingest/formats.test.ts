import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

let serial = 0;

/** Imports a text under a symbol of its own; what was stored comes back with it. */
async function load(content: string | Uint8Array, payload: Record<string, unknown> = {}, extension = "csv") {
  const symbol = `T${++serial}`;
  const { instrument, ...rest } = payload as { instrument?: object };
  const result = await fixture.runFile(`${symbol}.${extension}`, content, {
    instrument: { symbol, ...instrument },
    ...rest,
  });
  const [series] = result.instruments;
  if (series === undefined || series.kind !== "bars") return { result, bars: [] };
  const { columns, length } = await fixture.series.dataset({
    tenantId,
    instrumentId: series.instrumentId,
    timeframe: series.timeframe,
    adjustment: "raw",
  });
  const bars = Array.from({ length }, (_, i) => ({
    open: new Date(columns.openMs[i]!).toISOString(),
    close: new Date(columns.closeMs[i]!).toISOString(),
    ohlcv: [columns.open[i], columns.high[i], columns.low[i], columns.close[i], columns.volume[i]],
  }));
  return { result, bars };
}

const day = { open: "2020-01-02T14:30:00.000Z", close: "2020-01-02T21:00:00.000Z" };

describe("ways of writing the same daily bars", () => {
  const expected = [
    { ...day, ohlcv: [10, 12, 9.5, 11, 1500] },
    {
      open: "2020-01-03T14:30:00.000Z",
      close: "2020-01-03T21:00:00.000Z",
      ohlcv: [11, 13, 10.5, 12.25, 2000],
    },
  ];
  const head = "Date,Open,High,Low,Close,Volume\n";
  test.each<[string, string | Uint8Array]>([
    ["ISO dates", `${head}2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n`],
    ["newest first", `${head}2020-01-03,11,13,10.5,12.25,2000\n2020-01-02,10,12,9.5,11,1500\n`],
    [
      "a byte order mark and Windows line ends",
      `\ufeff${head}2020-01-02,10,12,9.5,11,1500\r\n2020-01-03,11,13,10.5,12.25,2000\r\n`,
    ],
    [
      "UTF-16",
      Buffer.from(`\ufeff${head}2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n`, "utf16le"),
    ],
    ["gzip", gzipSync(`${head}2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n`)],
    ["zstd", zstdCompressSync(`${head}2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n`)],
    [
      "German: semicolons, decimal commas, day first",
      "Datum;Eröffnung;Hoch;Tief;Schlusskurs;Umsatz\n02.01.2020;10,00;12,00;9,50;11,00;1.500\n03.01.2020;11,00;13,00;10,50;12,25;2.000\n",
    ],
    [
      "Windows-1252",
      Buffer.from(
        "Datum;Eröffnung;Hoch;Tief;Schluss;Stück\n02.01.2020;10,00;12,00;9,50;11,00;1500\n03.01.2020;11,00;13,00;10,50;12,25;2000\n",
        "latin1",
      ),
    ],
    ["tabs", `${head}2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n`.replaceAll(",", "\t")],
    [
      "American dates, dollars, suffixes",
      'Date,Close/Last,Volume,Open,High,Low\n01/02/2020,$11.00,1.5K,$10.00,$12.00,$9.50\n01/03/2020,$12.25,"2,000",$11.00,$13.00,$10.50\n',
    ],
    [
      "quoted thousands",
      `${head}"Jan 2, 2020","10.00","12.00","9.50","11.00","1,500"\n"Jan 3, 2020","11.00","13.00","10.50","12.25","2,000"\n`,
    ],
    [
      "numbered names",
      "timestamp,1. open,2. high,3. low,4. close,5. volume\n2020-01-02,10,12,9.5,11,1500\n2020-01-03,11,13,10.5,12.25,2000\n",
    ],
    ["dates as numbers, without a header", "20200102,10,12,9.5,11,1500\n20200103,11,13,10.5,12.25,2000\n"],
    [
      "epoch seconds of midnight",
      "t,o,h,l,c,v\n1577923200,10,12,9.5,11,1500\n1578009600,11,13,10.5,12.25,2000\n",
    ],
    [
      "epoch nanoseconds",
      "timestamp,open,high,low,close,volume\n1577923200000000000,10,12,9.5,11,1500\n1578009600000000000,11,13,10.5,12.25,2000\n",
    ],
    [
      "New York midnights with offsets",
      `${head}2020-01-02 00:00:00-05:00,10,12,9.5,11,1500\n2020-01-03 00:00:00-05:00,11,13,10.5,12.25,2000\n`,
    ],
    [
      "adjusted close beside",
      "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,10,12,9.5,11,5.5,1500\n2020-01-03,11,13,10.5,12.25,6.1,2000\n",
    ],
    [
      "an index in front",
      ",date,open,high,low,close,volume\n0,2020-01-02,10,12,9.5,11,1500\n1,2020-01-03,11,13,10.5,12.25,2000\n",
    ],
    [
      "empty lines and a last line without end",
      `${head}\n2020-01-02,10,12,9.5,11,1500\n\n2020-01-03,11,13,10.5,12.25,2000`,
    ],
  ])("%s", async (_name, content) => {
    const { bars, result } = await load(content);
    expect(bars).toEqual(expected);
    expect(result.quarantined).toBe(0);
    expect(result.mapping!.timeframe).toBe("1d");
  });
});

describe("times within a day", () => {
  test("wall-clock minutes of New York, open-stamped", async () => {
    const { bars, result } = await load(
      "datetime,open,high,low,close,volume\n2020-03-06 09:30:00,10,11,9,10,100\n2020-03-06 09:31:00,10,11,9,10,100\n2020-03-09 09:30:00,10,11,9,10,100\n",
    );
    expect(result.mapping).toMatchObject({
      timeZone: "America/New_York",
      stamp: "open",
      timeframe: "1m",
      calendar: "XNYS",
    });
    expect(bars.map((bar) => bar.open)).toEqual([
      "2020-03-06T14:30:00.000Z",
      "2020-03-06T14:31:00.000Z",
      "2020-03-09T13:30:00.000Z",
    ]);
    expect(result.quality[0]!.missing).toBe(388);
  });
  test("half hours stamped at their close: the session's last stamp tells", async () => {
    const rows = [10 * 60, 10 * 60 + 30, 15 * 60 + 30, 16 * 60].map(
      (minutes) =>
        `2020-01-02,${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")},10,11,9,10,100`,
    );
    const { bars, result } = await load(`Date,Time,Open,High,Low,Close,Volume\n${rows.join("\n")}\n`);
    expect(result.mapping).toMatchObject({ stamp: "close", timeframe: "30m" });
    expect(bars[0]).toMatchObject({ open: "2020-01-02T14:30:00.000Z", close: "2020-01-02T15:00:00.000Z" });
    expect(bars.at(-1)).toMatchObject({ close: "2020-01-02T21:00:00.000Z" });
  });
  test("the last hour of a session ends with it", async () => {
    const { bars } = await load(
      "time,open,high,low,close,volume\n2020-01-02T14:30:00Z,10,11,9,10,1\n2020-01-02T15:30:00Z,10,11,9,10,1\n2020-01-02T20:30:00Z,10,11,9,10,1\n",
    );
    expect(bars.at(-1)).toMatchObject({
      open: "2020-01-02T20:30:00.000Z",
      close: "2020-01-02T21:00:00.000Z",
    });
  });
  test("a venue's twelve columns without a header", async () => {
    const { bars, result } = await load(
      "1577836800000,10,12,9,11,5.5,1577840399999,60,100,2.5,30,0\n1577840400000,11,13,10,12,6.5,1577843999999,70,110,3.5,40,0\n",
    );
    expect(result.mapping).toMatchObject({ calendar: "24x7", timeframe: "1h", header: false });
    expect(bars[0]).toEqual({
      open: "2020-01-01T00:00:00.000Z",
      close: "2020-01-01T01:00:00.000Z",
      ohlcv: [10, 12, 9, 11, 5.5],
    });
  });
  test("a zone that is named", async () => {
    const { bars } = await load("time,price\n2020-07-01 09:00,10\n2020-07-01 10:00,11\n", {
      mapping: { timeZone: "Europe/Berlin" },
      instrument: { calendar: "24x7" },
    });
    expect(bars[0]!.open).toBe("2020-07-01T07:00:00.000Z");
  });
});

describe("layouts", () => {
  test("wide: a column a symbol, empty cells left out", async () => {
    const result = await fixture.runFile(
      "wide.csv",
      "Date,AAA,BBB,Some Fund\n2020-01-02,10,,1.5\n2020-01-03,11,20,1.6\n2020-01-06,12,21,\n",
    );
    expect(result.mapping).toMatchObject({
      layout: "wide",
      symbolColumns: ["AAA", "BBB", "Some Fund"],
      priceOnly: true,
    });
    expect(result.instruments.map((item) => [item.instrumentId, item.rows])).toEqual([
      ["AAA.LOCAL", 3],
      ["BBB.LOCAL", 2],
      ["SOME-FUND.LOCAL", 2],
    ]);
  });
  test("one nameless column of numbers is a symbol of its own", async () => {
    const result = await fixture.runFile(
      "fred.csv",
      "DATE,SP500\n2020-01-02,3257.85\n2020-01-03,3234.85\n2020-01-06,.\n2020-01-07,3237.18\n",
    );
    expect(result.instruments[0]).toMatchObject({ instrumentId: "SP500.LOCAL", rows: 3 });
  });
  test("long: a column of symbols", async () => {
    const result = await fixture.runFile(
      "long.csv",
      "ticker,date,close\nxyz,2020-01-02,1\nabc,2020-01-02,2\nxyz,2020-01-03,3\n",
    );
    expect(Object.fromEntries(result.instruments.map((item) => [item.instrumentId, item.rows]))).toEqual({
      "ABC.LOCAL": 1,
      "XYZ.LOCAL": 2,
    });
  });
  test("exchange rates", async () => {
    const result = await fixture.runFile(
      "rates.csv",
      "Date,EURUSD,EURJPY\n2020-01-02,1.1193,121.75\n2020-01-03,1.1147,120.35\n",
      { dataKind: "fx" },
    );
    expect(result.instruments.map((item) => item.instrumentId)).toEqual(["EURJPY.FX", "EURUSD.FX"]);
    expect(await fixture.series.resolve(tenantId, "EURUSD")).toMatchObject({
      assetClass: "fx",
      currency: "USD",
    });
  });
  test("names that the caller maps", async () => {
    const { bars } = await load("wann,was\n2020-01-02,10\n2020-01-03,11\n", {
      mapping: { columns: { date: "wann", price: "was" } },
    });
    expect(bars[0]).toEqual({ ...day, ohlcv: [10, 10, 10, 10, Number.NaN] });
  });
});

describe("corporate actions", () => {
  test("splits and dividends, adjusted backwards", async () => {
    const { result } = await load(
      "date,open,high,low,close,volume\n2020-01-02,100,100,100,100,10\n2020-01-03,100,100,100,100,10\n2020-01-06,50,50,50,50,20\n2020-01-07,49,49,49,49,20\n",
    );
    const { instrumentId } = result.instruments[0]!;
    const symbol = instrumentId.split(".")[0]!;
    const actions = await fixture.runFile(
      "moves.csv",
      "date,type,value\n2020-01-06,split,2:1\n2020-01-07,Cash Dividend,1\n",
      {
        dataKind: "actions",
        instrument: { symbol },
      },
    );
    expect(actions.instruments[0]).toMatchObject({ instrumentId, kind: "actions", inserted: 2 });
    const read = async (adjustment: "raw" | "split" | "total") =>
      (await fixture.series.dataset({ tenantId, instrumentId, timeframe: "1d", adjustment })).columns;
    expect([...(await read("split")).close]).toEqual([50, 50, 50, 49]);
    expect([...(await read("split")).volume]).toEqual([20, 20, 20, 20]);
    expect([...(await read("total")).close]).toEqual([49, 49, 49, 49]);
    expect([...(await read("raw")).close]).toEqual([100, 100, 50, 49]);
    const again = await fixture.runFile(
      "moves.csv",
      "date,type,value\n2020-01-06,split,2:1\n2020-01-07,Cash Dividend,1\n",
      {
        dataKind: "actions",
        instrument: { symbol },
      },
    );
    expect(again.instruments[0]).toMatchObject({ inserted: 0, revised: 0, unchanged: 2 });
  });
  test("a column each, zeros where there was none", async () => {
    const { result } = await load("Date,Dividends,Stock Splits\n2020-01-02,0.5,0\n2020-01-03,0,4\n", {
      dataKind: "actions",
    });
    expect(result.instruments[0]).toMatchObject({ kind: "actions", inserted: 2 });
  });
});

describe("rows that are refused", () => {
  test("are quarantined with line and reason, and the rest is stored", async () => {
    const content =
      "date,open,high,low,close,volume\n" +
      "2020-01-02,10,12,9,11,1\n" +
      "someday,10,12,9,11,1\n" +
      "2020-01-03,10,9,9,11,1\n" +
      "2020-01-06,10,12,9,,1\n" +
      "2020-01-07,10,12,nine,11,1\n" +
      "2020-01-08,10,12,9,11,-5\n" +
      "2020-01-02,10,12,9,11.5,1\n" +
      "2020-01-09,10,12,9,11,1\n" +
      "2031-01-09,10,12,9,11,1\n";
    const jobId = "01900000-0000-7000-8000-0000000000aa";
    const result = await fixture.runFile("bad.csv", content, {}, { jobId });
    expect(result.instruments[0]).toMatchObject({ rows: 2, inserted: 2 });
    expect(result.quarantined).toBe(7);
    const rows = await fixture.db
      .selectFrom("ingestQuarantine")
      .select(["line", "reason"])
      .where("jobId", "=", jobId)
      .orderBy("seq")
      .execute();
    expect(rows).toEqual([
      { line: 3, reason: "time.invalid" },
      { line: 4, reason: "ohlc.violation" },
      { line: 5, reason: "price.missing" },
      { line: 6, reason: "price.invalid" },
      { line: 7, reason: "volume.invalid" },
      { line: 8, reason: "duplicate" },
      { line: 10, reason: "notClosed" },
    ]);
  });
  test("in a source without order, doubles are still found, and a repeat changes nothing", async () => {
    const content = "date,close\n2020-01-06,3\n2020-01-02,1\n2020-01-03,2\n2020-01-02,9\n2020-01-06,8\n";
    const first = await fixture.runFile("mixed.csv", content);
    expect(first.instruments[0]).toMatchObject({ inserted: 3 });
    expect(first.quarantineReasons).toEqual({ duplicate: 2 });
    const again = await fixture.runFile("mixed.csv", content);
    expect(again.instruments[0]).toMatchObject({ inserted: 0, revised: 0, unchanged: 3 });
  });
});

describe("sources that are refused as a whole, saying why", () => {
  test.each([
    ["no time", "a,b\n1,2\n3,4\n", /No column for the date/],
    ["no price", "date,comment\n2020-01-02,x\n2020-01-03,y\n", /No column for the close or price/],
    ["nothing at all", "", /is empty/],
    ["a header only", "date,open,high,low,close\n", /No time in column|no rows/],
    [
      "no row that can be read",
      "date,open,high,low,close\n2020-01-02,1,0,2,1\n2020-01-03,1,0,2,1\n",
      /line 2: .*not the highest/,
    ],
    ["a zip archive", Buffer.from("PK\u0003\u0004xxxxxxxx"), /zip archive/],
    ["a picture", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 0]), /zero bytes/],
    [
      "a cut gzip",
      gzipSync(`date,close\n${"2020-01-02,1\n".repeat(100_000)}`).subarray(0, 300),
      /cut off or damaged/,
    ],
  ])("%s", async (_name, content, message) => {
    await expect(load(content)).rejects.toMatchObject({
      code: "data.invalid",
      message: expect.stringMatching(message) as string,
    });
  });
  test("a path out of the import folder", async () => {
    await expect(fixture.run({ source: { kind: "file", path: "../../etc/passwd" } })).rejects.toMatchObject({
      code: "data.missing",
    });
  });
  test("an upload of another tenant", async () => {
    const upload = await fixture.uploads.add("01900000-0000-7000-8000-000000000002", {
      filename: "x.csv",
      data: bytes("date,close\n"),
    });
    await expect(fixture.run({ source: { kind: "upload", uploadId: upload.id } })).rejects.toMatchObject({
      code: "upload.unknown",
    });
  });
});

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
