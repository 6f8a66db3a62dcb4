import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { projectRoot, testDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack, StackOptions } from "@tapedeck/testkit/stack";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";

const browserPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
/** Where to keep pictures of the pages, for people to look at. */
const pictures = process.env["SCREENSHOT_DIR"];

export const hasBrowser = existsSync(browserPath);

export interface OpenDashboard {
  stack: Stack;
  page: Page;
  /** Scripts, styles and requests that failed while the page was used. */
  faults: string[];
  /** Keeps a picture of the page where pictures are wanted. */
  picture(name: string): Promise<void>;
  /** Signs in by a one-time link. */
  signIn(): Promise<void>;
  close(): Promise<void>;
}

/** The dashboard, built anew, before a running system with the bundled bars (and a stream), in a browser that is not signed in. */
export async function openDashboard(
  options: Pick<StackOptions, "stream" | "env"> = {},
): Promise<OpenDashboard> {
  execFileSync(process.execPath, [path.join(projectRoot, "scripts/build-dashboard.ts")]);
  const database = await testDatabase();
  const stack = await startStack({ databaseUrl: database.url, ...options });
  await stack.client.run("ingest", { source: { kind: "bundled", name: "sp500" } });
  await stack.client.run("ingest", { source: { kind: "bundled", name: "stocks" } });
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() !== "error" || message.text().includes("401")) return;
    faults.push(`${message.text()} ${message.location().url}`);
  });
  page.setDefaultTimeout(40_000);
  return {
    stack,
    page,
    faults,
    async picture(name) {
      if (pictures === undefined) return;
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
    },
    async signIn() {
      const link = await stack.client.call("createSignInLink", {});
      await page.goto(stack.apiUrl + link.path);
      await page.getByRole("heading", { name: "Ask the market" }).waitFor();
    },
    async close() {
      await browser.close();
      await stack.close();
      await database.close();
    },
  };
}
