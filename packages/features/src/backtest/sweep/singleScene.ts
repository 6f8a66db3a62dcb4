import { AppError } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import { barsPerYear } from "@tapedeck/trading";
import type { BarRange } from "@tapedeck/trading";
import type { Strategy } from "../contract.ts";
import { isFast, settingsOf } from "../domain.ts";
import {
  cutBars,
  expandRules,
  finerBars,
  holdRun,
  readDataset,
  recordInput,
  readTraded,
  recordModule,
  toFormulaData,
  withPosition,
} from "../run.ts";
import { openStrategy } from "../single.ts";
import type { SingleStrategy } from "../single.ts";
import { anyRules, engineShare, readOthers, resolverOf, spaceOf, symbolsOf } from "./inputs.ts";
import type { SearchContext, SearchDeps, SingleSearch } from "./inputs.ts";
import { checkParameters, createEngineRunner, createTrialRunner } from "./runner.ts";
import type { SearchScene } from "./scene.ts";
import { closedOnFailure } from "../opened.ts";

/** `openScene` of one instrument. */
export async function openSingleScene(
  deps: SearchDeps,
  asked: SingleSearch,
  ctx: SearchContext,
): Promise<SearchScene> {
  checkParameters(asked.strategy, Object.keys(asked.parameters));
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await engineStrategy(deps, payload);
  return await closedOnFailure(strategy, () => readScene(deps, payload, ctx, strategy));
}

/** The strategy where only the engine runs it; undefined: the simulator does. */
async function engineStrategy(deps: SearchDeps, payload: SingleSearch): Promise<SingleStrategy | undefined> {
  const { strategy } = payload;
  if (strategy.kind === "module") return openStrategy(deps, payload);
  return isFast(payload) ? undefined : openStrategy(deps, { ...payload, strategy: anyRules });
}

async function readScene(
  deps: SearchDeps,
  payload: SingleSearch,
  ctx: SearchContext,
  strategy: SingleStrategy | undefined,
): Promise<SearchScene> {
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  if (dataset.length < 2) {
    throw new AppError("data.missing", `${dataset.instrument.instrumentId} has ${dataset.length} bars here.`);
  }
  const { signals, traded } = await readTraded(deps, payload, ctx, dataset);
  const inputHashes = [
    dataset.hash,
    signals.hash,
    sha256(JSON.stringify([payload.strategy, traded?.events])),
  ];
  const symbols = strategy === undefined || strategy.module === null ? symbolsOf(payload) : strategy.symbols;
  const others = await readOthers(deps, payload, ctx, symbols);
  for (const other of others.values()) if (!(other instanceof AppError)) inputHashes.push(other.hash);
  const { instrument } = dataset;
  const data = { ...toFormulaData(signals), resolve: resolverOf(others) };
  const facts = {
    barsPerYear: barsPerYear(instrument.calendar, dataset.timeframe),
    riskFreeRate: payload.riskFreeRate,
  };
  const { instrumentId, calendar, currency, lotSize, tickSize, minNotional } = instrument;
  const shared = {
    ...facts,
    initialCash: Number(payload.initialCash),
    hold: async (bars: BarRange) =>
      withPosition(await holdRun(cutBars(dataset, bars), payload, ctx.signal, traded?.events)),
    space: spaceOf(payload),
    instruments: [instrumentId],
    timeframe: dataset.timeframe,
    datasetHash: dataset.hash,
    openMs: data.openMs,
    closeMs: data.closeMs,
    trialBars: (strategy === undefined ? 1 : engineShare) * dataset.length,
    inputHashes,
    instrumentFacts: { instrumentId, calendar, currency, lotSize, tickSize, minNotional },
  };
  if (strategy === undefined) {
    const { strategy: rules } = payload as { strategy: Strategy };
    const runner = createTrialRunner(rules, data, settingsOf(payload, instrument), facts);
    return { ...shared, runner: { ...runner, close: () => Promise.resolve() } };
  }
  const finer = await finerBars(deps, payload, ctx);
  if (finer !== undefined) inputHashes.push(finer.hash);
  if (strategy.module !== null) {
    recordModule(ctx, strategy.module);
    inputHashes.push(strategy.module.hash);
  }
  const scene = { data, traded, instrument, finer: finer?.columns };
  return { ...shared, runner: createEngineRunner(strategy, payload, scene, facts, ctx) };
}
