import { useId } from "react";

export interface PlotLine {
  label: string;
  x: readonly number[];
  y: readonly number[];
  color: string;
  dashed?: boolean;
}

export interface PlotPoint {
  label: string;
  x: number;
  y: number;
  color: string;
}

const size = { width: 640, height: 320, left: 76, right: 16, top: 12, bottom: 40 };

/** Round steps that part a range into about five. */
export function ticksOf(least: number, most: number): number[] {
  if (!(most > least)) return [least];
  const rough = (most - least) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Lines and points over numbers (not times): a frontier, a price over the spot. */
export function Plot({
  lines,
  points = [],
  xLabel,
  yLabel,
  show,
  label,
}: {
  lines: readonly PlotLine[];
  points?: readonly PlotPoint[];
  xLabel: string;
  yLabel: string;
  /** How values are written on the axes. */
  show: (value: number) => string;
  label: string;
}) {
  const clip = useId();
  const xs = [...lines.flatMap((line) => line.x), ...points.map((point) => point.x)];
  const ys = [...lines.flatMap((line) => line.y), ...points.map((point) => point.y)];
  const range = (values: readonly number[]) => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = (most - least || Math.abs(most) || 1) * 0.05;
    return [least - room, most + room] as const;
  };
  const [x0, x1] = range(xs);
  const [y0, y1] = range(ys);
  const { width, height, left, right, top, bottom } = size;
  const px = (x: number) => left + ((x - x0) / (x1 - x0)) * (width - left - right);
  const py = (y: number) => height - bottom - ((y - y0) / (y1 - y0)) * (height - top - bottom);
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <clipPath id={clip}>
        <rect x={left} y={top} width={width - left - right} height={height - top - bottom} />
      </clipPath>
      {ticksOf(x0, x1).map((x) => (
        <g key={`x${x}`}>
          <line className="grid" x1={px(x)} x2={px(x)} y1={top} y2={height - bottom} />
          <text x={px(x)} y={height - bottom + 16} textAnchor="middle">
            {show(x)}
          </text>
        </g>
      ))}
      {ticksOf(y0, y1).map((y) => (
        <g key={`y${y}`}>
          <line className="grid" x1={left} x2={width - right} y1={py(y)} y2={py(y)} />
          <text x={left - 6} y={py(y) + 4} textAnchor="end">
            {show(y)}
          </text>
        </g>
      ))}
      <text className="axis" x={(left + width - right) / 2} y={height - 6} textAnchor="middle">
        {xLabel}
      </text>
      <text
        className="axis"
        transform={`translate(14 ${(top + height - bottom) / 2}) rotate(-90)`}
        textAnchor="middle"
      >
        {yLabel}
      </text>
      <g clipPath={`url(#${clip})`}>
        {lines.map((line) => (
          <polyline
            key={line.label}
            points={line.x.map((x, i) => `${px(x)},${py(line.y[i]!)}`).join(" ")}
            fill="none"
            stroke={`var(${line.color})`}
            strokeWidth="2"
            strokeDasharray={line.dashed === true ? "5 4" : undefined}
          />
        ))}
      </g>
      {points.map((point) => {
        const isRight = px(point.x) > width - 150;
        return (
          <g key={point.label}>
            <circle cx={px(point.x)} cy={py(point.y)} r="4.5" fill={`var(${point.color})`} />
            <text
              x={px(point.x) + (isRight ? -8 : 8)}
              y={py(point.y) + 15}
              textAnchor={isRight ? "end" : "start"}
            >
              {point.label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
