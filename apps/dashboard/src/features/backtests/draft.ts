/** What the form of a backtest holds, and the payload that it makes. */

export const draftTypes = {
  backtest: { title: "Backtest", path: "/api/backtests", several: "/api/portfolio-backtests" },
  sweep: { title: "Search parameters", path: "/api/sweeps", several: "/api/sweeps" },
  walkForward: { title: "Walk-forward", path: "/api/walk-forwards", several: "/api/walk-forwards" },
  monteCarlo: { title: "Monte Carlo", path: "/api/monte-carlos", several: "/api/monte-carlos" },
  biasAudit: { title: "Bias audit", path: "/api/bias-audits", several: "/api/portfolio-audits" },
} as const;
export type DraftType = keyof typeof draftTypes;

/** Where the draft's payload goes. */
export function pathOf({ type, others }: Draft): string {
  return others.length > 0 ? draftTypes[type].several : draftTypes[type].path;
}

/** A range that is searched; the texts of its fields. */
export interface DraftRange {
  name: string;
  from: string;
  to: string;
  step: string;
}

export interface Draft {
  type: DraftType;
  instrumentId: string;
  /** Instruments beside it: the payload is then one of several. */
  others: string[];
  timeframe: string;
  from: string;
  to: string;
  strategy:
    | { kind: "builtIn" | "module"; name: string; params: Record<string, string> }
    | { kind: "rules"; entry: string; exit: string; side: string };
  stopLoss: string;
  takeProfit: string;
  feeBps: string;
  slippageBps: string;
  initialCash: string;
  ranges: DraftRange[];
  method: string;
  trials: string;
  trainBars: string;
  testBars: string;
  simulations: string;
  /** Members of an earlier payload that the form has no field for, and whether that was of several instruments. */
  rest: Record<string, unknown>;
  restOfSeveral: boolean;
}

export const emptyDraft: Draft = {
  type: "backtest",
  instrumentId: "",
  others: [],
  timeframe: "1d",
  from: "",
  to: "",
  strategy: { kind: "builtIn", name: "maCrossover", params: {} },
  stopLoss: "",
  takeProfit: "",
  feeBps: "10",
  slippageBps: "5",
  initialCash: "100000",
  ranges: [],
  method: "grid",
  trials: "1000",
  trainBars: "1000",
  testBars: "250",
  simulations: "1000",
  rest: {},
  restOfSeveral: false,
};

export function searches(type: DraftType): boolean {
  return type === "sweep" || type === "walkForward";
}

/** A number where the text is one: parameters may also be choices. */
function valueOf(text: string): number | string {
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function given(members: Record<string, string>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(members)
      .filter(([, text]) => text.trim() !== "")
      .map(([name, text]) => [name, Number(text)]),
  );
}

function strategyPayload({ strategy, type, ranges }: Draft) {
  if (strategy.kind === "rules") {
    const { entry, exit, side } = strategy;
    return { kind: "rules", entry, ...(exit.trim() === "" ? {} : { exit }), side };
  }
  const searched = new Set(searches(type) ? ranges.map((range) => range.name) : []);
  const params = Object.entries(strategy.params).filter(([name, text]) => text !== "" && !searched.has(name));
  return {
    kind: strategy.kind,
    name: strategy.name,
    params: Object.fromEntries(params.map(([name, text]) => [name, valueOf(text)])),
  };
}

/** Costs are told in other members for several instruments. */
function costsOf({ feeBps, slippageBps, others }: Draft, earlier: object): Record<string, unknown> {
  if (others.length === 0) return { ...earlier, ...given({ feeBps, slippageBps }) };
  const slippage = given({ bps: slippageBps });
  return {
    ...earlier,
    ...given({ takerBps: feeBps, makerBps: feeBps }),
    ...("bps" in slippage ? { slippage: { kind: "fixed", ...slippage } } : {}),
  };
}

