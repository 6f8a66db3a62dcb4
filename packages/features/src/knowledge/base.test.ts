import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { KnowledgeIndex } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import { createLanceIndex } from "@tapedeck/platform/knowledge/lance";
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

test("there are at least 30 documents, of one title each", () => {
  expect(documents.length).toBeGreaterThanOrEqual(30);
  expect(new Set(documents.map((one) => one.title)).size).toBe(documents.length);
});

describe.each(documents)("$file", ({ text, sources, formulas }) => {
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
    const length = 300;
    const wave = Float64Array.from({ length }, (_, i) => 100 + 10 * Math.sin(i / 9) + 3 * Math.sin(i * 1.7));
    const openMs = Float64Array.from({ length }, (_, i) => i * 86_400_000);
    const results = evaluateFormulas(all, {
      length,
      openMs,
      closeMs: openMs.map((ms) => ms + 86_400_000),
      open: wave,
      high: wave.map((value) => value + 1),
      low: wave.map((value) => value - 1),
      close: wave.map((value, i) => value + Math.sin(i * 2.3) / 2),
      volume: wave.map((value) => value * 10),
      timeframeMs: 86_400_000,
    });
    for (const result of results) expect(Number.isFinite(result.at(-1))).toBe(true);
  });
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
    ["hedge ratio by cointegration", "pairs-trading"],
    ["winners minus losers over twelve months", "momentum"],
    ["What is CAGR?", "compound-annual-growth-rate"],
  ])("%s", async (question, file, section?: string) => {
    const [hit] = await index.search({ text: question, limit: 5, spaces: ["shared"] });
    expect(hit!.documentId).toBe(fileDocumentId(`${file}.md`));
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
