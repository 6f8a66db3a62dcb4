#!/usr/bin/env node
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { ClientError } from "@tapedeck/client";
import { AppError, toAppError } from "@tapedeck/core";
import { analyzeCommand } from "./commands/analyze.ts";
import { askCommand, standingCommands } from "./commands/ask.ts";
import { backtestCommands } from "./commands/backtest.ts";
import { barsCommand } from "./commands/bars.ts";
import { completionCommand } from "./commands/completion.ts";
import { documentCommands } from "./commands/documents.ts";
import { formulaCommand } from "./commands/formula.ts";
import { indicatorCommands } from "./commands/indicator.ts";
import { importCommand } from "./commands/import.ts";
import { instrumentsCommand } from "./commands/instruments.ts";
import { jobCommands } from "./commands/jobs.ts";
import { keyCommands } from "./commands/keys.ts";
import { operateCommands } from "./commands/operate.ts";
import { quarantineCommand } from "./commands/quarantine.ts";
import { exitCodes } from "./commands/shared.ts";
import type { Cli } from "./commands/shared.ts";
import type { StartFlags } from "./commands/start.ts";
import { readConfig } from "./config.ts";
import { localLogs } from "./connect.ts";
import { createOutput } from "./output.ts";

async function main(): Promise<void> {
  const out = createOutput(process.stdout, process.stderr, process.env["NO_COLOR"] !== undefined);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  // A reader that stops early (`| head`) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  let logs: string | undefined;
  try {
    const config = readConfig(process.env);
    logs = localLogs(config);
    const cli: Cli = {
      out,
      dir: config.dir,
      url: config.url,
      key: config.apiKey,
      signal: stop.signal,
      exit: (code) => {
        process.exitCode = code;
      },
    };
    const program = new Command("tapedeck")
      .description("market research and execution as jobs")
      .version(config.version)
      .exitOverride()
      .showSuggestionAfterError();
    program
      .command("start")
      .option("--once", "run the tour, print its results and leave")
      .option("--no-tour", "leave the tour out")
      .option("--dev", "restart the services when their sources change")
      .option(
        "--recording <file>",
        "play a recorded session (CSV of event_ms, price, size) instead of a venue",
      )
      .option("--speed <n>", "how many times as fast as it happened the session is played", "1")
      .option("--concurrency <n>", "jobs at once a queue", "4")
      .option("--threads <n>", "worker threads for computing jobs", "2")
      .description("run everything on this machine: PostgreSQL, API, workers; the first start gives a tour")
      .action(async (flags: StartFlags) => {
        const { start } = await import("./commands/start.ts");
        await start(cli, config, flags);
      });
    askCommand(program, cli);
    standingCommands(program, cli);
    analyzeCommand(program, cli);
    jobCommands(program, cli, config.now);
    importCommand(program, cli);
    quarantineCommand(program, cli);
    documentCommands(program, cli);
    instrumentsCommand(program, cli);
    backtestCommands(program, cli);
    formulaCommand(program, cli);
    barsCommand(program, cli, config.now);
    indicatorCommands(program, cli);
    operateCommands(program, cli, config);
    keyCommands(program, cli, config.now);
    completionCommand(program, cli);
    await program.parseAsync();
    // A command that was cut short by ^C says so by its code.
    if (stop.signal.aborted && process.exitCode === undefined && process.argv[2] !== "start")
      process.exitCode = 130;
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
      return;
    }
    if (stop.signal.aborted) {
      process.exitCode = 130;
      return;
    }
    const known = error instanceof ClientError || error instanceof AppError;
    out.note(`tapedeck: ${known ? error.message : toAppError(error).message}`);
    if (error instanceof ClientError && error.code === "internal" && logs !== undefined)
      out.note(
        `the log is ${join(logs, "api.log")}; look there for request ${error.problem?.requestId ?? ""}`.trim(),
      );
    if (!known) out.note(String(error instanceof Error ? error.stack : error));
    process.exitCode = exitCodes.failed;
  }
}

await main();
