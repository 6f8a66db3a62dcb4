import { useQuery } from "@tanstack/react-query";
import type { ResultOut } from "@tapedeck/client";
import type { analyze } from "@tapedeck/features/analyze/contract";
import { api } from "../../api.ts";

export type AnalyzeResult = ResultOut<typeof analyze>;
export type ResultOfKind<K extends AnalyzeResult["kind"]> = Extract<AnalyzeResult, { kind: K }>;

const shownPoints = 5_000;

/** The stored columns of an analysis, by name, on one time axis. */
export function useColumns(jobId: string) {
  return useQuery({
    queryKey: ["analysis-series", jobId],
    queryFn: async () => {
      const series = await api.call("getAnalysisSeries", {
        params: { id: jobId },
        query: { maxPoints: shownPoints },
      });
      return {
        openMs: series.openMs,
        closeMs: series.closeMs,
        step: series.step,
        of: (name: string) => series.columns.find((one) => one.formula === name)?.values ?? [],
      };
    },
    staleTime: Infinity,
  });
}

/** The bars that a result of one instrument was computed from. */
export function useBars(result: {
  timeframe: string;
  adjustment: "raw" | "split" | "total";
  asOfMs: number;
  fromMs: number;
  toMs: number;
  datasets: readonly { instrumentId: string }[];
}) {
  const { instrumentId } = result.datasets[0]!;
  const { timeframe, adjustment, fromMs, toMs, asOfMs } = result;
  return useQuery({
    queryKey: ["chart", instrumentId, timeframe, adjustment, fromMs, toMs, asOfMs],
    queryFn: () =>
      api.call("getChart", {
        params: { instrumentId },
        query: { timeframe, adjustment, fromMs, toMs, maxPoints: shownPoints, asOf: asOfMs },
      }),
    staleTime: Infinity,
  });
}
