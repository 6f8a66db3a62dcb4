import type { Log } from "@tapedeck/core";
import { createMoveWindow, describeRule, stepAlert } from "@tapedeck/features/alerts/domain";
import type { AlertState, MoveWindow, Observation } from "@tapedeck/features/alerts/domain";
import type { AlertRow, NewTrigger } from "@tapedeck/features/alerts/store";
import type { Tick } from "@tapedeck/features/ticks/contract";
import { formulaWatch } from "./watch.ts";
import type { Watches } from "./watch.ts";

/** A change of an alert's state, with what it told where it fired. */
export interface AlertChange {
  alertId: string;
  state: AlertState;
  trigger: NewTrigger | undefined;
}

export interface AlertEngineOptions {
  /** Does this process have the instrument's ticks? Other alerts are left to who has. */
  has(instrumentId: string): boolean;
  /** Alerts that changed after a change, deleted ones too. */
  loadChanged(afterChange: number): Promise<AlertRow[]>;
  /** Stores a change; storing it again changes nothing. Rejects while the database is away. */
  save(change: AlertChange): Promise<void>;
  watches: Watches;
  /** The venue's time. */
  now(): number;
  /** Its time begins anew with each process: alerts do too. Edges that were stored before are not told again. */
  beginsAnew: boolean;
  log: Log;
  /** How often alerts are read, stale ones looked at, and changes that could not be stored tried again. */
  everyMs: number;
}

export interface AlertEngine {
  start(): Promise<void>;
  tick(tick: Tick): void;
  /** The instruments that this process has are others now. */
  instrumentsChanged(): void;
  stats(): { alerts: number; unsaved: number };
  /** Stores what is not stored yet, if the database takes it. */
  stop(): Promise<void>;
}

interface Active {
  row: AlertRow;
  state: AlertState;
  window: MoveWindow | undefined;
  /** Event time of the last print looked at. */
  lastMs: number;
  stopWatch: (() => void) | undefined;
}

/** Changes in memory while the database is away; beyond it the oldest are given up: they are found again after a restart. */
const maxUnsaved = 10_000;
/** A change with a lower number may become visible after one with a higher: this many are read again. */
const overlap = 1_000;

