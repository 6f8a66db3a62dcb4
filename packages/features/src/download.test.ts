import { parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { tableResponse } from "./download.ts";

const columns = { atMs: "time", number: "integer", price: "number", why: "text" } as const;
const rows = [
  { atMs: Date.UTC(2024, 0, 2), number: 1, price: 1.5, why: 'said "so", twice' },
  { atMs: Date.UTC(2024, 0, 3), number: 2, price: Number.NaN, why: null },
  { atMs: null, number: 3, price: -0.25, why: "gap" },
];

test("CSV quotes what needs it and leaves unknown cells empty", async () => {
  const response = tableResponse("csv", "trades", columns, [rows.slice(0, 2), rows.slice(2)]);
  expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(response.headers.get("content-disposition")).toBe('attachment; filename="trades.csv"');
  expect(await response.text()).toBe(
    [
      "atMs,number,price,why",
      '1704153600000,1,1.5,"said ""so"", twice"',
      "1704240000000,2,,",
      ",3,-0.25,gap",
      "",
    ].join("\n"),
  );
});

test("JSON is one array, whatever the batches", async () => {
  const whole = await tableResponse("json", "trades", columns, [rows]).json();
  expect(whole).toEqual(rows.map((row) => ({ ...row, price: Number.isNaN(row.price) ? null : row.price })));
  expect(await tableResponse("json", "trades", columns, [[], [rows[0]!], [], rows.slice(1)]).json()).toEqual(
    whole,
  );
});

test("Parquet is read back by another program's reader, over several row groups", async () => {
  const batches = Array.from({ length: 130 }, (_, b) =>
    Array.from({ length: 1_000 }, (_row, i) => ({
      atMs: 1_700_000_000_000 + b * 1_000 + i,
      number: b * 1_000 + i,
      price: i === 7 ? null : Math.sin(b * 1_000 + i),
      why: i % 2 === 0 ? "even" : null,
    })),
  );
  const file = await tableResponse("parquet", "trades", columns, batches).arrayBuffer();
  const read = (await parquetReadObjects({ file })) as Record<string, unknown>[];
  expect(read).toHaveLength(130_000);
  const expected = batches.flat();
  for (const at of [0, 7, 49_999, 50_000, 129_999]) {
    const { atMs, number, price, why } = expected[at]!;
    expect(read[at]).toEqual({ atMs: new Date(atMs), number: BigInt(number), price, why });
  }
});

test.each(["csv", "json", "parquet"] as const)("a table without rows is a valid %s file", async (format) => {
  const response = tableResponse(format, "trades", columns, []);
  if (format === "parquet") {
    expect(await parquetReadObjects({ file: await response.arrayBuffer() })).toEqual([]);
  } else expect(await response.text()).toBe(format === "csv" ? "atMs,number,price,why\n" : "[]\n");
});
