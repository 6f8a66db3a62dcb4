import { setImmediate } from "node:timers/promises";
import { isoDate } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import { auditLookAhead, auditRevisions } from "@tapedeck/trading";
import type { AuditFinding, Decider, DecisionTrace } from "@tapedeck/trading";
import type { AuditCheck, AuditVerdict } from "./contract.ts";

/** A strategy on its data, in all the ways in which an audit runs it. */
export interface AuditSubject {
  warmupBars: number;
  decide: Decider;
  /** From the revision of the data visible then; undefined: nothing was known. */
  decideAsKnown(atMs: number): Promise<DecisionTrace | undefined>;
  /** So many closes after the warm-up, spread over the data. */
  cutsMs(count: number): number[];
  recursion(): AuditCheck;
  /** What depends on whether there is one instrument or several. */
  further(): Promise<AuditCheck[]>;
  /** Total return, a fraction. */
  returnWith(change: { costMultiple?: number; delayBars?: number }): Promise<number>;
}

/** As-of reads are queries: fewer cuts than those in memory. */
const mostRevisionCuts = 20;
/** Look-ahead, recursion, revisions, delay and costs. */
const commonChecks = 5;

/** Every check of a subject, `furtherCount` of its own among them; each is progress, and a moment to stop. */
export async function auditSubject(
  subject: AuditSubject,
  cuts: number,
  furtherCount: number,
  ctx: Pick<JobContext<{ checksDone: number; checksTotal: number }>, "progress" | "signal">,
): Promise<AuditVerdict> {
  const checks: AuditCheck[] = [];
  const add = async (...found: AuditCheck[]): Promise<void> => {
    checks.push(...found);
    ctx.progress({ checksDone: checks.length, checksTotal: commonChecks + furtherCount });
    await setImmediate();
    ctx.signal.throwIfAborted();
  };
  const { decide, decideAsKnown, cutsMs, returnWith } = subject;
  await add(lookAheadCheck(await auditLookAhead(decide, cutsMs(cuts))));
  await add(subject.recursion());
  const revisionCuts = cutsMs(Math.min(cuts, mostRevisionCuts));
  await add(revisionsCheck(await auditRevisions(decide, revisionCuts, decideAsKnown)));
  await add(...(await subject.further()));
  const totalReturn = await returnWith({});
  const delayedReturn = await returnWith({ delayBars: 1 });
  await add(stressCheck("delay", totalReturn, delayedReturn, "every decision one bar later"));
  const doubledCostsReturn = await returnWith({ costMultiple: 2 });
  await add(stressCheck("costs", totalReturn, doubledCostsReturn, "all costs of trading doubled"));
  return {
    warmupBars: subject.warmupBars,
    passed: checks.every((check) => check.outcome !== "fail"),
    checks,
    totalReturn,
    delayedReturn,
    doubledCostsReturn,
  };
}

/** Shares of the data by which a run begins later. */
const laterStarts = [0.1, 0.25, 0.5];

/** Bars by which runs begin later, each with at least `least` left. */
export const startsOf = (bars: number, least: number) =>
  laterStarts.map((share) => Math.floor(bars * share)).filter((start) => start + least < bars);

function checkOf(
  name: AuditCheck["name"],
  { passed, firstMs }: AuditFinding,
  clear: string,
  bad: string,
): AuditCheck {
  const first = firstMs === null ? "" : ` First at the close of ${isoDate(firstMs)}.`;
  return { name, outcome: passed ? "pass" : "fail", detail: passed ? clear : `${bad}${first}`, firstMs };
}

const lookAheadCheck = (finding: AuditFinding) =>
  checkOf(
    "lookAhead",
    finding,
    `The future cut away at ${finding.compared} places, decisions among them, changes no decision before.`,
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

const revisionsCheck = (finding: AuditFinding) =>
  checkOf(
    "revisions",
    finding,
    `At ${finding.compared} closes the bars known then give the same decision as those known now.`,
    "The bars known at that close give another decision than those known now: the data was revised.",
  );

/** A profit that the stress turns into a loss is worth a warning. */
function stressCheck(name: "delay" | "costs", before: number, after: number, what: string): AuditCheck {
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
  return {
    name,
    outcome: before > 0 && after <= 0 ? "warning" : "pass",
    detail: `With ${what} the total return is ${percent(after)} instead of ${percent(before)}.`,
    firstMs: null,
  };
}
