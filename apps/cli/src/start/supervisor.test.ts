import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { createSupervisor } from "./supervisor.ts";

const root = mkdtempSync(path.join(tmpdir(), "tapedeck-supervisor-"));
let stop = () => Promise.resolve();
afterEach(async () => {
  await stop();
});
afterEach(() => rmSync(path.join(root, "starts"), { force: true }));

/** A service that counts its starts in a file and then does as told. */
function startService(code: string) {
  writeFileSync(
    path.join(root, "service.mjs"),
    `import { appendFileSync, readFileSync } from "node:fs";
    appendFileSync("starts", ".");
    const starts = readFileSync("starts", "utf8").length;
    ${code}`,
  );
  const notes: string[] = [];
  const supervisor = createSupervisor({
    root,
    logDir: root,
    watch: false,
    now: Date.now,
    note: (text) => notes.push(text),
  });
  stop = () => supervisor.stop(["service"], 1_000);
  supervisor.start({ name: "service", script: "service.mjs", args: [], env: process.env });
  return { supervisor, notes };
}

test("a service that is killed while it starts is started once more", async () => {
  const { supervisor, notes } = startService(
    `if (starts === 1) process.kill(process.pid, "SIGKILL"); console.log("up"); setInterval(() => {}, 1_000);`,
  );
  await expect.poll(() => supervisor.tail("service"), { timeout: 20_000 }).toContain("up");
  expect(supervisor.failure()).toBeUndefined();
  expect(notes).toEqual(["service ended (SIGKILL); starting it again in 200 ms"]);
});

test.each([
  ["killed twice", `process.kill(process.pid, "SIGKILL");`, "SIGKILL"],
  ["that ends with a code", `process.exit(3);`, 3],
])("one %s has failed", async (_, code, end) => {
  const { supervisor } = startService(code);
  await expect.poll(() => supervisor.failure(), { timeout: 20_000 }).toEqual({ name: "service", code: end });
});
