import { correlation as pearson, kendall, spearman, symmetricEigen } from "@tapedeck/quant/statistics/index";
import { alignCloses, describeBars, logReturnsOf } from "../align.ts";
import { citeFigures, finite, pace } from "../kind.ts";
import type { AnalysisKind } from "../kind.ts";
import type { CorrelationPayload, CorrelationResult } from "./contract.ts";

const leastBars = 20;
const measures = { pearson, spearman, kendall };

interface Cell {
  i: number;
  j: number;
  value: number;
}

/** Places in the order of average-linkage clustering, distance 1 - correlation. */
export function clusterOrder(matrix: readonly (readonly number[])[]): number[] {
  let clusters = matrix.map((_, i) => [i]);
  const near = (a: readonly number[], b: readonly number[]) => {
    let sum = 0;
    for (const i of a) for (const j of b) sum += matrix[i]![j]!;
    return sum / (a.length * b.length);
  };
  while (clusters.length > 1) {
    let best = { a: 0, b: 1, near: -Infinity };
    for (let a = 0; a < clusters.length; a++) {
      for (let b = a + 1; b < clusters.length; b++) {
        const value = near(clusters[a]!, clusters[b]!);
        if (value > best.near) best = { a, b, near: value };
      }
    }
    const joined = [...clusters[best.a]!, ...clusters[best.b]!];
    clusters = [joined, ...clusters.filter((_, k) => k !== best.a && k !== best.b)];
  }
  return clusters[0]!;
}

export const correlation: AnalysisKind<CorrelationPayload, CorrelationResult> = {
  instruments: ({ instruments }) => instruments,

  async run(payload, input) {
    const { method, of } = payload;
    const aligned = alignCloses(input.datasets, leastBars);
    const ids = input.datasets.map((one) => one.instrument.instrumentId);
    const k = ids.length;
    const series = aligned.closes.map((closes) => (of === "returns" ? logReturnsOf(closes) : closes));
    const cells: Cell[] = [];
    for (let i = 0; i < k; i++) {
      for (let j = i + 1; j < k; j++) {
        cells.push({ i, j, value: measures[method](series[i]!, series[j]!) });
      }
      await pace(input, i + 1, k);
    }
    const what = (i: number) => (of === "returns" ? `log returns of ${ids[i]!}` : `closes of ${ids[i]!}`);
    const textOf = ({ i, j }: Cell) => `${method}(${what(i)}, ${what(j)})`;
    const evidence = await input.cite(
      cells.map((cell) => ({
        formula: textOf(cell),
        value: finite(cell.value),
        unit: "correlation",
        atMs: null,
        of: [cell.i, cell.j],
      })),
    );
    const matrix = ids.map((_, i) => ids.map((__, j) => (i === j ? 1 : Number.NaN)));
    const matrixEvidence: (string | null)[][] = ids.map(() => ids.map(() => null));
    for (const [at, { i, j, value }] of cells.entries()) {
      matrix[i]![j] = matrix[j]![i] = value;
      matrixEvidence[i]![j] = matrixEvidence[j]![i] = evidence[at]!;
    }
    const known = cells.filter((cell) => Number.isFinite(cell.value)).toSorted((a, b) => a.value - b.value);
    const isWhole = known.length === cells.length;
    const first = isWhole
      ? symmetricEigen(Float64Array.from(matrix.flat()), k).values.at(-1)! / k
      : Number.NaN;
    const edge = (cell: Cell | undefined, label: string) => ({
      group: "Summary",
      label,
      formula: cell === undefined ? method : textOf(cell),
      value: cell?.value ?? null,
      unit: "correlation",
      reading: cell === undefined ? "none is defined" : `${ids[cell.i]!} and ${ids[cell.j]!}`,
    });
    const figures = await citeFigures(input, {
      mean: {
        group: "Summary",
        label: "Mean of all pairs",
        formula: `mean of ${method} over ${known.length} pairs`,
        value: known.reduce((sum, cell) => sum + cell.value, 0) / known.length,
        unit: "correlation",
        reading: "how much the instruments move as one",
      },
      highest: edge(known.at(-1), "Highest"),
      lowest: edge(known[0], "Lowest"),
      firstComponent: {
        group: "Summary",
        label: "Share of the first component",
        formula: `largest eigenvalue of the ${method} matrix over ${k}`,
        value: first,
        unit: "fraction",
        reading: "variance that one common movement explains",
      },
    });
    return {
      kind: "correlation",
      ...(await describeBars(input, aligned)),
      seriesRef: null,
      notes:
        of === "closes"
          ? ["Closes that trend correlate without any bond between them; returns say more."]
          : [],
      method,
      of,
      instruments: ids,
      matrix: matrix.map((row) => row.map(finite)),
      matrixEvidence,
      order: isWhole ? clusterOrder(matrix) : ids.map((_, i) => i),
      figures,
    };
  },
};
