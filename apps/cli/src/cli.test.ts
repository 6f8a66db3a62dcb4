import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { projectRoot, testDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** The command as a person runs it, with its output piped. */
function tapedeck(
  args: string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(projectRoot, "apps/cli/src/main.ts"), ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.end(options.input ?? "");
    child.on("exit", (code) => resolve({ code, out, err }));
  });
}

describe("without a server", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "tapedeck-cli-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("formula computes over a CSV: time, a column a formula, empty where there is no value", async () => {
    const file = path.join(dir, "bars.csv");
    const closes = [10, 11, 12, 11, 13];
    await writeFile(
      file,
      [
        "date,open,high,low,close,volume",
        ...closes.map((close, i) => `2024-01-0${i + 1},${close},${close},${close},${close},100`),
      ].join("\n"),
    );
    const { code, out } = await tapedeck(["formula", "sma(close, 3)", "close > 11", "--data", file]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toEqual([
      'time,"sma(close, 3)",close > 11',
      "2024-01-01,,0",
      "2024-01-02,,0",
      "2024-01-03,11,1",
      "2024-01-04,11.333333333333334,0",
      "2024-01-05,12,1",
    ]);
  });

  test("formula reads a file as import does: its own separator, decimal comma and order of rows", async () => {
    const file = path.join(dir, "kurse.csv");
    await writeFile(
      file,
      "Datum;Schlusskurs;Volumen\n04.01.2024;12,5;1.000\n03.01.2024;11,5;\n02.01.2024;10,5;900\n",
    );
    const { code, out } = await tapedeck(["formula", "sma(close, 2)", "volume", "--data", file]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toEqual([
      'time,"sma(close, 2)",volume',
      "02.01.2024,,900",
      "03.01.2024,11,",
      "04.01.2024,12,1000",
    ]);
  });

  test.each([
    [["formula", "smaa(close, 3)", "--data", "@bars"], /sma/],
    [["formula", "sma(close, 3)", "--data", "/nowhere.csv"], /nowhere/],
    [["ask", "What is a drawdown?"], /no Tapedeck runs/],
  ])("%j ends with code 1 and one line that says why", async (args, line) => {
    const given = args.map((arg) => (arg === "@bars" ? path.join(dir, "bars.csv") : arg));
    const { code, err, out } = await tapedeck(given, { env: { TAPEDECK_DIR: dir, TAPEDECK_API_KEY: "" } });
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(line);
    expect(err.trim().split("\n")).toHaveLength(1);
  });

  test("wrong use ends with code 2, a wrong setting with one line", async () => {
    expect((await tapedeck(["submitt"])).code).toBe(2);
    const { code, err } = await tapedeck(["jobs"], { env: { TAPEDECK_LOCK: "1" } });
    expect(code).toBe(1);
    expect(err.trim()).toMatch(/^tapedeck: TAPEDECK_LOCK .*$/);
  });

  test("completion knows every command", async () => {
    const { out } = await tapedeck(["completion", "bash"]);
    for (const command of [
      "start",
      "ask",
      "submit",
      "watch",
      "jobs",
      "cancel",
      "import",
      "workers",
      "migrate",
      "keys",
    ]) {
      expect(out).toContain(command);
    }
    const checked = await new Promise<number | null>((resolve) => {
      const child = spawn("bash", ["-n"], { stdio: ["pipe", "ignore", "ignore"] });
      child.stdin.end(out);
      child.on("exit", resolve);
    });
    expect(checked).toBe(0);
  });
});

