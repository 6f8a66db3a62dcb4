import { CandlestickSeries, createChart, HistogramSeries } from "lightweight-charts";
import type { IChartApi, ISeriesApi, UTCTimestamp } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { cssColor } from "../../components/theme.tsx";

export interface ChartBar {
  openMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number | null;
}

interface Drawn {
  chart: IChartApi;
  bars: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
}

function draw(element: HTMLElement): Drawn {
  const [text, grid, up, down, dim] = ["--text", "--line", "--up", "--down", "--dim"].map(cssColor);
  const chart = createChart(element, {
    autoSize: true,
    layout: { background: { color: "transparent" }, textColor: text!, attributionLogo: false },
    grid: { vertLines: { color: grid! }, horzLines: { color: grid! } },
    timeScale: { borderColor: grid!, timeVisible: true, secondsVisible: true },
    rightPriceScale: { borderColor: grid! },
  });
  const bars = chart.addSeries(CandlestickSeries, {
    upColor: up!,
    downColor: down!,
    borderVisible: false,
    wickUpColor: up!,
    wickDownColor: down!,
  });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume",
    priceFormat: { type: "volume" },
    color: dim!,
    lastValueVisible: false,
    priceLineVisible: false,
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.85, bottom: 0 } });
  return { chart, bars, volume };
}

const at = (ms: number) => Math.floor(ms / 1_000) as UTCTimestamp;

/** Bars in their order; one more, or another state of the last, is added without drawing the chart anew. */
export function LiveChart({ bars, label }: { bars: readonly ChartBar[]; label: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>(undefined);
  const shown = useRef<readonly ChartBar[]>([]);
  useEffect(() => {
    const made = draw(holder.current!);
    drawn.current = made;
    shown.current = [];
    return () => made.chart.remove();
  }, []);
  useEffect(() => {
    const { bars: series, volume, chart } = drawn.current!;
    const before = shown.current;
    shown.current = bars;
    const candle = ({ openMs, open, high, low, close }: ChartBar) => ({
      time: at(openMs),
      open,
      high,
      low,
      close,
    });
    const column = (bar: ChartBar) => ({ time: at(bar.openMs), value: bar.volume ?? 0 });
    const from = before.length - 1;
    const goesOn =
      from >= 0 &&
      bars.length >= before.length &&
      bars.slice(0, from).every((bar, i) => bar === before[i]) &&
      bars[from]!.openMs === before[from]!.openMs;
    if (goesOn) {
      for (const bar of bars.slice(from)) {
        series.update(candle(bar));
        volume.update(column(bar));
      }
      return;
    }
    series.setData(bars.map(candle));
    volume.setData(bars.map(column));
    if (before.length === 0 && bars.length > 0)
      chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, bars.length - 120), to: bars.length + 4 });
  }, [bars]);
  return <div ref={holder} className="chart" role="img" aria-label={label} />;
}