/** Evaluates alerts on prints and on final bars, in event time. */
export function createAlertEngine(options: AlertEngineOptions): AlertEngine {
  const { now, log } = options;
  const actives = new Map<string, Active>();
  const byInstrument = new Map<string, Set<Active>>();
  const lastPrintMs = new Map<string, number>();
  const startedMs = now();
  let unsaved: AlertChange[] = [];
  let saving: Promise<void> | undefined;
  let reading = false;
  let lastChange = 0;
  let timer: NodeJS.Timeout | undefined;

  function observe(active: Active, seen: Observation, value: number | null, message: string): void {
    const { row } = active;
    const { state, fired } = stepAlert(active.state, seen, row);
    if (state === active.state) return;
    active.state = state;
    const trigger = {
      alertId: row.id,
      tenantId: row.tenantId,
      name: row.name,
      instrumentId: row.instrumentId,
      edgeMs: seen.atMs,
      value,
      message,
      test: false,
      muted: row.muted,
      callbackUrl: row.callbackUrl,
      channelIds: row.channelIds,
    };
    unsaved.push({ alertId: row.id, state, trigger: fired ? trigger : undefined });
    if (unsaved.length > maxUnsaved) {
      unsaved.shift();
      log.error({ limit: maxUnsaved }, "changes of alerts were given up: the database is away for too long");
    }
    saveSoon();
  }

  async function saveAll(): Promise<void> {
    while (unsaved.length > 0) {
      const change = unsaved[0]!;
      await options.save(change);
      if (unsaved[0] === change) unsaved.shift();
    }
  }

  function saveSoon(): void {
    saving ??= saveAll()
      .catch((error: unknown) => log.warn({ err: error }, "changes of alerts are not stored; tried again"))
      .finally(() => {
        saving = undefined;
      });
  }

  function onPrint(active: Active, { eventMs, price, instrumentId }: Tick): void {
    const { rule } = active.row;
    if (eventMs < active.lastMs) return;
    active.lastMs = eventMs;
    if (rule.kind === "price") {
      const above = rule.direction === "above";
      const met = above ? price > rule.level : price < rule.level;
      const back = rule.level * (above ? 1 - rule.hysteresis : 1 + rule.hysteresis);
      const clear = above ? price <= back : price >= back;
      if (met === active.state.armed || clear)
        observe(
          active,
          { atMs: eventMs, met, clear },
          price,
          `${instrumentId} is ${rule.direction} ${rule.level}, at ${price}`,
        );
    } else if (rule.kind === "move") {
      const { up, down } = active.window!.push(eventMs, price);
      const isUp = rule.direction === "up" || (rule.direction === "either" && up >= down);
      const move = isUp ? up : down;
      const met = move >= rule.fraction;
      const words = `${instrumentId} moved ${isUp ? "up" : "down"} ${(move * 100).toFixed(2)} % within ${rule.windowMs / 1_000} s, to ${price}`;
      observe(active, { atMs: eventMs, met, clear: !met }, isUp ? move : -move, words);
    } else if (rule.kind === "stale") observe(active, { atMs: eventMs, met: false, clear: true }, null, "");
  }

  function lookAtStale(active: Active): void {
    const { row } = active;
    if (row.rule.kind !== "stale") return;
    const sinceMs = Math.max(lastPrintMs.get(row.instrumentId) ?? startedMs, row.createdMs);
    const silentMs = now() - sinceMs;
    if (silentMs < row.rule.afterMs) return;
    const words = `${row.instrumentId}: no print for ${Math.round(silentMs / 1_000)} s`;
    observe(active, { atMs: sinceMs + row.rule.afterMs, met: true, clear: false }, silentMs, words);
  }

  function watchFormula(active: Active): (() => void) | undefined {
    const { rule, instrumentId, name } = active.row;
    if (rule.kind !== "formula") return undefined;
    const { timeframe, formula, rearm } = rule;
    const formulas = rearm === undefined ? [formula] : [formula, rearm];
    const watch = options.watches.open(formulaWatch(instrumentId, timeframe, formulas), (closeMs, values) => {
      const met = values[0] === 1;
      const clear = rearm === undefined ? !met : values[1] === 1;
      observe(active, { atMs: closeMs, met, clear }, null, `${name} (${describeRule(rule)})`);
    });
    return () => watch.stop();
  }

  function drop(id: string): void {
    const active = actives.get(id);
    if (active === undefined) return;
    active.stopWatch?.();
    actives.delete(id);
    byInstrument.get(active.row.instrumentId)?.delete(active);
  }

  function take(row: AlertRow): void {
    const { armed, stateMs, firedMs, rule } = row;
    const active = actives.get(row.id);
    if (active?.row.change === row.change) return;
    if (row.deletedMs !== null || !options.has(row.instrumentId)) return drop(row.id);
    if (active !== undefined) {
      active.row = row;
      return;
    }
    const made: Active = {
      row,
      state: options.beginsAnew
        ? { armed: true, stateMs: now() - 1, firedMs: null }
        : { armed, stateMs, firedMs },
      window: rule.kind === "move" ? createMoveWindow(rule.windowMs) : undefined,
      lastMs: 0,
      stopWatch: undefined,
    };
    actives.set(row.id, made);
    const others = byInstrument.get(row.instrumentId) ?? new Set();
    byInstrument.set(row.instrumentId, others.add(made));
    made.stopWatch = watchFormula(made);
  }

  async function read(): Promise<void> {
    for (let after = Math.max(0, lastChange - overlap); ;) {
      const rows = await options.loadChanged(after);
      if (rows.length === 0) return;
      for (const row of rows) take(row);
      after = rows.at(-1)!.change;
      lastChange = Math.max(lastChange, after);
    }
  }

  function readSoon(): void {
    if (reading) return;
    reading = true;
    read()
      .catch((error: unknown) => log.debug({ err: error }, "alerts not read; tried again"))
      .finally(() => {
        reading = false;
      });
  }

  return {
    async start() {
      await read();
      timer = setInterval(() => {
        readSoon();
        for (const active of actives.values()) lookAtStale(active);
        if (unsaved.length > 0) saveSoon();
      }, options.everyMs);
    },
    tick(tick) {
      lastPrintMs.set(tick.instrumentId, tick.receivedMs);
      const mine = byInstrument.get(tick.instrumentId);
      if (mine !== undefined) for (const active of mine) onPrint(active, tick);
    },
    instrumentsChanged() {
      for (const [id, { row }] of actives) if (!options.has(row.instrumentId)) drop(id);
      lastChange = 0;
      readSoon();
    },
    stats: () => ({ alerts: actives.size, unsaved: unsaved.length }),
    async stop() {
      clearInterval(timer);
      for (const id of actives.keys()) drop(id);
      await saving;
      if (unsaved.length > 0) saveSoon();
      await saving;
    },
  };
}
