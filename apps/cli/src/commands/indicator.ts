import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { Finding, SavedFormula } from "@tapedeck/formula";
import { table } from "../output.ts";
import { asFormulaError, collect, formulaData } from "./formula.ts";
import { clientOf, exitCodes, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface TestFlags {
  data?: string;
  params?: string;
  json?: boolean;
}

interface SaveFlags extends ConnectionFlags {
  param: string[];
  meaning?: string;
}

/** `tapedeck indicator test|save|list|remove`: custom indicators, which are saved formulas or modules. */
export function indicatorCommands(program: Command, cli: Cli): void {
  const indicators = program
    .command("indicator")
    .description("custom indicators: test one; save, list and remove formulas that others call by name");
  indicators
    .command("test")
    .argument("<indicator>", "a formula, a module (.ts, .js, .mjs) or a saved formula's file (.json)")
    .option("--data <file>", "bars to test on (default: a made-up walk of 1,500 days)")
    .option("--params <list>", "a module's parameters, such as 14,3 (default: its own)")
    .option("--json", "print the findings as JSON")
    .description("check warm-up, look-ahead, resumability and gaps; no server needed")
    .action((subject: string, flags: TestFlags) => testIndicator(cli, subject, flags));
  withConnection(indicators.command("save"))
    .argument("<name>")
    .argument("<formula>")
    .option("--param <name=default>", "a parameter, in the order of a call (repeat it)", collect, [])
    .option("--meaning <text>", "what its value says")
    .description("save a formula, to be called by its name in others")
    .action((name: string, formula: string, flags: SaveFlags) => save(cli, name, formula, flags));
  withConnection(indicators.command("list", { isDefault: true }))
    .description("list saved formulas")
    .action((flags: ConnectionFlags) => list(cli, flags));
  withConnection(indicators.command("remove"))
    .argument("<name>")
    .description("delete a saved formula")
    .action(async (name: string, flags: ConnectionFlags) => {
      await clientOf(cli, flags).call("deleteSavedFormula", { params: { name } });
      cli.out.note(`${name} removed`);
    });
}

async function testIndicator(cli: Cli, subject: string, flags: TestFlags): Promise<void> {
  const findings = await examine(subject, flags);
  const failed = findings.filter((one) => !one.passed).length;
  if (flags.json === true) printJson(cli, findings);
  else {
    for (const { check, passed, message } of findings)
      cli.out.print(`${passed ? "ok  " : "FAIL"} ${check.padEnd(13)} ${message}`);
    cli.out.print(`${findings.length - failed} passed, ${failed} failed`);
  }
  cli.exit(failed === 0 ? exitCodes.done : exitCodes.failed);
}

async function examine(subject: string, flags: TestFlags): Promise<Finding[]> {
  const { examineFormula, examineKernel, sampleBars } = await import("@tapedeck/formula");
  const data = flags.data === undefined ? sampleBars() : await barsOf(flags.data);
  try {
    if (/\.(ts|js|mjs)$/.test(subject)) {
      const { loadIndicatorModule } = await import("../indicatorModule.ts");
      return examineKernel(await loadIndicatorModule(subject), data, flags.params?.split(",").map(Number));
    }
    if (subject.endsWith(".json")) return examineFormula(await textOfFile(subject), data);
    return examineFormula(subject, data);
  } catch (error) {
    throw asFormulaError(error);
  }
}

async function barsOf(file: string) {
  const { readLocalBars } = await import("@tapedeck/features/ingest/localBars");
  return formulaData(await readLocalBars(file));
}

/** The formula of a saved formula's file, at its defaults. */
async function textOfFile(file: string): Promise<string> {
  const { checkSavedFormula } = await import("@tapedeck/formula");
  let saved: SavedFormula;
  try {
    saved = JSON.parse(await readFile(file, "utf8")) as SavedFormula;
  } catch (error) {
    throw new AppError("data.invalid", `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof saved.name !== "string" || typeof saved.formula !== "string")
    throw new AppError(
      "data.invalid",
      `${file} must hold {"name", "formula", "params": [{"name", "default"}]}`,
    );
  return checkSavedFormula({ ...saved, params: saved.params ?? [] }, new Map(), { allowLookAhead: true })
    .text;
}

async function save(cli: Cli, name: string, formula: string, flags: SaveFlags): Promise<void> {
  const params = flags.param.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new AppError("payload.invalid", `--param ${text}: write name=default, such as n=20`);
    return { name: text.slice(0, at), default: text.slice(at + 1) };
  });
  const saved = await clientOf(cli, flags).call("saveFormula", {
    params: { name },
    body: { formula, params, ...(flags.meaning === undefined ? {} : { meaning: flags.meaning }) },
  });
  if (flags.json === true) printJson(cli, saved);
  else cli.out.print(`saved ${saved.signature}: ${saved.check?.type}, warm-up ${saved.check?.warmup} bars`);
}

async function list(cli: Cli, flags: ConnectionFlags): Promise<void> {
  const page = await clientOf(cli, flags).call("listSavedFormulas", {});
  if (flags.json === true) return printJson(cli, page);
  const rows = page.items.map((one) => [
    one.signature,
    one.formula,
    one.check === null ? "no longer valid" : `${one.check.type}, ${one.check.warmup}`,
    one.meaning,
  ]);
  cli.out.print(
    rows.length === 0 ? "no saved formulas" : table(["call", "formula", "type, warm-up", "meaning"], rows),
  );
}
