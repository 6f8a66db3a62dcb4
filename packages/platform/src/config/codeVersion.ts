import { readFileSync } from "node:fs";
import path from "node:path";

/** `0.1.0`, or `0.1.0+4f2a90c1b3de` where the folder is a Git checkout: what lineage says ran a job. */
export function readCodeVersion(root: string): string {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const commit = readCommit(path.join(root, ".git"));
  return commit === undefined ? version : `${version}+${commit.slice(0, 12)}`;
}

function readCommit(gitDir: string): string | undefined {
  const head = readText(path.join(gitDir, "HEAD"))?.trim();
  if (head === undefined || !head.startsWith("ref: ")) return head;
  const ref = head.slice(5);
  const loose = readText(path.join(gitDir, ref))?.trim();
  if (loose !== undefined) return loose;
  const packed = readText(path.join(gitDir, "packed-refs")) ?? "";
  return packed
    .split("\n")
    .find((line) => line.endsWith(` ${ref}`))
    ?.split(" ")[0];
}

/** Undefined where there is no such file: an installation without Git. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
