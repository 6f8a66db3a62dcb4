import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { levelsOf } from "@tapedeck/trading";
import type { Parameter } from "@tapedeck/trading";
import type { Db } from "../../db.ts";
import { createHeatKeeper, scoreOf } from "./best.ts";
import { SweepPayload } from "./contract.ts";
import type { HeatMap, sweepRoutes } from "./contract.ts";
import { spaceOf } from "./inputs.ts";
import { countTrials, loadSearch, loadTrials, trialView } from "./store.ts";

/** Trials read at once. */
const pageTrials = 5_000;

export const sweepRouteHandlers = {
  listSweepTrials: async ({ db }, { params, query }, caller) => {
    await loadSearch(db, caller.tenantId, params.id);
    const after = query.cursor ?? "0";
    if (!/^[0-9]{1,9}$/.test(after)) {
      throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
    }
    const rows = await loadTrials(db, params.id, Number(after), query.limit + 1);
    const items = rows.slice(0, query.limit).map(trialView);
    return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)!.number) : null };
  },

  getSweepHeatMap: async ({ db }, { params, query }, caller) => {
    const payload = SweepPayload.parse(await loadSearch(db, caller.tenantId, params.id, ["sweep"]));
    const metric = query.metric ?? payload.objectives[0]!;
    const axes = axesOf(spaceOf(payload), query);
    const keeper = createHeatKeeper(axes, levelsOf, metric);
    let after = 0;
    for (;;) {
      const trials = await loadTrials(db, params.id, after, pageTrials);
      for (const trial of trials) keeper.take(trial.params, scoreOf(trial, metric));
      if (trials.length < pageTrials) break;
      after = trials.at(-1)!.number;
    }
    const map: HeatMap | null = keeper.map();
    if (map === null) {
      throw new AppError(
        "payload.invalid",
        "A heat map needs two parameters of several values each: name them as x and y.",
      );
    }
    return map;
  },

  getTrialLedger: async ({ db }, { params }, caller) =>
    await countTrials(db, caller.tenantId, params.datasetHash),
} satisfies RouteHandlersFor<typeof sweepRoutes, { db: Db }>;

/** The parameters named first, the others after them: axes that are not named are the first that are left. */
function axesOf(space: readonly Parameter[], { x, y }: { x?: string | undefined; y?: string | undefined }) {
  const named = [x, y].filter((name) => name !== undefined);
  const unknown = named.find((name) => !space.some((parameter) => parameter.name === name));
  if (unknown !== undefined || (x !== undefined && x === y)) {
    const names = space.map((parameter) => parameter.name).join(", ");
    throw new AppError("payload.invalid", `x and y are two of the sweep's parameters: ${names}.`);
  }
  const rest = space.filter((parameter) => !named.includes(parameter.name) && levelsOf(parameter) > 1);
  const pick = (name: string | undefined) =>
    name === undefined ? rest.shift() : space.find((parameter) => parameter.name === name);
  return [pick(x), pick(y)].filter((parameter) => parameter !== undefined);
}
