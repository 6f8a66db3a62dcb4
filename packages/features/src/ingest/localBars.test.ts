import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLocalBars } from "./localBars.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-bars-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function fileOf(text: string | Buffer, name = "bars.csv"): Promise<string> {
  const file = path.join(dir, name);
  await writeFile(file, text);
  return file;
}

describe("bars of a local file", () => {
  test("a semicolon, a decimal comma, foreign names and the newest row first are read", async () => {
    const bars = await readLocalBars(
      await fileOf(
        "Datum;Erster;Hoch;Tief;Schlusskurs;Volumen\n04.01.2024;10,5;11,0;10,0;10,75;1.000\n03.01.2024;10,0;10,5;9,5;10,25;\n",
      ),
    );
    expect(bars.times).toEqual(["03.01.2024", "04.01.2024"]);
    expect(bars.timeframe).toBe("1d");
    expect([...bars.columns.open]).toEqual([10, 10.5]);
    expect([...bars.columns.close]).toEqual([10.25, 10.75]);
    expect([...bars.columns.volume]).toEqual([Number.NaN, 1000]);
  });

  test("bounds of a bar are its calendar's, a day of 23 hours included", async () => {
    const bars = await readLocalBars(
      await fileOf("date,close\n2024-03-07,1\n2024-03-08,2\n2024-03-11,3\n2024-03-12,4\n"),
    );
    const instants = [...bars.columns.openMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
    expect(instants).toEqual([
      "2024-03-07T14:30",
      "2024-03-08T14:30",
      "2024-03-11T13:30",
      "2024-03-12T13:30",
    ]);
  });

  test("empty cells are NaN, one price a row is all four, gzip is unpacked, one row is a day", async () => {
    const holed = await readLocalBars(await fileOf("date,open,high,low,close\n2024-01-02,,3,1,2\n"));
    expect(holed.timeframeMs).toBe(86_400_000);
    expect([holed.columns.open[0], holed.columns.close[0]]).toEqual([Number.NaN, 2]);
    const packed = gzipSync("time_ms,price\n1640991660000,5\n1640991720000,6\n1640991780000,7\n");
    const minutes = await readLocalBars(await fileOf(packed, "BTC.csv.gz"));
    expect(minutes.timeframe).toBe("1m");
    expect([...minutes.columns.high]).toEqual([5, 6, 7]);
    expect(minutes.times[0]).toBe("1640991660000");
  });

  test.each([
    ["date,close\n2024-01-02,1\n2024-01-03,x\n2024-01-04,2\n", /line 3: close "x" is not a number/],
    ["date,close\n2024-01-02,1\nlater,2\n2024-01-04,2\n", /line 3: "later" is not a time/],
    ["date,close\n2024-01-02,1\n2024-01-03,2\n2024-01-03,3\n", /lines 3 and 4 are bars of the same time/],
    [
      "symbol,date,close\nA,2024-01-02,1\nA,2024-01-03,1\nB,2024-01-02,2\n",
      /line 4: a bar of B among those of A/,
    ],
    ["date,AAA,BBB\n2024-01-02,1,2\n2024-01-03,3,4\n", /a column a symbol/],
    ["", /empty/],
  ])("%j is refused", async (text, message) => {
    const file = await fileOf(text);
    await expect(readLocalBars(file)).rejects.toMatchObject({
      code: "data.invalid",
      message: expect.stringMatching(message) as string,
    });
  });

  test("a file that is not there is named", async () => {
    await expect(readLocalBars("/nowhere.csv")).rejects.toThrow("cannot read /nowhere.csv (ENOENT)");
  });
});
