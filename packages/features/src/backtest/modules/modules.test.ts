import { mkdtempSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fillRows, noCosts, plainInstrument } from "@tapedeck/trading";
import { describe, expect, test } from "vitest";
import type { ModuleSession } from "./contract.ts";
import { createStrategyModules } from "./folder.ts";

const dayMs = 86_400_000;
const bars = 60;
const signal = new AbortController().signal;

function series() {
  const openMs = Float64Array.from({ length: bars }, (_, i) => i * dayMs);
  const close = openMs.map((_, i) => 100 + i);
  return {
    openMs,
    closeMs: openMs.map((ms) => ms + dayMs),
    open: close.map((price) => price - 1),
    high: close.map((price) => price + 1),
    low: close.map((price) => price - 2),
    close,
    volume: close.map(() => 1_000),
  };
}

const settings = {
  baseCurrency: "USD",
  initialCash: 10_000,
  costs: noCosts,
  innerPath: "pessimistic",
  shortfall: "reduce",
  rates: {},
} as const;

/** A folder with one module whose `decide` is given; it buys one unit at the third close besides. `made` is done as the strategy is made. */
function folderOf(decide: string, head = 'import { defineStrategy } from "@tapedeck/trading";', made = "") {
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(
    join(dir, "mine.ts"),
    `${head}
export default defineStrategy({
  title: "Mine", meaning: "For tests", instruments: [1, 1],
  params: [{ name: "bar", meaning: "When", default: 20, min: 1, max: 50, integer: true }],
  create: (p: Readonly<Record<string, number>>) => {
    ${made}
    return {
      name: "Mine", features: ["sma(close, 2)"],
      decide(context) {
        if (context.bars() === 3) context.submit({ side: "buy", quantity: 1 });
        ${decide}
      },
    };
  },
});
`,
  );
  return createStrategyModules({ dir, limits: { answerMs: 400, memoryMb: 64 } });
}

async function runOf(session: ModuleSession, params: Record<string, number> = {}) {
  const prices = series();
  const prepared = await session.prepare(params, 1);
  try {
    return await session.run({
      params: prepared.params,
      instruments: [plainInstrument("A", prices)],
      settings,
      columns: { "sma(close, 2)": [{ closeMs: prices.closeMs, values: prices.close }] },
      seed: 7,
      signal,
    });
  } finally {
    await session.close();
  }
}

const wild = {
  throws: "if (context.bars() === p.bar) throw new Error('no more');",
  "never returns": "while (context.bars() === p.bar);",
  "fills its heap":
    "if (context.bars() === p.bar) { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)); }",
  "fills memory beside its heap":
    "if (context.bars() === p.bar) { const all = []; for (;;) all.push(new Float64Array(1e6).fill(1)); }",
};

