/**
 * Writes docs/indicators-compared.md: our values and those of the npm package technicalindicators, each against the reference
 * values under GOLDEN_DIR (default ../shared/golden), on the daily bars of SPY under DATA_DIR (default ../shared/data).
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readProviderCall } from "../packages/features/src/analyze/kinds/formulas/technicalIndicators.ts";
import { evaluateFormulas } from "../packages/formula/src/index.ts";
import { readColumns, scaleOf } from "../packages/testkit/src/golden/golden.ts";
import { readInputs } from "../packages/testkit/src/golden/inputs.ts";

const root = resolve(import.meta.dirname, "..");
const goldenDir = resolve(root, process.env["GOLDEN_DIR"] ?? "../shared/golden");
const dataDir = resolve(root, process.env["DATA_DIR"] ?? "../shared/data");
const instrument = "SPY";

/** What is compared: the package's call, ours, and the reference's column. */
const rows: readonly (readonly [theirs: string, ours: string, column: string])[] = [
  ["ti.sma(close, 20)", "sma(close, 20)", "sma_20"],
  ["ti.ema(close, 20)", "ema(close, 20)", "ema_20"],
  ["ti.wma(close, 20)", "wma(close, 20)", "wma_20"],
  ["ti.wema(close, 14)", "rma(close, 14)", "rma_14"],
  ["ti.rsi(close, 14)", "rsi(close, 14)", "rsi_14"],
  ["ti.macd(close, 12, 26, 9).MACD", "macd(close, 12, 26, 9)", "macd_12_26_9"],
  ["ti.macd(close, 12, 26, 9).signal", "macd(close, 12, 26, 9).signal", "macd_12_26_9_signal"],
  ["ti.bollingerbands(close, 20, 2).upper", "bbands(close, 20, 2, 2).upper", "bbands_20_2_2_upper"],
  ["ti.bollingerbands(close, 20, 2).lower", "bbands(close, 20, 2, 2).lower", "bbands_20_2_2_lower"],
  ["ti.truerange()", "truerange()", "trange"],
  ["ti.atr(14)", "atr(14)", "atr_14"],
  ["ti.adx(14).adx", "adx(14)", "adx_14"],
  ["ti.adx(14).pdi", "plusdi(14)", "plus_di_14"],
  ["ti.adx(14).mdi", "minusdi(14)", "minus_di_14"],
  ["ti.stochastic(14, 3).k", "stochf(14, 3)", "stochf_14_3_k"],
  ["ti.stochastic(14, 3).d", "stochf(14, 3).d", "stochf_14_3_d"],
  ["ti.williamsr(14)", "willr(14)", "willr_14"],
  ["ti.cci(20)", "cci(20)", "cci_20"],
  ["ti.roc(close, 10)", "roc(close, 10)", "roc_10"],
  ["ti.trix(close, 15)", "trix(close, 15)", "trix_15"],
  ["ti.psar(0.02, 0.2)", "psar(0.02, 0.2)", "sar_0.02_0.2"],
  ["ti.awesomeoscillator(5, 34)", "ao(5, 34)", "ao_5_34"],
  ["ti.obv()", "obv", "obv"],
  ["ti.adl()", "ad", "ad"],
  ["ti.mfi(14)", "mfi(14)", "mfi_14"],
  ["ti.forceindex(1)", "force", "force_1"],
];

interface Comparison {
  /** Largest deviation, over the reference's size where that is not small. */
  readonly deviation: number;
  readonly apart: number;
  readonly missing: number;
  readonly added: number;
  readonly values: number;
}

function compare(got: Float64Array, reference: Float64Array): Comparison {
  const scale = scaleOf(reference);
  const count = { deviation: 0, apart: 0, missing: 0, added: 0, values: 0 };
  reference.forEach((want, i) => {
    const value = got[i]!;
    if (Number.isNaN(want)) {
      if (!Number.isNaN(value)) count.added++;
      return;
    }
    count.values++;
    if (Number.isNaN(value)) {
      count.missing++;
      return;
    }
    const off = Math.abs(value - want) / Math.max(Math.abs(want), scale);
    count.deviation = Math.max(count.deviation, off);
    if (off > 1e-9) count.apart++;
  });
  return count;
}

function verdict({ deviation, apart, missing, added, values }: Comparison): string {
  const parts = [
    ...(apart > 0 ? [`${apart} of ${values} values differ, by up to ${size(deviation)}`] : []),
    ...(missing > 0 ? [`${missing} values missing`] : []),
    ...(added > 0 ? [`${added} values where the reference has none`] : []),
  ];
  return parts.length === 0 ? "equal" : parts.join("; ");
}

/** 0.03 %, 12 %. */
function size(fraction: number): string {
  return fraction < 1e-6 ? fraction.toExponential(1) : `${Number((fraction * 100).toPrecision(2))} %`;
}

const folder = join(goldenDir, "indicators");
const bars = readInputs(folder, dataDir).get(instrument)!;
const golden = readColumns(join(folder, `${instrument}.csv.gz`));
const data = { ...bars, closeMs: bars.openMs, length: bars.openMs.length, timeframeMs: 86_400_000 };
const lines: string[] = [];
let equal = 0;
for (const [theirs, ours, column] of rows) {
  const reference = golden.get(column);
  if (reference === undefined) throw new Error(`${column} is not among the reference values`);
  const mine = compare(evaluateFormulas([ours], data)[0] as Float64Array, reference);
  const other = verdict(compare(await readProviderCall(theirs).compute(data), reference));
  if (other === "equal") equal++;
  lines.push(`| \`${ours}\` | ${column} | ${verdict(mine)} | \`${theirs}\` | ${other} |`);
}
writeFileSync(
  join(root, "docs/indicators-compared.md"),
  `# Compared with technicalindicators

Written by \`node scripts/compare-indicators.ts\`: both against the same reference values (TA-Lib 0.8.2, else the definition)
on ${data.length.toLocaleString("en-US")} daily bars of ${instrument}. A value differs where it is further off than 1e-9 of the reference, or of
the column's median where that is larger. Of ${rows.length} columns of technicalindicators 3.1.0, ${equal} are equal. How fast each is:
docs/performance.md.

Who wants its values writes \`ti.\` before its name, as a whole formula of an analysis or a chart: \`ti.rsi(close, 14)\`,
\`ti.macd(close, 12, 26, 9).signal\`. The package sees all bars at once, so that rules, alerts and answers cannot use it.

| ours | reference | our values | technicalindicators | its values |
|---|---|---|---|---|
${lines.join("\n")}
`,
);
