import { leaveOutUnless } from "@tapedeck/testkit";
import type { Stack } from "@tapedeck/testkit/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

leaveOutUnless(hasBrowser, "chromium")("the dashboard in Chromium", () => {
  let dashboard: OpenDashboard;
  let stack: Stack;
  let page: Page;
  const picture = (name: string) => dashboard.picture(name);

  beforeAll(async () => {
    dashboard = await openDashboard();
    ({ stack, page } = dashboard);
  }, 180_000);

  afterAll(() => dashboard.close());

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await picture(`failed-${task.name.slice(0, 40)}`);
  });

  test("someone who is not signed in is asked to, and a one-time link signs in", async () => {
    await page.goto(stack.apiUrl);
    await page.getByRole("heading", { name: "Sign in to Tapedeck" }).waitFor();
    await picture("sign-in");
    await page.getByLabel("E-mail").fill("nobody@example.org");
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await dashboard.signIn();
  });

  test("a question is answered with steps, and its citation opens the evidence", async () => {
    await page.goto(`${stack.apiUrl}/ask`);
    await page
      .getByLabel("Question")
      .fill(
        "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
      );
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.getByText("answered", { exact: true }).first().waitFor();
    await page.locator(".cite").first().waitFor();
    await picture("ask");
    await page.locator(".cite").first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Dataset").waitFor();
    expect(await dialog.innerText()).toContain("SPX.INDEX");
    await picture("evidence");
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "hidden" });
  });

  test("a number leads to its bars and to the chart in two clicks; a follow-up, feedback and a schedule go on from it", async () => {
    await page.goto(`${stack.apiUrl}/ask`);
    const ask = async (question: string) => {
      await page.getByLabel("Question").fill(question);
      await page.getByRole("button", { name: "Ask", exact: true }).click();
    };
    await ask("What was the return of the S&P 500 in 2008?");
    await page.getByRole("button", { name: "Open what 903.25 rests on" }).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("cell", { name: "903.25" }).last().waitFor();
    await picture("ask-operand");
    await dialog.getByRole("link", { name: "SPX.INDEX" }).click();
    await page.getByText("on 2008-12-31").waitFor();
    expect(await page.locator("main").innerText()).toContain("903.25");
    await page.goBack();

    await ask("What was the return of the S&P 500 in 2008?");
    await page.getByRole("heading", { name: "What was the return of the S&P 500 in 2008?" }).waitFor();
    await page.getByRole("button", { name: "Useful", exact: true }).click();
    await page.getByText("Kept, thank you.").waitFor();
    await page.getByRole("button", { name: "Ask on a schedule" }).click();
    await page.getByRole("button", { name: "Keep asking" }).click();
    await page.getByText("It is asked on its schedule from now on.").waitFor();
    await page.getByText("not asked yet").waitFor();
    await ask("And in 2009?");
    await page.getByText("in 2009: from 903.25 points").waitFor();
    await picture("ask-conversation");
    const pack = page.getByRole("link", { name: "Evidence pack" }).last();
    const answer = await page.request.get(`${stack.apiUrl}${await pack.getAttribute("href")}`);
    expect(((await answer.json()) as { items: unknown[] }).items.length).toBeGreaterThan(2);
    await page.getByRole("link", { name: "Link to this conversation" }).click();
    await page.reload();
    await page.getByRole("heading", { name: "And in 2009?" }).waitFor();
    await expect.poll(() => page.getByRole("heading", { level: 2, name: /2008|2009/ }).count()).toBe(2);
  });

  test("a question as of a day says so, and a follow-up of it goes on from there", async () => {
    await page.goto(`${stack.apiUrl}/ask`);
    await page.getByLabel("as of").fill("2008-09-15");
    for (const question of ["What is the last price of the S&P 500?", "and AAPL?"]) {
      await page.getByLabel("Question").fill(question);
      await page.getByRole("button", { name: "Ask", exact: true }).click();
      await page.getByRole("heading", { name: question }).waitFor();
    }
    await page.getByText("points on 15 September 2008, the newest bar").waitFor();
    await page.getByText("in August 2008, the newest bar").waitFor();
    await expect
      .poll(() => page.locator("main").getByText("as of 2008-09-15", { exact: true }).count())
      .toBe(2);
    await picture("ask-as-of");
  });

  test("a sentence of a document leads to its place in two clicks", async () => {
    await page.goto(`${stack.apiUrl}/ask`);
    await page.getByLabel("Question").fill("What is a drawdown?");
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    await page.locator(".cite").first().click();
    const quoted = await page.getByRole("dialog").locator("blockquote").innerText();
    await page.getByRole("link", { name: "Open it in the document" }).click();
    await page.locator("mark").first().waitFor();
    const marked = (await page.locator("mark").allInnerTexts()).join("");
    expect(marked.replaceAll(/\s+/g, "")).toBe(quoted.replaceAll(/\s+/g, ""));
  });

  test("a question that cannot be answered says what to import", async () => {
    await page.goto(`${stack.apiUrl}/ask`);
    await page.getByLabel("Question").fill("What was the return of Tesla in 2019?");
    await page.keyboard.press("Enter");
    await page.getByText("declined", { exact: true }).first().waitFor();
    await page.locator(".notice pre").first().waitFor();
    await picture("ask-declined");
  });

  test("an instrument's chart draws its bars, and a formula can be added or is refused with its reason", async () => {
    await page.goto(`${stack.apiUrl}/instruments`);
    await picture("instruments");
    await page.getByRole("link", { name: "SPX.INDEX" }).click();
    await page.locator(".chart canvas").first().waitFor();
    expect(await page.getByRole("img", { name: /Chart of SPX\.INDEX/ }).getAttribute("aria-label")).toMatch(
      /5,?\d{3} bars|\d{4} bars/,
    );
    await page.getByLabel("Formula", { exact: true }).fill("smaa(close, 20)");
    await page.getByRole("button", { name: "Add" }).click();
    expect(await page.locator(".notice").innerText()).toMatch(/sma/);
    await page.getByLabel("Formula", { exact: true }).fill("ema(close, 20)");
    await page.getByRole("button", { name: "Add" }).click();
    await page.locator(".legend").getByText("ema(close, 20)").waitFor();
    await picture("chart");
  });

  test("a backtest is submitted from its form, and its report shows figures, trades and their evidence", async () => {
    await page.goto(`${stack.apiUrl}/new/backtest`);
    await page.getByRole("button", { name: "Example 1" }).click();
    await picture("new-backtest");
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByRole("link", { name: "Open the report" }).click();
    await page.getByRole("heading", { name: "Against buy and hold" }).waitFor();
    await page.getByRole("img", { name: /trades marked/ }).waitFor();
    await expect.poll(() => page.locator("tbody tr").count()).toBeGreaterThan(16);
    await page.getByRole("button", { name: "evidence" }).first().click();
    await page.getByRole("dialog").getByText("Value").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await picture("backtest");
    await page.goto(`${stack.apiUrl}/backtests`);
    await page
      .getByRole("cell", { name: /SPX\.INDEX/ })
      .first()
      .waitFor();
    await picture("backtests");
  });

  test("a wrong payload is refused with the field that is wrong", async () => {
    await page.goto(`${stack.apiUrl}/new/analyze`);
    await page.getByLabel(/^instrumentId/).fill("NOWHERE.XNYS");
    await page.getByRole("button", { name: "Submit" }).click();
    // An unknown instrument is found by the worker: the job fails and says so.
    await page.getByText("failed", { exact: true }).first().waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("NOWHERE.XNYS");
    await picture("job-failed");
    await page.goto(`${stack.apiUrl}/new/analyze`);
    await page.getByRole("button", { name: "Edit as JSON" }).click();
    await page.getByLabel("Payload").fill('{"instrumentId": 5}');
    await page.getByRole("button", { name: "Submit" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.locator("form li code").first().innerText()).toContain("instrumentId");
  });

  test("jobs are listed, filtered and opened with their lineage; a waiting one is cancelled and retried", async () => {
    await stack.client.submit("analyze", { instrumentId: "SPX.INDEX" }, { delayMs: 3_600_000 });
    await page.goto(`${stack.apiUrl}/jobs`);
    await page.getByRole("button", { name: "Cancel" }).first().click();
    await page.getByRole("cell", { name: "cancelled" }).first().waitFor();
    await picture("jobs");
    await page.getByLabel("State").selectOption("cancelled");
    await page.getByRole("button", { name: "Retry" }).first().click();
    await page.getByLabel("State").selectOption("completed");
    await page.getByLabel("Type").selectOption("backtest");
    await page.getByRole("link", { name: "backtest", exact: true }).first().click();
    await page.getByRole("heading", { name: "Lineage" }).waitFor();
    await page.getByRole("link", { name: "ingest job" }).first().waitFor();
    await picture("job");
  });

  test("a file is uploaded, shown as it would be read, and imported", async () => {
    await page.goto(`${stack.apiUrl}/import`);
    const rows = Array.from({ length: 40 }, (_, i) => {
      const day = new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10);
      return `${day},${100 + i},${102 + i},${99 + i},${101 + i},${1_000 + i}`;
    });
    await page.locator("input[type=file]").setInputFiles({
      name: "mine.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(["Date,Open,High,Low,Close,Volume", ...rows].join("\n")),
    });
    await page.getByRole("heading", { name: "How it would be read" }).waitFor();
    await picture("import");
    await page.getByLabel("Name", { exact: true }).fill("My own");
    await page.getByLabel("Currency").fill("eur");
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText("40 rows read").waitFor();
    await page.getByRole("cell", { name: "MINE.LOCAL My own" }).waitFor();
    await picture("imported");
    await page.getByRole("link", { name: "Chart of MINE.LOCAL" }).click();
    await page.locator(".chart canvas").first().waitFor();
  });

  test("queues are paused and resumed, and workers are listed", async () => {
    await page.goto(`${stack.apiUrl}/queues`);
    const row = page.getByRole("row", { name: /^sentiment/ });
    await row.getByRole("button", { name: "Pause" }).click();
    await row.getByText("paused").waitFor();
    await picture("queues");
    await row.getByRole("button", { name: "Resume" }).click();
    await row.getByText("paused").waitFor({ state: "hidden" });
    await page.getByText("alive").first().waitFor();
  });

  test("dark, phone-wide and by keyboard alone it still works", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ["ask", "jobs", "instruments", "backtests", "queues", "import", "new/backtest"]) {
      await page.goto(`${stack.apiUrl}/${name}`);
      await page.locator("h1").first().waitFor();
      await page.waitForLoadState("networkidle").catch(() => undefined);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
      await picture(`phone-${name.replace("/", "-")}`);
    }
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(background).toBe("rgb(16, 20, 21)");
    await page.goto(`${stack.apiUrl}/ask`);
    await page.getByRole("heading", { name: "Ask the market" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain("Skip to content");
    await page.getByLabel("Question").focus();
    await page.keyboard.type("What is a drawdown?");
    await page.keyboard.press("Enter");
    await page.locator(".cite").first().waitFor();
  });

  test("signing out ends the session; nothing failed behind the pages", async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in to Tapedeck" }).waitFor();
    expect(dashboard.faults.filter((fault) => !/status of 4\d\d/.test(fault))).toEqual([]);
  });
});
