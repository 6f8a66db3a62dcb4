import { AppError, idCursor, newId, timeframeMs, withoutQuery } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { checkFormula, FormulaError, instrumentOfSentiment } from "@tapedeck/formula";
import type { Db } from "../db.ts";
import type { FormulaLibrary } from "../indicators/contract.ts";
import type { Outbox } from "../notifications/contract.ts";
import { maxAlerts } from "./contract.ts";
import type { alertRoutes, AlertRule, AlertView } from "./contract.ts";
import { usualName } from "./domain.ts";
import {
  changeAlert,
  countAlerts,
  insertAlert,
  insertTriggers,
  loadAlert,
  loadAlerts,
  loadTaken,
  loadTriggers,
} from "./store.ts";
import type { AlertRow } from "./store.ts";

export interface AlertDeps {
  db: Db;
  formulas: FormulaLibrary;
  outbox: Outbox;
  now(): number;
}

/** Is it an instrument, and not what was published about one? */
const isMarkets = (name: string) => instrumentOfSentiment(name) === undefined;

/** Instruments whose ticks an alert needs. Throws `FormulaError` where this version does not know a function that it names. */
function needsOf({ instrumentId, rule }: AlertRow): string[] {
  if (rule.kind === "event" || rule.kind === "sentiment") return [];
  if (rule.kind !== "formula") return [instrumentId];
  const texts = [rule.formula, ...(rule.rearm === undefined ? [] : [rule.rearm])];
  const options = { expect: "condition", timeframeMs: timeframeMs(rule.timeframe) } as const;
  const names = texts.flatMap((text) => checkFormula(text, options).instruments);
  return [instrumentId, ...names.filter(isMarkets)];
}

/** Alerts as they are shown, each with what keeps it from firing. */
async function viewAll(db: Db, rows: readonly AlertRow[]): Promise<AlertView[]> {
  const needs = rows.map((row) => {
    try {
      return needsOf(row);
    } catch (error) {
      if (error instanceof FormulaError) return error;
      throw error;
    }
  });
  const taken = await loadTaken(
    db,
    needs.flatMap((one) => (one instanceof FormulaError ? [] : one)),
  );
  return rows.map((row, i) => view(row, waitsFor(needs[i]!, taken)));
}

function waitsFor(needs: readonly string[] | FormulaError, taken: ReadonlySet<string>): string | null {
  if (needs instanceof FormulaError)
    return `Its formula is not valid any more: ${needs.message} Make it anew.`;
  const missing = [...new Set(needs)].filter((one) => !taken.has(one));
  if (missing.length === 0) return null;
  return `No stream takes ${missing.join(", ")} now: the alert waits until one does. Watch it on the Monitor, or name it in STREAM_SYMBOLS of a stream of its venue.`;
}

function view(row: AlertRow, waits: string | null): AlertView {
  const { id, name, instrumentId, rule, cooldownMs, expiresMs, muted, armed, firedMs, createdBy, createdMs } =
    row;
  return {
    id,
    name,
    instrumentId,
    rule,
    cooldownMs,
    expiresMs,
    callbackUrl: row.callbackUrl === null ? null : withoutQuery(row.callbackUrl),
    channelIds: row.channelIds === null ? null : [...row.channelIds],
    muted,
    armed,
    firedMs,
    waits,
    createdBy,
    createdMs,
  };
}

const venueOf = (instrumentId: string) => instrumentId.slice(instrumentId.lastIndexOf(".") + 1);

const unknown = (id: string) => new AppError("resource.unknown", `There is no alert ${id}.`);

/** The rule with its formulas whole and checked, so that nothing that is saved later changes what it means. */
async function settle(
  deps: AlertDeps,
  tenantId: string,
  { instrumentId, rule }: { instrumentId: string; rule: AlertRule },
): Promise<AlertRule> {
  if (rule.kind !== "formula") return rule;
  const texts = [rule.formula, ...(rule.rearm === undefined ? [] : [rule.rearm])];
  const [formula, rearm] = (await deps.formulas.expand(tenantId, texts)).map((text) => {
    try {
      const checked = checkFormula(text, { expect: "condition", timeframeMs: timeframeMs(rule.timeframe) });
      const foreign = checked.instruments.find(
        (one) => isMarkets(one) && venueOf(one) !== venueOf(instrumentId),
      );
      if (foreign !== undefined)
        throw new AppError(
          "formula.invalid",
          `${foreign} is of another venue than ${instrumentId}: an alert's formula is computed by the stream of one venue. Name instruments of ${venueOf(instrumentId)}.`,
        );
      return checked.text;
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      const { message, column, length, suggestion } = error;
      throw new AppError("formula.invalid", `${message} (column ${column})`, {
        details: { column, length, suggestion: suggestion ?? null },
      });
    }
  });
  return { ...rule, formula: formula!, ...(rearm === undefined ? {} : { rearm }) };
}

