import { setImmediate } from "node:timers/promises";
import { isoDate } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import type { AuditFinding } from "@tapedeck/trading";
import type { AuditCheck } from "./contract.ts";

/** As-of reads are queries: fewer cuts than those in memory. */
export const mostRevisionCuts = 20;
/** Shares of the data by which a run begins later. */
const laterStarts = [0.1, 0.25, 0.5];

/** Bars by which runs begin later, each with at least `least` left. */
export const startsOf = (bars: number, least: number) =>
  laterStarts.map((share) => Math.floor(bars * share)).filter((start) => start + least < bars);

/** The checks so far; each one added is progress, and a moment to stop. */
export function createChecklist(
  total: number,
  ctx: Pick<JobContext<{ checksDone: number; checksTotal: number }>, "progress" | "signal">,
) {
  const checks: AuditCheck[] = [];
  return {
    checks,
    async add(check: AuditCheck): Promise<void> {
      checks.push(check);
      ctx.progress({ checksDone: checks.length, checksTotal: total });
      await setImmediate();
      ctx.signal.throwIfAborted();
    },
  };
}

export function checkOf(
  name: AuditCheck["name"],
  { passed, firstMs }: AuditFinding,
  clear: string,
  bad: string,
): AuditCheck {
  return {
    name,
    outcome: passed ? "pass" : "fail",
    detail: firstMs === null ? (passed ? clear : bad) : `${bad} First at the close of ${isoDate(firstMs)}.`,
    firstMs,
  };
}

export const lookAheadCheck = (finding: AuditFinding) =>
  checkOf(
    "lookAhead",
    finding,
    `The future cut away at ${finding.compared} places changes no decision before.`,
    "Decisions change when later bars are cut away: the strategy uses what it cannot know.",
  );

export const recursionCheck = (finding: AuditFinding, starts: readonly number[], warmupBars: number) =>
  checkOf(
    "recursion",
    finding,
    starts.length === 0
      ? "There are too few bars to begin later."
      : `Beginning ${starts.join(", ")} bars later changes nothing that decisions rest on after the warm-up of ${warmupBars} bars.`,
    "What decisions rest on depends on how many bars came before the warm-up; give it a longer one.",
  );

export const revisionsCheck = (finding: AuditFinding) =>
  checkOf(
    "revisions",
    finding,
    `At ${finding.compared} closes the bars known then give the same decision as those known now.`,
    "The bars known at that close give another decision than those known now: the data was revised.",
  );

/** A profit that the stress turns into a loss is worth a warning. */
export function stressCheck(
  name: "delay" | "costs",
  before: number,
  after: number,
  what: string,
): AuditCheck {
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
  return {
    name,
    outcome: before > 0 && after <= 0 ? "warning" : "pass",
    detail: `With ${what} the total return is ${percent(after)} instead of ${percent(before)}.`,
    firstMs: null,
  };
}
