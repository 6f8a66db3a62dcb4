import { leaveOutUnless } from "@tapedeck/testkit";
import type { Stack } from "@tapedeck/testkit/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

leaveOutUnless(hasBrowser, "chromium")("analyses in Chromium", () => {
  let dashboard: OpenDashboard;
  let stack: Stack;
  let page: Page;
  const picture = (name: string) => dashboard.picture(name);

  beforeAll(async () => {
    dashboard = await openDashboard();
    ({ stack, page } = dashboard);
    await dashboard.signIn();
  }, 180_000);

  afterAll(() => dashboard.close());

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await picture(`failed-${task.name.slice(0, 40)}`);
  });

  const run = () => page.getByRole("button", { name: "Run", exact: true }).click();
  const addTo = async (label: RegExp, symbols: readonly string[]) => {
    for (const symbol of symbols) {
      await page.getByLabel(label).fill(symbol);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: `Remove ${symbol}` }).waitFor();
    }
  };

  const addInstruments = (...symbols: string[]) => addTo(/^Instruments/, symbols);
  const addAssets = (...symbols: string[]) => addTo(/^Assets/, symbols);

  test("a formula is completed while it is typed, checked, and drawn", async () => {
    await page.goto(`${stack.apiUrl}/instruments/SPX.INDEX`);
    const input = page.getByRole("combobox", { name: "Formula" });
    await input.pressSequentially("boll");
    const list = page.getByRole("listbox", { name: "Indicators and functions" });
    await list.getByRole("option").first().waitFor();
    await input.fill("");
    await input.pressSequentially("ema(clo");
    await list.getByText("the bar's close", { exact: true }).waitFor();
    await picture("formula-completion");
    await page.keyboard.press("Enter");
    expect(await input.inputValue()).toBe("ema(close");
    await input.pressSequentially(", 20)");
    await page.getByText("first value after 19 bars").waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".legend").getByText("ema(close, 20)").waitFor();
    await input.pressSequentially("smaa(close, 5)");
    await page.locator(".verdict mark").waitFor();
    await picture("formula-refused");
  });

  test("a pair: its monthly bars are found, the spread is drawn, a number opens its evidence", async () => {
    await page.goto(`${stack.apiUrl}/analyses`);
    await picture("analyses-empty");
    await page.getByRole("link", { name: /^Pair Do two/ }).click();
    await page.getByLabel(/^Explained/).fill("MSFT.XNAS");
    await page.getByLabel(/^Hedged with/).fill("IBM.XNYS");
    await page.getByText("More settings").click();
    await page.getByLabel("Z window").fill("24");
    await run();
    await page.getByRole("img", { name: /Spread of MSFT\.XNAS and IBM\.XNYS/ }).waitFor();
    await page.getByText("Cointegrated", { exact: true }).waitFor();
    await page.getByText("More settings").click();
    await picture("pairs");
    await page.getByRole("button", { name: "Evidence of Half-life" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("and IBM.XNYS").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  });

  test("a search lists pairs, and each opens as a pair of its own", async () => {
    await page.goto(`${stack.apiUrl}/analyses/pairSearch`);
    await addInstruments("MSFT.XNAS", "IBM.XNYS", "AAPL.XNAS", "AMZN.XNAS");
    await run();
    await page.getByRole("heading", { name: "Pairs, the surest first" }).waitFor();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(6);
    await picture("pair-search");
    await page.locator("tbody a").first().click();
    expect(await page.getByLabel(/^Explained/).inputValue()).toMatch(/\.XNAS$/);
  });

  test("a correlation matrix is a heat map", async () => {
    await page.goto(`${stack.apiUrl}/analyses/correlation`);
    await addInstruments("MSFT.XNAS", "IBM.XNYS", "AAPL.XNAS", "AMZN.XNAS", "GOOG.XNAS");
    await run();
    await page.locator(".heat td").first().waitFor();
    await expect.poll(() => page.locator(".heat td").count()).toBe(25);
    await picture("correlation");
  });

  test("a risk report of an index, and of weights", async () => {
    await page.goto(`${stack.apiUrl}/analyses/risk`);
    await page.getByLabel("Instrument").fill("SPX.INDEX");
    await run();
    await page.getByRole("heading", { name: "Did the forecasts hold?" }).waitFor();
    await page.getByText("Pandemic").waitFor();
    await picture("risk");
    await page.getByLabel("Kind", { exact: true }).selectOption("weights");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel(/^Instrument/).fill("MSFT.XNAS");
    await page.getByLabel(/^Weight/).fill("0.6");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page
      .getByLabel(/^Instrument/)
      .nth(1)
      .fill("AAPL.XNAS");
    await page
      .getByLabel(/^Weight/)
      .nth(1)
      .fill("0.4");
    await run();
    await page.getByRole("heading", { name: "Where the risk comes from" }).waitFor();
    await picture("risk-weights");
  });

  test("a portfolio: its weights, its risk, the frontier and what other methods give", async () => {
    await page.goto(`${stack.apiUrl}/analyses/portfolio`);
    await addAssets("MSFT.XNAS", "IBM.XNYS", "AAPL.XNAS", "AMZN.XNAS");
    await page.getByLabel("Method").selectOption("maxSharpe");
    await run();
    await page.getByRole("img", { name: /Efficient frontier/ }).waitFor();
    await page.getByRole("heading", { name: "All methods" }).waitFor();
    await expect.poll(() => page.getByRole("row", { name: /^Risk parity/ }).count()).toBe(1);
    await picture("portfolio");
    await page.getByLabel("Max weight").fill("0.1");
    await run();
    expect(await page.getByRole("alert").innerText()).toContain("too low for weights that sum to 1");
  });

  test("patterns are drawn on the chart, and another is chosen from the list", async () => {
    await page.goto(`${stack.apiUrl}/analyses/patterns`);
    await page.getByLabel(/^Instrument/).fill("SPX.INDEX");
    await run();
    await page.getByRole("img", { name: /Bars of SPX\.INDEX with .* from/ }).waitFor();
    await picture("patterns");
    await page.getByRole("button", { name: "Bull flag" }).first().click();
    await page.getByRole("img", { name: /with Bull flag from/ }).waitFor();
  });

  test("regimes shade the chart, and anomalies mark it", async () => {
    await page.goto(`${stack.apiUrl}/analyses/regimes`);
    await page.getByLabel(/^Instrument/).fill("SPX.INDEX");
    await run();
    await page.getByRole("img", { name: /2 regimes behind them/ }).waitFor();
    await picture("regimes");
    await page.goto(`${stack.apiUrl}/analyses/anomalies`);
    await page.getByLabel(/^Instrument/).fill("SPX.INDEX");
    await page.getByLabel("Method").selectOption("isolationForest");
    await run();
    await page.getByRole("img", { name: /unusual ones marked/ }).waitFor();
    await page
      .getByText(/usually/)
      .first()
      .waitFor();
    await picture("anomalies");
  });

  test("the statistics of a series: its volatility, tests and distributions", async () => {
    await page.goto(`${stack.apiUrl}/analyses/statistics?instrumentId=SPX.INDEX`);
    await run();
    await page.getByRole("img", { name: /Volatility and returns of SPX\.INDEX/ }).waitFor();
    await page.getByText("a unit root is not refused at 5 %").first().waitFor();
    await picture("statistics");
  });

  test("an option is priced without any bars", async () => {
    await page.goto(`${stack.apiUrl}/analyses/options`);
    for (const [label, value] of [
      [/^Spot/, "42"],
      [/^Strike/, "40"],
      [/^Years/, "0.5"],
      [/^Rate/, "0.1"],
      [/^Volatility/, "0.2"],
    ] as const) {
      await page.getByLabel(label).fill(value);
    }
    await run();
    await page.getByText("4.76").first().waitFor();
    await picture("options");
  });

  test("a bond, and a size by a rule chosen in the form", async () => {
    await page.goto(`${stack.apiUrl}/analyses/bond`);
    await page.getByLabel(/^Coupon rate/).fill("0.1");
    await page.getByLabel(/^Periods/).fill("6");
    await page.getByLabel(/^Yield rate/).fill("0.1");
    await run();
    await page.getByText("Macaulay duration").first().waitFor();
    await picture("bond");

    await page.goto(`${stack.apiUrl}/analyses/sizing`);
    await page.getByLabel(/^Probability/).fill("0.6");
    await page.getByLabel(/^Odds/).fill("1");
    await run();
    await page.getByText("Fraction of capital").first().waitFor();
    await picture("sizing");
  });

  test("what is wrong is said: before the job by the form, after it by the job", async () => {
    await page.goto(`${stack.apiUrl}/analyses/pairs`);
    await run();
    await page.getByRole("alert").waitFor();
    await picture("analysis-refused");
    await page.getByLabel(/^Explained/).fill("MSFT.XNAS");
    await page.getByLabel(/^Hedged with/).fill("NOWHERE.XNAS");
    await run();
    await page.getByText("symbol.unknown").waitFor();
    expect(await page.getByRole("alert").innerText()).toContain("NOWHERE.XNAS");
    await page.goto(`${stack.apiUrl}/analyses/nothing`);
    await page.getByRole("heading", { name: "No such analysis" }).waitFor();
  });

  test("dark and phone-wide, every result fits", async () => {
    await page.goto(`${stack.apiUrl}/analyses`);
    await page.getByRole("heading", { name: "Earlier analyses" }).waitFor();
    await picture("analyses");
    const hrefs = await page
      .locator("tbody a")
      .evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    const kinds = new Set<string>();
    for (const href of hrefs) {
      const kind = /analyses\/(\w+)/.exec(href)![1]!;
      if (kinds.has(kind)) continue;
      kinds.add(kind);
      await page.goto(stack.apiUrl + href);
      await page
        .getByRole("link", { name: "The job, its lineage" })
        .or(page.getByRole("alert"))
        .first()
        .waitFor();
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, `${kind} scrolls sideways`).toBeLessThanOrEqual(0);
      await picture(`phone-${kind}`);
    }
    expect([...kinds].toSorted()).toEqual([
      "anomalies",
      "bond",
      "correlation",
      "options",
      "pairSearch",
      "pairs",
      "patterns",
      "portfolio",
      "regimes",
      "risk",
      "sizing",
      "statistics",
    ]);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(stack.apiUrl + hrefs.find((href) => href.includes("/patterns"))!);
    await page.getByRole("img", { name: /Bars of SPX/ }).waitFor();
    await picture("patterns-dark");
  });

  test("nothing failed behind the pages", () => {
    expect(dashboard.faults.filter((fault) => !/status of 4\d\d/.test(fault))).toEqual([]);
  });
});
