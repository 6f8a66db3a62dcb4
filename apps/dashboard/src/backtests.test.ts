import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { leaveOutUnless } from "@tapedeck/testkit";
import type { Stack } from "@tapedeck/testkit/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

/** Buys at its first bar, and breaks down at its 600th. */
const breaksDown = `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Breaks down", meaning: "For tests", instruments: [1, 1], params: [],
  create: () => ({
    name: "Breaks down", features: [],
    decide(context) {
      if (context.bars() === 1) context.submit({ side: "buy", quantity: 10 });
      if (context.bars() === 600) throw new Error("no more");
    },
  }),
});
`;

leaveOutUnless(hasBrowser, "chromium")("backtests in Chromium", () => {
  let dashboard: OpenDashboard;
  let stack: Stack;
  let page: Page;
  let folder: string;
  const picture = (name: string) => dashboard.picture(name);

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "reports-"));
    await writeFile(path.join(folder, "breaksDown.ts"), breaksDown);
    dashboard = await openDashboard({ env: { TAPEDECK_STRATEGIES_DIR: folder } });
    ({ stack, page } = dashboard);
    await dashboard.signIn();
  }, 180_000);

  afterAll(async () => {
    await dashboard.close();
    await rm(folder, { recursive: true });
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await picture(`failed-${task.name.slice(0, 40)}`);
  });

  async function openForm(type: string): Promise<void> {
    await page.goto(`${stack.apiUrl}/backtests/new`);
    await page.getByLabel("What to run").selectOption(type);
    await page.getByLabel("Instrument", { exact: true }).fill("SPX.INDEX");
  }
  const run = () => page.getByRole("button", { name: "Run", exact: true }).click();
  const heading = (name: string) => page.getByRole("heading", { name, exact: true }).waitFor();

  async function addRange(
    number: number,
    name: string,
    from: string,
    to: string,
    step: string,
  ): Promise<void> {
    await page.getByRole("button", { name: "Add a parameter" }).click();
    const fields = { name, from, to, step };
    for (const [member, text] of Object.entries(fields)) {
      await page.getByLabel(`${member} of parameter ${number}`).fill(text);
    }
  }

  test("a built-in is run from the form: honest statistics first, months, regimes, trades and their evidence", async () => {
    await openForm("backtest");
    await page.getByLabel("fast", { exact: true }).fill("20");
    await page.getByLabel("slow", { exact: true }).fill("100");
    await picture("backtest-form");
    await run();
    await page.getByRole("heading", { name: /SMA crossover 20\/100/ }).waitFor();
    await heading("Honest statistics");
    await page.getByText("The bars are still those that the run read.").waitFor();
    await page.getByRole("img", { name: /trades marked/ }).waitFor();
    for (const name of [
      "Against buy and hold",
      "Months",
      "By the state of the market",
      "Deepest drawdowns",
    ]) {
      await heading(name);
    }
    const titles = await page.locator("h2").allInnerTexts();
    expect(titles[0]).toBe("Honest statistics");
    await page.getByRole("button", { name: "Evidence of Beta" }).click();
    await page
      .getByRole("dialog")
      .getByText(/covariance with buy and hold/)
      .waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await page.getByRole("cell", { name: "entry" }).first().waitFor();
    await picture("backtest-run");
  });

  test("its report is a file that opens without a network, in light and dark", async () => {
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Report as HTML" }).click(),
    ]);
    const file = path.join(folder, download.suggestedFilename());
    await download.saveAs(file);
    const context = await page.context().browser()!.newContext({ colorScheme: "dark", offline: true });
    const report = await context.newPage();
    const asked: string[] = [];
    report.on("request", (request) => asked.push(request.url()));
    await report.goto(`file://${file}`);
    await report.getByRole("heading", { name: "Honest statistics" }).waitFor();
    expect(await report.locator("svg").count()).toBeGreaterThanOrEqual(5);
    expect(await report.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(17, 22, 29)",
    );
    expect(asked).toEqual([`file://${file}`]);
    await context.close();
  });

  test("a replay gives the same bytes and says so", async () => {
    await page.getByRole("button", { name: "Replay" }).click();
    await page.getByText("the same result, bit for bit").waitFor();
    await page.goBack();
  });

  test("rules are run with changes, and two runs are compared side by side", async () => {
    await page.getByRole("link", { name: "Run with changes" }).click();
    expect(await page.getByLabel("slow", { exact: true }).inputValue()).toBe("100");
    await page.getByLabel("Kind", { exact: true }).selectOption("rules");
    await page.getByLabel("Enter when").fill("close > sma(close, 50)");
    await page.getByLabel("Leave when").fill("close < sma(close, 50)");
    await page.getByRole("heading", { name: "New backtest" }).click();
    await run();
    await page.getByRole("heading", { name: /Rules, long/ }).waitFor();
    await page.goto(`${stack.apiUrl}/backtests`);
    await page
      .getByRole("checkbox", { name: /SMA crossover/ })
      .first()
      .check();
    await page
      .getByRole("checkbox", { name: /Rules, long/ })
      .first()
      .check();
    await picture("backtests-list");
    await page.getByRole("link", { name: "Compare 2" }).click();
    await heading("2 runs side by side");
    await heading("What differs");
    await page.getByRole("cell", { name: "close > sma(close, 50)" }).waitFor();
    await page.getByRole("img", { name: "Growth of 1 of 2 runs" }).waitFor();
    await picture("compare");
  });

  test("a search shows its trials and a heat map", async () => {
    await openForm("sweep");
    await addRange(1, "fast", "5", "25", "5");
    await addRange(2, "slow", "40", "120", "20");
    await run();
    await heading("Heat map");
    await page.getByRole("img", { name: "Best Sharpe ratio by fast and slow" }).waitFor();
    await page.getByLabel("Shows").selectOption("Largest drawdown");
    await page.getByRole("img", { name: "Best Largest drawdown by fast and slow" }).waitFor();
    expect(await page.locator(".tile").first().innerText()).toContain("25");
    await picture("sweep");
  });

  test("a walk-forward shows its folds and the curve of its tests", async () => {
    await openForm("walkForward");
    await addRange(1, "fast", "5", "25", "10");
    await addRange(2, "slow", "40", "120", "40");
    await run();
    await heading("Honest statistics");
    await heading("By the state of the market");
    await page.getByText("The bars are still those that the run read.").waitFor();
    await heading("Fold by fold");
    await page.getByRole("img", { name: /folds on a time axis/ }).waitFor();
    await page.getByRole("img", { name: /Growth of 1 over the tests/ }).waitFor();
    await picture("walk-forward");
  });

  test("a Monte Carlo shows a fan of paths", async () => {
    await openForm("monteCarlo");
    await page.getByLabel("Simulations").fill("300");
    await run();
    await page.getByRole("img", { name: /300 resampled paths/ }).waitFor();
    await picture("monte-carlo");
  });

  test("a bias audit says what passed", async () => {
    await openForm("biasAudit");
    await run();
    await heading("Checks");
    expect(await page.getByRole("row", { name: /Look-ahead/ }).innerText()).toContain("pass");
    await picture("bias-audit");
  });

  test("a portfolio run has a page, reached from its job", async () => {
    const payload = {
      instruments: ["SPX.INDEX"],
      strategy: { name: "volatilityTarget", params: { target: 0.1 } },
    };
    const job = await stack.client.submit("portfolioBacktest", payload, { waitS: 50 });
    await page.goto(`${stack.apiUrl}/jobs/${job.id}`);
    await page.getByRole("link", { name: "Open the report" }).click();
    await heading("Honest statistics");
    await heading("Instruments");
    await page.getByRole("cell", { name: "market" }).first().waitFor();
    await picture("portfolio-run");
    await page.goto(`${stack.apiUrl}/backtests`);
    for (const name of [/Volatility target/, /Rules, long/, /Walk-forward/])
      await page.getByRole("checkbox", { name }).first().check();
    await page.getByRole("link", { name: "Compare 3" }).click();
    await page.getByRole("img", { name: "Growth of 1 of 3 runs" }).waitFor();
    await page.getByRole("row", { name: /strategy\.name volatilityTarget/ }).waitFor();
    await picture("compare-kinds");
  });

  test("a run whose data was revised since says from which bar on", async () => {
    const csv = (factor: number) =>
      [
        "date,open,high,low,close,volume",
        ...Array.from({ length: 300 }, (_, i) => {
          const day = new Date(Date.UTC(2023, 0, 2) + i * 86_400_000).toISOString().slice(0, 10);
          const close = (100 + 10 * Math.sin(i / 9)) * (i === 200 ? factor : 1);
          return `${day},${close},${close + 1},${close - 1},${close},1000`;
        }),
      ].join("\n");
    const importBars = async (text: string) => {
      const upload = await stack.client.fetch("/api/uploads?filename=wave.csv", {
        method: "POST",
        body: text,
      });
      const { id } = (await upload.json()) as { id: string };
      await stack.client.run("ingest", {
        source: { kind: "upload", uploadId: id },
        timeframe: "1d",
        instrument: { symbol: "WAVE", venue: "LOCAL", calendar: "24x7" },
      });
    };
    await importBars(csv(1));
    const { runId } = await stack.client.run("backtest", {
      instrumentId: "WAVE.LOCAL",
      strategy: { kind: "rules", entry: "close > sma(close, 9)", exit: "close < sma(close, 9)" },
    });
    await importBars(csv(1.02));
    await page.goto(`${stack.apiUrl}/backtests/${runId}`);
    await page
      .getByText(/have been revised since the run read them, from the bar of 2023-07-21 on/)
      .waitFor();
    await picture("backtest-revised");
  });

  test("a strategy that breaks down leaves what it had done, a step from its job", async () => {
    await openForm("backtest");
    await page.getByLabel("Named").selectOption("breaksDown");
    await run();
    await page
      .getByRole("alert")
      .getByText(/strategies\/breaksDown\.ts at the close of .*: no more/)
      .waitFor();
    await picture("backtest-broken");
    await page.getByRole("link", { name: "Open what it had done" }).click();
    await heading("Honest statistics");
    await page.getByText(/The strategy was stopped/).waitFor();
    await page.getByRole("img", { name: /trades marked/ }).waitFor();
    await picture("backtest-partial");
  });

  test("several instruments are searched from the same form", async () => {
    await openForm("sweep");
    await page.getByLabel("Others on one clock with it").fill("WAVE.LOCAL");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel("Named").selectOption("momentumRotation");
    await addRange(1, "window", "20", "60", "20");
    await addRange(2, "hold", "1", "2", "1");
    await run();
    await page.getByRole("heading", { name: "Search on SPX.INDEX and 1 more" }).waitFor();
    await page.getByRole("img", { name: "Best Sharpe ratio by window and hold" }).waitFor();
    await picture("sweep-several");
    await page.goto(`${stack.apiUrl}/backtests/new?from=${new URL(page.url()).pathname.split("/").at(-1)}`);
    await page.getByRole("button", { name: /WAVE\.LOCAL/ }).waitFor();
    expect(await page.getByLabel("Named").inputValue()).toBe("momentumRotation");
    // The form of the job, whose payload has two shapes.
    await page.goto(`${stack.apiUrl}/new/sweep`);
    const shape = page.getByRole("combobox").filter({ hasText: "Several instruments" });
    await shape.selectOption({ label: "Several instruments" });
    await page
      .getByLabel(/^instruments/i)
      .first()
      .waitFor();
    expect(await shape.locator("option:checked").innerText()).toBe("Several instruments");
  });

  test("phone-wide and dark nothing scrolls sideways, and nothing failed behind the pages", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    const { items } = await stack.client.call("listBacktests", { query: { limit: 10 } });
    const jobOf = async (type: string) => {
      const { items: jobs } = await stack.client.call("listJobs", {
        query: { type, state: "completed", limit: 1 },
      });
      return jobs[0]!.id;
    };
    const ids = items.filter((one) => one.kind === "single").map((one) => one.id);
    const pages = {
      list: "backtests",
      form: "backtests/new",
      run: `backtests/${ids[0]}`,
      compare: `backtests/compare?ids=${ids[0]},${ids[1]}`,
      kinds: `backtests/compare?ids=${ids[0]},${await jobOf("portfolioBacktest")},${await jobOf("walkForward")}`,
      search: `backtests/jobs/${await jobOf("sweep")}`,
      folds: `backtests/jobs/${await jobOf("walkForward")}`,
      fan: `backtests/jobs/${await jobOf("monteCarlo")}`,
      audit: `backtests/jobs/${await jobOf("biasAudit")}`,
    };
    for (const [name, address] of Object.entries(pages)) {
      await page.goto(`${stack.apiUrl}/${address}`);
      await page.locator(".panel").first().waitFor();
      await page.waitForLoadState("networkidle");
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
      await picture(`phone-backtests-${name}`);
    }
    expect(dashboard.faults.filter((fault) => !/status of 4\d\d/.test(fault))).toEqual([]);
  });
});
