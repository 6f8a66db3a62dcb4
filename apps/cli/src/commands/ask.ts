import type { Command } from "commander";
import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import { followJob } from "../follow.ts";
import { clientOf, exitCodes, showEnd, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface Flags extends ConnectionFlags {
  asOf?: string;
  about?: string;
}

export function askCommand(program: Command, cli: Cli): void {
  withConnection(program.command("ask"))
    .argument("<question...>", "a question in plain English")
    .option("--as-of <time>", "use nothing that became known later (RFC 3339; a date means its end)")
    .option("--about <job>", "the job that the question is about")
    .description("ask a question and print the answer with its citations")
    .action(async (words: string[], flags: Flags) => {
      const client = clientOf(cli, flags);
      const job = await client.submit("ask", {
        question: words.join(" "),
        ...(flags.asOf === undefined ? {} : { asOf: endOfDay(flags.asOf) }),
        ...(flags.about === undefined ? {} : { jobId: flags.about }),
      });
      const bar = cli.out.bar("asking");
      const ended = await followJob(client, job.id, bar, cli.signal);
      const status = (ended.result as ResultOf<typeof ask> | null)?.status;
      if (status === "answered") bar.done(`job ${ended.id}`);
      else if (status !== undefined) bar.ended(status === "clarify" ? "unclear" : status, `job ${ended.id}`);
      else bar.fail(ended.error?.code ?? ended.state);
      showEnd(cli, flags, ended);
      if (status === "declined" || status === "clarify") cli.exit(exitCodes.declined);
    });
}

/** "As of 30 June" includes what became known on 30 June. */
function endOfDay(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59.999Z` : text;
}
