// First file that runs: plain JavaScript for any Node from 20, no dependencies. It installs what is missing,
// then hands over to the project's own Node 24.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const stampFile = join(modules, ".tapedeck-installed");
const lockDir = join(root, ".install.lock");

const targets = {
  start: ["apps/cli/src/main.ts", "start"],
  dev: ["apps/cli/src/main.ts", "start", "--dev"],
  test: ["scripts/test.ts"],
  "test:golden": ["scripts/test-golden.ts"],
  check: ["scripts/check.ts"],
  bench: ["bench/run.ts"],
  soak: ["scripts/soak.ts"],
  eval: ["scripts/eval.ts"],
  tapedeck: ["apps/cli/src/main.ts"],
};

class Stop extends Error {}

function stop(line) {
  throw new Stop(line);
}

function wantedStamp() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .update(readFileSync(join(root, "package.json")))
    .digest("hex");
}

function installed() {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === wantedStamp();
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** One installer at a time; a lock whose process is gone is taken over. */
async function lockInstall() {
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(lockDir);
      writeFileSync(join(lockDir, "pid"), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    let pid = 0;
    let age = 0;
    try {
      age = Date.now() - statSync(lockDir).mtimeMs;
      pid = Number(readFileSync(join(lockDir, "pid"), "utf8"));
    } catch {
      // between mkdir and the pid's write, or just removed
    }
    if ((pid > 0 && !alive(pid)) || (pid === 0 && age > 10_000)) {
      rmSync(lockDir, { recursive: true, force: true });
      continue;
    }
    if (waited === 0)
      process.stderr.write(`tapedeck: another copy (process ${pid}) is installing, waiting for it\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function install() {
  if (installed()) return;
  try {
    accessSync(root, constants.W_OK);
    await lockInstall();
  } catch (error) {
    stop(`cannot write to ${root} (${error.code}); clone into a folder that you may write to`);
  }
  try {
    if (installed()) return;
    process.stderr.write("tapedeck: installing the dependencies (once, about a minute)\n");
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const quiet = process.stderr.isTTY ? [] : ["--loglevel=error"];
    const result = spawnSync(npm, ["install", "--no-save", "--no-audit", "--no-fund", ...quiet], {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
      env: { ...process.env, NODE_ENV: "development" },
    });
    if (result.error) stop(`npm could not be started (${result.error.message}); install npm and try again`);
    if (result.status !== 0)
      stop(
        "npm install failed; its message is above. Check the network or the registry setting, then run this again",
      );
    writeFileSync(stampFile, wantedStamp());
  } finally {
    rmSync(lockDir, { recursive: true, force: true });
  }
}

async function main() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) {
    stop(
      `Node ${process.versions.node} is too old: install Node 20 or newer (the project then brings its own Node 24)`,
    );
  }
  const [name = "", ...rest] = process.argv.slice(2);
  const target = targets[name];
  if (target === undefined)
    stop(`no such command: ${name || "(none)"}; there are ${Object.keys(targets).join(", ")}`);
  await install();

  const bin = join(modules, ".bin");
  const node = join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (!existsSync(node)) {
    rmSync(stampFile, { force: true });
    stop(
      "Node 24 was not installed with the dependencies (were install scripts switched off?); run this again with scripts allowed",
    );
  }
  const [script, ...args] = target;
  const child = spawn(node, [join(root, script), ...args, ...rest], {
    cwd: name === "tapedeck" ? process.cwd() : root,
    stdio: "inherit",
    env: {
      // Compiled code is kept, so that every process after the first starts in a third of the time.
      NODE_COMPILE_CACHE: join(modules, ".cache", "node"),
      ...process.env,
      PATH: `${bin}${process.platform === "win32" ? ";" : ":"}${process.env.PATH ?? ""}`,
    },
  });
  // The terminal sends ^C to the whole group; the child decides when to end. SIGTERM comes to this process alone.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(signal === null ? code : 128 + 15));
}

main().catch((error) => {
  process.stderr.write(error instanceof Stop ? `tapedeck: ${error.message}\n` : `${error.stack}\n`);
  process.exit(1);
});
