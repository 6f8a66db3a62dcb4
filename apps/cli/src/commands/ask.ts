import { writeFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { ResultOf } from "@tapedeck/core";
import type { ask } from "@tapedeck/features/ask/contract";
import { followJob } from "../follow.ts";
import { clientOf, exitCodes, printJson, showEnd, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface Flags extends ConnectionFlags {
  asOf?: string;
  about?: string;
  conversation?: string;
  pack?: string;
}

export function askCommand(program: Command, cli: Cli): void {
  withConnection(program.command("ask"))
    .argument("<question...>", "a question in plain English")
    .option("--as-of <time>", "use nothing that became known later (RFC 3339; a date means its end)")
    .option("--about <job>", "the job that the question is about")
    .option("--conversation <name>", 'questions of one name may refer to those before ("and in 2009?")')
    .option("--pack <file>", "write everything that the answer rests on to a file, hashed")
    .description("ask a question and print the answer with its citations")
    .action(async (words: string[], flags: Flags) => {
      const client = clientOf(cli, flags);
      const job = await client.submit("ask", {
        question: words.join(" "),
        ...(flags.asOf === undefined ? {} : { asOf: endOfDay(flags.asOf) }),
        ...(flags.about === undefined ? {} : { jobId: flags.about }),
        ...(flags.conversation === undefined ? {} : { conversationId: flags.conversation }),
      });
      const bar = cli.out.bar("asking");
      const ended = await followJob(client, job.id, bar, cli.signal);
      const answer = ended.result as ResultOf<typeof ask> | null;
      const status = answer?.status;
      if (status === "answered") bar.done(`job ${ended.id}`);
      else if (status !== undefined) bar.ended(status === "clarify" ? "unclear" : status, `job ${ended.id}`);
      else bar.fail(ended.error?.code ?? ended.state);
      showEnd(cli, flags, ended);
      if (flags.pack !== undefined && answer !== null && answer.citations.length > 0) {
        const pack = await client.call("getEvidencePack", { params: { id: ended.id } });
        await writeFile(flags.pack, `${JSON.stringify(pack, null, 2)}\n`);
        cli.out.note(`evidence of ${pack.items.length} citations: ${flags.pack}`);
      }
      if (status === "declined" || status === "clarify") cli.exit(exitCodes.declined);
    });
}

/** "As of 30 June" includes what became known on 30 June. */
function endOfDay(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59.999Z` : text;
}

interface StandingFlags extends ConnectionFlags {
  cron: string;
  timeZone: string;
  call?: string;
  channel?: string[];
}

/** Questions that are asked on a schedule, and what readers think of answers. */
export function standingCommands(program: Command, cli: Cli): void {
  const standing = program.command("standing").description("questions that are asked on a schedule");
  withConnection(standing.command("add"))
    .argument("<name>", "unique here")
    .argument("<question...>", "a question in plain English")
    .requiredOption("--cron <times>", "when: minute hour day month weekday")
    .option("--time-zone <name>", "IANA name of the time zone", "UTC")
    .option("--call <url>", "called when the answer, or what it rests on, changes")
    .option("--channel <id...>", "channels that a change goes to; all that there are unless named")
    .description("ask a question at the times of a cron expression")
    .action(async (name: string, words: string[], flags: StandingFlags) => {
      const made = await clientOf(cli, flags).call("createStandingQuestion", {
        body: {
          name,
          question: words.join(" "),
          cron: flags.cron,
          timeZone: flags.timeZone,
          callbackUrl: flags.call ?? null,
          ...(flags.channel === undefined ? {} : { channelIds: flags.channel }),
        },
      });
      if (flags.json === true) printJson(cli, made);
      else cli.out.print(`${made.id} ${made.name}: ${made.question}`);
    });
  withConnection(standing.command("list"))
    .description("standing questions, and when their answers changed")
    .action(async (flags: ConnectionFlags) => {
      const { items } = await clientOf(cli, flags).call("listStandingQuestions", { query: { limit: 200 } });
      if (flags.json === true) return printJson(cli, items);
      if (items.length === 0) cli.out.note("there is no standing question");
      for (const { id, name, question, lastStatus, changedMs } of items) {
        const changed = changedMs === null ? "" : `, changed ${new Date(changedMs).toISOString()}`;
        cli.out.print(`${id} ${name} (${lastStatus ?? "not asked yet"}${changed}): ${question}`);
      }
    });
  withConnection(standing.command("show"))
    .argument("<id>", "a standing question's id")
    .description("a standing question with the changes of its answer")
    .action(async (id: string, flags: ConnectionFlags) => {
      const found = await clientOf(cli, flags).call("getStandingQuestion", { params: { id } });
      if (flags.json === true) return printJson(cli, found);
      cli.out.print(cli.out.style.bold(found.question));
      if (found.changes.length === 0) cli.out.print("Its answer has not changed.");
      for (const { atMs, changed, answer, jobId } of found.changes)
        cli.out.print(`${new Date(atMs).toISOString()} ${changed} changed (job ${jobId}): ${answer}`);
    });
  withConnection(standing.command("remove"))
    .argument("<id>", "a standing question's id")
    .description("stop asking; answers stay")
    .action(async (id: string, flags: ConnectionFlags) => {
      await clientOf(cli, flags).call("deleteStandingQuestion", { params: { id } });
      cli.out.note(`${id} is asked no more`);
    });
  withConnection(program.command("feedback"))
    .argument("<job>", "the job of an answer")
    .argument("<verdict>", "useful or not-useful", usefulOf)
    .argument("[note...]", "why")
    .description("say whether an answer was useful")
    .action(async (id: string, useful: boolean, note: string[], flags: ConnectionFlags) => {
      const given = await clientOf(cli, flags).call("giveFeedback", {
        params: { id },
        body: { useful, note: note.join(" ") },
      });
      if (flags.json === true) printJson(cli, given);
      else cli.out.note(`kept: ${useful ? "useful" : "not useful"}`);
    });
}

function usefulOf(verdict: string): boolean {
  if (verdict === "useful") return true;
  if (verdict === "not-useful") return false;
  throw new InvalidArgumentError("Write useful or not-useful.");
}
