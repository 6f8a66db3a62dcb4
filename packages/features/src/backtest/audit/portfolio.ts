import { AppError, isoDate } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { auditRecursion, cutPoints, decidedOrders, fillRows, suspectSplits } from "@tapedeck/trading";
import type { DecisionTrace, EngineRun } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { SeriesDataset } from "../../series/contract.ts";
import { lowerBound } from "../columns.ts";
import { dearer, endOf, loadForJob, loadListings, marketOf, requireBars } from "../portfolio/market.ts";
import type { Listing, Listings } from "../portfolio/market.ts";
import type { PortfolioDeps } from "../portfolio/run.ts";
import { openPortfolio } from "../portfolio/strategy.ts";
import type { PortfolioMarket, PortfolioPlan } from "../portfolio/strategy.ts";
import { expandRules, firstBars, toFormulaData } from "../run.ts";
import { auditSubject, recursionCheck, scheduleCheck, startsOf } from "./checks.ts";
import type { AuditSubject } from "./checks.ts";
import type { AuditCheck, portfolioAudit, PortfolioAuditPayload, PortfolioAuditResult } from "./contract.ts";

type Deps = Pick<PortfolioDeps, "series" | "formulas" | "strategies">;
type Context = JobContext<ProgressOf<typeof portfolioAudit>, Tx>;

/** Permutation, splits and survivorship. */
const furtherCount = 3;

export const runPortfolioAudit: JobHandler<typeof portfolioAudit, Deps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const plan = await openPortfolio(deps, payload);
  try {
    return await auditPlan(deps, payload, ctx, plan);
  } finally {
    await plan.close();
  }
};

async function auditPlan(
  deps: Deps,
  payload: PortfolioAuditPayload,
  ctx: Context,
  plan: PortfolioPlan,
): Promise<PortfolioAuditResult> {
  const loaded = await loadForJob(deps, payload, plan, ctx, () => undefined);
  requireBars(plan, loaded);
  const market = marketOf(payload, plan, loaded);
  const runOn = async (on: PortfolioMarket): Promise<EngineRun> => {
    const { run, failure } = await plan.run(on, { signal: ctx.signal, seed: ctx.seed });
    if (failure !== null) throw new AppError("strategy.failed", failure.message);
    return run;
  };
  const decideOn = async (listings: Listings): Promise<DecisionTrace> =>
    decidedOrders((await runOn(marketOf(payload, plan, listings))).state);
  const whole = await runOn(market);
  const { timeMs, instants } = whole;
  const asKnown = async (asOf: number) => {
    const known = await loadListings(deps, { ...payload, asOf }, plan, ctx, () => undefined).catch(
      nothingKnown,
    );
    return known === undefined ? undefined : decideOn(known);
  };
  const { settings } = market;
  const subject: AuditSubject = {
    warmupBars: plan.warmupBars,
    decide: (untilMs) =>
      untilMs === undefined
        ? Promise.resolve(decidedOrders(whole.state))
        : decideOn(closedBy(loaded, untilMs)),
    decideAsKnown: asKnown,
    closeMs: timeMs.subarray(0, instants),
    revisions: async () => {
      const { tenantId } = ctx;
      const { fromMs, toMs, adjustment, asOf: asOfMs } = payload;
      const lists = loaded.listings.flatMap(({ dataset, fills }) =>
        [...new Set([dataset, fills])].map(({ instrument: { instrumentId }, timeframe }) =>
          deps.series.revisions({ tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs }),
        ),
      );
      return (await Promise.all(lists)).flat().sort((a, b) => a.closeMs - b.closeMs);
    },
    cutsMs: (count) => cutPoints(instants, plan.warmupBars, count).map((cut) => timeMs[cut - 1]!),
    recursion: async () => {
      const formulas = recursionOf(plan, loaded);
      if (readsFormulasOnly(plan) || formulas.outcome === "fail") return formulas;
      return scheduleCheck({
        whole: decidedOrders(whole.state),
        beginning: (start) => decideOn(openedFrom(loaded, timeMs[start]!)),
        closeMs: timeMs.subarray(0, instants),
        least: plan.warmupBars + 2,
      });
    },
    further: async () => [
      permutationOf(whole, await runOn(renamed(market))),
      splitsOf(loaded.listings),
      survivorshipOf(loaded.listings),
    ],
    returnWith: async ({ costMultiple = 1, delayBars = 0 }) => {
      const costs = costMultiple === 1 ? settings.costs : dearer(settings.costs, costMultiple);
      const { equity } = await runOn({ ...market, settings: { ...settings, costs, delayBars } });
      return equity.at(-1)! / settings.initialCash - 1;
    },
  };
  return {
    instruments: loaded.listings.map(({ dataset }) => ({
      instrumentId: dataset.instrument.instrumentId,
      datasetHash: dataset.hash,
      bars: dataset.length,
    })),
    timeframe: payload.timeframe,
    instants,
    ...(await auditSubject(subject, payload.cuts, furtherCount, ctx)),
  };
}

function nothingKnown(error: unknown): undefined {
  if (error instanceof AppError && error.code === "data.missing") return undefined;
  throw error;
}

/** Rules have no state but their positions; whatever else remembers may. */
const readsFormulasOnly = ({ conditions }: PortfolioPlan) => Object.keys(conditions).length > 0;

