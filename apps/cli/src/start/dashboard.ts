import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@tapedeck/core";

/** What the page is made from: its own sources and the contracts. */
const sources = [
  "apps/dashboard",
  "packages/client/src",
  "packages/core/src",
  "packages/features/src",
  "packages/formula/src",
];

function sourceHash(root: string): string {
  const hash = createHash("sha256");
  for (const folder of sources) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/(^|\/)(dist|node_modules)(\/|$)/.test(entry.parentPath))
      .filter((entry) => /\.(tsx?|css|html|json|svg)$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of entries) hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest("hex");
}

/** Builds the dashboard with Vite when its sources changed since the last build. */
export async function buildDashboard(root: string): Promise<"built" | "current"> {
  const stamp = join(root, "apps/dashboard/dist/.sources");
  const hash = sourceHash(root);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return "current";
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(root, "node_modules/vite/bin/vite.js"), "build", "apps/dashboard", "--logLevel", "warn"],
      { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0)
    throw new AppError("internal", `the dashboard could not be built:\n${output.join("").trim()}`);
  writeFileSync(stamp, hash);
  return "built";
}
