import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ingestFixture, tenantId } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

const startMs = Date.parse("2020-01-01T00:00:00Z");
const count = 25_000;
const index = Array.from({ length: count }, (_, i) => i);

function table(times: { data: unknown[]; type: "TIMESTAMP" | "INT64" }): Uint8Array {
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "timestamp", data: times.data, type: times.type },
        { name: "open", data: index.map((i) => 100 + (i % 7)), type: "DOUBLE" },
        { name: "high", data: index.map((i) => 102 + (i % 7)), type: "DOUBLE" },
        { name: "low", data: index.map((i) => 99 + (i % 7)), type: "DOUBLE" },
        {
          name: "close",
          data: index.map((i) => (i === 12_345 ? null : 101 + (i % 7))),
          type: "DOUBLE",
          nullable: true,
        },
        { name: "volume", data: index, type: "INT32" },
      ],
      rowGroupSize: [7_000],
    }),
  );
}

test.each([
  ["timestamps", { data: index.map((i) => new Date(startMs + i * 60_000)), type: "TIMESTAMP" as const }],
  [
    "nanoseconds",
    { data: index.map((i) => BigInt(startMs + i * 60_000) * 1_000_000n), type: "INT64" as const },
  ],
])("Parquet with %s over several row groups", async (name, times) => {
  const symbol = name.slice(0, 3).toUpperCase();
  const result = await fixture.runFile(`${symbol}.parquet`, table(times), {
    instrument: { symbol, calendar: "24x7" },
  });
  expect(result.mapping).toMatchObject({
    format: "parquet",
    timeframe: "1m",
    columns: { date: "timestamp" },
  });
  expect(result).toMatchObject({
    rowsRead: count,
    quarantined: 1,
    quarantineReasons: { "price.missing": 1 },
  });
  const { columns, length } = await fixture.series.dataset({
    tenantId,
    instrumentId: `${symbol}.LOCAL`,
    timeframe: "1m",
    adjustment: "raw",
  });
  expect(length).toBe(count - 1);
  expect(columns.openMs[0]).toBe(startMs);
  expect(columns.openMs.at(-1)).toBe(startMs + (count - 1) * 60_000);
  expect(columns.volume.reduce((sum, value) => sum + value, 0)).toBe((count * (count - 1)) / 2 - 12_345);
});

test("a cut Parquet file is refused", async () => {
  const whole = table({ data: index.map((i) => new Date(startMs + i * 60_000)), type: "TIMESTAMP" });
  await expect(
    fixture.runFile("cut.parquet", whole.subarray(0, whole.length - 500), {}),
  ).rejects.toMatchObject({ code: "data.invalid" });
});
