import { newId } from "@tapedeck/core";
import { extractText, getDocumentProxy } from "unpdf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reportHtml } from "./html.ts";
import { reportPdf } from "./pdf.ts";
import { reportRouteHandlers } from "./read.ts";
import { crossover, input, instrumentId, reportFixture } from "./report.fixture.ts";
import type { ReportFixture } from "./report.fixture.ts";

let fixture: ReportFixture;
beforeAll(async () => {
  fixture = await reportFixture();
});
afterAll(() => fixture.close());

async function textOfPdf(bytes: Uint8Array): Promise<{ pages: number; text: string }> {
  const { totalPages, text } = await extractText(await getDocumentProxy(bytes), { mergePages: true });
  return { pages: totalPages, text: text.replaceAll(/\s+/g, " ") };
}

async function filesOf(id: string, of: "Backtest" | "Job") {
  const html = await reportRouteHandlers[`download${of}Html`](fixture.deps, input(id), fixture.caller);
  const pdf = await reportRouteHandlers[`download${of}Pdf`](fixture.deps, input(id), fixture.caller);
  return { html, pdf };
}

/** Whatever makes a browser ask a network. */
const outside = /\b(?:src|href|action)\s*=|url\(|@import|<script|<link|<iframe/i;

describe("a run's report", () => {
  test("is one HTML file and a PDF that say the same, honest statistics first", async () => {
    const result = await fixture.backtest(crossover(10, 40));
    const { html, pdf } = await filesOf(result.runId, "Backtest");
    expect(html.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(pdf.headers.get("content-type")).toBe("application/pdf");
    const text = await html.text();
    expect(text).not.toMatch(outside);
    const titles = [...text.matchAll(/<h2>([^<]*)<\/h2>/g)].map((match) => match[1]);
    expect(titles.slice(0, 5)).toEqual([
      "Honest statistics",
      "Statistics",
      "Equity",
      "Drawdown",
      "Trades on the chart",
    ]);
    expect(titles).toEqual(
      expect.arrayContaining([
        "Against buy and hold",
        "Months",
        "By the state of the market",
        "Deepest drawdowns",
        "Trades",
      ]),
    );
    const printed = await textOfPdf(new Uint8Array(await pdf.arrayBuffer()));
    expect(printed.pages).toBeGreaterThan(1);
    const { statistics } = result;
    for (const figure of [
      result.instrumentId,
      `${(statistics.totalReturn * 100).toFixed(1)} %`,
      statistics.sharpe!.toFixed(2),
      result.fillsHash,
    ]) {
      expect(text).toContain(figure);
      expect(printed.text).toContain(figure);
    }
    for (const title of titles) expect(printed.text).toContain(title!);
  });

  test("is the same bytes each time", async () => {
    const { runId } = await fixture.backtest(crossover(11, 41));
    const [one, two] = [await filesOf(runId, "Backtest"), await filesOf(runId, "Job")];
    expect(await two.html.text()).toBe(await one.html.text());
    expect(Buffer.from(await two.pdf.arrayBuffer()).equals(Buffer.from(await one.pdf.arrayBuffer()))).toBe(
      true,
    );
  });

  test("without a trade says why", async () => {
    const { runId, neverTraded } = await fixture.backtest({
      instrumentId,
      strategy: { kind: "rules", entry: "close < 0" },
    });
    const { html } = await filesOf(runId, "Backtest");
    expect(await html.text()).toContain(neverTraded!.replaceAll("<", "&lt;"));
  });
});

const strategy = { kind: "builtIn", name: "maCrossover", params: { fast: 10, slow: 40 } };
const parameters = { fast: { values: [5, 10, 20] }, slow: { values: [40, 80, 120] } };

test.each([
  [
    "sweep",
    { instrumentId, strategy: { kind: "builtIn", name: "maCrossover" }, parameters },
    [
      "Honest statistics",
      "Heat map",
      "The best",
      "Against buy and hold",
      "Months",
      "By the state of the market",
    ],
  ],
  [
    "walkForward",
    {
      instrumentId,
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters,
      folds: { kind: "rolling", trainBars: 300, testBars: 150 },
    },
    [
      "Honest statistics",
      "Out of sample",
      "Growth of 1, out of sample",
      "Folds",
      "Fold by fold",
      "Months",
      "Best trades",
    ],
  ],
  [
    "monteCarlo",
    { instrumentId, strategy, simulations: 100 },
    ["Honest statistics", "What it might have been", "Resampled paths", "By the state of the market"],
  ],
  ["biasAudit", { instrumentId, strategy, cuts: 5 }, ["Checks", "Total return"]],
  [
    "portfolioBacktest",
    { instruments: [instrumentId], strategy: { name: "volatilityTarget", params: { target: 0.1 } } },
    ["Honest statistics", "Statistics", "Equity", "Instruments", "Months", "Path inside the bars"],
  ],
] as const)("a %s job's report is a file of its own", async (type, payload, titles) => {
  const { jobId } = await fixture.run(type, payload);
  const { html, pdf } = await filesOf(jobId, "Job");
  const text = await html.text();
  expect(text).not.toMatch(outside);
  const printed = await textOfPdf(new Uint8Array(await pdf.arrayBuffer()));
  for (const title of titles) {
    expect(text).toContain(`<h2>${title}</h2>`);
    expect(printed.text).toContain(title);
  }
});

test("a job that is unknown, has no result, or is of another queue has no report", async () => {
  const handler = reportRouteHandlers.downloadJobHtml;
  await expect(handler(fixture.deps, input(newId(1)), fixture.caller)).rejects.toMatchObject({
    code: "job.unknown",
  });
  const { jobId } = await fixture.run("monteCarlo", { instrumentId, strategy, simulations: 100 });
  const stranger = { ...fixture.caller, tenantId: newId(1) };
  await expect(handler(fixture.deps, input(jobId), stranger)).rejects.toMatchObject({ code: "job.unknown" });
  const set = (values: { result?: string | null; type?: string }) =>
    fixture.db.updateTable("jobs").set(values).where("id", "=", jobId).execute();
  await set({ type: "ask" });
  await expect(handler(fixture.deps, input(jobId), fixture.caller)).rejects.toMatchObject({
    code: "resource.unknown",
  });
  await set({ result: null });
  await expect(handler(fixture.deps, input(jobId), fixture.caller)).rejects.toMatchObject({
    code: "job.notEnded",
  });
});

test("what people wrote is text in both files, never markup", async () => {
  const report = {
    title: '<script>alert("x")</script> & co',
    subtitle: "−1 ≥ 0",
    warnings: [],
    blocks: [{ kind: "notes" as const, title: "Notes", lines: ["<b>not bold</b>"] }],
    sources: [],
  };
  const html = reportHtml(report);
  expect(html).not.toContain("<script>");
  expect(html).toContain("&lt;b&gt;not bold&lt;/b&gt;");
  const { text } = await textOfPdf(new Uint8Array(await reportPdf(report)));
  expect(text).toContain('<script>alert("x")</script> & co −1 ≥ 0');
});

test("a PDF has the letters and signs of other scripts, and says which it has not", async () => {
  const title = "Εθνική Τράπεζα · ПАО Сбербанк · Łódź · ₹ € £ ¥";
  const report = {
    title,
    subtitle: "株 1",
    warnings: [],
    blocks: [
      {
        kind: "table" as const,
        title: "Ελλάδα",
        table: { columns: [{ label: "Компания", numeric: false }], rows: [["₹ 1,234 → € 15"]] },
      },
    ],
    sources: [],
  };
  const { text } = await textOfPdf(new Uint8Array(await reportPdf(report)));
  for (const part of [title, "\uFFFD 1", "Ελλάδα", "Компания", "₹ 1,234 → € 15"])
    expect(text).toContain(part);
});
