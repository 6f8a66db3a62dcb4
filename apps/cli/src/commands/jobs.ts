import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { JobView } from "@tapedeck/features/jobs/contract";
import { followJob } from "../follow.ts";
import { table } from "../output.ts";
import { showPayload } from "../results/payload.ts";
import { ago, clientOf, exitCodes, printJson, showEnd, withConnection } from "./shared.ts";
import type { Cli, ConnectionFlags } from "./shared.ts";

interface SubmitFlags extends ConnectionFlags {
  payload?: string;
  priority?: string;
  runAt?: string;
  idempotencyKey?: string;
  wait?: boolean;
}

interface ListFlags extends ConnectionFlags {
  type?: string;
  state?: string;
  limit?: string;
}

/** The payload: JSON text, `@file`, or `-` for standard input. */
function readPayload(text: string): unknown {
  const json = text === "-" ? readFileSync(0, "utf8") : text.startsWith("@") ? readFile(text.slice(1)) : text;
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new AppError("request.malformed", `the payload is not JSON: ${(error as Error).message}`);
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new AppError("request.malformed", `cannot read ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Shows a job's progress until it ends, then its result or error. */
export async function follow(cli: Cli, flags: ConnectionFlags, id: string): Promise<JobView> {
  const client = clientOf(cli, flags);
  const bar = cli.out.bar(id);
  const ended = await followJob(client, id, bar, cli.signal);
  if (ended.state === "completed") bar.done(ended.type);
  else bar.fail(ended.error?.code ?? ended.state);
  showEnd(cli, flags, ended);
  return ended;
}

export function jobCommands(program: Command, cli: Cli, now: () => number): void {
  withConnection(program.command("submit"))
    .argument(
      "<type>",
      "job type, such as ingest, analyze, backtest, sweep, walkForward or monteCarlo; a wrong one lists all",
    )
    .option("--payload <json>", "payload as JSON, @file, or - for standard input")
    .option("--priority <n>", "1 (first) to 10")
    .option("--run-at <time>", "not before this time")
    .option("--idempotency-key <key>", "same key and payload: always the same job")
    .option("--no-wait", "print the job's id and leave")
    .description("submit a job and follow it; without --payload, print what the type takes")
    .action(async (type: string, flags: SubmitFlags) => {
      const client = clientOf(cli, flags);
      const types = await client.call("listJobTypes", {});
      const found = types.items.find((one) => one.name === type);
      if (found === undefined) {
        throw new AppError(
          "payload.invalid",
          `no job type ${type}; there are ${types.items.map((one) => one.name).join(", ")}`,
        );
      }
      if (flags.payload === undefined) {
        if (flags.json === true) printJson(cli, found);
        else {
          cli.out.print(`${found.name}: ${found.summary}\n`);
          showPayload(found.payload, cli.out);
          cli.out.print("\nexamples (--json prints the whole JSON Schema):");
          for (const example of found.examples)
            cli.out.print(`  npx tapedeck submit ${type} --payload '${JSON.stringify(example)}'`);
        }
        return;
      }
      const job = await client.submitTo(found.path, readPayload(flags.payload), {
        ...(flags.priority === undefined ? {} : { priority: Number(flags.priority) }),
        ...(flags.runAt === undefined ? {} : { runAt: flags.runAt }),
        ...(flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey }),
      });
      if (flags.wait === false) {
        if (flags.json === true) printJson(cli, job);
        else cli.out.print(job.id);
      } else await follow(cli, flags, job.id);
    });

  withConnection(program.command("watch"))
    .argument("<job>", "job id")
    .description("follow a job's progress until it ends, then print its result")
    .action(async (id: string, flags: ConnectionFlags) => void (await follow(cli, flags, id)));

  withConnection(program.command("jobs"))
    .argument("[job]", "one job, whole")
    .option("--type <type>", "only this type")
    .option("--state <state>", "accepted, queued, running, completed, failed or cancelled")
    .option("--limit <n>", "how many", "20")
    .description("list jobs, newest first")
    .action(async (id: string | undefined, flags: ListFlags) => {
      const client = clientOf(cli, flags);
      if (id !== undefined) return printJson(cli, await client.call("getJob", { params: { id } }));
      const page = await client.call("listJobs", {
        query: { limit: flags.limit, type: flags.type, state: flags.state } as never,
      });
      if (flags.json === true) return printJson(cli, page);
      const rows = page.items.map((job) => [
        job.id,
        job.type,
        job.state,
        String(job.attempt),
        ago(job.createdMs, now()),
        job.error?.message ?? "",
      ]);
      cli.out.print(
        rows.length === 0
          ? "no jobs"
          : table(["id", "type", "state", "attempt", "submitted", "reason"], rows),
      );
    });

  withConnection(program.command("cancel"))
    .argument("<job>", "job id")
    .description("cancel a job that has not ended")
    .action(async (id: string, flags: ConnectionFlags) => {
      const job = await clientOf(cli, flags).call("cancelJob", { params: { id } });
      if (flags.json === true) printJson(cli, job);
      else
        cli.out.print(`${id} ${(job as JobView).state === "cancelled" ? "cancelled" : "is being cancelled"}`);
    });

  withConnection(program.command("replay"))
    .argument("<job>", "job id")
    .description("run an ended job again over the data as it was known then, and compare the results")
    .action(async (id: string, flags: ConnectionFlags) => {
      const client = clientOf(cli, flags);
      const { id: replayId } = await client.call("replayJob", { params: { id } });
      const bar = cli.out.bar(replayId);
      const ended = await followJob(client, replayId, bar, cli.signal);
      if (ended.state === "completed") bar.done(ended.type);
      else bar.fail(ended.error?.code ?? ended.state);
      const compared = await client.call("getReplay", { params: { id: replayId } });
      if (flags.json === true) printJson(cli, compared);
      else {
        const code = compared.sameCode
          ? "the same code"
          : `code ${compared.replay.codeVersion} instead of ${compared.original.codeVersion}`;
        const result = compared.sameResult === true ? "the same result" : "another result";
        cli.out.print(`${replayId} ${compared.replay.state}: ${result}, ${code}`);
      }
      if (compared.sameResult !== true) cli.exit(exitCodes.failed);
    });

  withConnection(program.command("retry"))
    .argument("<job>", "job id")
    .description("run a failed or cancelled job again")
    .action(async (id: string, flags: ConnectionFlags) => {
      const job = await clientOf(cli, flags).call("retryJob", { params: { id } });
      if (flags.json === true) printJson(cli, job);
      else cli.out.print(`${(job as JobView).id} ${(job as JobView).state}`);
    });
}
