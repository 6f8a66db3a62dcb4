import { AppError, parseInput } from "@tapedeck/core";
import type { JobContract } from "@tapedeck/core";
import { canonicalJson, sha256 } from "@tapedeck/core/hash";

/** Every bound of the job machinery, with its default. What happens at each is said beside it. */
export interface JobLimits {
  /** Submissions waiting for their commit in this process; beyond: `service.unavailable`. */
  maxPendingSubmits: number;
  /** Jobs of one tenant that have not ended; beyond: `job.limit`. */
  maxOpenPerTenant: number;
  /** Jobs in one batch; beyond: `payload.invalid`. */
  maxBatch: number;
  /** A job picked up this often in a row without coming to any end fails as `job.crashed`. */
  maxUnended: number;
  /** First wait before a failed attempt is repeated; doubles each time. */
  backoffMs: number;
  maxBackoffMs: number;
  /** Events kept per job and kind; beyond: the oldest progress goes, further logs and steps are counted, not kept. */
  maxEvents: number;
  /** Bytes of one event; beyond: its data is replaced by a note of its size. */
  maxEventBytes: number;
  /** A job that has waited this long moves ahead of all younger ones, one of each caller and queue at a time. */
  ageMs: number;
  /** Ended jobs are erased after this time. */
  retentionMs: number;
  /** Event streams of one caller open at once in one process; beyond: `rate.limited`. */
  maxStreamsPerCaller: number;
  /** May callbacks go to private addresses? */
  allowPrivateCallbacks: boolean;
}

export const defaultLimits: JobLimits = {
  maxPendingSubmits: 20_000,
  maxOpenPerTenant: 200_000,
  maxBatch: 10_000,
  maxUnended: 20,
  backoffMs: 1_000,
  maxBackoffMs: 60_000,
  maxEvents: 1_000,
  maxEventBytes: 32_768,
  ageMs: 300_000,
  retentionMs: 30 * 86_400_000,
  maxStreamsPerCaller: 200,
  allowPrivateCallbacks: false,
};

/** Priorities are 1 to 10; a caller's n-th waiting job of a priority runs behind every other caller's first. */
export const defaultPriority = 5;
const ranksPerPriority = 200_000;

/**
 * What the queue sorts by: first the priority, then how many jobs of the queue the caller already had waiting, so
 * that a caller with a long backlog does not hold up one with a short one. Below BullMQ's greatest, 2,097,151.
 */
export function queueRank(priority: number, backlog: number): number {
  return (priority - 1) * ranksPerPriority + Math.min(backlog, ranksPerPriority - 1) + 1;
}

/** The rank of a job that has waited so long that it goes before all others: below every `queueRank`. */
export const agedRank = 0;

/** Wait before attempt `failures + 1`: doubles from `backoffMs`, capped, of which a random half is taken off. */
export function retryDelay(failures: number, limits: JobLimits, random: () => number): number {
  const full = Math.min(limits.maxBackoffMs, limits.backoffMs * 2 ** Math.min(30, failures - 1));
  return Math.round(full * (0.5 + 0.5 * random()));
}

/** Hash of everything that a submission says: the same key with another one is a conflict. */
export function submissionHash(type: string, payload: unknown, options: unknown): string {
  return sha256(canonicalJson({ type, payload, options: options ?? {} }));
}

/** The content address of a result: equal addresses have equal results. */
export function contentKey(parts: {
  tenantId: string;
  type: string;
  version: number;
  /** Parsed, its times resolved. */
  payload: unknown;
  hashes: readonly string[];
  seed: number;
}): string {
  return sha256(canonicalJson(parts));
}

/** The parsed payload, or `payload.invalid` with a pointer to every fault. */
export function parsePayload(contract: JobContract, payload: unknown): unknown {
  return parseInput(contract.payload, payload);
}

/** Before any name is resolved: is it an http(s) address without credentials? */
export function checkCallbackUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new AppError("payload.invalid", "callbackUrl must be an http or https address.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new AppError("payload.invalid", "callbackUrl must not hold a user name or password.");
  }
}
