import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineSeries,
} from "lightweight-charts";
import type { IChartApi, SeriesMarker, UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { cssColor } from "./theme.tsx";

export interface ChartBars {
  openMs: readonly number[];
  open: readonly number[];
  high: readonly number[];
  low: readonly number[];
  close: readonly number[];
  volume: readonly number[];
}

export interface ChartLine {
  label: string;
  atMs: readonly number[];
  values: readonly (number | null)[];
  color: string;
  /** 0: over the bars; 1 and more: a pane of its own below. */
  pane: number;
  /** Default: as a number. */
  unit?: "percent";
}

export interface ChartMark {
  atMs: number;
  /** buy, sell: arrows below and above the bar; note: a dot above it; good, bad: dots below and above it. */
  side: "buy" | "sell" | "note" | "good" | "bad";
  text: string;
}

/** Stretches of the time axis with a colour of their own behind the bars, such as regimes. */
export interface ChartShade {
  fromMs: number;
  /** Not included. */
  toMs: number;
  color: string;
}

const at = (ms: number) => Math.floor(ms / 1000) as UTCTimestamp;

/** Bars with volume and lines on one time axis; lines alone when there are no bars. */
export function Chart({
  bars,
  lines,
  marks,
  shades,
  className,
  label,
  onReady,
}: {
  bars?: ChartBars;
  lines: readonly ChartLine[];
  marks?: readonly ChartMark[];
  /** Over the times of the bars, or of the first line. */
  shades?: readonly ChartShade[];
  className?: string;
  label: string;
  onReady?: (chart: IChartApi) => void;
}) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const draw = () => {
      const chart = build(holder.current!, bars, lines, marks ?? [], shades ?? []);
      onReady?.(chart);
      return chart;
    };
    let chart = draw();
    const redraw = () => {
      const range = chart.timeScale().getVisibleLogicalRange();
      chart.remove();
      chart = draw();
      if (range !== null) chart.timeScale().setVisibleLogicalRange(range);
    };
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    window.addEventListener("themechange", redraw);
    scheme.addEventListener("change", redraw);
    return () => {
      window.removeEventListener("themechange", redraw);
      scheme.removeEventListener("change", redraw);
      chart.remove();
    };
  }, [bars, lines, marks, shades, onReady]);
  return <div ref={holder} className={`chart ${className ?? ""}`} role="img" aria-label={label} />;
}

function build(
  element: HTMLElement,
  bars: ChartBars | undefined,
  lines: readonly ChartLine[],
  marks: readonly ChartMark[],
  shades: readonly ChartShade[],
): IChartApi {
  const [text, grid, up, down, dim] = [
    cssColor("--text"),
    cssColor("--line"),
    cssColor("--up"),
    cssColor("--down"),
    cssColor("--dim"),
  ];
  const chart = createChart(element, {
    autoSize: true,
    layout: {
      background: { color: "transparent" },
      textColor: text,
      attributionLogo: false,
      panes: { separatorColor: grid },
    },
    grid: { vertLines: { color: grid }, horzLines: { color: grid } },
    timeScale: {
      minBarSpacing: 0.02,
      borderColor: grid,
      timeVisible: isIntraday(bars?.openMs ?? lines[0]?.atMs ?? []),
    },
    rightPriceScale: { borderColor: grid },
  });
  if (shades.length > 0) addShades(chart, shades, bars?.openMs ?? lines[0]?.atMs ?? []);
  if (bars !== undefined) {
    const series = chart.addSeries(CandlestickSeries, {
      upColor: up,
      downColor: down,
      borderVisible: false,
      wickUpColor: up,
      wickDownColor: down,
    });
    series.setData(
      bars.openMs.map((ms, i) => ({
        time: at(ms),
        open: bars.open[i]!,
        high: bars.high[i]!,
        low: bars.low[i]!,
        close: bars.close[i]!,
      })),
    );
    const volume = chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      color: dim,
      lastValueVisible: false,
      priceLineVisible: false,
    });
    chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    volume.setData(
      bars.openMs.map((ms, i) => ({
        time: at(ms),
        value: bars.volume[i] ?? 0,
        color: fade(bars.close[i]! >= bars.open[i]! ? up : down, 0.35),
      })),
    );
    createSeriesMarkers(series, markersOf(marks, bars.openMs, { up, down, accent: cssColor("--accent") }));
  }
  for (const line of lines) {
    const series = chart.addSeries(
      LineSeries,
      {
        color: cssColor(line.color),
        lineWidth: 2,
        priceLineVisible: false,
        title: "",
        ...(line.unit === "percent"
          ? {
              priceFormat: {
                type: "custom" as const,
                minMove: 0.001,
                formatter: (value: number) => `${(value * 100).toFixed(1)} %`,
              },
            }
          : {}),
        lastValueVisible: line.pane > 0 || bars === undefined,
      },
      line.pane,
    );
    series.setData(
      line.atMs.map((ms, i) => {
        const value = line.values[i];
        return value === null || value === undefined ? { time: at(ms) } : { time: at(ms), value };
      }),
    );
  }
  chart.timeScale().fitContent();
  return chart;
}

/** Full-height columns on a scale of their own, drawn before anything else. */
function addShades(chart: IChartApi, shades: readonly ChartShade[], atMs: readonly number[]): void {
  const series = chart.addSeries(HistogramSeries, {
    priceScaleId: "shade",
    lastValueVisible: false,
    priceLineVisible: false,
    autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 1 } }),
  });
  chart.priceScale("shade").applyOptions({ scaleMargins: { top: 0, bottom: 0 } });
  const colors = new Map(shades.map((shade) => [shade.color, fade(cssColor(shade.color), 0.14)]));
  let next = 0;
  series.setData(
    atMs.map((ms) => {
      while (next < shades.length && shades[next]!.toMs <= ms) next++;
      const shade = shades[next];
      return shade === undefined || ms < shade.fromMs
        ? { time: at(ms) }
        : { time: at(ms), value: 1, color: colors.get(shade.color)! };
    }),
  );
}

const looks = {
  buy: { position: "belowBar", shape: "arrowUp", color: "up" },
  sell: { position: "aboveBar", shape: "arrowDown", color: "down" },
  note: { position: "aboveBar", shape: "circle", color: "accent" },
  good: { position: "belowBar", shape: "circle", color: "up" },
  bad: { position: "aboveBar", shape: "circle", color: "down" },
} as const;

function markersOf(
  marks: readonly ChartMark[],
  openMs: readonly number[],
  colors: { up: string; down: string; accent: string },
): SeriesMarker<UTCTimestamp>[] {
  return marks
    .map((mark) => ({ ...mark, atMs: openMs.findLast((ms) => ms <= mark.atMs) ?? mark.atMs }))
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ atMs, side, text }) => {
      const { color, ...look } = looks[side];
      return { time: at(atMs), ...look, color: colors[color], text };
    });
}

function fade(color: string, opacity: number): string {
  return color.replace(/^rgb\(([^)]+)\)$/, `rgba($1, ${opacity})`);
}

function isIntraday(ms: readonly number[]): boolean {
  return ms.length > 1 && ms[1]! - ms[0]! < 86_400_000;
}

export function Legend({ lines }: { lines: readonly Pick<ChartLine, "label" | "color">[] }) {
  return (
    <div className="legend">
      {lines.map((line) => (
        <span key={line.label}>
          <i style={{ background: `var(${line.color})` }} />
          {line.label}
        </span>
      ))}
    </div>
  );
}

export const seriesColors = ["--series-1", "--series-2", "--series-3", "--series-4", "--accent", "--bad"];