describe("a module that", () => {
  test.each([
    ["throws", "no more"],
    ["never returns", "did not return within 0.4 s"],
    ["fills its heap", "more than 64 MiB of memory"],
    ["fills memory beside its heap", "more than 64 MiB of memory"],
  ] as const)("%s is ended, named with its bar, and what it had done is kept", async (name, why) => {
    const { run, failure } = await runOf(await folderOf(wild[name]).open("mine"));
    expect(failure!.message).toContain("strategies/mine.ts at the close of 1970-01-21T00:00:00.000Z");
    expect(failure!.message).toContain(why);
    expect(failure!.atMs).toBe(20 * dayMs);
    expect(run.state.instant).toBe(20);
    expect([...fillRows(run.state.postings)].map((row) => run.state.postings.price[row])).toEqual([102]);
    // One unit bought at 102, worth 119 at that close.
    expect(run.equity[19]).toBe(10_017);
    expect(run.equity[18]).toBe(10_016);
  });

  test("reaches outside is ended at its bar, and dates of given times are none of that", async () => {
    const reaches = [
      ["process.getBuiltinModule('fs').readdirSync('/')", "it uses process"],
      ["globalThis['process'].exit()", "it uses process"],
      ["Function('return process')()", "it uses process"],
      ["fetch('http://localhost')", "it uses fetch"],
      ["new WebSocket('ws://localhost')", "it uses WebSocket"],
      ["performance.now()", "it uses performance"],
      ["crypto.randomUUID()", "it uses crypto"],
      ["Date.now()", "it uses the clock"],
      ["new Date()", "it uses the clock"],
      ["Date()", "it uses the clock"],
      ["new Date(0).constructor.now()", "it uses the clock"],
      ["new (new Date(0).constructor)()", "it uses the clock"],
    ] as const;
    const cases = reaches.map(([reach], i) => `case ${i + 10}: ${reach}; break;`);
    const session = await folderOf(
      `if (new Date(0).getUTCFullYear() !== 1970) throw new Error("no dates");
       if (context.bars() === p.bar) switch (p.bar) { ${cases.join(" ")} }`,
    ).open("mine");
    const prices = series();
    for (const [i, [reach, why]] of reaches.entries()) {
      const { run, failure } = await session.run({
        params: { bar: i + 10 },
        instruments: [plainInstrument("A", prices)],
        settings,
        columns: { "sma(close, 2)": [{ closeMs: prices.closeMs, values: prices.close }] },
        seed: 7,
        signal,
      });
      expect(failure?.message, reach).toContain(`: ${why}`);
      expect(run.state.instant, reach).toBe(i + 10);
    }
    await session.close();
  });

  test("runs to the end gives the run, and the same again", async () => {
    const modules = folderOf("if (Math.random() < 0.3) context.submit({ side: 'buy', quantity: 1 });");
    const first = await runOf(await modules.open("mine"));
    expect(first.failure).toBeNull();
    expect(first.run.state.instant).toBe(bars);
    expect([...fillRows(first.run.state.postings)].length).toBeGreaterThan(5);
    const second = await runOf(await modules.open("mine"));
    expect(second.run.equity).toEqual(first.run.equity);
  });

  test("is cancelled ends at once", async () => {
    const session = await folderOf(wild["never returns"]).open("mine");
    const controller = new AbortController();
    const prices = series();
    const running = session.run({
      params: { bar: 20 },
      instruments: [plainInstrument("A", prices)],
      settings,
      columns: { "sma(close, 2)": [{ closeMs: prices.closeMs, values: prices.close }] },
      seed: 7,
      signal: controller.signal,
    });
    controller.abort(new Error("cancelled"));
    await expect(running).rejects.toThrow("cancelled");
  });

  test.each([
    ["as it is made", "while (p.bar === 10);", ""],
    ["at a decision", "", "while (p.bar === 10 && context.bars() === 20);"],
    [
      "at a decision, for want of memory",
      "",
      "const all = []; while (p.bar === 10) all.push(new Float64Array(1e6).fill(1));",
    ],
  ])(
    "does not come back with some numbers, %s, holds up nothing that is tried after it",
    async (_name, made, decide) => {
      const session = await folderOf(decide, undefined, made).open("mine");
      const tryWith = async (bar: number) => {
        const prices = series();
        return await session.run({
          params: (await session.prepare({ bar }, 1)).params,
          instruments: [plainInstrument("A", prices)],
          settings,
          columns: { "sma(close, 2)": [{ closeMs: prices.closeMs, values: prices.close }] },
          seed: 7,
          signal,
        });
      };
      const why = await tryWith(10).then(
        ({ failure }) => failure!.message,
        (error: Error) => error.message,
      );
      expect(why).toMatch(/did not return within 0.4 s|more than 64 MiB/);
      const { run, failure } = await tryWith(30);
      expect(failure).toBeNull();
      expect(run.state.instant).toBe(bars);
      await session.close();
      await expect(session.prepare({}, 1)).rejects.toThrow("it ended its thread");
    },
  );

  test.each([
    ["never loads", "", "for (;;);", "did not return within"],
    ["imports what it may not", "", 'import "node:fs";', "it imports node:fs"],
    ["reads the process", "", "process.env;", "it uses process"],
    ["draws chances that nothing seeds", "", "Math.random();", "it uses Math.random outside a run"],
    ["imports it later", "", 'await import("node:fs");', "it imports node:fs"],
    ["has another mistake", "", "nothing.there();", "nothing is not defined"],
  ])("%s is refused", async (_name, decide, head, why) => {
    const modules = folderOf(decide, `import { defineStrategy } from "@tapedeck/trading";\n${head}`);
    await expect(modules.open("mine")).rejects.toMatchObject({
      code: "strategy.failed",
      message: expect.stringContaining(why),
    });
    const { modules: good, broken } = await modules.list();
    expect(good).toEqual([]);
    expect(broken).toMatchObject([{ name: "mine", reason: expect.stringContaining(why) }]);
  });
});

test("a file without a strategy says what it lacks", async () => {
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(join(dir, "empty.ts"), "export default { title: 'x' };");
  await expect(createStrategyModules({ dir }).open("empty")).rejects.toThrow(
    "strategies/empty.ts: its default export has no meaning, params, instruments, create",
  );
});

test.each([
  [{ bar: 51 }, 1, "strategies/mine.ts: bar is a whole number from 1 to 50"],
  [{ bars: 3 }, 1, "has no parameter bars; it has bar"],
  [{}, 2, "takes 1 instruments, not 2"],
])("parameters and instruments are checked: %o, %d", async (params, instruments, why) => {
  const session = await folderOf("").open("mine");
  await expect(session.prepare(params, instruments)).rejects.toMatchObject({
    code: "payload.invalid",
    message: expect.stringContaining(why),
  });
  await session.close();
});

test("the module that the docs show is one", async () => {
  const page = await readFile(resolve(import.meta.dirname, "../../../../../docs/backtesting.md"), "utf8");
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(join(dir, "shown.ts"), /```ts\n([\s\S]*?)```/.exec(page)![1]!);
  const session = await createStrategyModules({ dir }).open("shown");
  expect(await session.prepare({ length: 20 }, 3)).toMatchObject({ features: ["sma(close, 20)"] });
  await session.close();
});

test("the modules that come with Tapedeck load, and a wrong name is answered with the right one", async () => {
  const modules = createStrategyModules({ dir: resolve(import.meta.dirname, "../../../../../strategies") });
  const { modules: found, broken } = await modules.list();
  expect(broken).toEqual([]);
  expect(found.map((one) => one.name)).toEqual(["turnOfMonth", "volatilityBreakout"]);
  for (const one of found) expect(one.hash).toBe(await modules.hashOf(one.name));
  await expect(modules.open("turnOfMonths")).rejects.toThrow("Did you mean turnOfMonth?");
});