export function payloadOf(draft: Draft): Record<string, unknown> {
  const { type, stopLoss, takeProfit, instrumentId, others } = draft;
  const several = others.length > 0;
  const rest = Object.fromEntries(
    Object.entries(draft.rest).filter(([name]) => carried.has(name) || draft.restOfSeveral === several),
  );
  const parameters = Object.fromEntries(
    draft.ranges.map(({ name, from, to, step }) => [name, given({ from, to, step })]),
  );
  return {
    ...rest,
    ...(several ? { instruments: [instrumentId, ...others] } : { instrumentId }),
    timeframe: draft.timeframe,
    ...(draft.from === "" ? {} : { fromMs: draft.from }),
    ...(draft.to === "" ? {} : { toMs: draft.to }),
    strategy: strategyPayload(draft),
    protection: { ...(rest["protection"] as object | undefined), ...given({ stopLoss, takeProfit }) },
    costs: costsOf(draft, (rest["costs"] ?? {}) as object),
    initialCash: draft.initialCash,
    ...(searches(type)
      ? { parameters, search: { method: draft.method, ...given({ trials: draft.trials }) } }
      : {}),
    ...(type === "walkForward"
      ? { folds: { kind: "rolling", ...given({ trainBars: draft.trainBars, testBars: draft.testBars }) } }
      : {}),
    ...(type === "monteCarlo" ? given({ simulations: draft.simulations }) : {}),
  };
}

/** Members of every backtest's payload: what only searches and the like have is not carried over. */
const carried = new Set(["sizing", "protection", "riskFreeRate", "adjustment", "asOf", "innerPath"]);
/** Those of one instrument's, and of several. */
const carriedOfKind = new Set([
  "costs",
  "lotSize",
  "universe",
  "rates",
  "baseCurrency",
  "initialMargin",
  "maintenanceMargin",
  "fillsFrom",
  "timeframes",
  "multipliers",
  "funding",
  "delisted",
  "shortfall",
]);

const dayOf = (ms: unknown) => (typeof ms === "number" ? new Date(ms).toISOString().slice(0, 10) : "");
const textOf = (value: unknown) =>
  typeof value === "number" || typeof value === "string" ? String(value) : "";

/** The form of an earlier job's payload. */
export function draftOf(payload: Record<string, unknown>): Draft {
  const strategy = payload["strategy"] as Record<string, unknown> | undefined;
  const protection = (payload["protection"] ?? {}) as Record<string, unknown>;
  const costs = (payload["costs"] ?? {}) as Record<string, unknown>;
  const slippage = (costs["slippage"] ?? {}) as Record<string, unknown>;
  const instruments = payload["instruments"] as string[] | undefined;
  return {
    ...emptyDraft,
    instrumentId: instruments?.[0] ?? textOf(payload["instrumentId"]),
    others: instruments?.slice(1) ?? [],
    timeframe: textOf(payload["timeframe"]) || emptyDraft.timeframe,
    from: dayOf(payload["fromMs"]),
    to: dayOf(payload["toMs"]),
    strategy:
      strategy?.["kind"] === "rules"
        ? {
            kind: "rules",
            entry: textOf(strategy["entry"]),
            exit: textOf(strategy["exit"]),
            side: textOf(strategy["side"]) || "long",
          }
        : {
            kind: strategy?.["kind"] === "module" ? "module" : "builtIn",
            name: textOf(strategy?.["name"]),
            params: Object.fromEntries(
              Object.entries((strategy?.["params"] ?? {}) as object).map(([name, value]) => [
                name,
                textOf(value),
              ]),
            ),
          },
    stopLoss: textOf(protection["stopLoss"]),
    takeProfit: textOf(protection["takeProfit"]),
    feeBps: textOf(costs["feeBps"] ?? costs["takerBps"]),
    // Of another model of slippage the field stays empty, which leaves it.
    slippageBps: textOf(costs["slippageBps"] ?? slippage["bps"]),
    initialCash: textOf(payload["initialCash"]) || emptyDraft.initialCash,
    rest: Object.fromEntries(
      Object.entries(payload).filter(([name]) => carried.has(name) || carriedOfKind.has(name)),
    ),
    restOfSeveral: (instruments?.length ?? 0) > 1,
  };
}
