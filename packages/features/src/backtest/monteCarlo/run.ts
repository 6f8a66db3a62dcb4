import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import type { Db, Tx } from "../../db.ts";
import type { JobService } from "../../jobs/contract.ts";
import { drawdownsOf } from "../equity.ts";
import { labelOf } from "../instruments.ts";
import { createSpreader } from "../parts/spread.ts";
import type { PartedWork } from "../parts/spread.ts";
import type { BacktestDeps, HeldRun } from "../run.ts";
import { engineShare } from "../sweep/inputs.ts";
import { trialsIn } from "../sweep/run.ts";
import type { monteCarlo, MonteCarloPayload, MonteCarloResult, Reruns } from "./contract.ts";
import { drawSimulations, summariseDraws, summariseReruns, tradeFactors } from "./draws.ts";
import type { Draws } from "./draws.ts";
import { openPortfolioSubject } from "./portfolio.ts";
import { openSingleSubject } from "./single.ts";
import type { Stress, Subject, SubjectContext } from "./subject.ts";

type SubjectDeps = Pick<BacktestDeps, "series" | "formulas" | "strategies">;

export interface MonteCarloDeps extends SubjectDeps {
  db: Db;
  jobs: Pick<JobService, "submit">;
}

type Context = JobContext<ProgressOf<typeof monteCarlo>, Tx>;

/** Returns that the draws of a part pass, and between two looks at the abort signal: some 200 and 5 ms. */
const returnsPerPart = 20_000_000;
const returnsPerBreath = 500_000;
/** Bars that the reruns of a part pass, as the simulator would in some 100 ms. */
const barsPerPart = 5_000_000;

const costMultiples = [0, 1, 2, 3, 5];
const delays = [0, 1, 2, 3];

/** Simulations [from, to) of a kind; of the stresses those of a list. */
interface SimulationPart {
  kind: "draws" | "prices" | "numbers" | "costs" | "delays";
  from: number;
  to: number;
}

/** Of runs that were made again. */
interface Rerun {
  totals: number[];
  drawdowns: number[];
  failed: number;
}

type SimulationOutput = Draws | Rerun;

/** The run as it was, and what is drawn from. */
interface AsItWas {
  held: HeldRun;
  returns: Float64Array;
  factors: Float64Array;
}

interface SimulationWork extends PartedWork<SimulationPart, SimulationOutput> {
  subject: Subject;
  asItWas(): Promise<AsItWas>;
  close(): Promise<void>;
}

/** What a worker needs to make simulations of a Monte Carlo, its own or another's. */
export async function openSimulationWork(
  deps: SubjectDeps,
  payload: MonteCarloPayload,
  ctx: SubjectContext & Pick<JobContext, "random">,
): Promise<SimulationWork> {
  const subject =
    "instruments" in payload
      ? await openPortfolioSubject(deps, payload, ctx)
      : await openSingleSubject(deps, payload, ctx);
  const initialCash = Number(payload.initialCash);
  let known: Promise<AsItWas> | undefined;
  const asItWas = () => (known ??= runAsItWas(subject, initialCash));
  const work = { subject, payload, random: ctx.random };
  return {
    subject,
    asItWas,
    inputHashes: subject.inputHashes,
    close: () => subject.close(),
    async compute(part, breathe) {
      return part.kind === "draws"
        ? await drawPart(await asItWas(), part, payload.blockBars, ctx.random, breathe)
        : await rerunPart(work, part, breathe);
    },
  };
}

async function runAsItWas(subject: Subject, initialCash: number): Promise<AsItWas> {
  const held = await subject.run({});
  return { held, returns: returnsOf(held.equity), factors: tradeFactors(held.trades, initialCash) };
}

/** Throws AppError `payload.invalid` for a curve that reaches zero. */
function returnsOf(equity: Float64Array): Float64Array {
  if (equity.some((value) => !(value > 0))) {
    throw new AppError("payload.invalid", "The run loses everything; there is nothing to draw from.");
  }
  return Float64Array.from({ length: equity.length - 1 }, (_, i) => equity[i + 1]! / equity[i]! - 1);
}

async function drawPart(
  asItWas: AsItWas,
  { from, to }: SimulationPart,
  blockBars: number,
  random: JobContext["random"],
  breathe: () => Promise<void>,
): Promise<Draws> {
  const all: Draws = { totals: [], drawdowns: [], shuffled: [], growths: [] };
  const size = trialsIn(returnsPerBreath, asItWas.returns.length);
  for (let at = from; at < to; at += size) {
    append(all, drawSimulations(asItWas, { from: at, to: Math.min(to, at + size) }, blockBars, random));
    await breathe();
  }
  return all;
}

function append(all: Draws, more: Draws): void {
  all.totals.push(...more.totals);
  all.drawdowns.push(...more.drawdowns);
  all.shuffled.push(...more.shuffled);
  all.growths.push(...more.growths);
}

interface RerunWork {
  subject: Subject;
  payload: MonteCarloPayload;
  random: JobContext["random"];
}

async function rerunPart(
  work: RerunWork,
  { kind, from, to }: SimulationPart,
  breathe: () => Promise<void>,
): Promise<Rerun> {
  const initialCash = Number(work.payload.initialCash);
  const rerun: Rerun = { totals: [], drawdowns: [], failed: 0 };
  for (let k = from; k < to; k++) {
    try {
      const equity = await equityOf(work, kind, k);
      rerun.totals.push(totalReturnOf(equity, initialCash));
      rerun.drawdowns.push(maxDrawdownOf(equity, initialCash));
    } catch (error) {
      if (kind !== "numbers" || !isNoStrategy(error)) throw error;
      rerun.failed++;
    }
    await breathe();
  }
  return rerun;
}

