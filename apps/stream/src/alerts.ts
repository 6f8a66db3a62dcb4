import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "@tapedeck/core";
import { createMoveWindow, messageOf, stepAlert } from "@tapedeck/features/alerts/domain";
import type { AlertState, MoveWindow, Observation, Print } from "@tapedeck/features/alerts/domain";
import type { AlertRule } from "@tapedeck/features/alerts/contract";
import type { AlertRow, NewTrigger } from "@tapedeck/features/alerts/store";
import type { Tick } from "@tapedeck/features/ticks/contract";
import { createCrossings } from "./crossings.ts";
import type { Crossing, Crossings } from "./crossings.ts";
import { formulaWatch } from "./watch.ts";
import type { Watches } from "./watch.ts";

/** A change of an alert's state, with what it told where it fired. */
export interface AlertChange {
  alertId: string;
  instrumentId: string;
  state: AlertState;
  trigger: NewTrigger | undefined;
}

export interface AlertEngineOptions {
  /** Does this process have the instrument's ticks? Other alerts are left to who has. */
  has(instrumentId: string): boolean;
  /** Alerts that changed after a change, deleted ones too. */
  loadChanged(afterChange: number): Promise<AlertRow[]>;
  /** Stores changes together, in their order, those left out whose instrument another process has; storing them again changes nothing. Rejects while the database is away. */
  save(changes: readonly AlertChange[]): Promise<void>;
  watches: Watches;
  /** Prints of an instrument since a time that are stored, as far as moves to later ones need them. Rejects while the database is away. */
  loadPrints(instrumentId: string, fromMs: number): Promise<readonly Print[]>;
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
  /** Tries to store what is not stored yet; true: nothing is left. */
  settled(): Promise<boolean>;
  stats(): { alerts: number; unsaved: number };
  /** Stores what is not stored yet, if the database takes it. */
  stop(): Promise<void>;
}

interface Active {
  row: AlertRow;
  state: AlertState;
  /** When this process began to look at it. */
  enteredMs: number;
  /** Takes it out of where it is looked at. */
  leave(): void;
}

type MoveDirection = Extract<AlertRule, { kind: "move" }>["direction"];

/** Moves of an instrument within one length of time, and the alerts on them. */
interface Moves {
  instrumentId: string;
  windowMs: number;
  window: MoveWindow;
  by: Record<MoveDirection, Crossings<Active>>;
}

/** The alerts on an instrument's prints. */
interface Printed {
  /** Event time of the last print looked at: an older one crosses no level. */
  lastMs: number;
  levels: Crossings<Active>;
  /** By the length of time. */
  moves: Map<number, Moves>;
  /** Alerts on silence that have fired. */
  silent: Set<Active>;
}

/** Changes in memory while the database is away; beyond it the oldest are given up: they are found again after a restart. */
const maxUnsaved = 10_000;
/** Changes of one transaction. */
const savedAtOnce = 200;
/** A change with a lower number may become visible after one with a higher: this many are read again. */
const overlap = 1_000;

/** Rules on prints and bars; workers look at those on news. */
type StreamRule = Exclude<AlertRule, { kind: "event" | "sentiment" }>;

const isOfStream = (rule: AlertRule): rule is StreamRule =>
  rule.kind !== "event" && rule.kind !== "sentiment";

/** The price that changes what a `price` alert is. */
function priceCrossing({ row, state }: Active): Crossing {
  const rule = row.rule as Extract<AlertRule, { kind: "price" }>;
  const isAbove = rule.direction === "above";
  if (state.armed) return { side: isAbove ? "above" : "below", threshold: rule.level, touches: false };
  const back = rule.level * (isAbove ? 1 - rule.hysteresis : 1 + rule.hysteresis);
  return { side: isAbove ? "below" : "above", threshold: back, touches: true };
}

/** The move, a fraction, that changes what a `move` alert is. */
function moveCrossing({ row, state }: Active): Crossing {
  const { fraction } = row.rule as Extract<AlertRule, { kind: "move" }>;
  return { side: state.armed ? "above" : "below", threshold: fraction, touches: state.armed };
}

