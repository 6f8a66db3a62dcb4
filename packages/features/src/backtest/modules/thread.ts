import { registerHooks } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { seededRandom } from "@tapedeck/core";
import { createEngine } from "@tapedeck/trading";
import type { EngineStrategy, StrategyModule } from "@tapedeck/trading";
import { confineThread } from "./confine.ts";
import type { FromModule, ThreadSetup, ToModule } from "./messages.ts";

/** A module's thread: loads it, and runs it through the engine as it is told. What never returns is ended from outside. */
const { url, reached } = workerData as ThreadSetup;
const port = parentPort!;
const send = (message: FromModule) => port.postMessage(message);
const allowed = new Set(["@tapedeck/trading", "@tapedeck/formula"]);
const chunkInstants = 1_024;

registerHooks({
  resolve(specifier, context, next) {
    if (context.parentURL !== url) return next(specifier, context);
    if (!allowed.has(specifier)) {
      throw new Error(`it imports ${specifier}; a strategy imports ${[...allowed].join(" and ")} only`);
    }
    // From here, so that the folder may be anywhere.
    return next(specifier, { ...context, parentURL: import.meta.url });
  },
});

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function checkModule(loaded: unknown): StrategyModule {
  const module = (loaded as { default?: Partial<StrategyModule> }).default;
  const missing = (["title", "meaning", "params", "instruments", "create"] as const).filter(
    (member) => module?.[member] === undefined,
  );
  if (missing.length > 0) {
    throw new Error(`its default export has no ${missing.join(", ")}; export default defineStrategy({ … })`);
  }
  const { params } = module as StrategyModule;
  const open = params.find((param) => param.min === undefined || param.max === undefined);
  if (open !== undefined) throw new Error(`its parameter ${open.name} has no min and max`);
  return module as StrategyModule;
}

const bound = (strategy: EngineStrategy): EngineStrategy => ({
  name: strategy.name,
  features: [...strategy.features],
  decide: (context) => strategy.decide(context),
});

function run(module: StrategyModule, message: Extract<ToModule, { kind: "run" }>): void {
  Atomics.store(reached, 0, 0);
  Math.random = seededRandom(message.seed, "module");
  const ids = message.instruments.map((one) => one.id);
  const { name, features, decide } = bound(module.create(message.params));
  const watched: EngineStrategy = {
    name,
    features,
    decide(context) {
      const { instant } = engine.state;
      Atomics.store(reached, 0, instant);
      if (instant !== message.instants) decide(context);
    },
  };
  const engine = createEngine(
    message.instruments,
    watched,
    message.settings,
    (formula, one) => message.columns[formula]![ids.indexOf(one.id)]!,
  );
  const end = message.instants ?? engine.instants;
  let failure: Extract<FromModule, { kind: "ended" }>["failure"] = null;
  try {
    while (engine.state.instant < end) {
      engine.advance(Math.min(chunkInstants, end - engine.state.instant));
      send({ kind: "progress", done: engine.state.instant, total: engine.instants });
    }
  } catch (error) {
    const { nowMs } = engine.state;
    failure = { message: messageOf(error), atMs: Number.isNaN(nowMs) ? null : nowMs };
  }
  const { state, instants, timeMs, equity, gross, net } = engine;
  send({ kind: "ended", run: { state, instants, timeMs, equity, gross, net }, failure });
}

send({ kind: "ready" });
confineThread();
try {
  const module = checkModule(await import(url));
  port.on("message", (message: ToModule) => {
    try {
      if (message.kind === "run") return run(module, message);
      const { name, features } = module.create(message.params);
      send({ kind: "prepared", title: name, features: [...features] });
    } catch (error) {
      send({ kind: "threw", message: messageOf(error) });
    }
  });
  const { title, meaning, params, instruments } = module;
  send({ kind: "loaded", facts: { title, meaning, params, instruments } });
} catch (error) {
  send({ kind: "threw", message: messageOf(error) });
}
