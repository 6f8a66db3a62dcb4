import type { Drawing } from "@tapedeck/features/backtest/report/drawing/shapes";
import { drawingSvg } from "@tapedeck/features/backtest/report/drawing/svg";

/** A chart as the report's file has it, in the colours of the page. */
export function DrawingView({ drawing }: { drawing: Drawing }) {
  return (
    <div className="drawing">
      {drawing.legend.length === 0 ? null : (
        <div className="legend">
          {drawing.legend.map(({ label, ink }) => (
            <span key={label}>
              <i style={{ background: `var(--ink-${ink})` }} />
              {label}
            </span>
          ))}
        </div>
      )}
      {/* Every text in it is escaped where it is made. */}
      <div className="scroll" dangerouslySetInnerHTML={{ __html: drawingSvg(drawing) }} />
    </div>
  );
}
