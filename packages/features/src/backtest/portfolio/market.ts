import { AppError, isoDate, timeframeMs } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import type {
  EngineSettings,
  MarketEvent,
  MarketInstrument,
  RateSeries,
  TradingCosts,
} from "@tapedeck/trading";
import { tickTimeframe } from "../../series/contract.ts";
import type { CorporateAction, SeriesColumns, SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { eventsOf } from "../actions.ts";
import { lowerBound } from "../columns.ts";
import { firstBars, readDataset, recordInput, seenBy, toFormulaData } from "../run.ts";
import type { PortfolioBacktestPayload } from "./contract.ts";
import type { PortfolioMarket, PortfolioPlan } from "./strategy.ts";

/** What a run reads of one instrument. */
export interface Listing {
  /** In the prices that orders trade at. */
  dataset: SeriesDataset;
  /** What orders meet: the same, shorter bars, or trades, in those prices. */
  fills: SeriesDataset;
  /** In the prices that formulas and strategies see: adjusted for splits where the others are as traded. */
  signals: SeriesDataset;
  finer: SeriesDataset | undefined;
  actions: readonly CorporateAction[];
  /** Currency a unit and point of price. */
  multiplier: number;
  /** The close of its last bar, where it left the market before the run ends. */
  endedMs: number | null;
}

export interface Listings {
  /** As asked for. */
  listings: Listing[];
  rates: Record<string, SeriesDataset>;
  /** Instruments that formulas name, by that name. */
  others: Map<string, SeriesDataset>;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** An instrument whose bars end so long before the run's has left the market. */
const goneMs = 10 * dayMs;

type Scope = Pick<JobContext, "tenantId" | "signal">;

/** Reads everything; `onRead` is told of each. */
export async function loadListings(
  deps: { series: SeriesReader },
  payload: PortfolioBacktestPayload,
  plan: Pick<PortfolioPlan, "symbols">,
  scope: Scope,
  onRead: (dataset: SeriesDataset) => void,
): Promise<Listings> {
  const read = async (ref: string, change: Partial<PortfolioBacktestPayload> = {}) => {
    const asked = { ...payload, ...change };
    const dataset = await readDataset(deps, asked, scope, ref, asked.fromMs);
    onRead(dataset);
    return dataset;
  };
  checkTimeframes(payload);
  const { innerPath } = payload;
  const listings: Listing[] = [];
  for (const ref of payload.instruments) {
    const timeframe = timeframeOf(payload, ref);
    const dataset = await read(ref, { timeframe });
    const { instrumentId } = dataset.instrument;
    if (dataset.length < 2) {
      throw new AppError("data.missing", `${instrumentId} has ${dataset.length} bars here.`);
    }
    const raw = payload.adjustment === "raw";
    const fillsIn = fillTimeframe(payload);
    const fills = fillsIn === undefined ? dataset : await read(ref, { timeframe: fillsIn });
    requireFills(dataset, fills);
    listings.push({
      dataset,
      fills,
      signals: raw ? await read(ref, { timeframe, adjustment: "split" }) : dataset,
      finer: typeof innerPath === "string" ? undefined : await read(ref, { timeframe: innerPath.timeframe }),
      actions: raw ? await deps.series.actions(scope.tenantId, instrumentId, payload.asOf) : [],
      multiplier: payload.multipliers[ref] ?? 1,
      endedMs: null,
    });
  }
  const whole = { fromMs: undefined };
  const rates: Record<string, SeriesDataset> = {};
  for (const [currency, ref] of Object.entries(payload.rates)) rates[currency] = await read(ref, whole);
  const others = new Map<string, SeriesDataset>();
  const { adjustment } = seenBy(payload);
  for (const symbol of plan.symbols) others.set(symbol, await read(symbol, { ...whole, adjustment }));
  const toMs = endOf(listings);
  for (const listing of listings) {
    const lastMs = listing.dataset.columns.closeMs[listing.dataset.length - 1]!;
    if (lastMs < toMs - goneMs) listing.endedMs = lastMs;
  }
  return { listings, rates, others };
}

/** Timeframe that an instrument is decided by. */
export const timeframeOf = (
  { timeframe, timeframes }: Pick<PortfolioBacktestPayload, "timeframe" | "timeframes">,
  ref: string,
): string => timeframes[ref] ?? timeframe;

/** Timeframe of what orders meet; undefined: the bars that the strategy decides by. */
function fillTimeframe({ fillsFrom }: Pick<PortfolioBacktestPayload, "fillsFrom">): string | undefined {
  if (typeof fillsFrom === "object") return fillsFrom.timeframe;
  return fillsFrom === "trades" ? tickTimeframe : undefined;
}

/** Throws AppError `payload.invalid`. */
function checkTimeframes(payload: PortfolioBacktestPayload): void {
  const { fillsFrom, innerPath, instruments } = payload;
  for (const member of ["timeframes", "multipliers"] as const) {
    const stray = Object.keys(payload[member]).find((ref) => !instruments.includes(ref));
    if (stray === undefined) continue;
    throw new AppError(
      "payload.invalid",
      `${member}: ${stray} is not among the instruments, as they are named there.`,
    );
  }
  const decided = instruments.map((ref) => timeframeMs(timeframeOf(payload, ref)));
  const shortest = Math.min(...decided);
  if (typeof fillsFrom === "object" && timeframeMs(fillsFrom.timeframe) >= shortest) {
    throw new AppError(
      "payload.invalid",
      `fillsFrom: bars of ${fillsFrom.timeframe} are not shorter than those that decisions are made by; name a shorter timeframe.`,
    );
  }
  if (typeof innerPath === "string") return;
  if (fillsFrom === "trades") {
    throw new AppError("payload.invalid", "innerPath: nothing is inside a trade; leave out the timeframe.");
  }
  const met = typeof fillsFrom === "object" ? timeframeMs(fillsFrom.timeframe) : shortest;
  if (timeframeMs(innerPath.timeframe) >= met) {
    throw new AppError(
      "payload.invalid",
      `innerPath: bars of ${innerPath.timeframe} show nothing inside the bars that orders meet; name a shorter timeframe.`,
    );
  }
}

/** Throws AppError `data.missing` where a decision would come before there is anything that its orders could meet. */
function requireFills({ instrument, columns }: SeriesDataset, fills: SeriesDataset): void {
  const [firstMs, openMs] = [columns.closeMs[0]!, fills.columns.openMs[0]!];
  if (openMs < firstMs) return;
  throw new AppError(
    "data.missing",
    `What orders of ${instrument.instrumentId} meet begins on ${isoDate(openMs)}, after its first bar has closed on ${isoDate(firstMs)}; ask for a range that begins later.`,
    { details: { instrumentId: instrument.instrumentId, fromMs: openMs } },
  );
}

/** The last close of all. */
export function endOf(listings: ReadonlyArray<Pick<Listing, "dataset">>): number {
  return Math.max(...listings.map(({ dataset }) => dataset.columns.closeMs[dataset.length - 1]!));
}

/** `loadListings` of a job: it shows in the lineage, and as progress. */
export async function loadForJob(
  deps: { series: SeriesReader },
  payload: PortfolioBacktestPayload,
  plan: Pick<PortfolioPlan, "symbols">,
  ctx: Pick<JobContext, "tenantId" | "signal" | "input">,
  onProgress: (done: number, total: number) => void,
): Promise<Listings> {
  const total = payload.instruments.length + Object.keys(payload.rates).length + plan.symbols.length;
  let done = 0;
  return loadListings(deps, payload, plan, ctx, (dataset) => {
    recordInput(ctx, dataset);
    done++;
    onProgress(Math.min(done, total), total);
  });
}

/** Throws AppError `data.missing` where no instrument has the bars to decide and fill. */
export function requireBars({ warmupBars }: Pick<PortfolioPlan, "warmupBars">, { listings }: Listings): void {
  const longest = Math.max(...listings.map(({ signals }) => signals.length));
  if (longest < warmupBars + 2) {
    throw new AppError(
      "data.missing",
      `The longest of ${listings.length} instruments has ${longest} bars here; the strategy needs at least ${warmupBars + 2}: ${warmupBars} to warm up its formulas, one to decide at and one to fill at.`,
      { details: { bars: longest, needed: warmupBars + 2 } },
    );
  }
}

/** Throws AppError `payload.invalid`. */
export function marketOf(
  payload: PortfolioBacktestPayload,
  plan: Pick<PortfolioPlan, "features">,
  { listings, rates, others }: Listings,
): PortfolioMarket {
  const data = new Map([...others].map(([name, dataset]) => [name, toFormulaData(dataset)]));
  return {
    instruments: listings.map((listing) => instrumentOf(listing, payload)),
    settings: settingsOf(payload, listings[0]!.dataset.instrument.currency, rates),
    columns: featureColumns(plan.features, listings, (symbol) => data.get(symbol)),
  };
}

/** The bars that formulas see of each instrument, with the others that they name. */
export function formulaDataOf({ listings, others }: Pick<Listings, "listings" | "others">): Dataset[] {
  const named = new Map([...others].map(([name, dataset]) => [name, toFormulaData(dataset)]));
  return listings.map(({ signals }) => ({
    ...toFormulaData(signals),
    resolve: (symbol) => named.get(symbol),
  }));
}

/** A column of each formula for each instrument; NaN (or false) everywhere for bars fewer than the formula needs. */
export function featureColumns(
  formulas: readonly string[],
  listings: ReadonlyArray<Pick<Listing, "dataset" | "fills" | "signals">>,
  resolve: NonNullable<Dataset["resolve"]>,
): PortfolioMarket["columns"] {
  if (formulas.length === 0) return {};
  const values = listings.map(({ signals }) =>
    evaluateFormulas(formulas, { ...toFormulaData(signals), resolve }),
  );
  return Object.fromEntries(
    formulas.map((formula, f) => [
      formula,
      listings.map((listing, k) => ({ closeMs: closesOf(listing), values: values[k]![f]! })),
    ]),
  );
}

/** Closes of what a strategy sees; of the very bars that orders meet, where they are the same. */
const closesOf = ({ dataset, fills, signals }: Pick<Listing, "dataset" | "fills" | "signals">) =>
  (fills === dataset ? dataset : signals).columns.closeMs;

function instrumentOf(
  { dataset, fills, signals, finer, actions, multiplier, endedMs }: Listing,
  payload: PortfolioBacktestPayload,
): MarketInstrument {
  const { instrumentId, currency, lotSize, tickSize, minNotional, assetClass } = dataset.instrument;
  const { funding } = payload;
  const events = [
    ...eventsOf(actions, dataset),
    ...(funding !== undefined && assetClass === "perpetual" ? fundingEvents(funding, dataset) : []),
  ];
  return {
    id: instrumentId,
    currency,
    bars: fills === dataset ? dataset.columns : untilClose(fills, dataset),
    signalBars: signals === fills ? undefined : signals.columns,
    finerBars: finer?.columns,
    delists: payload.delisted === "close" && endedMs !== null,
    lotSize: Number(lotSize ?? "0"),
    tickSize: Number(tickSize ?? "0"),
    minNotional: Number(minNotional ?? "0"),
    multiplier,
    initialMargin: payload.initialMargin,
    maintenanceMargin: payload.maintenanceMargin,
    borrowRate: payload.costs.borrowRate,
    events: events.toSorted((a, b) => a.atMs - b.atMs),
  };
}

/** What orders meet up to the last close of the bars that a strategy sees. */
function untilClose(fills: SeriesDataset, { columns, length }: SeriesDataset): SeriesColumns {
  return firstBars(fills, lowerBound(fills.columns.closeMs, columns.closeMs[length - 1]! + 1)).columns;
}

function fundingEvents(
  { rate, everyHours }: NonNullable<PortfolioBacktestPayload["funding"]>,
  { columns, length }: SeriesDataset,
): MarketEvent[] {
  const every = everyHours * hourMs;
  const events: MarketEvent[] = [];
  const first = Math.ceil(columns.openMs[0]! / every) * every;
  for (let atMs = first; atMs < columns.closeMs[length - 1]!; atMs += every) {
    events.push({ kind: "funding", atMs, rate });
  }
  return events;
}

function settingsOf(
  payload: PortfolioBacktestPayload,
  firstCurrency: string,
  rates: Readonly<Record<string, SeriesDataset>>,
): EngineSettings {
  const initialCash = Number(payload.initialCash);
  if (!(initialCash > 0)) throw new AppError("payload.invalid", "initialCash must be above zero.");
  const { costs } = payload;
  const share = (bps: number) => bps / 10_000;
  return {
    baseCurrency: payload.baseCurrency ?? firstCurrency,
    initialCash,
    innerPath: payload.innerPath === "optimistic" ? "optimistic" : "pessimistic",
    shortfall: payload.shortfall,
    rates: Object.fromEntries(
      Object.entries(rates).map(([currency, { columns }]): [string, RateSeries] => [
        currency,
        { closeMs: columns.closeMs, rate: columns.close },
      ]),
    ),
    costs: {
      fees: {
        makerRate: share(costs.makerBps),
        takerRate: share(costs.takerBps),
        perUnit: costs.feePerUnit,
        minimum: costs.minFee,
        tiers: costs.tiers.map((tier) => ({
          fromNotional: tier.fromNotional,
          makerRate: share(tier.makerBps),
          takerRate: share(tier.takerBps),
        })),
      },
      spreadRate: share(costs.spreadBps),
      slippage:
        costs.slippage.kind === "fixed"
          ? { kind: "fixed", rate: share(costs.slippage.bps), perUnit: 0 }
          : costs.slippage,
      latencyMs: costs.latencyMs,
      volumeShare: costs.volumeShare,
      conversionRate: share(costs.conversionBps),
      cashRate: costs.cashRate,
      debitRate: costs.debitRate,
    },
  };
}

/** Fees, spread and slippage times `multiple`. */
export function dearer(costs: TradingCosts, multiple: number): TradingCosts {
  const { fees, slippage } = costs;
  const rates = <R extends { makerRate: number; takerRate: number }>(of: R): R => ({
    ...of,
    makerRate: of.makerRate * multiple,
    takerRate: of.takerRate * multiple,
  });
  return {
    ...costs,
    spreadRate: costs.spreadRate * multiple,
    conversionRate: costs.conversionRate * multiple,
    fees: {
      ...rates(fees),
      perUnit: fees.perUnit * multiple,
      minimum: fees.minimum * multiple,
      tiers: fees.tiers.map(rates),
    },
    slippage:
      slippage.kind === "fixed"
        ? { ...slippage, rate: slippage.rate * multiple, perUnit: slippage.perUnit * multiple }
        : { ...slippage, coefficient: slippage.coefficient * multiple },
  };
}
