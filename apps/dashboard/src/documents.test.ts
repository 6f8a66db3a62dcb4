import { leaveOutUnless } from "@tapedeck/testkit";
import type { Stack } from "@tapedeck/testkit/stack";
import { filingPages } from "@tapedeck/text/filings/fixture";
import { pdfOf, runsOf } from "@tapedeck/text/readers/pdf.fixture";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

const report = `<html><head><title>Widget report</title><meta property="article:published_time" content="2024-03-01T10:00:00Z">
<meta property="og:site_name" content="The Wire"></head><body><h2>Results</h2><p>Gamma demand rose. <script>alert("planted")</script></p>
<table><tr><td></td><td>2023</td><td>2022</td></tr><tr><td>Total revenues</td><td>$ 1,200</td><td>$ 1,000</td></tr>
<tr><td>Net income</td><td>150</td><td>(20)</td></tr></table><p>Gamma margins widened.</p></body></html>`;

leaveOutUnless(hasBrowser, "chromium")("documents in Chromium", () => {
  let dashboard: OpenDashboard;
  let stack: Stack;
  let page: Page;

  beforeAll(async () => {
    dashboard = await openDashboard();
    ({ stack, page } = dashboard);
    await dashboard.signIn();
  }, 180_000);
  afterAll(() => dashboard.close());
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await dashboard.picture(`failed-${task.name.slice(0, 40)}`);
  });

  const documentNamed = async (title: string) => {
    const { items } = await stack.client.call("listDocuments", { query: { title } });
    return stack.client.call("getDocument", { params: { id: items[0]!.id }, query: {} });
  };

  test("files are imported, and each says what became of it", async () => {
    await page.goto(`${stack.apiUrl}/documents`);
    await page.getByText("Import documents").click();
    await page.getByLabel("Files").setInputFiles([
      { name: "report.html", mimeType: "text/html", buffer: Buffer.from(report) },
      {
        name: "paged.pdf",
        mimeType: "application/pdf",
        buffer: Buffer.from(
          pdfOf([runsOf(["First page on widgets"]), runsOf(["Second page, total 42"])], { title: "Paged" }),
        ),
      },
      { name: "scan.pdf", mimeType: "application/pdf", buffer: Buffer.from(pdfOf([[]])) },
    ]);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    const outcome = page.getByRole("region", { name: "What became of them" });
    await outcome.getByText("2 added, 1 refused").waitFor();
    await outcome.getByText(/it is a scan/).waitFor();
    await page.getByRole("row", { name: /Widget report news\s+2024-03-01 The Wire/ }).waitFor();
    await dashboard.picture("documents");
  });

  test("the list narrows by kind and title, and to what was public on a day", async () => {
    await page.goto(`${stack.apiUrl}/documents?kind=news`);
    await page.getByRole("link", { name: "Widget report" }).waitFor();
    expect(await page.getByRole("link", { name: "Paged" }).count()).toBe(0);
    await page.getByLabel("As of").fill("2024-02-29");
    await page.getByText("No documents match.").waitFor();
    await page.getByLabel("As of").fill("2024-03-01");
    await page.getByRole("link", { name: "Widget report" }).waitFor();
  });

  test("a document opens with its tables as tables, and is searched", async () => {
    await page.getByRole("link", { name: "Widget report" }).click();
    await page.getByRole("heading", { name: "Widget report" }).waitFor();
    expect(await page.locator(".sheet").innerText()).not.toContain("planted");
    const row = page.getByRole("row", { name: "Net income 150 (20)" });
    await row.waitFor();
    await page.getByLabel("Search in the document").fill("gamma");
    await page.getByText("2 found").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("1 of 2").waitFor();
    expect(await page.locator("mark.match").allInnerTexts()).toEqual(["Gamma", "Gamma"]);
    await page.getByLabel("Search in the document").fill("net income");
    await page.locator("tr.match").waitFor();
    await dashboard.picture("document-search");
  });

  test("a formula of a reference document leads to its indicator's page, and from there to a chart that draws it", async () => {
    const q = "What is the relative strength index?";
    const indexed = async () =>
      (await stack.client.call("searchKnowledge", { query: { q, kind: "reference" } })).items.length;
    await expect.poll(indexed, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.goto(`${stack.apiUrl}/documents/kb.indicators.relative-strength-index`);
    await page.getByRole("link", { name: "rsi", exact: true }).first().click();
    await page.getByRole("heading", { name: "Relative strength index", exact: true }).waitFor();
    await page.getByText("Wilder 1978").waitFor();
    await page.getByRole("link", { name: "Relative strength index" }).waitFor();
    await dashboard.picture("indicator");
    await page.getByLabel("Draw it for").fill("SPX.INDEX");
    await page.getByRole("link", { name: "Draw", exact: true }).click();
    await page
      .getByText(/^rsi\(close/)
      .first()
      .waitFor();
    expect(await page.getByText("sma(close, 50)").count()).toBe(0);
  });

  test("each number of an answer from filings, and a formula of a document, lead to their place in two clicks", async () => {
    for (const [{ company, form, year }, pages] of Map.groupBy(filingPages, ({ filing }) => filing)) {
      if (form !== "10-K" || company !== "Acme Widgets Inc.") continue;
      await stack.client.call("postDocument", {
        body: {
          title: `${company} ${form} ${year}`,
          text: pages.map(({ text }) => text).join("\f"),
          publishedMs: Date.UTC(2023, 1, 10),
          filing: { company, form, fiscalYear: year! },
        },
      });
    }
    const ask = async (question: string) => {
      await page.goto(`${stack.apiUrl}/ask`);
      await page.getByLabel("Question").fill(question);
      await page.getByRole("button", { name: "Ask", exact: true }).click();
    };
    const toPlace = async (number: string) => {
      await page.getByRole("button", { name: number }).first().click();
      await page.getByRole("link", { name: "Open it in the document" }).click();
      await page.locator(".evidence").first().waitFor();
      return (await page.locator(".evidence").allInnerTexts()).join("");
    };
    for (const [number, row] of [
      ["Open what 230 million rests on", /operating activities\s+230,000/],
      ["Open what 84 million rests on", /84,000/],
    ] as const) {
      await ask("What was Acme Widgets' free cash flow in fiscal 2022?");
      expect(await toPlace(number)).toMatch(row);
    }
    await dashboard.picture("filing-figure");
    await ask("How is the RSI calculated?");
    expect(await toPlace("Open evidence")).toMatch(/100 . 100 \/ \(1 \+/);
  });

  test("a citation's address opens the page with the evidence marked", async () => {
    const paged = await documentNamed("Paged");
    const start = paged.text.indexOf("total 42");
    await page.goto(`${stack.apiUrl}/documents/${paged.id}?version=1&start=${start}&end=${start + 8}`);
    expect(await page.locator("mark.evidence").innerText()).toBe("total 42");
    expect(await page.getByLabel("Page", { exact: true }).inputValue()).toBe("1");
    await page.getByLabel("Page before").click();
    await page.getByText("First page on widgets").waitFor();
    await page.getByRole("button", { name: "To the evidence" }).click();
    await page.locator("mark.evidence").waitFor();
    await dashboard.picture("document-evidence");

    const { id, text } = await documentNamed("Widget report");
    const at = text.indexOf("Net income");
    await page.goto(`${stack.apiUrl}/documents/${id}?version=1&start=${at}&end=${at + 10}`);
    expect(await page.locator("tr.evidence").innerText()).toMatch(/Net income\s+150\s+\(20\)/);
    await dashboard.picture("document-table");
  });

  test("phone-wide and dark nothing scrolls sideways, and nothing failed behind the pages", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    const { id } = await documentNamed("Acme Widgets Inc. 10-K 2022");
    for (const [name, address] of [
      ["documents", "documents"],
      ["filing", `documents/${id}?page=6`],
      ["reference", "documents/kb.indicators.bollinger-bands"],
      ["indicator", "indicators/bbands"],
    ] as const) {
      await page.goto(`${stack.apiUrl}/${address}`);
      await page.locator("h1").first().waitFor();
      await page.waitForLoadState("networkidle").catch(() => undefined);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
      await dashboard.picture(`phone-${name}`);
    }
    expect(dashboard.faults).toEqual([]);
  });
});
