import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { KnowledgeIndex } from "@tapedeck/core";
import { evaluateFormulas, indicatorCatalogue } from "@tapedeck/formula";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
import { metrics } from "@tapedeck/text/filings/metrics";
import { projectRoot, testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db } from "../db.ts";
import { parseDocument } from "./source.ts";
import { fileDocumentId, syncKnowledgeBase } from "./sync.ts";

const dir = path.join(projectRoot, "knowledge_base");
const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith(".md")).toSorted();
const documents = await Promise.all(
  files.map(async (file) => ({ file, ...parseDocument(file, await readFile(path.join(dir, file), "utf8")) })),
);

test("there are at least 150 documents in five parts, of one title each", () => {
  expect(documents.length).toBeGreaterThanOrEqual(150);
  expect(new Set(documents.map((one) => one.title)).size).toBe(documents.length);
  expect([...new Set(documents.map((one) => one.topic))].toSorted()).toEqual([
    "analysis",
    "fundamentals",
    "indicators",
    "risk",
    "strategies",
  ]);
});

type Compute = (...values: unknown[]) => unknown;

/** What a call of packages/quant gives; lists become series. */
async function compute(call: string, values: readonly unknown[]): Promise<unknown> {
  const [module, name] = call.split(".") as [string, string];
  const exported = (await import(path.join(projectRoot, "packages/quant/src", `${module}.ts`))) as Record<
    string,
    Compute
  >;
  return exported[name]!(...values.map(toSeries));
}

function toSeries(value: unknown): unknown {
  if (Array.isArray(value)) return Float64Array.from(value as number[]);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toSeries(each)]));
}

/** Half a unit of the last digit of a printed number. */
function halfUnit(printed: string): number {
  return 0.5 * 10 ** -(printed.split(".")[1] ?? "").length;
}

const length = 300;
const wave = Float64Array.from({ length }, (_, i) => 100 + 10 * Math.sin(i / 9) + 3 * Math.sin(i * 1.7));
const openMs = Float64Array.from({ length }, (_, i) => i * 86_400_000);
const bars = {
  length,
  openMs,
  closeMs: openMs.map((ms) => ms + 86_400_000),
  open: wave,
  high: wave.map((value) => value + 1),
  low: wave.map((value) => value - 1),
  close: wave.map((value, i) => value + Math.sin(i * 2.3) / 2),
  volume: wave.map((value) => value * 10),
  timeframeMs: 86_400_000,
};

