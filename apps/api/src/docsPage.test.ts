import { existsSync } from "node:fs";
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { leaveOutUnless } from "@tapedeck/testkit";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiFixture } from "./fixture.ts";
import type { ApiFixture } from "./fixture.ts";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

leaveOutUnless(existsSync(executablePath), "Chromium")("the API's page in a browser", () => {
  let api: ApiFixture;
  let server: Server;
  let browser: Browser;
  let baseUrl: string;

  beforeAll(async () => {
    api = await apiFixture();
    await new Promise<void>((resolve) => {
      server = serve({ fetch: api.app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => {
        baseUrl = `http://127.0.0.1:${info.port}`;
        resolve();
      }) as Server;
    });
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
    await api.close();
  });

  test(
    "a signed-in person sends a read and a change from it, under its own content policy",
    { timeout: 180_000 },
    async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(90_000);
      const complaints: string[] = [];
      const elsewhere: string[] = [];
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("request", (request) => {
        if (!request.url().startsWith(baseUrl) && !request.url().startsWith("data:"))
          elsewhere.push(request.url());
      });
      const made = await api.call("POST", "/api/auth/links", { token: api.adminKey });
      const { path } = (await made.json()) as { path: string };
      await page.context().request.get(baseUrl + path, { maxRedirects: 0 });
      await page.goto(`${baseUrl}/api/docs`);
      await page.locator("#operations-tag-Sign-in").click();

      const send = async (operation: string) => {
        const block = page.locator(`#operations-Sign-in-${operation}`);
        await block.locator(".opblock-summary-control").click();
        await block.locator("button.execute").click();
        const status = block.locator(".live-responses-table .response-col_status").nth(1);
        await status.waitFor();
        return {
          status: (await status.innerText()).trim(),
          body: await block.locator(".live-responses-table").innerText(),
        };
      };
      const me = await send("getMe");
      expect(me.status).toMatch(/^200/);
      expect(me.body).toContain('"role": "admin"');
      const link = await send("createSignInLink");
      expect(link.status).toMatch(/^201/);

      expect(elsewhere).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    },
  );
});
