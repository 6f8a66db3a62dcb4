import type { Command } from "commander";
import type { Client } from "@tapedeck/client";
import type { JobView } from "@tapedeck/features/jobs/contract";
import { apiUrl, connect, localLogs } from "../connect.ts";
import type { Connection } from "../connect.ts";
import type { Output } from "../output.ts";
import { showJobError } from "../results/error.ts";
import { showResult } from "../results/index.ts";

/** What every command gets. */
export interface Cli {
  out: Output;
  dir: string;
  url: string | undefined;
  key: string | undefined;
  signal: AbortSignal;
  /** Sets the exit code: 0 done, 1 failed, 2 wrong use, 3 cancelled, 4 declined. */
  exit(code: number): void;
}

export const exitCodes = { done: 0, failed: 1, usage: 2, cancelled: 3, declined: 4 } as const;

export interface ConnectionFlags {
  url?: string;
  key?: string;
  json?: boolean;
}

export function withConnection(command: Command): Command {
  return command
    .option("--url <url>", "address of the API (default: the one running here, or TAPEDECK_URL)")
    .option("--key <key>", "API key (default: the one of this folder, or TAPEDECK_API_KEY)")
    .option("--json", "print the answer as JSON");
}

function connectionOf(cli: Cli, flags: ConnectionFlags): Connection {
  return { url: flags.url ?? cli.url, key: flags.key ?? cli.key, dir: cli.dir };
}

export function clientOf(cli: Cli, flags: ConnectionFlags): Client {
  return connect(connectionOf(cli, flags));
}

/** Where the dashboard is served too. */
export function apiUrlOf(cli: Cli, flags: ConnectionFlags): string {
  return apiUrl(connectionOf(cli, flags));
}

/** What was said of the instrument. The rest is the server's to find out: it knows symbol columns and wide files. */
export function instrumentOf(flags: {
  symbol?: string | undefined;
  venue?: string;
  name?: string;
  currency?: string;
  calendar?: string;
}): Record<string, string> {
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

export function printJson(cli: Cli, value: unknown): void {
  cli.out.print(JSON.stringify(value, null, 2));
}

/** What became of a job: its result for people or as JSON, or its error; and the exit code. */
export function showEnd(cli: Cli, flags: ConnectionFlags, job: JobView): void {
  if (flags.json === true) printJson(cli, job);
  else if (job.result !== null) showResult(job, cli.out, apiUrlOf(cli, flags));
  else showJobError(job, cli.out, localLogs(connectionOf(cli, flags)));
  exitForState(cli, job.state);
}

export function exitForState(cli: Cli, state: string): void {
  cli.exit(
    state === "completed" ? exitCodes.done : state === "cancelled" ? exitCodes.cancelled : exitCodes.failed,
  );
}

export function ago(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}