describe.each(documents)("$file", ({ file, topic, text, sources, formulas }) => {
  test("lies in the folder of its part", () => {
    expect(path.dirname(file)).toBe(topic);
  });

  test("is a definition in sections, of 180 to 600 words, with sources", () => {
    expect(text).toMatch(/^## What (is|are) /);
    expect(text.match(/^## /gm)!.length).toBeGreaterThanOrEqual(3);
    const words = text.match(/\S+/g)!.length;
    expect(words).toBeGreaterThanOrEqual(180);
    expect(words).toBeLessThanOrEqual(600);
    for (const source of sources) expect(source.length).toBeGreaterThan(15);
  });

  test("has formulas that run, those in its text included", () => {
    const inText = [...text.matchAll(/`([^`]+)`/g)]
      .map((match) => match[1]!)
      .filter((code) => code.includes("("));
    const all = [...formulas, ...inText];
    const results = evaluateFormulas(all, bars);
    for (const result of results) expect(Number.isFinite(result.at(-1))).toBe(true);
  });
});

const worked = documents.flatMap(({ file, text, examples }) =>
  examples.map((example) => ({ file, text, ...example })),
);

/** The text prints the number, and the value is what it prints. */
function expectPrinted(text: string, printed: string, value: number): void {
  expect(text).toMatch(new RegExp(`(?<![\\d.,])${printed.replaceAll(".", "\\.")}(?![\\d]|[.,]\\d)`));
  const number = Number(printed.replaceAll(",", ""));
  expect(Math.abs(value - number)).toBeLessThanOrEqual(halfUnit(printed) * (1 + 1e-9));
}

test.each(worked)("$file: $call gives what the text says", async ({ text, call, with: values, gives }) => {
  const result = await compute(call, values);
  const printed = typeof gives === "string" ? { "": gives } : gives;
  for (const [member, number] of Object.entries(printed)) {
    const path = member.split(".").filter((key) => key !== "");
    const value = path.reduce<unknown>((whole, key) => (whole as Record<string, unknown>)[key], result);
    expectPrinted(text, number, value as number);
  }
});

const sums = documents.flatMap(({ file, text, arithmetic }) =>
  arithmetic.map(({ formula, gives }) => ({ file, text, formula, gives })),
);

test.each(sums)("$file: $formula is $gives, as the text says", ({ text, formula, gives }) => {
  const [result] = evaluateFormulas([formula], bars);
  expectPrinted(text, gives, result!.at(-1)!);
});

const indicators = new Set(indicatorCatalogue().map(({ name }) => name));

test.each(documents.filter(({ topic }) => topic === "indicators"))(
  "$file: its formulas lead to the page of an indicator",
  ({ formulas, arithmetic }) => {
    const called = formulas.flatMap((formula) =>
      [...formula.matchAll(/\b([a-z]\w*)\(/g)].map(([, name]) => name!),
    );
    expect(called.some((name) => indicators.has(name)) || arithmetic.length > 0).toBe(true);
  },
);

test("each document shows something that a program computes", () => {
  const bare = documents.filter(
    ({ formulas, examples, arithmetic, measures }) =>
      formulas.length + examples.length + arithmetic.length + Object.keys(measures).length === 0,
  );
  expect(bare.map(({ file }) => file)).toEqual([]);
});

const defined = documents.flatMap(({ file, measures }) =>
  Object.entries(measures).map(([name, definition]) => ({ file, name, definition })),
);

test.each(defined)("$file: $name is computed as defined", ({ name, definition }) => {
  expect(metrics.find((metric) => metric.name === name)?.definition).toBe(definition);
});

describe("searching the knowledge base", () => {
  let root: string;
  let index: KnowledgeIndex;
  let database: { db: Db; close(): Promise<void> };
  beforeAll(async () => {
    root = await mkdtemp(path.join(tmpdir(), "tapedeck-base-"));
    database = await testDatabase();
    index = createLanceIndex({ dir: root, now: Date.now });
    await syncKnowledgeBase({ db: database.db, index, dir, now: Date.now });
  });
  afterAll(async () => {
    await index.close();
    await database.close();
    await rm(root, { recursive: true, force: true });
  });

  test.each([
    ["What is a drawdown?", "drawdown", "What is a drawdown?"],
    ["define maximum drawdown", "drawdown"],
    ["How long does an account stay under water?", "drawdown"],
    ["What is the Sharpe ratio?", "sharpe-ratio", "What is the Sharpe ratio?"],
    ["how is the Sharpe ratio calculated", "sharpe-ratio", "Formula"],
    ["pitfalls of the Sharpe ratio", "sharpe-ratio", "Pitfalls"],
    ["reward relative to downside deviation", "sortino-ratio"],
    ["What is VaR?", "value-at-risk", "What is value at risk?"],
    ["What is CVaR?", "expected-shortfall"],
    ["mean loss beyond the value at risk", "expected-shortfall"],
    ["What is RSI?", "relative-strength-index", "What is the relative strength index?"],
    ["formula of the relative strength index", "relative-strength-index", "Formula"],
    ["What does overbought mean?", "relative-strength-index"],
    ["What is a golden cross?", "moving-average-crossover"],
    ["What is a simple moving average?", "simple-moving-average", "What is a simple moving average?"],
    ["Explain the EMA", "exponential-moving-average"],
    ["Difference between simple and exponential moving average", "simple-moving-average"],
    ["How does MACD work?", "macd"],
    ["What are Bollinger bands?", "bollinger-bands", "What are Bollinger Bands?"],
    ["what is true range", "average-true-range"],
    ["What is slippage?", "transaction-costs", "What is slippage?"],
    ["companies that went bankrupt are missing from the sample", "survivorship-bias"],
    ["using information from the future in a simulation", "look-ahead-bias"],
    ["how many units should I buy", "position-sizing"],
    ["What is the Kelly criterion?", "kelly-criterion"],
    ["What is a limit order?", "order-types", "What is a limit order?"],
    ["What is fill or kill?", "order-types"],
    ["What is a basis point?", "transaction-costs"],
    ["What is WACC?", "discounted-cash-flow"],
    ["What is a P/E ratio?", "price-earnings-ratio"],
    ["What happens on the ex-dividend date?", "dividend"],
    ["adjusted close after a split", "stock-split"],
    ["What is the S&P 500?", "market-index", "What is the S&P 500?"],
    ["Bitcoin halving", "bitcoin", "Supply and halving"],
    ["What is the funding rate?", "perpetual-future", "What is the funding rate?"],
    ["What is staking?", "proof-of-stake"],
    ["half-life of a deviation", "mean-reversion"],
    ["hedge ratio by cointegration", "cointegration"],
    ["What is pairs trading?", "pairs-trading"],
    ["Do winners of the last twelve months go on winning?", "momentum"],
    ["How does momentum rotation rank instruments?", "momentum-rotation"],
    ["What is GARCH?", "garch", "What is GARCH?"],
    ["formula of the Hull moving average", "hull-moving-average", "Formula"],
    ["pitfalls of the choppiness index", "choppiness-index", "Pitfalls"],
    ["What is a quick ratio?", "current-and-quick-ratio"],
    ["How is the cash conversion cycle computed?", "turnover-ratios"],
    ["What is free cash flow?", "free-cash-flow", "What is free cash flow?"],
    ["What is impermanent loss?", "decentralized-exchange"],
    ["What is a covered call?", "covered-call", "What is a covered call?"],
    ["Kupiec test", "risk-model-backtesting"],
    ["What is a deflated Sharpe ratio?", "probabilistic-sharpe-ratio"],
    ["purging and embargo", "cross-validation"],
    ["What is an inverted yield curve?", "yield-curve"],
    ["What is CAGR?", "compound-annual-growth-rate"],
  ])("%s", async (question, file, section?: string) => {
    const [hit] = await index.search({ text: question, limit: 5, spaces: ["shared"] });
    expect(hit!.documentId).toBe(fileDocumentId(files.find((name) => path.basename(name, ".md") === file)!));
    if (section !== undefined) expect(hit!.section).toBe(section);
  });

  test.each([
    "What is the capital of France?",
    "Who won the world cup in 1998?",
    "recipe for sourdough bread",
  ])("has little for: %s", async (question) => {
    const hits = await index.search({ text: question, limit: 5, spaces: ["shared"] });
    for (const hit of hits) expect(hit.coverage).toBeLessThan(0.6);
  });
});
