import type { Block } from "../report/documents/document.ts";
import { filled, numberColumn, textColumn } from "../report/documents/document.ts";
import { statisticsBlock } from "../report/documents/parts.ts";
import { amount, percent, ratio } from "../report/format.ts";
import type { ComparedRun, Comparison } from "./contract.ts";

/** What each run is called where several stand side by side. */
export function comparedNames({ runs }: Pick<Comparison, "runs">): string[] {
  return runs.map(({ title }, k) => `${k + 1}: ${title}`);
}

const revisionWords: Record<ComparedRun["revision"]["state"], string> = {
  same: "as it was read",
  revised: "revised since",
  gone: "no longer stored",
};

const honestRows: ReadonlyArray<readonly [label: string, of: (run: ComparedRun) => string]> = [
  ["Trials of the strategy", ({ honesty }) => amount(honesty.trials)],
  ["Probabilistic Sharpe", ({ honesty }) => percent(honesty.probabilisticSharpe)],
  ["Deflated Sharpe", ({ honesty }) => percent(honesty.deflatedSharpe)],
  ["Probability of overfitting", ({ honesty }) => percent(honesty.overfitting)],
  [
    "Minimum track record, bars",
    ({ honesty: { minimumTrackRecordBars: bars } }) => amount(bars === null ? null : Math.ceil(bars)),
  ],
  ["Alpha a year", ({ relative }) => percent(relative?.alpha ?? null)],
  ["Beta", ({ relative }) => ratio(relative?.beta ?? null)],
  ["Information ratio", ({ relative }) => ratio(relative?.informationRatio ?? null)],
  ["Capacity", ({ capacity }) => amount(capacity)],
  ["Data", ({ revision }) => revisionWords[revision.state]],
];

/** Everything of a comparison but its curves. */
export function comparisonBlocks(comparison: Comparison): Block[] {
  const { runs, settings, datasets } = comparison;
  const names = comparedNames(comparison);
  const differing = [
    ...settings.map(({ name, values }) => [name, ...values.map((value) => (value === "" ? "–" : value))]),
    ...datasets.map(({ instrumentId, hashes }) => [
      `data of ${instrumentId}`,
      ...hashes.map((hash) => hash?.slice(0, 12) ?? "–"),
    ]),
  ];
  return filled([
    {
      kind: "table",
      title: "Honest statistics",
      table: {
        columns: [textColumn(""), ...names.map(numberColumn)],
        rows: honestRows.map(([label, of]) => [label, ...runs.map(of)]),
      },
    },
    statisticsBlock(
      "Statistics",
      runs.map(({ statistics }, k) => [names[k]!, statistics]),
    ),
    differing.length === 0
      ? null
      : {
          kind: "table",
          title: "What differs",
          table: { columns: [textColumn(""), ...names.map(textColumn)], rows: differing },
        },
  ]);
}
