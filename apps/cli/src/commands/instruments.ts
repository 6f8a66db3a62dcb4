import type { Command } from "commander";
import { isoDate, lastDay } from "@tapedeck/core";
import { table } from "../output.ts";
import { clientOf, printJson, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface Flags extends ConnectionFlags {
  limit: string;
}

export function instrumentsCommand(program: Command, cli: Cli): void {
  withConnection(program.command("instruments"))
    .argument("[query]", "part of a symbol or name; where one fits, its series are listed")
    .option("--limit <n>", "how many", "50")
    .description("list the instruments that there is data of")
    .action(async (query: string | undefined, flags: Flags) => {
      const client = clientOf(cli, flags);
      const page = await client.call("listInstruments", {
        query: { limit: flags.limit, ...(query === undefined ? {} : { q: query }) },
      });
      const [only, ...others] = page.items;
      if (only === undefined) {
        if (flags.json === true) return printJson(cli, page);
        return cli.out.print(
          query === undefined
            ? "no instruments yet; import some bars: npx tapedeck import FILE"
            : `no instrument with ${query} in its symbol or name; without it, all are listed`,
        );
      }
      if (query !== undefined && others.length === 0) return showOne(cli, flags, only.instrumentId);
      if (flags.json === true) return printJson(cli, page);
      const rows = page.items.map((one) => [
        one.instrumentId,
        one.name,
        one.assetClass,
        one.currency,
        one.calendar,
      ]);
      cli.out.print(table(["instrument", "name", "class", "currency", "calendar"], rows));
      if (page.nextCursor !== null) cli.out.print("and more: give a part of the name, or a greater --limit");
    });
}

async function showOne(cli: Cli, flags: Flags, id: string): Promise<void> {
  const one = await clientOf(cli, flags).call("getInstrument", { params: { id } });
  if (flags.json === true) return printJson(cli, one);
  cli.out.print(
    `${one.instrumentId}: ${one.name}, ${one.assetClass}, ${one.currency}, calendar ${one.calendar}`,
  );
  const rows = one.series.map((series) => [
    series.kind,
    series.timeframe,
    String(series.rows),
    series.fromMs === null ? "" : isoDate(series.fromMs),
    series.toMs === null ? "" : lastDay(series.toMs),
  ]);
  cli.out.print(table(["kind", "timeframe", "rows", "from", "to"], rows));
}
