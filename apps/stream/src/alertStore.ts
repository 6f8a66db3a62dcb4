import type { Log } from "@tapedeck/core";
import { insertTriggers, saveStates } from "@tapedeck/features/alerts/store";
import type { Db } from "@tapedeck/features/db";
import { insertNotification } from "@tapedeck/features/notifications/store";
import { holdInstruments } from "@tapedeck/features/ticks/place-store";
import type { AlertChange, AlertEngineOptions } from "./alerts.ts";
import { isRefusal } from "./refusal.ts";

/**
 * Stores changes of alerts of the instruments that a run still has, in one transaction with the lease: where another process
 * has taken the instrument, what that one sees counts, and a late change is given up. So is one that the database refuses for
 * what it holds, so that it does not keep up the others.
 */
export function createAlertStore(options: {
  db: Db;
  venue: string;
  runId: string;
  now(): number;
  /** A trigger of the tenant was stored. */
  triggered(tenantId: string): void;
  log: Log;
}): AlertEngineOptions["save"] {
  const { db, venue, runId, now, log } = options;
  async function saveTogether(changes: readonly AlertChange[]): Promise<void> {
    const instrumentIds = [...new Set(changes.map(({ instrumentId }) => instrumentId))];
    const held = await db.transaction().execute(async (tx) => {
      const mine = await holdInstruments(tx, { venue, runId, instrumentIds });
      const valid = changes.filter(({ instrumentId }) => mine.has(instrumentId));
      const triggers = valid.flatMap(({ trigger }) => trigger ?? []);
      await insertTriggers(tx, triggers, insertNotification, now());
      await saveStates(tx, new Map(valid.map(({ alertId, state }) => [alertId, state])));
      return mine;
    });
    for (const { alertId, instrumentId, trigger } of changes)
      if (!held.has(instrumentId))
        log.warn({ alertId, instrumentId }, "a change of an alert came too late and is given up");
      else if (trigger !== undefined) options.triggered(trigger.tenantId);
  }

  return async function save(changes) {
    try {
      await saveTogether(changes);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (changes.length > 1) {
        for (const change of changes) await save([change]);
        return;
      }
      const { alertId, instrumentId } = changes[0]!;
      log.error({ err: error, alertId, instrumentId }, "a change of an alert is refused and given up");
    }
  };
}
