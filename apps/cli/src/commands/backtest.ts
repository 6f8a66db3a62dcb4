import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import type { Client, PayloadIn } from "@tapedeck/client";
import { AppError } from "@tapedeck/core";
import { mostCompared } from "@tapedeck/features/backtest/compare/contract";
import type { backtest } from "@tapedeck/features/backtest/contract";
import type { portfolioBacktest } from "@tapedeck/features/backtest/portfolio/contract";
import type { JobView } from "@tapedeck/features/jobs/contract";
import { followJob } from "../follow.ts";
import { table } from "../output.ts";
import { percent, ratio } from "../results/format.ts";
import { refusedRows } from "../results/ingest.ts";
import { showComparison, showPortfolio, showRun } from "../results/report.ts";
import type { ShownRun } from "../results/report.ts";
import {
  apiUrlOf,
  clientOf,
  exitForState,
  instrumentOf,
  printJson,
  showEnd,
  withConnection,
} from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";
import { upload } from "./upload.ts";

interface FileFlags extends ConnectionFlags {
  html?: string;
  pdf?: string;
}

interface RunFlags extends FileFlags {
  data?: string;
  symbol?: string;
  instrument?: string;
  timeframe?: string;
  from?: string;
  to?: string;
}

/** A backtest's payload, or a strategy alone. */
function readStrategy(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new AppError("data.missing", `cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new AppError("request.malformed", `${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof given === "object" && given !== null) {
    if ("strategy" in given) return given as Record<string, unknown>;
    if ("kind" in given) return { strategy: given };
  }
  throw new AppError(
    "payload.invalid",
    `${file} is neither a strategy ({"kind": "rules", "entry": …}) nor a backtest's payload ({"strategy": …, …})`,
  );
}

/** Follows a job to its end under a bar; what failed is shown, and undefined. */
async function completed<J extends JobView>(cli: Cli, flags: ConnectionFlags, job: J, label: string) {
  const bar = cli.out.bar(label);
  const ended = await followJob(clientOf(cli, flags), job.id, bar, cli.signal);
  if (ended.state === "completed") {
    bar.done("");
    return ended;
  }
  bar.fail(ended.error?.code ?? ended.state);
  showEnd(cli, flags, ended);
  return undefined;
}

/** Imports a file of bars (rows that are there already are left as they are) and says which series it was, and what was refused. */
async function importBars(cli: Cli, flags: RunFlags, file: string) {
  const { id: uploadId } = await upload(cli, flags, file);
  const job = await clientOf(cli, flags).submit("ingest", {
    source: { kind: "upload", uploadId },
    instrument: instrumentOf({ symbol: flags.symbol }),
    ...(flags.timeframe === undefined ? {} : { timeframe: flags.timeframe }),
  });
  const ended = await completed(cli, flags, job, `import ${basename(file)}`);
  if (ended === undefined) return undefined;
  const { instruments, quarantined } = ended.result as NonNullable<(typeof job)["result"]>;
  if (quarantined > 0) cli.out.note(refusedRows(quarantined, job.id, cli.out));
  const series = instruments.filter((one) => one.kind === "bars");
  if (series.length === 1) return series[0]!;
  throw new AppError(
    "payload.invalid",
    series.length === 0
      ? `${file} holds no bars`
      : `${file} holds ${series.map((one) => one.instrumentId).join(", ")}: say which with --instrument`,
  );
}

/** Over several instruments, which the file names. */
async function runPortfolio(cli: Cli, file: string, given: object, flags: RunFlags): Promise<void> {
  if ((flags.data ?? flags.instrument) !== undefined) {
    throw new AppError(
      "payload.invalid",
      `${file} names its instruments: import bars with tapedeck import first, and leave out --data and --instrument`,
    );
  }
  const payload = { ...given, ...rangeOf(flags, flags.timeframe) } as PayloadIn<typeof portfolioBacktest>;
  await follow(cli, flags, file, await clientOf(cli, flags).submit("portfolioBacktest", payload));
}

async function follow(cli: Cli, flags: RunFlags, file: string, job: JobView): Promise<void> {
  const ended = await completed(cli, flags, job, `backtest ${basename(file)}`);
  if (ended === undefined) return;
  await showOne(cli, flags, ended.id);
  exitForState(cli, ended.state);
}

function rangeOf({ from, to }: RunFlags, timeframe: string | undefined) {
  return {
    ...(timeframe === undefined ? {} : { timeframe }),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
  };
}

async function runFile(cli: Cli, file: string, flags: RunFlags): Promise<void> {
  const given = readStrategy(file);
  if ("instruments" in given) return runPortfolio(cli, file, given, flags);
  const client = clientOf(cli, flags);
  const imported = flags.data === undefined ? undefined : await importBars(cli, flags, flags.data);
  if (flags.data !== undefined && imported === undefined) return;
  const instrumentId = flags.instrument ?? imported?.instrumentId ?? given["instrumentId"];
  if (instrumentId === undefined) {
    throw new AppError(
      "payload.invalid",
      `${file} names no instrument: add "instrumentId", or give --data bars.csv or --instrument SPX.INDEX`,
    );
  }
  const timeframe = flags.timeframe ?? imported?.timeframe;
  const payload = { ...given, instrumentId, ...rangeOf(flags, timeframe) } as PayloadIn<typeof backtest>;
  await follow(cli, flags, file, await client.submit("backtest", payload));
}

async function loadRun(client: Client, id: string): Promise<ShownRun> {
  const params = { id };
  const [run, report, revision] = await Promise.all([
    client.call("getBacktest", { params }),
    client.call("getBacktestReport", { params }),
    client.call("getBacktestRevision", { params }),
  ]);
  return { run, report, revision };
}

async function writeFiles(cli: Cli, flags: FileFlags, runId: string): Promise<void> {
  for (const format of ["html", "pdf"] as const) {
    const target = flags[format];
    if (target === undefined) continue;
    const response = await clientOf(cli, flags).fetch(`/api/backtests/${runId}/report.${format}`);
    await writeFile(target, Buffer.from(await response.arrayBuffer()));
    cli.out.note(`wrote ${target}`);
  }
}

/** A run of either kind, by its id or that of its job. */
async function showOne(cli: Cli, flags: FileFlags, id: string): Promise<void> {
  const client = clientOf(cli, flags);
  const params = { id };
  const report = await client.call("getBacktestReport", { params });
  await writeFiles(cli, flags, report.runId);
  if (report.kind === "single") {
    const shown = await loadRun(client, id);
    if (flags.json === true) return printJson(cli, shown);
    showRun(shown, cli.out);
  } else {
    const run = await client.call("getPortfolioBacktest", { params });
    const revision = await client.call("getBacktestRevision", { params });
    if (flags.json === true) return printJson(cli, { run, report, revision });
    showPortfolio({ run, report, revision }, cli.out);
  }
  cli.out.print(cli.out.style.dim(`all of it: ${apiUrlOf(cli, flags)}/backtests/${report.runId}`));
}

function withFiles(command: Command): Command {
  return withConnection(command)
    .option("--html <file>", "write the report as one HTML file that needs no network")
    .option("--pdf <file>", "write the report as PDF");
}

export function backtestCommands(program: Command, cli: Cli): void {
  const group = program.command("backtest").description("run a strategy over past bars, and look at runs");

  withFiles(group.command("run"))
    .argument(
      "<file>",
      "a strategy or a backtest's payload as JSON, such as strategies/golden-cross.json; with instruments, over several",
    )
    .option("--data <file>", "bars to import first: CSV or Parquet")
    .option("--symbol <SYMBOL.VENUE>", "the instrument of --data (default: the file's name, venue LOCAL)")
    .option("--instrument <id>", "run over this instrument instead of the file's")
    .option("--timeframe <tf>", "length of a bar, such as 1d")
    .option("--from <time>", "first bar, such as 2015-01-01")
    .option("--to <time>", "bars that open before this time")
    .description("run it and print honest statistics and key figures")
    .action((file: string, flags: RunFlags) => runFile(cli, file, flags));

  withConnection(group.command("list"))
    .option("--limit <n>", "how many", "20")
    .description("list runs, newest first")
    .action(async (flags: ConnectionFlags & { limit: string }) => {
      const page = await clientOf(cli, flags).call("listBacktests", {
        query: { limit: Number(flags.limit) },
      });
      if (flags.json === true) return printJson(cli, page);
      const rows = page.items.map((run) => [
        run.id,
        run.title,
        `${run.instrumentId} ${run.timeframe}`,
        percent(run.totalReturn),
        percent(run.benchmarkReturn),
        ratio(run.sharpe),
        percent(run.maxDrawdown),
        String(run.trades),
      ]);
      cli.out.print(
        rows.length === 0
          ? "no runs"
          : table(["id", "strategy", "instrument", "return", "held", "Sharpe", "drawdown", "trades"], rows),
      );
    });

  withFiles(group.command("show"))
    .argument("<run>", "id of a run, or of its job")
    .description("print a run: honest statistics, key figures, whether its data was revised")
    .action((id: string, flags: FileFlags) => showOne(cli, flags, id));

  withConnection(group.command("compare"))
    .argument(
      "<runs...>",
      `ids of two to ${mostCompared} runs, of one instrument or of several, or of jobs of walk-forwards`,
    )
    .description("print runs side by side, and the settings and data that differ")
    .action(async (ids: string[], flags: ConnectionFlags) => {
      const [id, ...others] = ids;
      if (others.length === 0) throw new AppError("payload.invalid", "name two runs or more");
      const comparison = await clientOf(cli, flags).call("compareBacktests", {
        params: { id: id! },
        query: { with: others.join(",") },
      });
      if (flags.json === true) return printJson(cli, comparison);
      showComparison(comparison, cli.out);
    });
}
