import { AppError } from "@tapedeck/core";
import { cumulateReturns, studentQuantile } from "@tapedeck/quant/statistics/index";
import type { CumulatedReturns, EventTest } from "@tapedeck/quant/statistics/index";
import type { SeriesDataset } from "../../../series/contract.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind, AnalyzeDeps } from "../kind.ts";
import { mostEvents, mostInstruments } from "./contract.ts";
import type { EventStudyPayload, EventStudyResult } from "./contract.ts";
import { pairReturns, sampleEvents } from "./sample.ts";
import type { DatedEvent, ReturnPair, StudiedReturns } from "./sample.ts";

const shownEvents = 500;
const shownLeftOut = 100;
const pageSize = 200;

/** Events by exact ids: those that were given, or stored ones as they were known at asOf. */
async function datedEvents(
  payload: EventStudyPayload,
  deps: Pick<AnalyzeDeps, "events" | "series">,
  tenantId: string,
): Promise<DatedEvent[]> {
  const { of } = payload;
  const refs = of.kind === "dated" ? [...new Set(of.events.map((one) => one.instrumentId))] : of.instruments;
  if (refs.length > mostInstruments) {
    throw new AppError(
      "payload.invalid",
      `of: the events name ${refs.length} instruments; a study takes ${mostInstruments} at most.`,
    );
  }
  const ids = new Map<string, string>();
  for (const ref of refs) ids.set(ref, (await deps.series.resolve(tenantId, ref)).instrumentId);
  if (of.kind === "dated")
    return of.events.map((event) => ({ ...event, instrumentId: ids.get(event.instrumentId)! }));
  return loadStored(payload, of, [...ids.values()], deps, tenantId);
}