/** Moved numbers that make no strategy, such as a fast average above the slow one, or with which a module breaks down. */
const isNoStrategy = (error: unknown) =>
  error instanceof AppError && ["payload.invalid", "formula.invalid", "strategy.failed"].includes(error.code);

/** Of the k-th simulation of a kind. */
async function equityOf(
  { subject, payload, random }: RerunWork,
  kind: SimulationPart["kind"],
  k: number,
): Promise<Float64Array> {
  if (kind === "prices") return await subject.runOnOtherPrices!(payload.blockBars, random(`prices ${k}`));
  if (kind === "numbers")
    return await subject.runWithOtherNumbers!(payload.jitter.share, random(`jitter ${k}`));
  const stress: Stress = kind === "costs" ? { costMultiple: costMultiples[k]! } : { delayBars: delays[k]! };
  return (await subject.run(stress)).equity;
}

const totalReturnOf = (equity: Float64Array, initialCash: number) => equity.at(-1)! / initialCash - 1;
const maxDrawdownOf = (equity: Float64Array, initialCash: number) =>
  drawdownsOf(equity, initialCash).reduce((most, fall) => Math.max(most, fall), 0);

export const runMonteCarlo: JobHandler<typeof monteCarlo, MonteCarloDeps, Tx> = async (
  deps,
  payload,
  ctx,
) => {
  ctx.progress({ simulationsDone: 0, simulationsTotal: 0 });
  const work = await openSimulationWork(deps, payload, ctx);
  try {
    return await simulateAll(deps, payload, ctx, work);
  } finally {
    await work.close();
  }
};

async function simulateAll(
  deps: MonteCarloDeps,
  payload: MonteCarloPayload,
  ctx: Context,
  work: SimulationWork,
): Promise<MonteCarloResult> {
  const { subject } = work;
  const asItWas = await work.asItWas();
  const parts = partsOf(payload, subject);
  const outputs = await spreadParts(deps, ctx, work, parts);
  const draws: Draws = { totals: [], drawdowns: [], shuffled: [], growths: [] };
  const reruns = { prices: noRerun(), numbers: noRerun(), costs: noRerun(), delays: noRerun() };
  parts.forEach(({ kind }, number) => {
    const output = outputs[number]!;
    if (kind === "draws") return append(draws, output as Draws);
    const { totals, drawdowns, failed } = output as Rerun;
    reruns[kind].totals.push(...totals);
    reruns[kind].drawdowns.push(...drawdowns);
    reruns[kind].failed += failed;
  });
  const summary = ({ totals, drawdowns, failed }: Rerun): Reruns | null =>
    summariseReruns(totals, drawdowns, failed);
  const initialCash = Number(payload.initialCash);
  const { equity } = asItWas.held;
  return {
    instrumentId: labelOf(subject.instruments),
    instruments: subject.instruments,
    timeframe: payload.timeframe,
    datasetHash: subject.datasetHash,
    bars: subject.bars,
    simulations: payload.simulations,
    seed: ctx.seed,
    totalReturn: totalReturnOf(equity, initialCash),
    maxDrawdown: maxDrawdownOf(equity, initialCash),
    run: await subject.figures(),
    ...summariseDraws(draws, asItWas),
    pathResampling: summary(reruns.prices),
    jitter: summary(reruns.numbers),
    costStress: costMultiples.map((multiple, k) => ({ multiple, totalReturn: reruns.costs.totals[k]! })),
    delayStress: delays.map((bars, k) => ({ bars, totalReturn: reruns.delays.totals[k]! })),
  };
}

const noRerun = (): Rerun => ({ totals: [], drawdowns: [], failed: 0 });

function partsOf(payload: MonteCarloPayload, subject: Subject): SimulationPart[] {
  const ofKind = (kind: SimulationPart["kind"], count: number, size: number): SimulationPart[] =>
    Array.from({ length: Math.ceil(count / size) }, (_, p) => ({
      kind,
      from: p * size,
      to: Math.min(count, (p + 1) * size),
    }));
  const size = trialsIn(barsPerPart, engineShare * subject.bars * subject.instruments.length);
  return [
    ...ofKind("draws", payload.simulations, trialsIn(returnsPerPart, subject.bars)),
    ...ofKind("prices", subject.runOnOtherPrices === null ? 0 : payload.pathSimulations, size),
    ...ofKind("numbers", subject.runWithOtherNumbers === null ? 0 : payload.jitter.simulations, size),
    ...ofKind("costs", costMultiples.length, size),
    ...ofKind("delays", delays.length, size),
  ];
}

/** Outputs in the order of the parts, whoever computed them. */
async function spreadParts(
  deps: MonteCarloDeps,
  ctx: Context,
  work: SimulationWork,
  parts: readonly SimulationPart[],
): Promise<SimulationOutput[]> {
  const simulationsTotal = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  const spreader = createSpreader(deps, ctx, work);
  const outputs: SimulationOutput[] = Array.from({ length: parts.length });
  let simulationsDone = 0;
  await spreader.run(
    parts.map((input, number) => ({ number, input })),
    (number, output) => {
      outputs[number] = output;
      simulationsDone += parts[number]!.to - parts[number]!.from;
      ctx.progress({ simulationsDone, simulationsTotal });
    },
  );
  await spreader.close();
  return outputs;
}