/** Evaluates alerts on prints and on final bars, in event time. */
export function createAlertEngine(options: AlertEngineOptions): AlertEngine {
  const { now, log } = options;
  const actives = new Map<string, Active>();
  const printed = new Map<string, Printed>();
  const onSilence = new Set<Active>();
  const lastPrintMs = new Map<string, number>();
  let unsaved: AlertChange[] = [];
  let saving: Promise<void> | undefined;
  /** Windows that do not hold what is stored yet. */
  let unfilled: Moves[] = [];
  let filling = false;
  let reading = false;
  let lastChange = 0;
  /** Alerts on instruments that are here only now were passed over. */
  let fromFirst = false;
  let timer: NodeJS.Timeout | undefined;

  /** `words` are asked for where it fires. */
  function observe(active: Active, seen: Observation, value: number | null, words: () => string): void {
    const { row } = active;
    const { state, fired } = stepAlert(active.state, seen, row);
    if (state === active.state) return;
    active.state = state;
    const trigger = fired
      ? {
          alertId: row.id,
          tenantId: row.tenantId,
          name: row.name,
          instrumentId: row.instrumentId,
          edgeMs: seen.atMs,
          value,
          message: words(),
          test: false,
          muted: row.muted,
          callbackUrl: row.callbackUrl,
          channelIds: row.channelIds,
        }
      : undefined;
    unsaved.push({ alertId: row.id, instrumentId: row.instrumentId, state, trigger });
    if (unsaved.length > maxUnsaved) {
      unsaved.shift();
      log.error({ limit: maxUnsaved }, "changes of alerts were given up: the database is away for too long");
    }
    saveSoon();
  }

  async function saveAll(): Promise<void> {
    while (unsaved.length > 0) {
      const changes = unsaved.slice(0, savedAtOnce);
      await options.save(changes);
      // Some may have been given up meanwhile.
      unsaved = unsaved.slice(unsaved[0] === changes[0] ? changes.length : 0);
    }
  }

  function saveSoon(): void {
    saving ??= saveAll()
      .catch((error: unknown) => log.warn({ err: error }, "changes of alerts are not stored; tried again"))
      .finally(() => {
        saving = undefined;
      });
  }

  function printedOf(instrumentId: string): Printed {
    let found = printed.get(instrumentId);
    if (found === undefined) {
      found = { lastMs: 0, levels: createCrossings(priceCrossing), moves: new Map(), silent: new Set() };
      printed.set(instrumentId, found);
    }
    return found;
  }

  function onPrint(mine: Printed, { eventMs, price, instrumentId }: Tick): void {
    for (const active of mine.silent) {
      observe(active, { atMs: eventMs, met: false, clear: true }, null, () => "");
      if (active.state.armed) mine.silent.delete(active);
    }
    for (const moves of mine.moves.values()) {
      moves.window.take(eventMs, price);
      lookAtMoves(moves);
    }
    if (eventMs < mine.lastMs) return;
    mine.lastMs = eventMs;
    for (const active of mine.levels.take(price)) {
      const { armed } = active.state;
      const { direction, level } = active.row.rule as Extract<AlertRule, { kind: "price" }>;
      const words = () => `${instrumentId} is ${direction} ${level}, at ${price}`;
      observe(active, { atMs: eventMs, met: armed, clear: !armed }, price, words);
      mine.levels.add(active);
    }
  }

  function lookAtMoves({ instrumentId, windowMs, window, by }: Moves): void {
    const { newest, up, down } = window.moves();
    const look = (waiting: Crossings<Active>, move: number, way: "up" | "down") => {
      for (const active of waiting.take(move)) {
        const met = active.state.armed;
        const words = () =>
          `${instrumentId} moved ${way} ${(move * 100).toFixed(2)} % within ${windowMs / 1_000} s, to ${newest.price}`;
        observe(active, { atMs: newest.atMs, met, clear: !met }, way === "up" ? move : -move, words);
        waiting.add(active);
      }
    };
    const isUp = up >= down;
    look(by.up, up, "up");
    look(by.down, down, "down");
    look(by.either, isUp ? up : down, isUp ? "up" : "down");
  }

  /** Has windows hold the prints that whoever had the instrument before stored: one read after the other, each for all of an instrument. */
  async function fillWindows(): Promise<void> {
    if (filling) return;
    filling = true;
    while (unfilled.length > 0) {
      const { instrumentId } = unfilled[0]!;
      const mine = unfilled.filter((one) => one.instrumentId === instrumentId);
      const used = mine.filter((one) => printed.get(instrumentId)?.moves.get(one.windowMs) === one);
      unfilled = unfilled.filter((one) => one.instrumentId !== instrumentId);
      if (used.length === 0) continue;
      const longestMs = Math.max(...used.map(({ windowMs }) => windowMs));
      try {
        const prints = await options.loadPrints(instrumentId, now() - longestMs);
        if (prints.length === 0) continue;
        for (const moves of used) {
          for (const { atMs, price } of prints) moves.window.take(atMs, price);
          lookAtMoves(moves);
        }
      } catch (error) {
        log.warn({ err: error, instrumentId }, "stored prints were not read for alerts; tried again");
        unfilled.push(...used);
        await sleep(options.everyMs);
      }
    }
    filling = false;
  }

  function lookAtSilence(active: Active): void {
    const { row } = active;
    const { afterMs } = row.rule as Extract<AlertRule, { kind: "stale" }>;
    const sinceMs = Math.max(lastPrintMs.get(row.instrumentId) ?? active.enteredMs, row.createdMs);
    const silentMs = now() - sinceMs;
    if (silentMs < afterMs) return;
    const words = () => `${row.instrumentId}: no print for ${Math.round(silentMs / 1_000)} s`;
    observe(active, { atMs: sinceMs + afterMs, met: true, clear: false }, silentMs, words);
    if (!active.state.armed) printedOf(row.instrumentId).silent.add(active);
  }

  function enterMoves(
    active: Active,
    { windowMs, direction }: Extract<AlertRule, { kind: "move" }>,
  ): () => void {
    const { instrumentId } = active.row;
    const { moves } = printedOf(instrumentId);
    let found = moves.get(windowMs);
    if (found === undefined) {
      const made = () => createCrossings(moveCrossing);
      const by = { up: made(), down: made(), either: made() };
      found = { instrumentId, windowMs, window: createMoveWindow(windowMs), by };
      moves.set(windowMs, found);
      unfilled.push(found);
      void fillWindows();
    }
    const { by } = found;
    by[direction].add(active);
    return () => {
      by[direction].remove(active);
      if (Object.values(by).every((waiting) => waiting.size() === 0)) moves.delete(windowMs);
    };
  }

  function enterSilence(active: Active): () => void {
    const { silent } = printedOf(active.row.instrumentId);
    onSilence.add(active);
    if (!active.state.armed) silent.add(active);
    return () => {
      onSilence.delete(active);
      silent.delete(active);
    };
  }

  function enterFormula(active: Active, rule: Extract<AlertRule, { kind: "formula" }>): () => void {
    const { timeframe, formula, rearm } = rule;
    const formulas = rearm === undefined ? [formula] : [formula, rearm];
    const { instrumentId, tenantId } = active.row;
    const request = formulaWatch({ instrumentId, timeframe, tenantId }, formulas);
    const watch = options.watches.open(request, (closeMs, values) => {
      const met = values[0] === 1;
      const clear = rearm === undefined ? !met : values[1] === 1;
      observe(active, { atMs: closeMs, met, clear }, null, () => messageOf(active.row));
    });
    return () => watch.stop();
  }

  /** Where an alert is looked at; gives what takes it out. */
  function enter(active: Active, rule: StreamRule): () => void {
    const { instrumentId } = active.row;
    switch (rule.kind) {
      case "price": {
        const { levels } = printedOf(instrumentId);
        levels.add(active);
        return () => levels.remove(active);
      }
      case "move":
        return enterMoves(active, rule);
      case "stale":
        return enterSilence(active);
      case "formula":
        return enterFormula(active, rule);
    }
  }

  function drop(id: string): void {
    const active = actives.get(id);
    if (active === undefined) return;
    active.leave();
    actives.delete(id);
  }

  function take(row: AlertRow): void {
    const { armed, stateMs, firedMs, rule } = row;
    if (!isOfStream(rule)) return;
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
      enteredMs: now(),
      leave: () => undefined,
    };
    actives.set(row.id, made);
    made.leave = enter(made, rule);
  }

  async function read(): Promise<void> {
    for (let after = Math.max(0, lastChange - overlap); ;) {
      if (fromFirst) {
        fromFirst = false;
        lastChange = 0;
        after = 0;
      }
      const rows = await options.loadChanged(after);
      for (const row of rows) take(row);
      if (fromFirst) continue;
      if (rows.length === 0) return;
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

  async function settled(): Promise<boolean> {
    await saving;
    if (unsaved.length > 0) saveSoon();
    await saving;
    return unsaved.length === 0;
  }

  return {
    async start() {
      await read();
      timer = setInterval(() => {
        readSoon();
        for (const active of onSilence) lookAtSilence(active);
        if (unsaved.length > 0) saveSoon();
      }, options.everyMs);
    },
    tick(tick) {
      lastPrintMs.set(tick.instrumentId, tick.receivedMs);
      const mine = printed.get(tick.instrumentId);
      if (mine !== undefined) onPrint(mine, tick);
    },
    instrumentsChanged() {
      for (const [id, { row }] of actives) if (!options.has(row.instrumentId)) drop(id);
      // While another process has them, prints come that are not seen here.
      for (const id of lastPrintMs.keys()) if (!options.has(id)) lastPrintMs.delete(id);
      fromFirst = true;
      readSoon();
    },
    settled,
    stats: () => ({ alerts: actives.size, unsaved: unsaved.length }),
    async stop() {
      clearInterval(timer);
      for (const id of actives.keys()) drop(id);
      await settled();
    },
  };
}
