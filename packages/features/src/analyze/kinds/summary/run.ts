import { checkFormulas, describeInstrument, evaluateColumns } from "../formulas/run.ts";
import type { AnalysisKind } from "../kind.ts";
import type { SummaryPayload, SummaryResult } from "./contract.ts";
import { summarise, summaryFormulas } from "./lines.ts";
import type { SummaryColumns } from "./lines.ts";

export const summary: AnalysisKind<SummaryPayload, SummaryResult> = {
  instruments: (payload) => [payload.instrumentId],

  async run(payload, input) {
    const checked = checkFormulas(Object.values(summaryFormulas), payload.timeframe);
    const columns = await evaluateColumns(checked, input);
    const described = await describeInstrument(input, checked, columns);
    const byName = Object.fromEntries(
      Object.keys(summaryFormulas).map((name, i) => [name, columns[i]!]),
    ) as SummaryColumns;
    const drafts = summarise(input.datasets[0]!, byName);
    const ids = await input.cite(
      drafts.map(({ formula, atMs, value, unit }) => ({ formula, atMs, value, unit })),
    );
    return {
      kind: "summary",
      ...described,
      summary: drafts.map((line, i) => ({ ...line, evidenceId: ids[i]! })),
      evidenceIds: [...new Set([...described.evidenceIds, ...ids])],
    };
  },
};
