/** What the form of a backtest holds, and the payload that it makes. */

export const draftTypes = {
  backtest: { title: "Backtest", path: "/api/backtests" },
  sweep: { title: "Search parameters", path: "/api/sweeps" },
  walkForward: { title: "Walk-forward", path: "/api/walk-forwards" },
  monteCarlo: { title: "Monte Carlo", path: "/api/monte-carlos" },
  biasAudit: { title: "Bias audit", path: "/api/bias-audits" },
} as const;
export type DraftType = keyof typeof draftTypes;

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
  /** Members of an earlier payload that the form has no field for. */
  rest: Record<string, unknown>;
}

export const emptyDraft: Draft = {
  type: "backtest",
  instrumentId: "",
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

export function payloadOf(draft: Draft): Record<string, unknown> {
  const { type, rest, stopLoss, takeProfit, feeBps, slippageBps } = draft;
  const parameters = Object.fromEntries(
    draft.ranges.map(({ name, from, to, step }) => [name, given({ from, to, step })]),
  );
  return {
    ...rest,
    instrumentId: draft.instrumentId,
    timeframe: draft.timeframe,
    ...(draft.from === "" ? {} : { fromMs: draft.from }),
    ...(draft.to === "" ? {} : { toMs: draft.to }),
    strategy: strategyPayload(draft),
    protection: { ...(rest["protection"] as object | undefined), ...given({ stopLoss, takeProfit }) },
    costs: { ...(rest["costs"] as object | undefined), ...given({ feeBps, slippageBps }) },
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

/** Members that only a backtest's payload has: those of the others' payloads are not carried over. */
const carried = new Set(["sizing", "protection", "costs", "lotSize", "riskFreeRate", "adjustment", "asOf"]);

const dayOf = (ms: unknown) => (typeof ms === "number" ? new Date(ms).toISOString().slice(0, 10) : "");
const textOf = (value: unknown) =>
  typeof value === "number" || typeof value === "string" ? String(value) : "";

/** The form of an earlier job's payload. */
export function draftOf(payload: Record<string, unknown>): Draft {
  const strategy = payload["strategy"] as Record<string, unknown> | undefined;
  const protection = (payload["protection"] ?? {}) as Record<string, unknown>;
  const costs = (payload["costs"] ?? {}) as Record<string, unknown>;
  return {
    ...emptyDraft,
    instrumentId: textOf(payload["instrumentId"]),
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
    feeBps: textOf(costs["feeBps"]),
    slippageBps: textOf(costs["slippageBps"]),
    initialCash: textOf(payload["initialCash"]) || emptyDraft.initialCash,
    rest: Object.fromEntries(Object.entries(payload).filter(([name]) => carried.has(name))),
  };
}
