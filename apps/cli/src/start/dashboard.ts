import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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

/** Puts a finished build in the place of the last one; another process may be doing the same. */
function takePlace(built: string, dist: string): void {
  const last = `${built}-last`;
  for (;;) {
    try {
      if (existsSync(dist)) renameSync(dist, last);
      renameSync(built, dist);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The other one was quicker: theirs is the last build now.
      if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    } finally {
      rmSync(last, { recursive: true, force: true });
    }
  }
}

/**
 * Builds the dashboard with Vite when its sources changed since the last build. Pages are served from the last build
 * until the new one is whole; processes that build at the same time do not disturb each other.
 */
export async function buildDashboard(root: string): Promise<"built" | "current"> {
  const dist = join(root, "apps/dashboard/dist");
  const hash = sourceHash(root);
  const stamp = join(dist, ".sources");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return "current";
  // On the same disk, and where no search for sources looks.
  const built = join(root, "apps/dashboard/node_modules", `.build-${process.pid}`);
  const output: string[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        join(root, "node_modules/vite/bin/vite.js"),
        "build",
        "apps/dashboard",
        "--outDir",
        built,
        "--logLevel",
        "warn",
      ],
      { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => output.push(chunk.toString()));
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0) {
    rmSync(built, { recursive: true, force: true });
    throw new AppError("internal", `the dashboard could not be built:\n${output.join("").trim()}`);
  }
  writeFileSync(join(built, ".sources"), hash);
  takePlace(built, dist);
  return "built";
}
