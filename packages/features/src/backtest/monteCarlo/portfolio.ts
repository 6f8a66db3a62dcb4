import { AppError } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import { createJointResampling, roundTripsOf } from "@tapedeck/trading";
import type { EngineRun } from "@tapedeck/trading";
import { datasetsHash } from "../instruments.ts";
import type { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { dearer, loadForJob, marketOf, requireBars } from "../portfolio/market.ts";
import type { Listing, Listings } from "../portfolio/market.ts";
import { curveOfPortfolio, perYearOf, reportedPortfolio } from "../portfolio/result.ts";
import { runBenchmark } from "../portfolio/run.ts";
import type { PortfolioDeps } from "../portfolio/run.ts";
import { openPortfolio } from "../portfolio/strategy.ts";
import type { PortfolioMarket, PortfolioPlan } from "../portfolio/strategy.ts";
import { computeFigures } from "../report/figures/run.ts";
import { expandRules, recordModule } from "../run.ts";
import { hasNumbers, jitterPayload } from "./jitter.ts";
import { collectInputs } from "./subject.ts";
import type { Subject, SubjectContext } from "./subject.ts";
import { closedOnFailure } from "../opened.ts";

type Deps = Pick<PortfolioDeps, "series" | "formulas" | "strategies">;

/** Several instruments. Throws AppError as a portfolio's backtest does. */
export async function openPortfolioSubject(
  deps: Deps,
  asked: PortfolioBacktestPayload,
  ctx: SubjectContext,
): Promise<Subject> {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const plan = await openPortfolio(deps, payload);
  return await closedOnFailure(plan, () => readSubject(deps, payload, ctx, plan));
}

async function readSubject(
  deps: Deps,
  payload: PortfolioBacktestPayload,
  given: SubjectContext,
  plan: PortfolioPlan,
): Promise<Subject> {
  const { ctx, hashes } = collectInputs(given);
  const loaded = await loadForJob(deps, payload, plan, ctx, () => undefined);
  if (plan.module !== null) recordModule(ctx, plan.module);
  requireBars(plan, loaded);
  const market = marketOf(payload, plan, loaded);
  const runOn = async (on: PortfolioMarket, varied = plan): Promise<EngineRun> => {
    const { run, failure } = await varied.run(on, { signal: ctx.signal, seed: ctx.seed });
    if (failure !== null) throw new AppError("strategy.failed", failure.message);
    return run;
  };
  const { settings } = market;
  const sorted = loaded.listings.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const resample = createJointResampling(sorted.map(({ signals }) => signals.columns));
  return {
    instruments: sorted.map(idOf),
    datasetHash: datasetsHash(sorted.map(({ dataset }) => dataset.hash)),
    bars: new Set(sorted.flatMap(({ signals }) => [...signals.columns.closeMs])).size,
    inputHashes: [...hashes, sha256(JSON.stringify(payload.strategy))],
    async run({ costMultiple = 1, delayBars = 0 }) {
      const costs = costMultiple === 1 ? settings.costs : dearer(settings.costs, costMultiple);
      const run = await runOn({ ...market, settings: { ...settings, costs, delayBars } });
      return curveOfPortfolio(run, roundTripsOf(run.state));
    },
    async figures() {
      const [run, benchmark] = [await runOn(market), await runBenchmark(market, ctx)];
      return computeFigures({
        run: reportedPortfolio(run),
        benchmark: curveOfPortfolio(benchmark, roundTripsOf(benchmark.state)),
        closeMs: run.timeMs,
        initialCash: Number(payload.initialCash),
        barsPerYear: perYearOf(loaded.listings),
        riskFreeRate: payload.riskFreeRate,
      });
    },
    runOnOtherPrices:
      resample === null || plan.symbols.length > 0
        ? null
        : async (blockBars, random) => {
            const paths = resample(blockBars, random);
            const listings = loaded.listings.map((one) => onPath(one, paths[sorted.indexOf(one)]!));
            return (await runOn(marketOf(payload, plan, { ...loaded, listings }))).equity;
          },
    runWithOtherNumbers: hasNumbers(payload, plan.params)
      ? async (share, random) => {
          const other = jitterPayload(payload, plan.params, share, random);
          const varied = await plan.vary(other);
          return (await runOn(marketOf(other, varied, loaded), varied)).equity;
        }
      : null,
    close: () => plan.close(),
  };
}

const idOf = ({ dataset }: Listing) => dataset.instrument.instrumentId;

/** Orders meet the bars of the path, and no split or dividend is in it. */
function onPath({ signals, multiplier, endedMs }: Listing, path: object): Listings["listings"][number] {
  const dataset = { ...signals, columns: { ...signals.columns, ...path } };
  return { dataset, fills: dataset, signals: dataset, finer: undefined, actions: [], multiplier, endedMs };
}
