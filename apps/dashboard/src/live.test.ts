import { alertTemplates } from "@tapedeck/features/alerts/contract";
import type { AlertView } from "@tapedeck/features/alerts/contract";
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
    const refused = async (typed: string, reason: RegExp) => {
      await page.getByLabel("Symbol").fill(typed);
      await page.getByRole("button", { name: "Watch" }).click();
      await page.getByText(reason).waitFor();
    };
    await refused("MINE.LOCAL", /MINE\.LOCAL is of another venue: this stream has simulated/);
    await refused("S&P 500", /S&P 500 is no symbol/);
    await page.getByLabel("Symbol").fill("aapl");
    await page.getByRole("button", { name: "Watch" }).click();
    const row = page.getByRole("row", { name: /AAPL\.SIMULATED/ });
    await row.waitFor();
    await expect.poll(() => row.getByTestId("price").innerText(), { timeout: 20_000 }).toMatch(/^[\d,.]+$/);
    await expect.poll(() => row.getByTestId("average").innerText()).toMatch(/^[\d,.]+$/);
    const fired = page.getByRole("list", { name: "Alerts that fired" }).getByRole("listitem");
    await fired.first().waitFor({ timeout: 60_000 });
    expect(await fired.first().innerText()).toMatch(/AAPL\.SIMULATED moved (up|down) [\d.]+ % within 60 s/);
    await picture("monitor");
    const first = await row.getByTestId("price").innerText();
    await expect.poll(() => row.getByTestId("price").innerText(), { timeout: 20_000 }).not.toBe(first);
    await page.reload();
    await row.getByTestId("price").waitFor();
    // Watched again, it is told of once.
    await page.getByRole("button", { name: "Remove AAPL.SIMULATED" }).click();
    await page.getByLabel("Symbol").fill("aapl");
    await page.getByRole("button", { name: "Watch" }).click();
    await row.getByTestId("price").waitFor();
    const { items } = await stack.client.call("listAlerts", { query: { instrumentId: "AAPL.SIMULATED" } });
    expect(items).toHaveLength(1);
    // What this page did not write is left out.
    await page.evaluate(() => localStorage.setItem("tapedeck.watched", "{"));
    await page.reload();
    await page.getByText("Type a symbol to watch it").waitFor();
  }, 150_000);

  test("an instrument's chart joins stored bars and those that come, beside the book and the tape", async () => {
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
    const book = page.getByRole("table", { name: "Order book" });
    await expect.poll(() => book.getByRole("row").count()).toBeGreaterThan(10);
    const prices = (await book.locator("td:first-child:not([colspan])").allInnerTexts()).map((text) =>
      Number(text.replaceAll(",", "")),
    );
    expect(prices).toEqual(prices.toSorted((a, b) => b - a));
    await picture("live");
  });

  test("a pair's hedge ratio, spread and tests come bar by bar", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/pairs`);
    await page.getByLabel("y", { exact: true }).fill("syn-a");
    await page.getByLabel("x", { exact: true }).fill("SYN-B.SIMULATED");
    await page.getByLabel("Window, bars").fill("30");
    await page.getByLabel("z-score over, bars").fill("20");
    await page.getByRole("button", { name: "Follow" }).click();
    const ratio = page.getByTestId("hedgeRatio");
    await ratio.waitFor({ timeout: 90_000 });
    await expect.poll(() => ratio.innerText()).toMatch(/^-?[\d.]+$/);
    const first = await page.getByTestId("spread").innerText();
    await expect.poll(() => page.getByTestId("spread").innerText(), { timeout: 20_000 }).not.toBe(first);
    await picture("pairs-live");
  }, 120_000);

  test("server-sent events come through the API with the page's session", async () => {
    const price = await dashboard.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const events = new EventSource("/api/stream?topic=ticks:SYN-A.SIMULATED");
          events.addEventListener("delta", ({ data }) => {
            events.close();
            resolve((JSON.parse(data as string) as { data: { price: number } }).data.price);
          });
        }),
    );
    expect(price).toBeGreaterThan(0);
  });

  test("alerts are added, tested, muted and deleted; a formula that is wrong is refused with its reason", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/alerts`);
    const form = page.getByRole("form", { name: "New alert" });
    await form.getByLabel("Instrument", { exact: true }).fill("SYN-B.SIMULATED");
    await form.getByLabel("When").selectOption({ label: "a formula holds" });
    await form.getByLabel("Condition").fill("rsii(close, 14) < 30");
    await form.getByRole("button", { name: "Add alert" }).click();
    await page
      .getByText(/rsi\?|did you mean|unknown/i)
      .first()
      .waitFor();
    await form.getByLabel("Ready-made").selectOption({ label: "Pair: z-score above 2" });
    await form.getByLabel("Second instrument").fill("syn-a.simulated");
    await form.getByRole("button", { name: "Add alert" }).click();
    await page.getByRole("row", { name: /Pair: z-score above 2/ }).waitFor();
    await form.getByLabel("Ready-made").selectOption({ label: "RSI falls below 30" });
    await form.getByRole("button", { name: "Add alert" }).click();
    const row = page.getByRole("row", { name: /RSI falls below 30/ });
    await row.waitFor();
    await row.getByRole("button", { name: "Test" }).click();
    await page.getByText("Test of RSI falls below 30").waitFor();
    await picture("alerts");
    await row.getByRole("button", { name: "Mute" }).click();
    await row.getByRole("button", { name: "Unmute" }).waitFor();
    await row.getByRole("button", { name: /Delete/ }).click();
    await row.waitFor({ state: "hidden" });
  });

  test("each ready-made alert is added as it is; one's own comes back by, is quiet and ends as said", async () => {
    const { page, picture } = dashboard;
    const form = page.getByRole("form", { name: "New alert" });
    const added = new Map<string, AlertView>();
    page.on("response", (response) => {
      if (response.request().method() !== "POST" || !response.url().endsWith("/api/alerts")) return;
      void response.json().then((alert: AlertView) => added.set(alert.name, alert));
    });
    for (const { name } of alertTemplates) {
      await form.getByLabel("Ready-made").selectOption({ label: name });
      const other = form.getByLabel("Second instrument");
      if ((await other.count()) > 0) await other.fill("syn-a.simulated");
      await form.getByRole("button", { name: "Add alert" }).click();
      await expect.poll(() => added.get(name)).toMatchObject({ armed: true, waits: null });
    }
    await form.getByLabel("When").selectOption({ label: "the price crosses a level" });
    await form.getByRole("textbox", { name: "Level" }).fill("123");
    await form.getByLabel("Again once back by").fill("0.5");
    await form.getByLabel("Then quiet for").fill("5");
    await form.getByLabel("Ends").fill("2099-01-02T03:04");
    await form.getByLabel("Name").fill("dear");
    await form.getByRole("button", { name: "Add alert" }).click();
    await expect
      .poll(() => added.get("dear"))
      .toMatchObject({
        rule: { kind: "price", direction: "above", level: 123, hysteresis: 0.005 },
        cooldownMs: 300_000,
        expiresMs: Date.parse("2099-01-02T03:04"),
      });
    const row = page.getByRole("row", { name: /^dear/ });
    await row.getByText(/until 2099-01-02/).waitFor();
    await picture("alerts-ready-made");
    for (const { name } of [...alertTemplates, { name: "dear" }])
      await page
        .getByRole("button", { name: `Delete ${name}`, exact: true })
        .first()
        .click();
    await row.waitFor({ state: "hidden" });
  });

  test("alerts go to a channel that was added; its secret is not shown again", async () => {
    const { page, picture } = dashboard;
    const channels = page.getByRole("region", { name: "Channels" });
    await channels.getByLabel("Send to").selectOption({ label: "Slack" });
    await channels.getByLabel("Name").fill("desk");
    await channels.getByLabel("Incoming webhook").fill("https://hooks.example/services/T0/secret");
    await channels.getByRole("button", { name: "Add channel" }).click();
    const row = channels.getByRole("row", { name: /desk/ });
    await row.getByText("https://hooks.example/…").waitFor();
    expect(await page.content()).not.toContain("T0/secret");
    await row.getByRole("button", { name: "Test desk" }).click();
    await channels.getByText("A test message is on its way to desk.").waitFor();
    await page.getByRole("row", { name: /Pair: z-score.*desk/ }).waitFor();
    await picture("channels");
    await row.getByRole("button", { name: "Delete desk" }).click();
    await row.waitFor({ state: "hidden" });
  });

  test("what is pushed to a browser is shown as a notification", async () => {
    const { page, stack } = dashboard;
    await page.context().grantPermissions(["notifications"], { origin: stack.apiUrl });
    const session = await page.context().newCDPSession(page);
    const registrations: { registrationId: string; scopeURL: string }[] = [];
    session.on("ServiceWorker.workerRegistrationUpdated", (update) =>
      registrations.push(...update.registrations),
    );
    await session.send("ServiceWorker.enable");
    await page.evaluate(async () => {
      await navigator.serviceWorker.register("/push-worker.js");
      await navigator.serviceWorker.ready;
    });
    await expect.poll(() => registrations.length).toBeGreaterThan(0);
    await session.send("ServiceWorker.deliverPushMessage", {
      origin: stack.apiUrl,
      registrationId: registrations.at(-1)!.registrationId,
      data: JSON.stringify({ title: "Tapedeck", text: "SYN-A moved", triggerId: "t1" }),
    });
    const shown = () =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return (await registration.getNotifications()).map(({ title, body, tag }) => ({ title, body, tag }));
      });
    await expect.poll(shown).toEqual([{ title: "Tapedeck", body: "SYN-A moved", tag: "t1" }]);
  });

  test("feeds say which venue is heard", async () => {
    const { page, stack, picture } = dashboard;
    await page.goto(`${stack.apiUrl}/feeds`);
    await page.getByRole("cell", { name: /simulated/ }).waitFor();
    await page.getByText("No print was missed.").waitFor();
    await picture("feeds");
  });

  test("dark and phone-wide nothing scrolls sideways; no page had a fault", async () => {
    const { page, stack, picture, faults } = dashboard;
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const address of ["monitor", "live/SYN-A.SIMULATED", "pairs", "alerts", "feeds"]) {
      await page.goto(`${stack.apiUrl}/${address}`);
      await page
        .getByText("these prices are made up by this program")
        .or(page.getByRole("table"))
        .first()
        .waitFor();
      await page.locator(".panel").first().waitFor();
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wide, `${address} scrolls sideways`).toBeLessThanOrEqual(0);
      await picture(`phone-${address.replace("/", "-")}`);
    }
    // The address of what is not stored yet answers 404 or 422, which browsers note.
    expect(faults.filter((fault) => !/40[04]|422/.test(fault))).toEqual([]);
  });
});
