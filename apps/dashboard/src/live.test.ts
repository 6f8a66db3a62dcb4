import { leaveOutUnless } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasBrowser, openDashboard } from "./browser.fixture.ts";
import type { OpenDashboard } from "./browser.fixture.ts";

leaveOutUnless(hasBrowser, "chromium")("live pages in Chromium", () => {
  let dashboard: OpenDashboard;

  beforeAll(async () => {
    dashboard = await openDashboard({ stream: true });
    await dashboard.signIn();
  }, 180_000);
  afterAll(() => dashboard?.close());

  test("someone types a symbol on the monitor and sees its price, its average and an alert", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/monitor`);
    await page.getByText("these prices are made up by this program").waitFor();
    await page.getByLabel("Symbol").fill("aapl");
    await page.getByRole("button", { name: "Watch" }).click();
    const row = page.getByRole("row", { name: /AAPL\.SIMULATED/ });
    await row.waitFor();
    await expect.poll(() => row.getByTestId("price").innerText(), { timeout: 20_000 }).toMatch(/^[\d,.]+$/);
    await expect.poll(() => row.getByTestId("average").innerText()).toMatch(/^[\d,.]+$/);
    const fired = page.getByRole("list", { name: "Alerts that fired" }).getByRole("listitem");
    await fired.first().waitFor({ timeout: 110_000 });
    expect(await fired.first().innerText()).toMatch(/AAPL\.SIMULATED moved (up|down) [\d.]+ % within 60 s/);
    await picture("monitor");
    const first = await row.getByTestId("price").innerText();
    await expect.poll(() => row.getByTestId("price").innerText(), { timeout: 20_000 }).not.toBe(first);
    await page.reload();
    await row.getByTestId("price").waitFor();
  }, 150_000);

  test("an instrument's chart joins stored bars and those that come, beside the tape", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/live/${encodeURIComponent("SYN-A.SIMULATED")}`);
    const chart = page.getByRole("img", { name: /Live chart of SYN-A\.SIMULATED/ });
    const bars = async () => Number(/(\d+) bars of 1s/.exec((await chart.getAttribute("aria-label"))!)![1]);
    await expect.poll(bars, { timeout: 20_000 }).toBeGreaterThan(5);
    const stored = await stack.client.call("getBars", {
      params: { id: "SYN-A.SIMULATED" },
      query: { timeframe: "1s", limit: 1_000 } as never,
    });
    await expect.poll(bars).toBeGreaterThanOrEqual(stored.openMs.length);
    await expect
      .poll(() => page.getByRole("table", { name: "Tape" }).getByRole("row").count())
      .toBeGreaterThan(20);
    await picture("live");
  });

  test("alerts are added, tested, muted and deleted; a formula that is wrong is refused with its reason", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/alerts`);
    await page.getByLabel("Instrument").fill("SYN-B.SIMULATED");
    await page.getByLabel("Condition").fill("rsii(close, 14) < 30");
    await page.getByRole("button", { name: "Add alert" }).click();
    await page
      .getByText(/rsi\?|did you mean|unknown/i)
      .first()
      .waitFor();
    await page.getByLabel("Ready-made").selectOption({ label: "RSI falls below 30" });
    await page.getByRole("button", { name: "Add alert" }).click();
    const row = page.getByRole("row", { name: /SYN-B\.SIMULATED.*crossunder/ });
    await row.waitFor();
    await row.getByRole("button", { name: "Test" }).click();
    await page.getByText("Test of SYN-B.SIMULATED").waitFor();
    await row.getByRole("button", { name: "Mute" }).click();
    await row.getByRole("button", { name: "Unmute" }).waitFor();
    await picture("alerts");
    await row.getByRole("button", { name: /Delete/ }).click();
    await row.waitFor({ state: "hidden" });
  });

  test("feeds say which venue is heard; no page had a fault", async () => {
    const { page, stack, picture, faults } = dashboard;
    await page.goto(`${stack.apiUrl}/feeds`);
    await page.getByRole("cell", { name: /simulated/ }).waitFor();
    await page.getByText("No print was missed.").waitFor();
    await picture("feeds");
    // The address of what is not stored yet answers 404 or 422, which browsers note.
    expect(faults.filter((fault) => !/40[04]|422/.test(fault))).toEqual([]);
  });
});
