/** Seconds until `npm start` is ready in a fresh folder and again in a used one, and each process's memory at rest. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "@tapedeck/testkit/stack";
import { report } from "./figure.ts";

const root = path.resolve(import.meta.dirname, "..");
const repeats = 3;
const restMs = 5_000;

/** Resident memory of the process and all below it, MB, by command. */
async function memory(pid: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const children = new Map<number, number[]>();
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    if (stat === "") continue;
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const visit = async (one: number) => {
    const command = (await readFile(`/proc/${one}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
    const pss = /^Pss:\s+(\d+)/m.exec(
      await readFile(`/proc/${one}/smaps_rollup`, "utf8").catch(() => ""),
    )?.[1];
    const name =
      [...command.matchAll(/apps\/(\w+)\/src\/main/g)].at(-1)?.[1] ??
      (/postgres/.test(command) ? "postgres" : "other");
    if (pss !== undefined) found.set(name, (found.get(name) ?? 0) + Number(pss) / 1024);
    for (const child of children.get(one) ?? []) await visit(child);
  };
  await visit(pid);
  return found;
}

async function start(dir: string): Promise<{ seconds: number; rest: Map<string, number> }> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn(process.execPath, ["apps/cli/src/main.ts", "start", "--no-tour"], {
    cwd: root,
    env: { ...process.env, TAPEDECK_DIR: dir, PORT: String(port), DATABASE_URL: "", REDIS_URL: "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => chunk.toString().includes("Dashboard") && resolve());
    child.on("exit", (code) => reject(new Error(`ended with code ${code}`)));
  });
  const seconds = (performance.now() - started) / 1000;
  await new Promise((wait) => setTimeout(wait, restMs));
  const rest = await memory(child.pid!);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.removeAllListeners("exit");
  child.once("exit", () => undefined);
  child.kill("SIGTERM");
  await Promise.race([ended, new Promise((wait) => setTimeout(wait, 20_000))]);
  return { seconds, rest };
}

const cold: number[] = [];
const second: number[] = [];
const rests: Map<string, number>[] = [];
for (let repeat = 0; repeat < repeats; repeat++) {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-start-"));
  cold.push((await start(dir)).seconds);
  const again = await start(dir);
  second.push(again.seconds);
  rests.push(again.rest);
  await rm(dir, { recursive: true, force: true });
}
report({ figure: "start in a fresh folder", unit: "s", ours: cold, peer: "none" });
report({
  figure: "second start",
  unit: "s",
  ours: second,
  peer: "bound: 5 s",
  theirs: [5],
  smallerIsBetter: true,
  aim: 1,
});
for (const name of rests[0]!.keys()) {
  report({
    figure: `memory at rest, ${name}`,
    unit: "MB",
    ours: rests.map((rest) => rest.get(name) ?? 0),
    peer: "none",
  });
}
