import { AppError } from "@tapedeck/core";
import { pairCount, selectPairs, testPairs } from "@tapedeck/quant/statistics/index";
import type { PairTest, RefusedPair } from "@tapedeck/quant/statistics/index";
import { alignCloses, describeBars } from "../align.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisKind } from "../kind.ts";
import type { PairSearchPayload, PairSearchResult } from "./contract.ts";

const leastBars = 60;
/** Pairs between two looks at the signal. */
const chunk = 25;
const shownPairs = 200;
const shownRefusals = 50;

export const pairSearch: AnalysisKind<PairSearchPayload, PairSearchResult> = {
  instruments: ({ instruments }) => instruments,

  async run(payload, input) {
    const aligned = alignCloses(input.datasets, leastBars);
    const ids = input.datasets.map((one) => one.instrument.instrumentId);
    const isLog = payload.prices === "log";
    const series = isLog ? aligned.closes.map((closes) => closes.map(Math.log)) : aligned.closes;
    const total = pairCount(ids.length);
    const tests: PairTest[] = [];
    const refused: RefusedPair[] = [];
    for (let from = 0; from < total; from += chunk) {
      const part = testPairs(series, from, Math.min(from + chunk, total), { terms: payload.terms });
      tests.push(...part.tests);
      refused.push(...part.refused);
      await pace(input, Math.min(from + chunk, total), total);
    }
    if (tests.length === 0) {
      throw new AppError("data.invalid", `No pair could be tested: ${refused[0]!.message}.`);
    }
    const { falseDiscoveryRate, control } = payload;
    const selection = selectPairs(tests, { falseDiscoveryRate, control });
    const nameOf = (place: number) => (isLog ? `log(close["${ids[place]!}"])` : `close["${ids[place]!}"]`);
    const pairs = await citeRowsOf(input, selection.pairs.slice(0, shownPairs), (one) => ({
      formula: `engleGranger(${nameOf(one.y)}, ${nameOf(one.x)}, ${payload.terms}, aic), p of both directions`,
      value: one.p,
      unit: "probability",
      of: [one.y, one.x],
    }));
    const figure = (label: string, formula: string, value: number, reading: string) => ({
      group: "Search",
      label,
      formula,
      value,
      unit: "pairs",
      reading,
    });
    const figures = await citeFigures(input, {
      tested: figure("Tested", `pairs of ${ids.length} instruments`, tests.length, "each in both directions"),
      accepted: figure(
        "Accepted",
        `${control}, false discovery rate ${falseDiscoveryRate}`,
        selection.accepted,
        `at most ${Number((falseDiscoveryRate * 100).toFixed(2))} % of them are expected to be false`,
      ),
      refused: figure(
        "Not testable",
        "pairs refused by the test",
        refused.length,
        "such as a series and its copy",
      ),
    });
    return {
      kind: "pairSearch",
      ...(await describeBars(input, aligned)),
      seriesRef: null,
      notes: [
        "A search finds what held in these bars; test an accepted pair on bars that the search has not seen.",
        ...(payload.adjustment === "raw"
          ? ["Raw prices jump at splits and dividends, and the tests see the jumps."]
          : []),
      ],
      instruments: ids,
      falseDiscoveryRate,
      figures,
      pairs: pairs.map((one, i) => ({
        y: ids[one.y]!,
        x: ids[one.x]!,
        hedgeRatio: one.slope,
        rSquared: one.rSquared,
        correlation: one.correlation,
        statistic: one.statistic,
        p: one.p,
        adjustedP: one.adjusted,
        accepted: i < selection.accepted,
        halfLife: one.halfLife,
        zScore: one.z,
        evidenceId: one.evidenceId,
      })),
      refused: refused
        .slice(0, shownRefusals)
        .map((one) => ({ y: ids[one.y]!, x: ids[one.x]!, reason: one.message })),
    };
  },
};
