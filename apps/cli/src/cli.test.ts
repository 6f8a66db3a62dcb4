import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { projectRoot, testDatabase } from "@tapedeck/testkit";
import { pdfOf } from "@tapedeck/text/readers/pdf.fixture";
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

  test("bars are made of a file of trades, by time within sessions and by what was traded", async () => {
    const file = path.join(dir, "trades.csv");
    const trades = ["13:20,9,1", "13:30,10,1", "13:31,12,3", "14:29,11,2", "14:30,13,4", "20:00,14,1"];
    const rows = trades.map((row) => `2024-07-08T${row.replace(",", ":00Z,")}`);
    await writeFile(file, ["time,price,size", ...rows].join("\n"));
    const hourly = await tapedeck(["bars", "--every", "1h", "--calendar", "XNYS", "--data", file]);
    expect(hourly.out.trim().split("\n")).toEqual([
      "time,closeTime,open,high,low,close,volume,ticks",
      "2024-07-08T13:30:00.000Z,2024-07-08T14:30:00.000Z,10,12,10,11,6,3",
      "2024-07-08T14:30:00.000Z,2024-07-08T15:30:00.000Z,13,13,13,13,4,1",
    ]);
    expect(hourly.err).toMatch(/2 trades outside XNYS's sessions are left out/);
    const volume = await tapedeck(["bars", "--volume", "5", "--data", file]);
    expect(volume.out.trim().split("\n").slice(1)).toEqual([
      "2024-07-08T13:20:00.000Z,2024-07-08T13:31:00.000Z,9,12,9,12,5,3",
      "2024-07-08T14:29:00.000Z,2024-07-08T14:30:00.000Z,11,13,11,13,6,2",
    ]);
    for (const args of [[], ["--ticks", "1", "--volume", "2"], ["--every", "1w"], ["--renko", "0"]])
      expect((await tapedeck(["bars", ...args, "--data", file])).code).toBe(1);
  });

  test("indicator test says what a formula and a module keep to, and formula computes with the module", async () => {
    const formula = await tapedeck(["indicator", "test", "sma(close, 20) > lag(close, 1)"]);
    expect(formula.out.trim().split("\n").at(-1)).toBe("6 passed, 0 failed");
    expect(formula.code).toBe(0);
    const kernel = (run: string) => `export default {
      name: "doubled", title: "Doubled", meaning: "Twice the price.", source: "Here.", group: "math",
      inputs: ["close"], params: [], outputs: ["value"],
      warmup: () => 0, lookback: () => 0, stateSize: () => 0,
      run(inputs, outputs, from, to) { for (let i = from; i < to; i++) outputs[0][i] = ${run}; },
    };`;
    const good = path.join(dir, "doubled.mjs");
    await writeFile(good, kernel("inputs[0][i] * 2"));
    expect((await tapedeck(["indicator", "test", good])).code).toBe(0);
    const bars = path.join(dir, "bars.csv");
    const computed = await tapedeck(["formula", "doubled(close)", "--module", good, "--data", bars]);
    expect(computed.out.trim().split("\n").at(-1)).toBe("2024-01-05,26");
    const peeking = path.join(dir, "peeking.mjs");
    await writeFile(peeking, kernel("inputs[0][i + 1] ?? 0"));
    const refused = await tapedeck(["indicator", "test", peeking]);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^FAIL look-ahead +value at bar 0 is/m);
    const none = path.join(dir, "none.mjs");
    await writeFile(none, "export default { name: 'none' };");
    expect((await tapedeck(["indicator", "test", none])).err).toMatch(/is no indicator: inputs, params/);
  });

  test.each([
    [["formula", "smaa(close, 3)", "--data", "@bars"], /sma/],
    [["formula", 'close["IWM"]', "--data", "@bars"], /one instrument's bars: \["IWM"\]/],
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
      "backtest",
      "quarantine",
      "instruments",
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
    expect(imported.out).toMatch(/MINE\.LOCAL\s+bars\s+1d\s+60\s+60\s+0\s+2024-01-01\s+2024-02-29/);
    expect(imported.out).toMatch(/guessed instrument\.currency: USD/);
    expect(imported.out).not.toContain("\u001b[");

    const answer = await tapedeck(["ask", "What was the last close of MINE?"], { env });
    expect(answer.code).toBe(0);
    expect(answer.out).toMatch(/159\.5/);
    expect(answer.out).toMatch(/\[1\] .* evidence ev_/);
  });

  test("documents are added from a folder, each with what became of it, listed, shown and removed", async () => {
    const folder = path.join(stack.dir, "papers");
    await mkdir(folder);
    await writeFile(path.join(folder, "note.md"), "# Our view\n\nGamma squeezes are rare.");
    await writeFile(path.join(folder, "scan.pdf"), pdfOf([[]]));
    const added = await tapedeck(["document", "add", folder, "--company", "Acme"], { env });
    expect(added.code).toBe(0);
    expect(added.out).toMatch(/1 added, 1 refused/);
    expect(added.out).toMatch(/scan\.pdf .*it is a scan/);
    const listed = await tapedeck(["document", "list", "--company", "acm"], { env });
    const [id] = /^\S{36}(?= +note .*Our view +Acme)/m.exec(listed.out)!;
    const shown = await tapedeck(["document", "show", id], { env });
    expect(shown.out).toMatch(/Gamma squeezes are rare/);
    expect((await tapedeck(["document", "show", id, "--page", "2"], { env })).err).toMatch(/it has 1 page/);
    expect((await tapedeck(["document", "remove", id], { env })).code).toBe(0);
    expect((await tapedeck(["document", "list", "--title", "Our view"], { env })).out).toMatch(
      /no documents/,
    );
    expect((await tapedeck(["document", "add", path.join(folder, "none.txt")], { env })).err).toMatch(
      /there is no file/,
    );
  });

  test("a conversation goes on, its evidence is written to a file, and feedback and a standing question are kept", async () => {
    const talk = ["--conversation", "terminal"];
    await tapedeck(["ask", "What was the close of MINE on 2024-01-31?", ...talk], { env });
    const pack = path.join(stack.dir, "pack.json");
    const next = await tapedeck(["ask", "And on 2024-02-15?", ...talk, "--pack", pack], { env });
    expect(next.code).toBe(0);
    expect(next.out).toMatch(/closed at .* on 15 February 2024/);
    const written = JSON.parse(await readFile(pack, "utf8")) as { jobId: string; items: { rows: unknown }[] };
    expect(written.items[0]!.rows).not.toBeNull();

    expect((await tapedeck(["feedback", written.jobId, "useful", "quick"], { env })).code).toBe(0);
    expect((await tapedeck(["feedback", written.jobId, "fine"], { env })).err).toMatch(
      /useful or not-useful/,
    );
    const add = ["standing", "add", "mine", "What is the last price of MINE?", "--cron", "0 6 * * *"];
    const added = await tapedeck(add, { env });
    const id = added.out.split(" ")[0]!;
    expect((await tapedeck(["standing", "list"], { env })).out).toContain(`${id} mine (not asked yet)`);
    expect((await tapedeck(["standing", "show", id], { env })).out).toContain("has not changed");
    expect((await tapedeck(["standing", "remove", id], { env })).code).toBe(0);
    expect((await tapedeck(["standing", "list"], { env })).err).toContain("no standing question");
  });

  test("a question without data is declined with code 4 and the way to get it", async () => {
    const { code, out, err } = await tapedeck(["ask", "What was the return of Tesla in 2019?"], { env });
    expect(code).toBe(4);
    expect(err).toMatch(/^declined asking: job /m);
    expect(out).toMatch(/tapedeck import/);
  });

  test("submit without a payload says what the type takes; with one it follows the job and prints its result", async () => {
    const help = await tapedeck(["submit", "analyze"], { env });
    expect(help.out).toMatch(/^Formulas over an instrument's bars:$/m);
    expect(help.out).toMatch(/^ {2}formulas\s+list of text\s+required/m);
    expect(help.out).toMatch(/^ {2}adjustment\s+raw \| split \| total\s+"split"$/m);
    const schema = await tapedeck(["submit", "analyze", "--json"], { env });
    expect(JSON.parse(schema.out)).toHaveProperty("payload.$defs");
    const payload = JSON.stringify({ instrumentId: "MINE.LOCAL", formulas: ["sma(close, 10)"] });
    const done = await tapedeck(["submit", "analyze", "--payload", payload], { env });
    expect(done.code).toBe(0);
    // Closes rise by one a day: the mean of the last ten is 4.5 below the last, 159.5.
    expect(done.out).toMatch(/^MINE\.LOCAL, 60 1d bars, 2024-01-01 to 2024-02-29\n/);
    expect(done.out).toMatch(/^sma\(close, 10\)\s+155\s+2024-02-29\s+51$/m);
    expect(done.out).toMatch(/^all of it: http:\S+\/jobs\/[0-9a-f-]{36}, or the same command with --json$/m);
    const piped = await tapedeck(["submit", "analyze", "--payload", "-", "--json"], { env, input: payload });
    const job = JSON.parse(piped.out) as { state: string; result: { series: { last: number }[] } };
    expect(job).toMatchObject({ state: "completed", result: { series: [{ last: 155 }] } });
    const failed = await tapedeck(["submit", "analyze", "--payload", '{"instrumentId":"NOWHERE.XNYS"}'], {
      env,
    });
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/NOWHERE\.XNYS/);
    const wrong = '{"kind":"summary","instrumentId":7,"timefram":"1d"}';
    const refused = await tapedeck(["submit", "analyze", "--payload", wrong], { env });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      /instrumentId must be text such as "SPY.XNYS", not number 7; the body has no member "timefram" \(did you mean "timeframe"\?\)/,
    );
    const malformed = await tapedeck(["submit", "analyze", "--payload", "{"], { env });
    expect(malformed.err).toMatch(/not JSON/);
  });

  test("an indicator is saved, called by its name in an analysis, listed and removed", async () => {
    const saved = await tapedeck(
      ["indicator", "save", "rise", "close - lag(close, 1) + n", "--param", "n=0", "--meaning", "Last step."],
      { env },
    );
    expect(saved.out.trim()).toBe("saved rise(n: 0): series, warm-up 1 bars");
    const payload = JSON.stringify({ instrumentId: "MINE.LOCAL", formulas: ["rise(5)"] });
    const done = await tapedeck(["submit", "analyze", "--payload", payload, "--json"], { env });
    expect(JSON.parse(done.out)).toMatchObject({
      state: "completed",
      result: { series: [{ formula: "close - lag(close, 1) + 5" }] },
    });
    expect((await tapedeck(["indicator", "list"], { env })).out).toMatch(/rise\(n: 0\).*Last step\./);
    const wrong = await tapedeck(["indicator", "save", "sma", "close"], { env });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringMatching(/name of the language already/)]);
    expect((await tapedeck(["indicator", "remove", "rise"], { env })).code).toBe(0);
    expect((await tapedeck(["indicator", "list"], { env })).out.trim()).toBe("no saved formulas");
  });

  test("a backtest prints its headline beside buy and hold and the address of its page", async () => {
    const payload = JSON.stringify({
      instrumentId: "MINE.LOCAL",
      strategy: { kind: "rules", entry: "close > 110", exit: "close > 130" },
      costs: { feeBps: 0, slippageBps: 0 },
    });
    const { out, code } = await tapedeck(["submit", "backtest", "--payload", payload], { env });
    expect(code).toBe(0);
    expect(out.trim().split("\n").length).toBeLessThan(20);
    expect(out).toMatch(/^\s+equity USD\s+return\s+a year\s+volatility\s+Sharpe\s+drawdown$/m);
    expect(out).toMatch(/^strategy\s+[\d,]+\s+[\d.]+ %/m);
    expect(out).toMatch(/^buy and hold\s+[\d,]+\s+[\d.]+ %/m);
    expect(out).toMatch(/\/backtests\/[0-9a-f-]{36}/);
  });

  test("a strategy file is run over a file of bars: progress, honest statistics, files, list, show and compare", async () => {
    const bars = path.join(stack.dir, "wave.csv");
    const rows = Array.from({ length: 400 }, (_, i) => {
      const day = new Date(Date.UTC(2023, 0, 2 + i)).toISOString().slice(0, 10);
      const close = 100 + i / 10 + 8 * Math.sin(i / 9);
      return `${day},${close},${close + 1},${close - 1},${close},1000`;
    });
    await writeFile(bars, ["Date,Open,High,Low,Close,Volume", ...rows].join("\n"));
    const strategy = path.join(stack.dir, "wave.json");
    const rules = (window: number) => ({
      kind: "rules",
      entry: `close > sma(close, ${window})`,
      exit: `close < sma(close, ${window})`,
    });
    await writeFile(strategy, JSON.stringify(rules(9)));
    const files = ["html", "pdf"].map((format) => path.join(stack.dir, `wave.${format}`));
    const first = await tapedeck(
      ["backtest", "run", strategy, "--data", bars, "--html", files[0]!, "--pdf", files[1]!],
      { env },
    );
    expect([first.code, first.err]).toEqual([
      0,
      expect.stringMatching(/ok import wave\.csv[^]*ok backtest wave\.json/),
    ]);
    const lines = first.out.split("\n");
    expect(lines[0]).toBe("Honest statistics");
    expect(first.out).toMatch(/^Trials\s+1\s+of this strategy on this instrument/m);
    expect(first.out).toMatch(/^Rules, long on WAVE\.LOCAL, 400 1d bars/m);
    expect(first.out).toMatch(/^Beta\s+[-\d.]+\s+correlation/m);
    expect(first.out).toContain("The bars are still those that the run read.");
    expect(await readFile(files[0]!, "utf8")).toMatch(/^<!doctype html>[^]*Rules, long on WAVE\.LOCAL/);
    expect((await readFile(files[1]!)).subarray(0, 5).toString()).toBe("%PDF-");

    await writeFile(strategy, JSON.stringify({ strategy: rules(21), costs: { feeBps: 3 } }));
    const second = await tapedeck(
      ["backtest", "run", strategy, "--instrument", "WAVE.LOCAL", "--from", "2023-06-01", "--json"],
      { env },
    );
    const shown = JSON.parse(second.out) as { run: { id: string; result: { fromMs: number } } };
    expect(shown.run.result.fromMs).toBeGreaterThanOrEqual(Date.UTC(2023, 5, 1));

    const list = await tapedeck(["backtest", "list"], { env });
    const ids = list.out.match(/^[0-9a-f-]{36}(?=\s+Rules, long\s+WAVE\.LOCAL 1d)/gm)!;
    expect(ids[0]).toBe(shown.run.id);
    const show = await tapedeck(["backtest", "show", ids[1]!], { env });
    expect(show.out).toMatch(/^Trials\s+2\s/m);
    const compared = await tapedeck(["backtest", "compare", ...ids], { env });
    expect(compared.code).toBe(0);
    expect(compared.out).toMatch(/^Sharpe\s+-?[\d.]+\s+-?[\d.]+$/m);
    expect(compared.out).toMatch(/^costs\.feeBps\s+3\s+10$/m);
    expect(compared.out).toMatch(/^strategy\.entry\s+close > sma\(close, 21\)\s+close > sma\(close, 9\)$/m);
  });

  test("runs over several instruments are run by file, shown, searched, and compared with those of one", async () => {
    const { items } = await stack.client.call("listBacktests", { query: { limit: 50 } });
    const single = items.find((one) => one.kind === "single" && one.instrumentId === "WAVE.LOCAL")!;
    const payload = {
      instruments: ["WAVE.LOCAL"],
      strategy: { name: "volatilityTarget", params: { target: 0.1 } },
    };
    const portfolio = await stack.client.run("portfolioBacktest", payload);
    const several = await tapedeck(["backtest", "show", portfolio.runId], { env });
    const file = path.join(stack.dir, "several.json");
    await writeFile(file, JSON.stringify({ instruments: ["WAVE.LOCAL"], strategy: { name: "equalWeight" } }));
    const named = await tapedeck(["backtest", "run", file, "--to", "2023-06-01"], { env });
    expect([named.code, named.out]).toEqual([
      0,
      expect.stringMatching(/^Equal weights, 1 instrument, 150 closes/m),
    ]);
    const both = await tapedeck(["backtest", "run", file, "--data", "bars.csv"], { env });
    expect([both.code, both.err]).toEqual([1, expect.stringContaining("leave out --data")]);
    expect(several.out).toMatch(/^Volatility target, 1 instrument, 400 closes of 1d/m);
    expect(several.out).toMatch(/^WAVE\.LOCAL\s+\d/m);
    const kinds = await tapedeck(["backtest", "compare", single.id, portfolio.runId], { env });
    expect(kinds.out).toMatch(/^2: Volatility target on WAVE\.LOCAL 1d, /m);
    expect(kinds.out).toMatch(/^strategy\.name\s+–\s+volatilityTarget$/m);
    expect(kinds.out).toContain("do not cover the same closes");
    const search = { ...payload, parameters: { target: { values: [0.1, 0.2] } } };
    const searched = await tapedeck(["submit", "sweep", "--payload", JSON.stringify(search)], { env });
    expect(searched.out).toMatch(/^Search on WAVE\.LOCAL, 400 bars of 1d$/m);
    expect(searched.out).toMatch(/^Trials\s+2 {2}combinations tried in this search$/m);
    expect(searched.out).toMatch(/^\s+[12] {2}target 0\.[12]\s/m);
    const alone = await tapedeck(["backtest", "compare", single.id], { env });
    expect([alone.code, alone.err]).toEqual([1, expect.stringContaining("name two runs or more")]);
  });

  test.each([
    ["no file", "nowhere.json", undefined, /cannot read .*nowhere\.json \(ENOENT\)/],
    ["no JSON", "broken.json", "{", /broken\.json is not JSON/],
    ["no strategy", "other.json", '{"entry": "close > 1"}', /neither a strategy .* nor a backtest's payload/],
    ["no instrument", "bare.json", '{"kind": "rules", "entry": "close > 1"}', /names no instrument/],
    [
      "a wrong formula",
      "wrong.json",
      '{"instrumentId": "MINE.LOCAL", "strategy": {"kind": "rules", "entry": "smaa(close, 3) > 1"}}',
      /smaa/,
    ],
  ])("a strategy file with %s ends with code 1 and says so", async (_, name, text, reason) => {
    const file = path.join(stack.dir, name);
    if (text !== undefined) await writeFile(file, text);
    const { code, out, err } = await tapedeck(["backtest", "run", file], { env });
    expect(code).toBe(1);
    expect(out + err).toMatch(reason);
  });

  test.each<[string, object, RegExp[]]>([
    [
      "sentiment",
      { texts: [{ text: "Operating profit rose." }, { text: "The lender fell 6% after losses." }] },
      [/^\s+\S+\s+0\.\d\d\s+positive\s+.*rose/m, /1 positive, 1 negative, 0 neutral/],
    ],
    [
      "execute",
      { instrumentId: "MINE.LOCAL", side: "buy", type: "limit", quantity: "3", limitPrice: "90" },
      [/^buy 3 MINE\.LOCAL at 90 or better \(paper, simulated\): accepted, 0 filled$/m],
    ],
    ["ask", { question: "What was the last close of MINE?" }, [/159\.5/, /\[1\] .* evidence ev_/]],
  ])("the result of %s is printed for people", async (type, payload, lines) => {
    const { out, code } = await tapedeck(["submit", type, "--payload", JSON.stringify(payload)], { env });
    expect(code).toBe(0);
    for (const line of lines) expect(out).toMatch(line);
  });

  test("a table of another make: preview, the flags that mend the guess, the refused rows, the instrument", async () => {
    const file = path.join(stack.dir, "odd.csv");
    const rows = ["02.01.2024|10,5|7", "03.01.2024|11,5|8", "04.01.2024|n/v|8", "05.01.2024|12,5|9"];
    await writeFile(file, ["Tag|Wert A|Wert B", ...rows].join("\n"));
    const flags = [
      "--symbol",
      "ODD.LOCAL",
      "--close-column",
      "Wert A",
      "--delimiter",
      "|",
      "--date-order",
      "dmy",
    ];
    const preview = await tapedeck(["import", file, ...flags, "--preview"], { env });
    expect(preview.code).toBe(0);
    expect(preview.out).toMatch(/^\s+2\s+ODD\.LOCAL\s+2024-01-02T14:30Z\s+2024-01-02T21:00Z\s+10\.5/m);
    expect(preview.out).toMatch(/not used: Wert B/);
    const asJson = await tapedeck(["import", file, ...flags, "--preview", "--json"], { env });
    expect(JSON.parse(asJson.out)).toMatchObject({ header: ["Tag", "Wert A", "Wert B"] });

    const imported = await tapedeck(["import", file, ...flags, "--currency", "EUR"], { env });
    expect(imported.out).toMatch(
      /^1 row refused; see each with npx tapedeck quarantine [0-9a-f-]{36} \(price\.(missing|invalid) 1\)$/m,
    );
    const refused = await tapedeck(["quarantine"], { env });
    expect(refused.out).toMatch(/^\s+4\s+price\.\w+\s+.*04\.01\.2024\|n\/v\|8$/m);
    const id = /quarantine ([0-9a-f-]{36})/.exec(imported.out)![1]!;
    expect((await tapedeck(["quarantine", id, "--json"], { env })).out).toContain('"line": 4');

    expect((await tapedeck(["instruments"], { env })).out).toMatch(
      /^ODD\.LOCAL\s+ODD\s+equity\s+EUR\s+XNYS$/m,
    );
    expect((await tapedeck(["instruments", "odd"], { env })).out).toMatch(
      /^bars\s+1d\s+3\s+2024-01-02\s+2024-01-05$/m,
    );
    expect((await tapedeck(["instruments", "nothing"], { env })).out).toMatch(/no instrument with nothing/);

    const again = await tapedeck(["import", file, ...flags], { env });
    expect(again.out).toMatch(/\d findings? of earlier imports still stand/);
    expect(again.out).not.toMatch(/^ {2}(gap|stale|outlier):/m);
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
    expect((await tapedeck(["retry", id, "--json"], { env })).out).toContain(
      `"runAtMs": ${Date.parse(later)}`,
    );
    expect((await tapedeck(["cancel", id], { env })).out).toContain("cancelled");

    const early = await tapedeck(["submit", "analyze", "--payload", '{"instrumentId":"LATE.LOCAL"}'], {
      env,
    });
    expect(early.code).toBe(1);
    const failed = await tapedeck(["jobs", "--state", "failed", "--limit", "1"], { env });
    const failedId = /^([0-9a-f-]{36})\s+analyze\s+failed/m.exec(failed.out)![1]!;
    const file = path.join(stack.dir, "late.csv");
    await writeFile(file, "Date,Close\n2024-01-02,10\n2024-01-03,11\n2024-01-04,12\n");
    expect((await tapedeck(["import", file], { env })).code).toBe(0);
    expect((await tapedeck(["retry", failedId], { env })).code).toBe(0);
    expect((await tapedeck(["watch", failedId], { env })).code).toBe(0);
    const replayed = await tapedeck(["replay", failedId], { env });
    expect(replayed.out).toContain("completed: the same result, the same code");
    expect(replayed.code).toBe(0);
    expect((await tapedeck(["jobs", "--state", "completed", "--json"], { env })).out).toContain(failedId);
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
      .poll(async () => (await tapedeck(["workers"], { env })).out, { timeout: 60_000 })
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
