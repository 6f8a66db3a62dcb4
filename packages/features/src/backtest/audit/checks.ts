import { setImmediate } from "node:timers/promises";
import { isoDate } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import { auditLookAhead, auditRevisions, auditSchedule, revisionPlaces } from "@tapedeck/trading";
import type { AuditFinding, Decider, DecisionTrace } from "@tapedeck/trading";
import type { RevisedRow } from "../../series/contract.ts";
import type { AuditCheck, AuditVerdict } from "./contract.ts";

/** A strategy on its data, in all the ways in which an audit runs it. */
export interface AuditSubject {
  warmupBars: number;
  decide: Decider;
  /** From the revision of the data visible then; undefined: nothing was known. */
  decideAsKnown(atMs: number): Promise<DecisionTrace | undefined>;
  /** So many closes after the warm-up, spread over the data. */
  cutsMs(count: number): number[];
  /** What of its data was put right later, oldest first. */
  revisions(): Promise<RevisedRow[]>;
  /** Closes at which it decides. */
  closeMs: ArrayLike<number>;
  recursion(): Promise<AuditCheck>;
  /** What depends on whether there is one instrument or several. */
  further(): Promise<AuditCheck[]>;
  /** Total return, a fraction. */
  returnWith(change: { costMultiple?: number; delayBars?: number }): Promise<number>;
}

/** As-of reads are queries: fewer cuts than those in memory. */
const mostRevisionCuts = 20;
/** Besides, closes at which data was seen that was put right later. */
const mostRevisedCloses = 200;
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
  await add(await subject.recursion());
  const revised = await subject.revisions();
  const seen = revisionPlaces(subject.closeMs, revised, subject.warmupBars + 1, mostRevisedCloses);
  const places = new Set([...cutsMs(Math.min(cuts, mostRevisionCuts)), ...seen]);
  const sorted = [...places].sort((a, b) => a - b);
  await add(revisionsCheck(await auditRevisions(decide, sorted, decideAsKnown), revised.length));
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

/** What a strategy keeps beside its formulas shows in when it trades. */
export interface ScheduleRuns {
  whole: DecisionTrace;
  /** Its orders when its first bars are left out. */
  beginning(start: number): Promise<DecisionTrace>;
  /** Close of each bar. */
  closeMs: ArrayLike<number>;
  /** Bars that a strategy needs after its start. */
  least: number;
}

/**
 * For strategies whose formulas are not all that they decide by: begun later, do they trade at the same moments? Compared over the second
 * half of what is left, so that the orders with which a run begins do not count. One bar later moves every schedule.
 */
export async function scheduleCheck({ whole, beginning, closeMs, least }: ScheduleRuns): Promise<AuditCheck> {
  const starts = [1, ...startsOf(closeMs.length, least)].filter((start) => start + least < closeMs.length);
  let moments = 0;
  for (const start of starts) {
    const fromMs = closeMs[start + ((closeMs.length - start) >> 1)]!;
    const { passed, firstMs, compared } = auditSchedule(whole, await beginning(start), fromMs);
    moments += compared;
    if (passed) continue;
    return {
      name: "recursion",
      outcome: "warning",
      detail: `Begun ${start} bars later it trades at other moments, first at the close of ${isoDate(firstMs!)}: its result depends on the day on which it starts. Run it from several.`,
      firstMs,
    };
  }
  if (moments === 0) {
    return {
      name: "recursion",
      outcome: "notJudged",
      detail:
        "It trades too seldom, or on too few bars, to tell whether what it remembers depends on where it began.",
      firstMs: null,
    };
  }
  return {
    name: "recursion",
    outcome: "pass",
    detail: `Begun ${starts.join(", ")} bars later it trades at the same moments in the second half of what is left.`,
    firstMs: null,
  };
}

export const recursionCheck = (finding: AuditFinding, starts: readonly number[], warmupBars: number) =>
  checkOf(
    "recursion",
    finding,
    starts.length === 0
      ? "There are too few bars to begin later."
      : `Beginning ${starts.join(", ")} bars later than the data does changes nothing that decisions rest on after the warm-up of ${warmupBars} bars.`,
    "What decisions rest on depends on how many bars came before the warm-up; give it a longer one.",
  );

const revisionsCheck = (finding: AuditFinding, revised: number) =>
  checkOf(
    "revisions",
    finding,
    `At ${finding.compared} closes the bars known then give the same decision as those known now; ${revised === 0 ? "none was put right later" : `${revised} were put right later, and closes that saw them before are among these`}.`,
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
