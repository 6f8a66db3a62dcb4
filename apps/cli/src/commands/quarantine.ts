import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import { counted } from "../results/format.ts";
import { showRefused } from "../results/ingest.ts";
import { clientOf, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface Flags extends ConnectionFlags {
  limit: string;
}

export function quarantineCommand(program: Command, cli: Cli): void {
  withConnection(program.command("quarantine"))
    .argument("[import]", "job id of an import (default: the newest)")
    .option("--limit <n>", "how many rows", "50")
    .description("list the rows that an import refused, with line, reason and the row itself")
    .action(async (id: string | undefined, flags: Flags) => {
      const client = clientOf(cli, flags);
      const jobId = id ?? (await newestImport(cli, flags));
      const page = await client.call("getQuarantine", {
        params: { id: jobId },
        query: { limit: flags.limit },
      });
      if (flags.json === true) return printJson(cli, page);
      if (page.items.length === 0) return cli.out.print(`import ${jobId} refused no row`);
      showRefused(page.items, cli.out);
      const all = page.nextCursor === null ? "" : `; all of them: /api/ingests/${jobId}/quarantine.csv`;
      cli.out.print(`${counted(page.items.length, "row")}${all}`);
      cli.out.print(
        "mend the file, or say how to read it (npx tapedeck import --help), and import it again: rows that are stored already stay as they are",
      );
    });
}

async function newestImport(cli: Cli, flags: ConnectionFlags): Promise<string> {
  const page = await clientOf(cli, flags).call("listJobs", { query: { type: "ingest", limit: 1 } });
  const [newest] = page.items;
  if (newest === undefined) throw new AppError("data.missing", "there was no import yet");
  return newest.id;
}
