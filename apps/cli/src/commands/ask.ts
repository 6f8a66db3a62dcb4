import type { Command } from "commander";
import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import { showAnswer, showJobError } from "../answers.ts";
import { followJob } from "../follow.ts";
import { clientOf, exitCodes, exitForState, printJson, withConnection } from "./shared.ts";
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
      if (ended.state === "completed") bar.done(`job ${ended.id}`);
      else bar.fail(ended.error?.message ?? ended.state);
      if (flags.json === true) printJson(cli, ended);
      else if (ended.state === "completed") showAnswer(ended.result as ResultOf<typeof ask>, cli.out);
      else showJobError(ended, cli.out);
      exitForState(cli, ended.state);
      if (ended.state === "completed" && (ended.result as ResultOf<typeof ask>).status !== "answered") {
        cli.exit(exitCodes.declined);
      }
    });
}

/** "As of 30 June" includes what became known on 30 June. */
function endOfDay(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59.999Z` : text;
}
