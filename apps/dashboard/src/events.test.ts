import { leaveOutUnless } from "@tapedeck/testkit";
import type { Stack } from "@tapedeck/testkit/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

const news: readonly [day: string, title: string, text: string][] = [
  [
    "2004-07-21",
    "Microsoft to return cash",
    "Microsoft announced a $30 billion share repurchase programme and a special dividend of $3 per share.",
  ],
  [
    "2004-07-22",
    "Buyback at Microsoft",
    "A day of records.\n\nMicrosoft announced a $30 billion share repurchase programme.",
  ],
  [
    "2006-04-27",
    "Microsoft disappoints",
    "Microsoft cut its full-year profit forecast, and shares fell 11%.",
  ],
  ["2008-02-01", "Microsoft bids for Yahoo", "Microsoft makes $44.6 billion bid for Yahoo."],
  [
    "2009-01-22",
    "Layoffs at Microsoft",
    "Microsoft's second-quarter profit fell 11% as PC demand slumped. It withdrew its full-year outlook.",
  ],
];

leaveOutUnless(hasBrowser, "chromium")("events and sentiment in Chromium", () => {
  let dashboard: OpenDashboard;
  let stack: Stack;
  let page: Page;

  beforeAll(async () => {
    dashboard = await openDashboard();
    ({ stack, page } = dashboard);
    await dashboard.signIn();
    for (const [day, title, text] of news) {
      const publishedMs = Date.parse(`${day}T20:30:00Z`);
      await stack.client.call("postDocument", { body: { title, text, kind: "news", publishedMs } });
    }
    // Workers read them as they come.
    for (let found = 0; found < 5; await new Promise((resolve) => setTimeout(resolve, 200)))
      found = (await stack.client.call("listEvents", { query: { instrumentId: "MSFT" } as never })).items
        .length;
  }, 180_000);

  afterAll(() => dashboard.close());

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") await dashboard.picture(`failed-${task.name.slice(0, 40)}`);
  });

  test("the list of events is filtered, and a sentence opens in its document", async () => {
    await page.goto(`${stack.apiUrl}/events?instrumentId=MSFT.XNAS`);
    await page.getByRole("cell", { name: "merger" }).waitFor();
    await dashboard.picture("events");
    await page.getByRole("link", { name: "Event study" }).click();
    await page.getByRole("button", { name: "Remove MSFT.XNAS" }).waitFor();
    await page.goBack();
    // Two documents tell of the buyback.
    const buyback = page.getByRole("row").filter({ hasText: "special dividend" });
    expect(await buyback.getByRole("cell").last().textContent()).toBe("2");
    await page.getByLabel("Kind").selectOption("guidance");
    await page.getByRole("cell", { name: "merger" }).waitFor({ state: "detached" });
    await expect.poll(() => page.getByRole("row").count()).toBe(3);
    await page.getByLabel("As of").fill("2007-01-01");
    await page.getByRole("row").nth(2).waitFor({ state: "detached" });
    await page.getByRole("link", { name: /cut its full-year profit forecast/ }).click();
    await page.getByText("Microsoft disappoints").first().waitFor();
    await page.locator("mark").filter({ hasText: "cut its full-year profit forecast" }).first().waitFor();
    await dashboard.picture("event-in-document");
  });

  test("events and sentiment are drawn on the price chart, and listed below it", async () => {
    await page.goto(`${stack.apiUrl}/instruments/MSFT.XNAS`);
    await page.getByRole("heading", { name: /Sentiment now/ }).waitFor();
    expect(await page.getByRole("checkbox", { name: "Events" }).isChecked()).toBe(true);
    await page.getByRole("checkbox", { name: "Sentiment" }).check();
    await page.locator(".legend").getByText('sentiment("MSFT.XNAS")').waitFor();
    await dashboard.picture("chart-with-news");
  });

  test("a call is shown by part and speaker, against the call before", async () => {
    const post = (title: string, publishedMs: number, said: string) =>
      stack.client.call("postDocument", {
        body: {
          title,
          publishedMs,
          kind: "transcript",
          company: "Acme",
          text: `## Prepared remarks\n\n### Ann Lee, CEO\n\n${said}\n\n## Questions and answers\n\n### Bob Ray, Analyst, Bank\n\nIs demand weak?\n\n### Ann Lee, CEO\n\nWe believe that it may improve.`,
        },
      });
    await post("Acme, first quarter", 1_000, "Profit rose. Demand is strong.");
    const { id } = await post("Acme, second quarter", 2_000, "Losses widened.");
    const job = await stack.client.submit("sentiment", { documentIds: [id] }, { waitS: 50 });
    await page.goto(`${stack.apiUrl}/jobs/${job.id}`);
    await page.getByRole("heading", { name: "Tone of Acme, second quarter" }).waitFor();
    await page.getByRole("link", { name: "Acme, first quarter" }).waitFor();
    await dashboard.picture("call");
  });

  test("an event study is shown with its tests and events", async () => {
    const job = await stack.client.submit(
      "analyze",
      {
        kind: "eventStudy",
        of: { kind: "stored", instruments: ["MSFT.XNAS"] },
        timeframe: "1mo",
        model: "mean",
        before: 1,
        after: 2,
        estimationBars: 24,
        gapBars: 1,
      },
      { waitS: 50 },
    );
    expect([job.state, job.error]).toEqual(["completed", null]);
    await page.goto(`${stack.apiUrl}/analyses/eventStudy?job=${job.id}`);
    await page.getByRole("img", { name: /Cumulated abnormal return of 4 events/ }).waitFor();
    await page.getByRole("cell", { name: /withdrew its full-year outlook|profit fell 11%/ }).waitFor();
    await dashboard.picture("event-study");
    await page.getByRole("button", { name: "Run", exact: true }).waitFor();
    expect(dashboard.faults).toEqual([]);
  });
});