export const alertRouteHandlers = {
  async listAlerts(deps, { query }, caller) {
    const before = idCursor(query.cursor);
    const { instrumentId, limit } = query;
    const rows = await loadAlerts(deps.db, {
      tenantId: caller.tenantId,
      instrumentId,
      before,
      limit: limit + 1,
    });
    const items = await viewAll(deps.db, rows.slice(0, limit));
    return { items, nextCursor: rows.length > limit ? items.at(-1)!.id : null };
  },

  async listAlertTriggers(deps, { query }, caller) {
    const { limit, alertId, cursor } = query;
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
      throw new AppError("payload.invalid", "The cursor is not one that a page gave.");
    const rows = await loadTriggers(deps.db, {
      tenantId: caller.tenantId,
      alertId,
      limit: limit + 1,
      before: cursor === undefined ? undefined : Number(cursor),
    });
    const items = rows.slice(0, limit);
    return { items, nextCursor: rows.length > limit ? String(items.at(-1)!.seq) : null };
  },

  async getAlert(deps, { params }, caller) {
    const row = await loadAlert(deps.db, caller.tenantId, params.id);
    if (row === undefined) throw unknown(params.id);
    return (await viewAll(deps.db, [row]))[0]!;
  },

  async createAlert(deps, { body }, caller) {
    const nowMs = deps.now();
    const rule = await settle(deps, caller.tenantId, body);
    const row = {
      id: newId(nowMs),
      tenantId: caller.tenantId,
      name: body.name ?? usualName(body.instrumentId, rule),
      instrumentId: body.instrumentId,
      rule,
      cooldownMs: body.cooldownMs,
      expiresMs: body.expiresMs ?? null,
      callbackUrl: body.callbackUrl ?? null,
      channelIds: body.channelIds ?? null,
      muted: false,
      createdBy: caller.principalId,
      createdMs: nowMs,
      deletedMs: null,
      armed: true,
      stateMs: nowMs,
      firedMs: null,
    };
    await deps.db.transaction().execute(async (tx) => {
      if ((await countAlerts(tx, caller.tenantId)) >= maxAlerts)
        throw new AppError(
          "resource.conflict",
          `There are ${maxAlerts} alerts; delete one that is not needed.`,
        );
      await insertAlert(tx, row);
    });
    return (await viewAll(deps.db, [{ ...row, change: 0 }]))[0]!;
  },

  async muteAlert(deps, { params, body }, caller) {
    if (!(await changeAlert(deps.db, caller.tenantId, params.id, { muted: body.muted })))
      throw unknown(params.id);
    const row = await loadAlert(deps.db, caller.tenantId, params.id);
    if (row === undefined) throw unknown(params.id);
    return (await viewAll(deps.db, [row]))[0]!;
  },

  async testAlert(deps, { params }, caller) {
    const nowMs = deps.now();
    return deps.db.transaction().execute(async (tx) => {
      const row = await loadAlert(tx, caller.tenantId, params.id);
      if (row === undefined) throw unknown(params.id);
      const trigger = {
        alertId: row.id,
        tenantId: row.tenantId,
        name: row.name,
        instrumentId: row.instrumentId,
        edgeMs: nowMs,
        value: null,
        message: `Test of ${row.name}`,
        test: true,
        muted: false,
        callbackUrl: row.callbackUrl,
        channelIds: row.channelIds,
      };
      // A test row is not unique by its edge: it is always inserted.
      const [inserted] = await insertTriggers(tx, [trigger], deps.outbox, nowMs);
      return inserted!;
    });
  },

  async deleteAlert(deps, { params }, caller) {
    if (!(await changeAlert(deps.db, caller.tenantId, params.id, { deletedMs: deps.now() })))
      throw unknown(params.id);
  },
} satisfies RouteHandlersFor<typeof alertRoutes, AlertDeps>;
