import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@tapedeck/core";

/** `TAPEDECK_DIR/run.json` (mode 600): where a running Tapedeck is reached. */
export interface Run {
  pid: number;
  startedMs: number;
  apiUrl: string;
  databaseUrl: string;
}

export function readRun(dir: string): Run | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, "run.json"), "utf8")) as Run;
  } catch {
    return undefined;
  }
}

export function writeRun(dir: string, run: Run): void {
  writeFileSync(join(dir, "run.json"), `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
}

export function removeRun(dir: string): void {
  rmSync(join(dir, "run.json"), { force: true });
}

/** Makes the folder, or says in one line why it cannot be used. */
export function openHome(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const probe = join(dir, `.write-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw new AppError(
      "config.invalid",
      `cannot write to ${dir} (${(error as NodeJS.ErrnoException).code ?? "error"}); set TAPEDECK_DIR to a folder that you may write to`,
      { cause: error },
    );
  }
}

interface LockHolder {
  pid: number;
  /** Start time of that process: a pid alone may have been given to another program since. */
  started: string;
}

/** Field 22 of /proc/PID/stat; empty where there is no /proc. */
function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(holder: LockHolder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return processStart(holder.pid) === holder.started;
}

/** One `tapedeck start` a folder. Returns the holder when another copy has it; a dead copy's lock is taken over. */
export function lockHome(dir: string): { release(): void } | { heldBy: number } {
  const path = join(dir, "lock");
  const mine: LockHolder = { pid: process.pid, started: processStart(process.pid) };
  const draft = join(dir, `.lock-${randomUUID()}`);
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(draft, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readHolder(path);
      if (holder !== undefined && isAlive(holder)) return { heldBy: holder.pid };
      takeAside(path, join(dir, `.lock-${randomUUID()}`));
    }
    throw new AppError(
      "config.invalid",
      `the lock ${path} changes hands all the time; stop the other copies and try again`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves a dead copy's lock away; puts it back when a living copy took it over in the meantime. */
function takeAside(path: string, aside: string): void {
  try {
    renameSync(path, aside);
    const moved = readHolder(aside);
    if (moved !== undefined && isAlive(moved)) linkSync(aside, path);
  } catch (error) {
    if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readHolder(path: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as LockHolder;
  } catch {
    return undefined;
  }
}
