import { sha256 } from "@tapedeck/core/hash";
import type { Dataset } from "@tapedeck/formula";
import { barsPerYear, resampleBars } from "@tapedeck/trading";
import type { BacktestPayload } from "../contract.ts";
import { computeFigures, reportedRun } from "../report/figures/run.ts";
import {
  expandRules,
  finerBars,
  formulaData,
  holdRun,
  loadDataset,
  readTraded,
  recordModule,
  withPosition,
} from "../run.ts";
import type { BacktestDeps } from "../run.ts";
import { completeRun, openStrategy } from "../single.ts";
import type { SingleScene, SingleStrategy } from "../single.ts";
import { hasNumbers, jitterPayload } from "./jitter.ts";
import { collectInputs } from "./subject.ts";
import type { Subject, SubjectContext } from "./subject.ts";
import { closedOnFailure } from "../opened.ts";

type Deps = Pick<BacktestDeps, "series" | "formulas" | "strategies">;

/** One instrument. Throws AppError as a backtest does. */
export async function openSingleSubject(
  deps: Deps,
  asked: BacktestPayload,
  ctx: SubjectContext,
): Promise<Subject> {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await openStrategy(deps, payload);
  return await closedOnFailure(strategy, () => readSubject(deps, payload, ctx, strategy));
}

async function readSubject(
  deps: Deps,
  payload: BacktestPayload,
  given: SubjectContext,
  strategy: SingleStrategy,
): Promise<Subject> {
  const { ctx, hashes } = collectInputs(given);
  const { signal, seed } = ctx;
  const dataset = await loadDataset(deps, payload, ctx, strategy);
  const { signals, traded } = await readTraded(deps, payload, ctx, dataset);
  const data = await formulaData(deps, payload, ctx, signals, strategy.symbols);
  const finer = await finerBars(deps, payload, ctx);
  if (strategy.module !== null) recordModule(ctx, strategy.module);
  const { instrument } = dataset;
  const scene: SingleScene = { data, traded, instrument, finer: finer?.columns };
  return {
    instruments: [instrument.instrumentId],
    datasetHash: dataset.hash,
    bars: data.length,
    inputHashes: [...hashes, sha256(JSON.stringify([payload.strategy, traded?.events]))],
    run: async (stress) => withPosition(await completeRun(strategy, scene, { signal, seed, ...stress })),
    figures: async () =>
      computeFigures({
        run: reportedRun(await completeRun(strategy, scene, { signal, seed }), dataset.columns),
        benchmark: withPosition(await holdRun(dataset, payload, signal, traded?.events)),
        closeMs: dataset.columns.closeMs,
        initialCash: Number(payload.initialCash),
        barsPerYear: barsPerYear(instrument.calendar, dataset.timeframe),
        riskFreeRate: payload.riskFreeRate,
      }),
    runOnOtherPrices:
      strategy.symbols.length > 0
        ? null
        : async (blockBars, random) => {
            const path: Dataset = { ...data, ...resampleBars(data, blockBars, random) };
            const run = await completeRun(
              strategy,
              { data: path, instrument, finer: undefined },
              { signal, seed },
            );
            return run.equity;
          },
    runWithOtherNumbers: hasNumbers(payload, strategy.params)
      ? async (share, random) => {
          const varied = await strategy.vary(jitterPayload(payload, strategy.params, share, random));
          return (await completeRun(varied, scene, { signal, seed })).equity;
        }
      : null,
    close: () => strategy.close(),
  };
}
