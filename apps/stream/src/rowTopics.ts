import { AppError } from "@tapedeck/core";
import type { Bus, Log } from "@tapedeck/core";
import { loadTriggers } from "@tapedeck/features/alerts/store";
import type { Db } from "@tapedeck/features/db";
import { loadEvents, loadJob } from "@tapedeck/features/jobs/store";
import type { Topic } from "@tapedeck/features/ticks/contract";
import { createRowFeed } from "./rows.ts";
import type { FollowedEvent, Follower } from "./rows.ts";

export type RowTopic = Extract<Topic, { channel: "jobs" | "alerts" }>;

/** Topics whose messages are rows: their numbers outlive this process. */
export interface RowTopics {
  /** What a subscriber sees first, and the number of the last event in it. Throws `job.unknown`. */
  snapshot(topic: RowTopic, tenantId: string): Promise<{ seq: number; data: unknown }>;
  follow(
    topic: RowTopic,
    tenantId: string,
    afterSeq: number,
    deliver: (event: FollowedEvent) => boolean,
  ): Follower;
  /** A trigger of the tenant was stored by this process. */
  triggered(tenantId: string): void;
  close(): void;
}

/** Triggers that a snapshot holds. */
const recentTriggers = 50;

export function createRowTopics(options: { db: Db; bus: Bus; log: Log; pollMs: number }): RowTopics {
  const { db, bus, log, pollMs } = options;
  const jobs = createRowFeed({
    async load(jobId, afterSeq, limit) {
      const events = await loadEvents(db, jobId, afterSeq, limit);
      return events.map(({ id, event, atMs, data }) => ({ seq: id, data: { event, atMs, data } }));
    },
    log,
    pollMs,
  });
  const alerts = createRowFeed({
    async load(tenantId, after, limit) {
      const triggers = await loadTriggers(db, { tenantId, after, limit });
      return triggers.map((trigger) => ({ seq: trigger.seq, data: trigger }));
    },
    log,
    pollMs,
  });
  const off = bus.subscribe("job", (id) => jobs.wake(id));

  return {
    async snapshot(topic, tenantId) {
      if (topic.channel === "alerts") {
        const data = (await loadTriggers(db, { tenantId, limit: recentTriggers })).toReversed();
        return { seq: data.at(-1)?.seq ?? 0, data };
      }
      const job = await loadJob(db, tenantId, topic.jobId);
      const progress = job.progress === null ? null : (JSON.parse(job.progress) as unknown);
      return { seq: job.eventSeq, data: { state: job.state, progress } };
    },
    follow(topic, tenantId, afterSeq, deliver) {
      return topic.channel === "alerts"
        ? alerts.follow(tenantId, afterSeq, deliver)
        : jobs.follow(topic.jobId, afterSeq, deliver);
    },
    triggered: (tenantId) => alerts.wake(tenantId),
    close() {
      off();
      jobs.close();
      alerts.close();
    },
  };
}

/** What to answer when a subscription to rows fails because of the database. */
export function asSubscribeError(error: unknown): AppError {
  return error instanceof AppError
    ? error
    : new AppError("service.unavailable", "The database does not answer; subscribe again shortly.", {
        cause: error,
      });
}