describe("with a server", () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let stack: Stack;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await testDatabase();
    stack = await startStack({ databaseUrl: database.url });
    env = { TAPEDECK_URL: stack.apiUrl, TAPEDECK_API_KEY: stack.key, DATABASE_URL: database.url };
  }, 120_000);
  afterAll(async () => {
    await stack?.close();
    await database?.close();
  });

  test("import prints the instrument and how the file was read; the answer cites it", async () => {
    const file = path.join(stack.dir, "mine.csv");
    const rows = Array.from({ length: 60 }, (_, i) => {
      const day = new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10);
      return `${day},${100 + i},${101 + i},${99 + i},${100.5 + i},${1_000 + i}`;
    });
    await writeFile(file, ["Date,Open,High,Low,Close,Volume", ...rows].join("\n"));
    const imported = await tapedeck(
      ["import", file, "--symbol", "MINE.LOCAL", "--name", "Mine Incorporated"],
      { env },
    );
    expect(imported.err).toMatch(/ok import mine\.csv/);
    expect(imported.code).toBe(0);
    expect(imported.out).toMatch(/MINE\.LOCAL\s+bars\s+1d\s+60\s+60\s+0\s+2024-01-01\s+2024-03-01/);
    expect(imported.out).not.toContain("\u001b[");

    const answer = await tapedeck(["ask", "What was the last close of MINE?"], { env });
    expect(answer.code).toBe(0);
    expect(answer.out).toMatch(/159\.5/);
    expect(answer.out).toMatch(/\[1\] .* evidence ev_/);
  });

  test("a question without data is declined with code 4 and the way to get it", async () => {
    const { code, out } = await tapedeck(["ask", "What was the return of Tesla in 2019?"], { env });
    expect(code).toBe(4);
    expect(out).toMatch(/tapedeck import/);
  });

  test("submit without a payload says what the type takes; with one it follows the job and prints its result", async () => {
    const help = await tapedeck(["submit", "analyze"], { env });
    expect(help.out).toMatch(/instrumentId/);
    const payload = JSON.stringify({ instrumentId: "MINE.LOCAL", formulas: ["sma(close, 10)"] });
    const done = await tapedeck(["submit", "analyze", "--payload", payload], { env });
    expect(done.code).toBe(0);
    // Closes rise by one a day: the mean of the last ten is 4.5 below the last, 159.5.
    expect((JSON.parse(done.out) as { series: { last: number }[] }).series[0]!.last).toBe(155);
    const piped = await tapedeck(["submit", "analyze", "--payload", "-", "--json"], { env, input: payload });
    expect((JSON.parse(piped.out) as { state: string }).state).toBe("completed");
    const failed = await tapedeck(["submit", "analyze", "--payload", '{"instrumentId":"NOWHERE.XNYS"}'], {
      env,
    });
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/NOWHERE\.XNYS/);
    const refused = await tapedeck(["submit", "analyze", "--payload", '{"instrumentId":7}'], { env });
    expect(refused.code).toBe(1);
    const malformed = await tapedeck(["submit", "analyze", "--payload", "{"], { env });
    expect(malformed.err).toMatch(/not JSON/);
  });

  test("jobs lists, cancel cancels, retry runs again, watch ends with code 3 for a cancelled one", async () => {
    const payload = '{"instrumentId":"MINE.LOCAL"}';
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const { out } = await tapedeck(
      ["submit", "analyze", "--payload", payload, "--run-at", later, "--no-wait"],
      { env },
    );
    const id = out.trim();
    expect((await tapedeck(["jobs", "--type", "analyze"], { env })).out).toContain(id);
    expect((await tapedeck(["cancel", id], { env })).out).toContain("cancelled");
    expect((await tapedeck(["watch", id], { env })).code).toBe(3);
    expect((await tapedeck(["retry", id], { env })).code).toBe(0);
    expect((await tapedeck(["watch", id], { env })).code).toBe(0);
    expect((await tapedeck(["jobs", "--state", "completed", "--json"], { env })).out).toContain(id);
  });

  test("keys are made, used, listed and revoked", async () => {
    const secret = (await tapedeck(["keys", "create", "reader", "--role", "viewer"], { env })).out.trim();
    expect((await tapedeck(["jobs", "--key", secret], { env })).code).toBe(0);
    const listed = JSON.parse((await tapedeck(["keys", "list", "--json"], { env })).out) as {
      items: { id: string; name: string }[];
    };
    const { id } = listed.items.find((key) => key.name === "reader")!;
    expect((await tapedeck(["keys", "revoke", id], { env })).code).toBe(0);
    // Revocation reaches every replica within five seconds.
    await expect
      .poll(async () => (await tapedeck(["jobs", "--key", secret], { env })).code, { timeout: 10_000 })
      .toBe(1);
  });

  test("workers are listed, one more can be run, and migrate finds nothing to do", async () => {
    expect((await tapedeck(["workers"], { env })).out).toMatch(/alive/);
    const child = spawn(
      process.execPath,
      [
        path.join(projectRoot, "apps/cli/src/main.ts"),
        "workers",
        "run",
        "--queues",
        "sentiment",
        "--threads",
        "1",
      ],
      {
        cwd: projectRoot,
        env: { ...process.env, ...env, TAPEDECK_DIR: stack.dir },
        stdio: "ignore",
      },
    );
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await expect
      .poll(async () => (await tapedeck(["workers"], { env })).out, { timeout: 20_000 })
      .toMatch(/sentiment\s+0/);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect((await tapedeck(["migrate"], { env })).out.trim()).toBe("nothing to do");
  });
});

test("the program's manifest names the command", async () => {
  const manifest = JSON.parse(await readFile(path.join(projectRoot, "apps/cli/package.json"), "utf8")) as {
    bin: Record<string, string>;
  };
  expect(manifest.bin["tapedeck"]).toBe("bin/tapedeck.mjs");
});
