import type { JobView } from "@tapedeck/features/jobs/contract";
import { expect, test } from "vitest";
import { indented, table } from "../output.ts";
import type { Output } from "../output.ts";
import { figure } from "./analyze.ts";
import { showJobError } from "./error.ts";
import { counted, days } from "./format.ts";
import { showResult } from "./index.ts";
import { showPayload } from "./payload.ts";

/** An output that keeps what was printed and noted, without colour. */
function recorder(): { out: Output; printed: string[]; noted: string[] } {
  const printed: string[] = [];
  const noted: string[] = [];
  const plain = (text: string) => text;
  const bar = {
    update: () => undefined,
    done: () => undefined,
    ended: () => undefined,
    fail: () => undefined,
  };
  const out: Output = {
    print: (text) => void printed.push(text),
    note: (text) => void noted.push(text),
    bar: () => bar,
    style: { bold: plain, dim: plain, green: plain, red: plain, cyan: plain },
  };
  return { out, printed, noted };
}

function job(parts: Partial<JobView>): JobView {
  return {
    id: "01900000-0000-7000-8000-000000000001",
    type: "echo",
    error: null,
    result: null,
    ...parts,
  } as JobView;
}

test("a fault of ours names the log and what to look for; another error does not", () => {
  const { out, noted } = recorder();
  const internal = { code: "internal", message: "Something went wrong here.", retryable: true } as const;
  showJobError(job({ error: internal }), out, "/home/logs");
  expect(noted).toEqual([
    "internal: Something went wrong here.",
    "the log is /home/logs/workers.log; look there for job 01900000-0000-7000-8000-000000000001",
  ]);
  const missing = recorder();
  showJobError(
    job({ error: { code: "data.missing", message: "No bars.", retryable: false } }),
    missing.out,
    "/home/logs",
  );
  expect(missing.noted).toEqual(["data.missing: No bars."]);
  const elsewhere = recorder();
  showJobError(job({ error: internal }), elsewhere.out, undefined);
  expect(elsewhere.noted).toEqual(["internal: Something went wrong here."]);
});

test("a type without a form of its own prints its plain members and the lengths of its lists", () => {
  const { out, printed } = recorder();
  const result = { value: 3, title: "three", items: [1, 2], nested: { deep: 1 } };
  showResult(job({ result }), out, "http://127.0.0.1:3000");
  expect(
    printed[0]!
      .split("\n")
      .slice(2)
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["value", "3"],
    ["title", '"three"'],
    ["items", "2 items"],
  ]);
  expect(printed[1]).toContain("http://127.0.0.1:3000/jobs/01900000-0000-7000-8000-000000000001");
});

test("an audit prints its checks and figures, what failed first", () => {
  const { out, printed } = recorder();
  const result = {
    passed: false,
    instrumentId: "SPX.INDEX",
    timeframe: "1d",
    bars: 100,
    warmupBars: 20,
    checks: [{ name: "lookAhead", outcome: "fail", firstMs: null, detail: "A decision changed." }],
    totalReturn: 0.1,
    delayedReturn: 0.05,
    doubledCostsReturn: null,
    datasetHash: "00",
  };
  showResult(job({ type: "biasAudit", result }), out, "http://127.0.0.1:3000");
  const lines = printed.join("\n").split("\n");
  expect(lines.slice(0, 2)).toEqual([
    "Bias audit on SPX.INDEX: failed, 100 bars of 1d, 20 to warm up",
    "Look-ahead: A decision changed.",
  ]);
  expect(lines.map((line) => line.split(/ {2,}/))).toContainEqual([
    "Costs doubled",
    "–",
    "fees and slippage",
  ]);
});

test.each([
  [1, "1 row"],
  [0, "0 rows"],
  [1_234, "1,234 rows"],
])("%d: %s", (count, text) => {
  expect(counted(count, "row")).toBe(text);
});

test("a range that ends at midnight ends on the day before", () => {
  expect(days(Date.UTC(2024, 0, 1), Date.UTC(2024, 1, 1))).toBe("2024-01-01 to 2024-01-31");
  expect(days(Date.UTC(2024, 0, 1, 14, 30), Date.UTC(2024, 0, 31, 21))).toBe("2024-01-01 to 2024-01-31");
});

test.each<[number | null, string, string]>([
  [0.1234, "fraction", "12.3 %"],
  [0.1934, "fraction a year", "19.3 % a year"],
  [2_874.56005, "USD", "2,874.56 USD"],
  [1.23456, "times", "1.2346 times"],
  [null, "times", "–"],
])("%s %s is shown as %s", (value, unit, text) => {
  expect(figure(value, unit)).toBe(text);
});

test("numbers stand to the right of their column, words to the left, all set in by the margin", () => {
  const { out, printed } = recorder();
  indented(out, "  ").print(
    table(
      ["name", "value"],
      [
        ["a", "1.5"],
        ["bcd", "12.25"],
      ],
    ),
  );
  expect(printed[0]!.split("\n")).toEqual([
    "  name  value",
    "  ----  -----",
    "  a       1.5",
    "  bcd   12.25",
  ]);
});

test("a payload's members are told with kind, default and meaning, references followed", () => {
  const { out, printed } = recorder();
  showPayload(
    {
      $ref: "#/$defs/P",
      $defs: {
        P: {
          type: "object",
          properties: {
            side: { enum: ["buy", "sell"] },
            names: { type: "array", items: { $ref: "#/$defs/N" } },
            size: { type: "number", default: 1, description: "In lots" },
          },
          required: ["side", "size"],
        },
        N: { type: "string" },
      },
    },
    out,
  );
  expect(
    printed[0]!
      .split("\n")
      .slice(2)
      .map((line) => line.trim().split(/ {2,}/)),
  ).toEqual([
    ["side", "buy | sell", "required"],
    ["names", "list of text"],
    ["size", "number", "1", "In lots"],
  ]);
});
