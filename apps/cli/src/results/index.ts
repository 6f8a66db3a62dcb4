import type { ResultOut } from "@tapedeck/client";
import type { contracts } from "@tapedeck/features/contracts";
import {
  biasAuditDocument,
  monteCarloDocument,
  sweepDocument,
  walkForwardDocument,
} from "@tapedeck/features/backtest/report/documents/research";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { showAnalysis } from "./analyze.ts";
import { showAnswer } from "./ask.ts";
import { showBacktest } from "./backtest.ts";
import { showDocumentImport } from "./documentIngest.ts";
import { showOrder } from "./execute.ts";
import { counted } from "./format.ts";
import { showImport } from "./ingest.ts";
import { showDocument } from "./report.ts";
import { showSentiment } from "./sentiment.ts";

type Contracts = typeof contracts;
type Show<Name extends keyof Contracts> = (
  result: ResultOut<Contracts[Name]>,
  out: Output,
  jobId: string,
) => void;

const shows: { [Name in keyof Contracts]?: Show<Name> } = {
  ingest: showImport,
  documentIngest: showDocumentImport,
  analyze: showAnalysis,
  ask: showAnswer,
  backtest: showBacktest,
  execute: showOrder,
  sentiment: showSentiment,
  sweep: (result, out) => showDocument(sweepDocument(result), out),
  walkForward: (result, out) => showDocument(walkForwardDocument(result), out),
  monteCarlo: (result, out) => showDocument(monteCarloDocument(result), out),
  biasAudit: (result, out) => showDocument(biasAuditDocument(result), out),
  portfolioAudit: (result, out) => showDocument(biasAuditDocument(result), out),
};

/** A result as people read it, then where all of it is: the job's page, and `--json`. */
export function showResult(job: JobView, out: Output, apiUrl: string): void {
  const show = shows[job.type as keyof Contracts];
  if (show === undefined) showMembers(job.result, out);
  else show(job.result as never, out, job.id);
  out.print(out.style.dim(`all of it: ${apiUrl}${pageOf(job)}, or the same command with --json`));
}

function pageOf(job: JobView): string {
  return job.type === "backtest" || job.type === "portfolioBacktest"
    ? `/backtests/${(job.result as ResultOut<Contracts["backtest" | "portfolioBacktest"]>).runId}`
    : `/jobs/${job.id}`;
}

/** Of a type that has no form of its own: its plain members; lists by their length. */
function showMembers(result: unknown, out: Output): void {
  if (typeof result !== "object" || result === null) return out.print(JSON.stringify(result));
  const rows = Object.entries(result).flatMap(([name, value]): string[][] => {
    if (Array.isArray(value)) return [[name, counted(value.length, "item")]];
    return typeof value === "object" && value !== null ? [] : [[name, JSON.stringify(value) ?? ""]];
  });
  out.print(table(["", ""], rows));
}
