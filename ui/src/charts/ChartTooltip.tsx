import type { ReactNode } from "react";
import styles from "./charts.module.css";

export interface TooltipRow {
  name: string;
  color: string;
  value: string;
}

interface ChartTooltipProps {
  /** Where the pointer is, in px from the left edge of the chart. */
  left: number;
  /** Width of the chart: the tooltip stays on the side with more room. */
  width: number;
  title: ReactNode;
  rows: readonly TooltipRow[];
  /** How many rows were left out. */
  more?: number;
}

/** What is at the moment under the pointer, largest first. */
export function ChartTooltip({ left, width, title, rows, more = 0 }: ChartTooltipProps) {
  const side = left > width / 2 ? { right: width - left + 12 } : { left: left + 12 };
  return (
    <div className={styles.tooltip} style={side} role="presentation">
      <div className={styles.tooltipTitle}>{title}</div>
      {rows.map(({ name, color, value }) => (
        <div key={name} className={styles.tooltipRow}>
          <span className={styles.swatch} style={{ background: color }} />
          <span className="truncate">{name}</span>
          <span className="number">{value}</span>
        </div>
      ))}
      {more > 0 && <div className={styles.tooltipTitle}>and {more} more</div>}
    </div>
  );
}
