const width = 160;
const height = 32;

/** A line through the values, from the lowest at the bottom to the highest at the top. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const lowest = Math.min(...values);
  const range = Math.max(...values) - lowest;
  const points = values.map((value, i) => {
    const x = values.length === 1 ? width / 2 : (i / (values.length - 1)) * width;
    const y = range === 0 ? height / 2 : height - 2 - ((value - lowest) / range) * (height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg className="sparkline" width={width} height={height} role="img" aria-label={label}>
      <polyline points={points.join(" ")} fill="none" stroke="currentColor" strokeWidth="1.5" />
    </svg>
  );
}