/** Without the bars that close before a time, of instruments that have two left. */
function openedFrom({ listings, ...others }: Listings, fromMs: number): Listings {
  const cut = (dataset: SeriesDataset) => lastBars(dataset, lowerBound(dataset.columns.closeMs, fromMs));
  return {
    ...others,
    listings: listings
      .map((listing): Listing => {
        const bars = cut(listing.dataset);
        return {
          ...listing,
          dataset: bars,
          fills: listing.fills === listing.dataset ? bars : cut(listing.fills),
          signals: listing.signals === listing.dataset ? bars : cut(listing.signals),
        };
      })
      .filter(({ dataset }) => dataset.length > 1),
  };
}

/** The bars from a row on. */
function lastBars(dataset: SeriesDataset, from: number): SeriesDataset {
  const entries = Object.entries(dataset.columns).map(([name, column]) => [name, column.subarray(from)]);
  return {
    ...dataset,
    length: dataset.length - from,
    columns: Object.fromEntries(entries) as SeriesDataset["columns"],
  };
}

/** What had closed by a time, of instruments that had a bar by then. */
function closedBy({ listings, rates, others }: Listings, untilMs: number): Listings {
  const cut = (dataset: SeriesDataset) =>
    firstBars(dataset, lowerBound(dataset.columns.closeMs, untilMs + 1));
  return {
    listings: listings
      .map(({ dataset, fills, signals, finer, endedMs, ...facts }): Listing => {
        const bars = cut(dataset);
        return {
          dataset: bars,
          fills: fills === dataset ? bars : cut(fills),
          signals: signals === dataset ? bars : cut(signals),
          finer: finer === undefined ? undefined : cut(finer),
          ...facts,
          // Nobody knows before its last bar that it leaves.
          endedMs: bars.length === dataset.length ? endedMs : null,
        };
      })
      .filter(({ dataset }) => dataset.length > 0),
    rates: Object.fromEntries(Object.entries(rates).map(([currency, rate]) => [currency, cut(rate)])),
    others: new Map([...others].map(([name, dataset]) => [name, cut(dataset)])),
  };
}

/** The formulas of each instrument, begun later. */
function recursionOf(plan: PortfolioPlan, { listings, others }: Listings): AuditCheck {
  const data = new Map([...others].map(([name, dataset]) => [name, toFormulaData(dataset)]));
  const columnsOf = (bars: Dataset) => evaluateFormulas(plan.features, bars);
  let starts: number[] = [];
  for (const { signals } of listings) {
    const bars: Dataset = { ...toFormulaData(signals), resolve: (symbol) => data.get(symbol) };
    const own = startsOf(bars.length, plan.warmupBars + 2);
    if (own.length > starts.length) starts = own;
    const finding = auditRecursion(columnsOf, bars, plan.warmupBars, own);
    if (!finding.passed) return recursionCheck(finding, own, plan.warmupBars);
  }
  return recursionCheck({ passed: true, firstMs: null, compared: 0 }, starts, plan.warmupBars);
}

/** Names under which the last instrument comes first. */
function renamed(market: PortfolioMarket): PortfolioMarket {
  const sorted = market.instruments.map((one) => one.id).toSorted();
  const other = (id: string) => `${String(sorted.length - sorted.indexOf(id)).padStart(4, "0")} ${id}`;
  return { ...market, instruments: market.instruments.map((one) => ({ ...one, id: other(one.id) })) };
}

/** The same fills whatever the instruments are called? */
function permutationOf(whole: EngineRun, other: EngineRun): AuditCheck {
  const linesOf = ({ state: { postings, instruments } }: EngineRun) =>
    [...fillRows(postings)].map((row) => {
      const id = instruments[postings.instrument[row]!]!.id.replace(/^\d{4} /, "");
      return {
        atMs: postings.timeMs[row]!,
        line: `${postings.timeMs[row]} ${id} ${postings.quantity[row]!.toPrecision(9)}`,
      };
    });
  const [mine, theirs] = [linesOf(whole), linesOf(other)];
  const has = new Set(theirs.map(({ line }) => line));
  const first = mine.find(({ line }) => !has.has(line));
  const same = first === undefined && mine.length === theirs.length;
  return {
    name: "permutation",
    outcome: same ? "pass" : "warning",
    detail: same
      ? "With the instruments in the opposite order the fills are the same."
      : "With the instruments named so that their order turns round, the fills differ: the strategy prefers the first of equals, or tells its instruments apart by place.",
    firstMs: first?.atMs ?? null,
  };
}

function splitsOf(listings: readonly Listing[]): AuditCheck {
  const found = listings.flatMap(({ signals }) =>
    suspectSplits(toFormulaData(signals)).map((i) => ({
      id: signals.instrument.instrumentId,
      atMs: signals.columns.closeMs[i]!,
    })),
  );
  const first = found.toSorted((a, b) => a.atMs - b.atMs)[0];
  return {
    name: "splits",
    outcome: first === undefined ? "pass" : "warning",
    detail:
      first === undefined
        ? "No close is about half or twice the one before."
        : `${found.length} closes are about half or twice the one before, the first of ${first.id}: look whether they are splits that are not adjusted for.`,
    firstMs: first?.atMs ?? null,
  };
}

function survivorshipOf(listings: readonly Listing[]): AuditCheck {
  const shares = listings.filter(({ dataset }) => ["equity", "fund"].includes(dataset.instrument.assetClass));
  const gone = shares.filter(({ endedMs }) => endedMs !== null);
  const chosen = shares.length > 0 && gone.length === 0;
  return {
    name: "survivorship",
    outcome: chosen ? "warning" : "pass",
    detail: chosen
      ? `All ${shares.length} shares and funds still trade on ${isoDate(endOf(listings))}: those that failed could not have been chosen.`
      : shares.length === 0
        ? "No instrument is a share or a fund."
        : `${gone.length} of ${shares.length} shares and funds end before the run does: those that failed are among them.`,
    firstMs: null,
  };
}
