import { basename } from "node:path";
import type { Command } from "commander";
import type { PayloadIn } from "@tapedeck/client";
import { AppError } from "@tapedeck/core";
import { columnRoles } from "@tapedeck/features/ingest/contract";
import type { ingest } from "@tapedeck/features/ingest/contract";
import { followJob } from "../follow.ts";
import { showPreview } from "../results/ingest.ts";
import { clientOf, instrumentOf, printJson, showEnd, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";
import { upload } from "./upload.ts";

/** Members of the mapping whose flag has their name. */
const mappingFlags = [
  "timeZone",
  "delimiter",
  "decimal",
  "encoding",
  "dateOrder",
  "stamp",
  "layout",
] as const;
/** Columns with a flag of their own; --column names the others. */
const columnFlags = ["date", "time", "open", "high", "low", "close", "volume", "symbol"] as const;

type GivenFlags = { [Name in (typeof mappingFlags)[number]]?: string } & {
  [Role in (typeof columnFlags)[number] as `${Role}Column`]?: string;
};

interface Flags extends ConnectionFlags, GivenFlags {
  symbol?: string;
  venue?: string;
  name?: string;
  currency?: string;
  calendar?: string;
  kind: string;
  timeframe?: string;
  /** `false` by --no-header. */
  header: boolean;
  column?: Record<string, string>;
  preview?: boolean;
}

export function importCommand(program: Command, cli: Cli): void {
  const command = withConnection(program.command("import"))
    .argument("<file>", "CSV or Parquet file, or sp500 or stocks for the bundled samples")
    .option(
      "--symbol <SYMBOL.VENUE>",
      "the instrument (default: the file's name, venue LOCAL, or the file's symbol column)",
    )
    .option("--venue <VENUE>", "its venue, where --symbol names none (default: LOCAL)")
    .option("--name <text>", "the instrument's name, for questions")
    .option("--currency <code>", "its currency (default: guessed)")
    .option("--calendar <id>", "XNYS, 24x5 (weekdays) or 24x7 (default: guessed)")
    .option("--kind <kind>", "bars, trades, actions, factors or fx", "bars")
    .option("--timeframe <tf>", "length of a bar, such as 1d (default: guessed)")
    .option("--time-zone <zone>", "IANA name for times that say none (default: guessed)")
    .option("--delimiter <char>", "between columns; tab for a tab (default: guessed)", (text) =>
      text === "tab" ? "\t" : text,
    )
    .option("--decimal <char>", ". or , (default: guessed)")
    .option("--encoding <name>", "utf-8, utf-16le, utf-16be or windows-1252 (default: guessed)")
    .option("--date-order <order>", "of dates like 3/4/2020: mdy or dmy (default: guessed)")
    .option("--stamp <end>", "which end of a bar its time is: open or close (default: guessed)")
    .option("--layout <layout>", "long, or wide for a column a symbol (default: guessed)")
    .option("--no-header", "the first line is a row; columns are then #1, #2, …");
  for (const role of columnFlags)
    command.option(`--${role}-column <header>`, `the column of the ${role} (default: guessed)`);
  command
    .option("--column <role=header>", `another column by its role: ${columnRoles.join(", ")}`, columnOf)
    .option("--preview", "show how the file would be read, write nothing")
    .description("import a file of market data and print its quality report")
    .action((file: string, flags: Flags) => importFile(cli, file, flags));
}

function columnOf(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1)
    throw new AppError(
      "payload.invalid",
      `--column takes a role and a header, such as price=Last, not ${text}`,
    );
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

async function importFile(cli: Cli, file: string, flags: Flags): Promise<void> {
  const client = clientOf(cli, flags);
  const bundled = file === "sp500" || file === "stocks";
  const source = bundled
    ? ({ kind: "bundled", name: file } as const)
    : ({ kind: "upload", uploadId: (await upload(cli, flags, file)).id } as const);
  const mapping = mappingOf(flags);
  const payload = {
    source,
    dataKind: flags.kind as "bars",
    ...(bundled ? {} : { instrument: instrumentOf(flags) }),
    ...(flags.timeframe === undefined ? {} : { timeframe: flags.timeframe }),
    ...(Object.keys(mapping).length === 0 ? {} : { mapping }),
  };
  if (flags.preview === true) {
    const preview = await client.call("previewIngest", { body: payload });
    return flags.json === true ? printJson(cli, preview) : showPreview(preview, cli.out);
  }
  const job = await client.submit("ingest", payload);
  const bar = cli.out.bar(`import ${basename(file)}`);
  const ended = await followJob(client, job.id, bar, cli.signal);
  if (ended.state === "completed") bar.done(`job ${ended.id}`);
  else bar.fail(ended.error?.code ?? ended.state);
  showEnd(cli, flags, ended);
}

/** What was said of the file; the server checks the values and guesses the rest. */
function mappingOf(flags: Flags): NonNullable<PayloadIn<typeof ingest>["mapping"]> {
  const columns = {
    ...Object.fromEntries(
      columnFlags.flatMap((role) => {
        const header = flags[`${role}Column`];
        return header === undefined ? [] : [[role, header]];
      }),
    ),
    ...flags.column,
  };
  return {
    ...Object.fromEntries(
      mappingFlags.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
    ),
    ...(flags.header ? {} : { header: false }),
    ...(Object.keys(columns).length === 0 ? {} : { columns }),
  };
}
