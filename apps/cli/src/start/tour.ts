import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, JobType, ResultOut } from "@tapedeck/client";
import { AppError } from "@tapedeck/core";
import type { analyze } from "@tapedeck/features/analyze/contract";
import type { backtest } from "@tapedeck/features/backtest/contract";
import { contracts } from "@tapedeck/features/contracts";
import type { ingest } from "@tapedeck/features/ingest/contract";
import type { JobView } from "@tapedeck/features/jobs/contract";
import { followJob } from "../follow.ts";
import { indented } from "../output.ts";
import type { Output } from "../output.ts";
import { figure } from "../results/analyze.ts";
import { showAnswer } from "../results/ask.ts";
import { showBacktest } from "../results/backtest.ts";
import { showJobError } from "../results/error.ts";
import { counted, days } from "../results/format.ts";

interface Step {
  /** Names the step's idempotency key: an interrupted tour goes on where it stopped. */
  key: string;
  label: string;
  type: JobType;
  payload(done: ReadonlyMap<string, JobView>): unknown;
  /** One line beside the step's mark. */
  line(result: never): string;
  /** Printed below it. */
  more?(result: never, out: Output): void;
}

type Import = ResultOut<typeof ingest>;
type Summary = Extract<ResultOut<typeof analyze>, { kind: "summary" }>;

const margin = "   ";

const ingested = (result: Import) => {
  const rows = result.instruments.reduce((sum, one) => sum + one.rows, 0);
  const from = Math.min(...result.instruments.flatMap((one) => one.fromMs ?? []));
  const to = Math.max(...result.instruments.flatMap((one) => one.toMs ?? []));
  const names = result.instruments.map((one) => one.instrumentId).join(" ");
  return `${counted(rows, "bar")} of ${names}, ${days(from, to)}`;
};

const quality = (result: Import, out: Output) => {
  const found = result.quality.flatMap((report) => report.findings);
  const head = found.length === 0 ? "nothing to report" : counted(found.length, "finding");
  out.print(out.style.dim(`${margin}quality: ${head}, ${counted(result.quarantined, "row")} quarantined`));
  for (const finding of found.slice(0, 4)) out.print(out.style.dim(`${margin}· ${finding.message}`));
};

const question = (key: string, text: string, about?: string): Step => ({
  key,
  label: text,
  type: "ask",
  payload: (done) => ({ question: text, ...(about === undefined ? {} : { jobId: done.get(about)!.id }) }),
  line: () => "",
  more: (result, out) => showAnswer(result, indented(out, margin)),
});

const steps: readonly Step[] = [
  {
    key: "ingest-sp500",
    label: "Ingest S&P 500 daily bars",
    type: "ingest",
    payload: () => ({ source: { kind: "bundled", name: "sp500" }, dataKind: "bars" }),
    line: ingested,
    more: quality,
  },
  {
    key: "ingest-stocks",
    label: "Ingest five stocks' monthly prices",
    type: "ingest",
    payload: () => ({ source: { kind: "bundled", name: "stocks" }, dataKind: "bars" }),
    line: ingested,
    more: quality,
  },
  {
    key: "analyze-summary",
    label: "Compute indicators",
    type: "analyze",
    payload: () => ({ kind: "summary", instrumentId: "SPX.INDEX" }),
    line: (result: Summary) =>
      `${counted(result.summary.length, "reading")} over ${counted(result.bars, "bar")}`,
    more: ({ summary }: Summary, out) => {
      for (const { label, value, unit, reading } of summary.slice(0, 8))
        out.print(out.style.dim(`${margin}· ${label}: ${figure(value, unit)} (${reading})`));
    },
  },
  {
    key: "backtest-crossover",
    label: "Backtest the 50/200-day crossover, costs included",
    type: "backtest",
    payload: () => ({
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
      costs: { feeBps: 5, slippageBps: 2 },
      initialCash: "100000",
    }),
    line: (result: ResultOut<typeof backtest>) => counted(result.tradeCount, "trade"),
    more: (result: ResultOut<typeof backtest>, out) => showBacktest(result, indented(out, margin)),
  },
  question(
    "ask-below-average",
    "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
  ),
  question("ask-definition", "What is the Sharpe ratio?"),
  question(
    "ask-backtest",
    "What was the Sharpe ratio of this backtest, and how does it compare with buy and hold?",
    "backtest-crossover",
  ),
  question("ask-missing", "What was the return of Tesla in 2019?"),
];

const markName = "tour.json";

export function tourDone(dir: string): boolean {
  return existsSync(join(dir, markName));
}

/** Runs every step as an ordinary job over HTTP; throws with the job's own error when one fails. */
export async function runTour(client: Client, dir: string, out: Output, signal: AbortSignal): Promise<void> {
  const done = new Map<string, JobView>();
  for (const [index, step] of steps.entries()) {
    const label = `${index + 1}/${steps.length} ${step.label}`;
    const bar = out.bar(label);
    const job = await submitStep(client, step, done);
    const ended = await followJob(client, job.id, bar, signal);
    if (ended.state !== "completed") {
      bar.fail(ended.error?.message ?? ended.state);
      showJobError(ended, out, join(dir, "logs"));
      throw new AppError("internal", `the tour stopped at "${step.label}"; start again to go on from there`);
    }
    bar.done(step.line(ended.result as never));
    step.more?.(ended.result as never, out);
    done.set(step.key, ended);
  }
  const jobs = Object.fromEntries([...done].map(([key, job]) => [key, job.id]));
  writeFileSync(join(dir, markName), `${JSON.stringify({ jobs }, null, 2)}\n`);
}

/** The same key names the same job; one that did not complete gets a new key, a new try. */
async function submitStep(client: Client, step: Step, done: ReadonlyMap<string, JobView>): Promise<JobView> {
  for (let attempt = 1; ; attempt++) {
    const job = await client.submitTo(contracts[step.type].path, step.payload(done), {
      idempotencyKey: `tour-${step.key}-${attempt}`,
    });
    if ((job.state !== "failed" && job.state !== "cancelled") || attempt >= 20) return job;
  }
}
