import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import type { Command } from "commander";
import type { ResultOut } from "@tapedeck/client";
import { AppError } from "@tapedeck/core";
import type { ingest } from "@tapedeck/features/ingest/contract";
import type { Upload } from "@tapedeck/features/uploads/contract";
import { showJobError } from "../answers.ts";
import { followJob } from "../follow.ts";
import { table } from "../output.ts";
import { clientOf, exitForState, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface Flags extends ConnectionFlags {
  symbol?: string;
  venue?: string;
  name?: string;
  currency?: string;
  calendar?: string;
  kind: string;
  timeframe?: string;
  timeZone?: string;
  preview?: boolean;
}

type Outcome = ResultOut<typeof ingest>;

export function importCommand(program: Command, cli: Cli): void {
  withConnection(program.command("import"))
    .argument("<file>", "CSV or Parquet file, or sp500 or stocks for the bundled samples")
    .option(
      "--symbol <SYMBOL.VENUE>",
      "the instrument (default: the file's name, venue LOCAL, or the file's symbol column)",
    )
    .option("--venue <VENUE>", "its venue, where --symbol names none (default: LOCAL)")
    .option("--name <text>", "the instrument's name, for questions")
    .option("--currency <code>", "its currency")
    .option("--calendar <id>", "XNYS or 24x7 (default: guessed)")
    .option("--kind <kind>", "bars, trades, actions, factors or fx", "bars")
    .option("--timeframe <tf>", "length of a bar (default: guessed)")
    .option("--time-zone <zone>", "IANA name for times that say none (default: guessed)")
    .option("--preview", "show how the file would be read, write nothing")
    .description("import a file of market data and print its quality report")
    .action((file: string, flags: Flags) => importFile(cli, file, flags));
}

async function importFile(cli: Cli, file: string, flags: Flags): Promise<void> {
  const client = clientOf(cli, flags);
  const bundled = file === "sp500" || file === "stocks";
  const source = bundled
    ? ({ kind: "bundled", name: file } as const)
    : ({ kind: "upload", uploadId: (await upload(cli, flags, file)).id } as const);
  const payload = {
    source,
    dataKind: flags.kind as "bars",
    ...(bundled ? {} : { instrument: instrumentOf(flags) }),
    ...(flags.timeframe === undefined ? {} : { timeframe: flags.timeframe }),
    ...(flags.timeZone === undefined ? {} : { mapping: { timeZone: flags.timeZone } }),
  };
  if (flags.preview === true) return printJson(cli, await client.call("previewIngest", { body: payload }));
  const job = await client.submit("ingest", payload);
  const bar = cli.out.bar(`import ${basename(file)}`);
  const ended = await followJob(client, job.id, bar, cli.signal);
  if (ended.state === "completed") bar.done(`job ${ended.id}`);
  else bar.fail(ended.error?.message ?? ended.state);
  if (flags.json === true) printJson(cli, ended);
  else if (ended.state === "completed") show(cli, ended.id, ended.result as Outcome);
  else showJobError(ended, cli.out);
  exitForState(cli, ended.state);
}

/** What was said of the instrument. The rest is the server's to find out: it knows symbol columns and wide files. */
function instrumentOf(flags: Flags): Record<string, string> {
  const given = flags.symbol ?? "";
  const dot = given.lastIndexOf(".");
  const symbol = dot > 0 ? given.slice(0, dot) : given;
  const venue = dot > 0 ? given.slice(dot + 1) : flags.venue;
  return {
    ...(symbol === "" ? {} : { symbol: symbol.toUpperCase() }),
    ...(venue === undefined ? {} : { venue: venue.toUpperCase() }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.currency === undefined ? {} : { currency: flags.currency.toUpperCase() }),
    ...(flags.calendar === undefined ? {} : { calendar: flags.calendar }),
  };
}

async function upload(cli: Cli, flags: Flags, file: string): Promise<Upload> {
  let total: number;
  try {
    const found = statSync(file);
    if (!found.isFile())
      throw new AppError("data.missing", `${file} is a folder; name a CSV or Parquet file`);
    total = found.size;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("data.missing", `cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  const bar = cli.out.bar(`send ${basename(file)}`);
  let sent = 0;
  const body = Readable.toWeb(
    createReadStream(file).on("data", (chunk) => {
      sent += chunk.length;
      bar.update(total === 0 ? undefined : sent / total, `${(sent / 1e6).toFixed(1)} MB`);
    }),
  );
  const response = await clientOf(cli, flags).fetch(
    `/api/uploads?filename=${encodeURIComponent(basename(file))}`,
    {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: body as ReadableStream,
      duplex: "half",
      signal: cli.signal,
    } as RequestInit,
  );
  const made = (await response.json()) as Upload;
  bar.done(`${(made.bytes / 1e6).toFixed(1)} MB`);
  return made;
}

function show(cli: Cli, jobId: string, result: Outcome): void {
  const { out } = cli;
  const day = (ms: number | null) => (ms === null ? "" : new Date(ms).toISOString().slice(0, 10));
  out.print(
    table(
      ["instrument", "kind", "bars", "rows", "new", "revised", "from", "to"],
      result.instruments.map((one) => [
        one.instrumentId,
        one.kind,
        one.timeframe,
        String(one.rows),
        String(one.inserted),
        String(one.revised),
        day(one.fromMs),
        day(one.toMs),
      ]),
    ),
  );
  if (result.mapping !== null) {
    const columns = Object.entries(result.mapping.columns).map(([role, column]) => `${role}=${column}`);
    out.print(`read as: ${columns.join(" ")}; ${result.mapping.timeframe} bars, ${result.mapping.timeZone}`);
    for (const guess of result.mapping.guesses)
      out.print(out.style.dim(`  guessed ${guess.what}: ${guess.value} (${guess.why})`));
  }
  for (const finding of result.quality.flatMap((report) => report.findings).slice(0, 12)) {
    out.print(`  ${finding.kind}: ${finding.message}`);
  }
  for (const note of result.notes) out.print(`  ${note}`);
  if (result.quarantined > 0) {
    out.print(`${result.quarantined} rows were refused: GET /api/ingests/${jobId}/quarantine.csv`);
  }
  const first = result.instruments[0];
  if (first !== undefined) {
    out.print(
      `next: ${out.style.cyan(`npx tapedeck ask "What was the last close of ${first.instrumentId}?"`)}`,
    );
  }
}
