import { attribute, linkCarino, linkMenchero } from "@tapedeck/quant/portfolio/index";
import { citeFigures } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { AttributionPayload, AttributionResult } from "./contract.ts";

const effects = {
  allocation: ["Allocation", "of weights that differ from the benchmark's"],
  selection: ["Selection", "of returns that differ from the benchmark's"],
  interaction: ["Interaction", "of both at once"],
} as const;

const returns = {
  portfolioReturn: ["Portfolio", "compounded over the periods"],
  benchmarkReturn: ["Benchmark", "compounded over the periods"],
  active: ["Active return", "portfolio less benchmark; the effects of all sectors sum to it"],
} as const;

export const attribution: AnalysisKind<AttributionPayload, AttributionResult> = {
  instruments: () => [],

  async run({ sectors, periods, link }, input) {
    const attributed = periods.map((period) =>
      attribute({
        portfolioWeights: Float64Array.from(period.portfolioWeights),
        benchmarkWeights: Float64Array.from(period.benchmarkWeights),
        portfolioReturns: Float64Array.from(period.portfolioReturns),
        benchmarkReturns: Float64Array.from(period.benchmarkReturns),
      }),
    );
    const linked = link === "carino" ? linkCarino(attributed) : linkMenchero(attributed);
    const call = `attribution(${sectors.length} sectors, ${periods.length} periods, ${link})`;
    const drafts: Record<string, FigureDraft> = {};
    const add = (name: string, draft: Pick<FigureDraft, "group" | "label" | "value" | "reading">) => {
      drafts[name] = { ...draft, formula: `${call}.${name}`, unit: "fraction" };
    };
    for (const name of ["portfolioReturn", "benchmarkReturn", "active"] as const) {
      const [label, reading] = returns[name];
      add(name, { group: "Return", label, value: linked[name], reading });
    }
    sectors.forEach((sector, i) => {
      for (const name of ["allocation", "selection", "interaction"] as const) {
        const [label, reading] = effects[name];
        const value = linked[name][i]!;
        add(`${sector}.${name}`, { group: sector, label: `${label}, ${sector}`, value, reading });
      }
    });
    const figures = await citeFigures(input, drafts);
    const evidenceIds = Object.values(figures).map((one) => one.evidenceId);
    return { kind: "attribution", figures, seriesRef: null, evidenceIds };
  },
};