async function loadStored(
  { fromMs, toMs, asOf }: EventStudyPayload,
  of: Extract<EventStudyPayload["of"], { kind: "stored" }>,
  instrumentIds: readonly string[],
  deps: Pick<AnalyzeDeps, "events">,
  tenantId: string,
): Promise<DatedEvent[]> {
  const found: DatedEvent[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await deps.events.list(tenantId, {
      instrumentIds,
      kinds: of.kinds,
      fromMs,
      toMs,
      asOfMs: asOf,
      limit: pageSize,
      cursor,
    });
    for (const { id, instrumentId, direction, publishedMs, text } of page.items) {
      if (of.direction !== undefined && direction !== of.direction) continue;
      found.push({ instrumentId: instrumentId!, atMs: publishedMs, eventId: id, label: text });
    }
    if (found.length > mostEvents) {
      throw new AppError(
        "payload.tooLarge",
        `More than ${mostEvents.toLocaleString("en-US")} stored events fit; choose fewer instruments, kinds or a shorter range.`,
      );
    }
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  if (found.length === 0) {
    throw new AppError(
      "data.missing",
      "No stored event fits; GET /api/events lists those there are, and documents that tell of events are added with POST /api/documents.",
    );
  }
  return found;
}

/** Instruments with events, each once, in the order of their first. */
function studiedIds({ of }: EventStudyPayload): string[] {
  return of.kind === "dated"
    ? [...new Set(of.events.map(({ instrumentId }) => instrumentId))]
    : of.instruments;
}

const wordsOf: Readonly<Record<EventStudyPayload["model"], string>> = {
  market: "alpha + beta × market",
  marketAdjusted: "the market's return",
  mean: "the mean return before",
};

function readingOf(test: EventTest | null): string {
  if (test === null) return "needs two events that differ";
  if (test.p < 0.01) return "hardly chance";
  return test.p < 0.05 ? "unlikely to be chance" : "may be chance";
}

/** Means over the events bar by bar, with the interval that their spread gives. */
function pathOf(studied: readonly StudiedReturns[], before: number): EventStudyResult["path"] {
  const bars = studied[0]!.returns.abnormal.length;
  const n = studied.length;
  const sums = new Float64Array(n);
  const wide = n < 2 ? Number.NaN : studentQuantile(0.975, n - 1);
  return Array.from({ length: bars }, (_, t) => {
    let mean = 0;
    for (const [i, one] of studied.entries()) {
      mean += one.returns.abnormal[t]! / n;
      sums[i]! += one.returns.abnormal[t]!;
    }
    const cumulated = sums.reduce((a, b) => a + b, 0) / n;
    const spread = Math.sqrt(sums.reduce((a, b) => a + (b - cumulated) ** 2, 0) / (n - 1) / n);
    const band = n < 2 ? null : wide * spread;
    return {
      bar: t - before,
      mean,
      cumulated,
      low: band === null ? null : cumulated - band,
      high: band === null ? null : cumulated + band,
    };
  });
}

async function describe(input: AnalysisInput) {
  const { datasets } = input;
  const evidenceIds = await input.citeRows();
  const [first] = datasets as [SeriesDataset, ...SeriesDataset[]];
  return {
    timeframe: first.timeframe,
    adjustment: first.adjustment,
    asOfMs: input.asOfMs,
    datasets: datasets.map((one, i) => ({
      instrumentId: one.instrument.instrumentId,
      name: one.instrument.name,
      currency: one.instrument.currency,
      datasetHash: one.hash,
      bars: one.length,
      dropped: 0,
      evidenceId: evidenceIds[i]!,
    })),
    bars: datasets.reduce((sum, one) => sum + one.length, 0),
    fromMs: Math.min(...datasets.map((one) => one.columns.openMs[0]!)),
    toMs: Math.max(...datasets.map((one) => one.columns.closeMs[one.length - 1]!)),
    evidenceIds,
  };
}

async function figuresFor(
  input: AnalysisInput,
  whole: CumulatedReturns,
  call: string,
  counts: { studied: number; leftOut: number },
) {
  const { studied, leftOut } = counts;
  const test = (label: string, name: string, found: EventTest | null) => ({
    group: "Tests of the whole window",
    label,
    formula: `${call}.${name}`,
    value: found?.p ?? null,
    unit: "p",
    reading:
      found === null ? readingOf(null) : `${readingOf(found)}: statistic ${found.statistic.toFixed(2)}`,
  });
  const figure = (label: string, name: string, value: number, unit: string, reading: string) => ({
    group: "Study",
    label,
    formula: `${call}.${name}`,
    value,
    unit,
    reading,
  });
  return citeFigures(input, {
    events: figure("Events", "events", studied, "events", "each with all its bars"),
    leftOut: figure(
      "Left out",
      "leftOut",
      leftOut,
      "events",
      "bars are missing, or the day is another event's",
    ),
    cumulated: figure("Cumulated abnormal return", "mean", whole.mean, "fraction", "mean over the events"),
    positive: figure(
      "Above 0",
      "positive",
      whole.positive / studied,
      "fraction",
      `${whole.positive} of ${studied} events`,
    ),
    crossSectional: test("Cross-sectional t", "crossSectional", whole.crossSectional),
    timeSeries: test("Time-series t", "timeSeries", whole.timeSeries),
    patell: test("Patell", "patell", whole.patell),
    bmp: test("Boehmer-Musumeci-Poulsen", "bmp", whole.bmp),
  });
}

export const eventStudy: AnalysisKind<EventStudyPayload, EventStudyResult> = {
  prepare: async (payload, deps, tenantId) => ({
    ...payload,
    of: { kind: "dated", events: await datedEvents(payload, deps, tenantId) },
  }),

  instruments: (payload) => {
    const ids = studiedIds(payload);
    // The market last, also where it has events of its own.
    return payload.model === "mean" ? ids : [...ids, payload.market!];
  },

  async run(payload, input) {
    if (payload.of.kind !== "dated") throw new TypeError("stored events are loaded before a study runs");
    const { before, after, model } = payload;
    const ids = studiedIds(payload);
    const market = model === "mean" ? undefined : input.datasets.at(-1)!;
    const pairs = new Map<string, ReturnPair>();
    for (const [i, id] of ids.entries()) {
      pairs.set(id, pairReturns(input.datasets[i]!, market));
      await pace(input, i, ids.length + 2);
    }
    const { studied, leftOut } = sampleEvents(payload.of.events, (id) => pairs.get(id)!, payload);
    if (studied.length === 0) {
      throw new AppError(
        "data.missing",
        `None of the ${leftOut.length} events has all its bars, such as that of ${leftOut[0]!.instrumentId}: ${leftOut[0]!.reason}. Ingest more bars, or ask for shorter windows.`,
      );
    }
    await pace(input, ids.length, ids.length + 2);
    const fits = studied.map(({ returns }) => returns);
    const over = ({ from, to }: { from: number; to: number }) =>
      cumulateReturns(fits, from + before, to + before + 1);
    const whole = over({ from: -before, to: after });
    const wanted = payload.windows ?? [
      { from: -before, to: after },
      ...(before > 0 && after > 0 ? [{ from: -1, to: 1 }] : []),
      { from: 0, to: 0 },
    ];
    const marketId = market?.instrument.instrumentId ?? null;
    const call = `eventStudy(${studied.length} events, ${model}${marketId === null ? "" : `, ${marketId}`}, ${-before}..${after})`;
    const windows = wanted.map((window) => {
      const { cumulated: _, ...figures } = over(window);
      return { ...window, ...figures };
    });
    const shown = studied.slice(0, shownEvents);
    const rows = shown.map(({ event, closeMs, returns }, i) => ({
      instrumentId: event.instrumentId,
      atMs: event.atMs,
      closeMs,
      eventId: event.eventId ?? null,
      label: event.label ?? null,
      alpha: returns.alpha,
      beta: returns.beta,
      cumulated: whole.cumulated[i]!,
    }));
    const cited = await citeRowsOf(input, rows, (row) => ({
      formula: `${call}.cumulated of ${row.instrumentId}`,
      value: row.cumulated,
      unit: "fraction",
      atMs: row.closeMs,
      of: [ids.indexOf(row.instrumentId), ...(market === undefined ? [] : [ids.length])],
    }));
    const described = await describe(input);
    await pace(input, ids.length + 2, ids.length + 2);
    const overlapping = overlaps(studied, before + after);
    return {
      kind: "eventStudy",
      ...described,
      seriesRef: null,
      notes: [
        `Normal is ${wordsOf[model]}, learnt from ${payload.estimationBars} bars that end ${payload.gapBars} bars before the event window.`,
        "Day 0 is the first bar that closes after the event was known.",
        ...(overlapping > 0
          ? [
              `${overlapping} events follow another of their instrument within the window: their abnormal returns are partly the same.`,
            ]
          : []),
        ...(studied.length < 10 ? ["With so few events the tests find only large effects."] : []),
      ],
      model,
      market: marketId,
      figures: await figuresFor(input, whole, call, { studied: studied.length, leftOut: leftOut.length }),
      windows: await citeRowsOf(input, windows, (one) => ({
        formula: `${call}.mean(${one.from}..${one.to})`,
        value: one.mean,
        unit: "fraction",
      })),
      path: pathOf(studied, before),
      events: cited,
      leftOut: leftOut.slice(0, shownLeftOut),
    };
  },
};

/** Events whose day 0 follows another's of the same instrument within so many bars. */
function overlaps(studied: readonly StudiedReturns[], bars: number): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const { event, day } of studied) {
    const before = last.get(event.instrumentId);
    if (before !== undefined && day - before <= bars) count++;
    last.set(event.instrumentId, day);
  }
  return count;
}
