import { AppError, idCursor } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { JobService } from "../jobs/contract.ts";
import type { ScheduleBook } from "../schedules/contract.ts";
import type { askRoutes } from "./contract.ts";
import { createStanding, deleteStanding, loadStanding, loadStandings } from "./standing.ts";
import { loadFeedback, loadTurns, saveFeedback } from "./store.ts";

export interface AskRouteDeps {
  db: Db;
  jobs: Pick<JobService, "get">;
  schedules: ScheduleBook;
  now(): number;
}

const unknown = (id: string) => new AppError("resource.unknown", `There is no standing question ${id}.`);

export const askRouteHandlers = {
  async listStandingQuestions(deps, { query }, caller) {
    const { limit } = query;
    const before = idCursor(query.cursor);
    const rows = await loadStandings(deps.db, { tenantId: caller.tenantId, before, limit: limit + 1 });
    const items = rows.slice(0, limit);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.id : null };
  },

  createStandingQuestion: (deps, { body }, caller) => createStanding(deps, caller, body),

  async getStandingQuestion(deps, { params }, caller) {
    const found = await loadStanding(deps.db, caller.tenantId, params.id);
    if (found === undefined) throw unknown(params.id);
    return found;
  },

  async deleteStandingQuestion(deps, { params }, caller) {
    if (!(await deleteStanding(deps, caller.tenantId, params.id))) throw unknown(params.id);
  },

  async giveFeedback(deps, { params, body }, caller) {
    const job = await deps.jobs.get(caller.tenantId, params.id);
    if (job.type !== "ask")
      throw new AppError(
        "resource.unknown",
        `Job ${params.id} is of type ${job.type}; feedback is on answers.`,
      );
    const given = {
      jobId: params.id,
      useful: body.useful,
      note: body.note,
      givenBy: caller.principalId,
      atMs: deps.now(),
    };
    await saveFeedback(deps.db, { ...given, tenantId: caller.tenantId });
    return given;
  },

  async listFeedback(deps, { query }, caller) {
    const { limit, useful } = query;
    const before = idCursor(query.cursor);
    const rows = await loadFeedback(deps.db, { tenantId: caller.tenantId, useful, before, limit: limit + 1 });
    const items = rows.slice(0, limit).map(({ tenantId: _tenant, ...shown }) => shown);
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.jobId : null };
  },

  async getConversation(deps, { params }, caller) {
    const turns = await loadTurns(deps.db, caller.tenantId, params.id);
    if (turns.length === 0)
      throw new AppError("resource.unknown", `No question of a conversation ${params.id} was answered here.`);
    return { turns };
  },
} satisfies RouteHandlersFor<typeof askRoutes, AskRouteDeps>;
