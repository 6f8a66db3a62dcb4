import { AppError } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Dataset } from "@tapedeck/formula";
import { fillRows, measureCurve, roundTripsOf } from "@tapedeck/trading";
import type {
  EngineRun,
  FeatureColumn,
  MarketInstrument,
  ParameterValues,
  PriceSeries,
} from "@tapedeck/trading";
import { lowerBound } from "../columns.ts";
import { datasetsHash } from "../instruments.ts";
import { countedFrom } from "../outcome.ts";
import type { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { featureColumns, loadListings, marketOf } from "../portfolio/market.ts";
import type { Listing } from "../portfolio/market.ts";
import { curveOfPortfolio, perYearOf, reportedPortfolio } from "../portfolio/result.ts";
import { factsOf, runBenchmark } from "../portfolio/run.ts";
import { openPortfolio } from "../portfolio/strategy.ts";
import type { PortfolioMarket, PortfolioPlan } from "../portfolio/strategy.ts";
import { expandRules, recordInput, recordModule } from "../run.ts";
import type { HeldRun } from "../run.ts";
import { anyRules, engineShare, readOthers, resolverOf, spaceOf, symbolsOf } from "./inputs.ts";
import type { PortfolioSearch, SearchContext, SearchDeps } from "./inputs.ts";
import { checkParameters, fillPayload } from "./runner.ts";
import type { SearchRunner, WholeRun } from "./runner.ts";
import type { SearchScene } from "./scene.ts";
import { closedOnFailure } from "../opened.ts";

/** Feature columns kept between combinations. */
const mostBytes = 256 * 1024 * 1024;

/** `openScene` of several instruments. */
export async function openPortfolioScene(
  deps: SearchDeps,
  asked: PortfolioSearch,
  ctx: SearchContext,
): Promise<SearchScene> {
  checkParameters(asked.strategy, Object.keys(asked.parameters));
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const plan = await openPortfolio(
    deps,
    payload.strategy.kind === "module" ? payload : { ...payload, strategy: anyRules },
  );
  return await closedOnFailure(plan, () => readPortfolioScene(deps, payload, ctx, plan));
}

async function readPortfolioScene(
  deps: SearchDeps,
  payload: PortfolioSearch,
  ctx: SearchContext,
  plan: PortfolioPlan,
): Promise<SearchScene> {
  const inputHashes = [sha256(JSON.stringify(payload.strategy))];
  const loaded = await loadListings(deps, payload, { symbols: [] }, ctx, (dataset) => {
    recordInput(ctx, dataset);
    inputHashes.push(dataset.hash);
  });
  const ofStrategy = plan.module === null ? symbolsOf(payload) : [];
  const symbols = [...new Set([...plan.symbols, ...ofStrategy])].sort();
  const others = await readOthers(deps, payload, ctx, symbols);
  for (const other of others.values()) if (!(other instanceof AppError)) inputHashes.push(other.hash);
  if (plan.module !== null) {
    recordModule(ctx, plan.module);
    inputHashes.push(plan.module.hash);
  }
  const { listings } = loaded;
  const market = marketOf(payload, { features: [] }, loaded);
  const sorted = listings.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  const clock = clockOf(market.instruments);
  const facts = { barsPerYear: perYearOf(listings), riskFreeRate: payload.riskFreeRate };
  const columnsOf = createColumns(listings, resolverOf(others));
  return {
    ...facts,
    ...clock,
    space: spaceOf(payload),
    instruments: sorted.map(idOf),
    timeframe: payload.timeframe,
    datasetHash: datasetsHash(sorted.map(({ dataset }) => dataset.hash)),
    trialBars:
      engineShare *
      listings.reduce((sum, { dataset, fills }) => sum + Math.max(dataset.length, fills.length), 0),
    inputHashes,
    instrumentFacts: listings.map(factsOf),
    initialCash: Number(payload.initialCash),
    async hold({ from, to }) {
      const cut = cutMarket(market, clock.closeMs[from]!, clock.closeMs[to - 1]!);
      return curveFrom(from, await runBenchmark(cut, ctx));
    },
    runner: createPortfolioRunner(plan, payload, { market, closeMs: clock.closeMs, columnsOf }, facts, ctx),
  };
}

const idOf = ({ dataset }: Listing) => dataset.instrument.instrumentId;

/** Distinct closes of the bars that strategies see, with the earliest open of those that close there. */
function clockOf(instruments: readonly MarketInstrument[]): Pick<SearchScene, "openMs" | "closeMs"> {
  const opens = new Map<number, number>();
  for (const { bars, signalBars = bars } of instruments) {
    const { openMs, closeMs } = signalBars;
    for (let i = 0; i < closeMs.length; i++) {
      opens.set(closeMs[i]!, Math.min(openMs[i]!, opens.get(closeMs[i]!) ?? Infinity));
    }
  }
  const closeMs = Float64Array.from(opens.keys()).sort();
  return { closeMs, openMs: closeMs.map((ms) => opens.get(ms)!) };
}

type ColumnsOf = (formulas: readonly string[]) => PortfolioMarket["columns"];

/** Columns of formulas, computed once for all combinations that read them, as long as they are not too many. */
function createColumns(listings: readonly Listing[], resolve: NonNullable<Dataset["resolve"]>): ColumnsOf {
  const known = new Map<string, readonly FeatureColumn[]>();
  const bytes = 8 * listings.reduce((sum, { signals }) => sum + signals.length, 0);
  return (formulas) => {
    const missing = formulas.filter((formula) => !known.has(formula));
    if ((known.size + missing.length) * bytes > mostBytes) known.clear();
    const computed = featureColumns(
      formulas.filter((formula) => !known.has(formula)),
      listings,
      resolve,
    );
    for (const [formula, columns] of Object.entries(computed)) known.set(formula, columns);
    return Object.fromEntries(formulas.map((formula) => [formula, known.get(formula)!]));
  };
}

/** Combinations over several instruments. `plan` is closed with the runner. */
function createPortfolioRunner(
  plan: PortfolioPlan,
  payload: PortfolioBacktestPayload,
  { market, closeMs, columnsOf }: { market: PortfolioMarket; closeMs: Float64Array; columnsOf: ColumnsOf },
  facts: { barsPerYear: number; riskFreeRate: number },
  { signal, seed }: Pick<SearchContext, "signal" | "seed">,
): SearchRunner {
  const initialCash = Number(payload.initialCash);
  const n = closeMs.length;
  const runOf = async (values: ParameterValues, from: number, to: number): Promise<EngineRun> => {
    const varied = await plan.vary(fillPayload(payload, values));
    const whole = { ...market, columns: columnsOf(varied.features) };
    const { run, failure } = await varied.run(
      from === 0 && to === n ? whole : cutMarket(whole, closeMs[from]!, closeMs[to - 1]!),
      { signal, seed },
    );
    if (failure !== null) throw new AppError("strategy.failed", failure.message);
    return run;
  };
  const whole = async (values: ParameterValues): Promise<WholeRun> => {
    const { equity, state } = await runOf(values, 0, n);
    const fills = [...fillRows(state.postings)].length;
    const curve = { equity, initialCash, active: Int32Array.of(1, n), fills };
    return { equity, measure: measureCurve(curve, facts.barsPerYear, facts.riskFreeRate) };
  };
  return {
    whole,
    run: async (values) => (await whole(values)).measure,
    equity: async (values, from, to) => (await runOf(values, from, to)).equity.subarray(from, to),
    async outcome(values, from, to) {
      const run = await runOf(values, from, to);
      return { ...reportedPortfolio(run), ...curveFrom(from, run) };
    },
    close: () => plan.close(),
  };
}

/** The run from one of its closes on, which becomes the first. */
function curveFrom(from: number, run: EngineRun): HeldRun {
  const curve = curveOfPortfolio(run, roundTripsOf(run.state));
  return { ...countedFrom(curve, from), position: curve.position.subarray(from) };
}

/** What had closed by a time, where the strategy is first asked at `fromMs`. */
export function cutMarket(
  { instruments, settings, columns }: PortfolioMarket,
  fromMs: number,
  untilMs: number,
): PortfolioMarket {
  const counts = new Map<Float64Array, { closeMs: Float64Array; count: number }>();
  // Feature columns go with the bars whose closes they share: one cut of each.
  const cutOf = (closeMs: Float64Array) => {
    const known = counts.get(closeMs);
    if (known !== undefined) return known;
    const count = lowerBound(closeMs, untilMs + 1);
    const made = { count, closeMs: count === closeMs.length ? closeMs : closeMs.subarray(0, count) };
    counts.set(closeMs, made);
    return made;
  };
  const cutBars = <Bars extends PriceSeries>(bars: Bars): Bars => {
    const { count, closeMs } = cutOf(bars.closeMs);
    const entries = Object.entries(bars).map(([name, column]) => [
      name,
      column === bars.closeMs ? closeMs : (column as Float64Array).subarray(0, count),
    ]);
    return Object.fromEntries(entries) as Bars;
  };
  return {
    settings: { ...settings, fromMs },
    instruments: instruments.map((one) => ({
      ...one,
      bars: cutBars(one.bars),
      signalBars: one.signalBars === undefined ? undefined : cutBars(one.signalBars),
      // Nobody knows before its last bar that it leaves.
      delists: one.delists === true && cutOf(one.bars.closeMs).count === one.bars.closeMs.length,
    })),
    columns: Object.fromEntries(
      Object.entries(columns).map(([formula, own]) => [
        formula,
        own.map(({ closeMs, values }) => {
          const cut = cutOf(closeMs);
          return { closeMs: cut.closeMs, values: values.subarray(0, cut.count) };
        }),
      ]),
    ),
  };
}
