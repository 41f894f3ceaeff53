import { useMemo } from "react";
import { sparklinePaths } from "./sparklinePaths";
import styles from "./Sparkline.module.css";

interface SparklineProps {
  /** Evenly spaced in time; null where nothing is known. */
  values: readonly (number | null)[];
  /** What it shows, for those who cannot see it: "Rate over the last hour". */
  label: string;
  /** In px; without it, as wide as there is room. */
  width?: number;
  height?: number;
  tone?: "neutral" | "bad";
  /** The largest value of the scale, to compare rows with each other; by default the row's own. */
  max?: number;
}

/** A line as high as a row, from zero; gaps are gaps. */
export function Sparkline({ values, label, width, height = 20, tone = "neutral", max }: SparklineProps) {
  const drawn = width ?? 100;
  const { line, area, last } = useMemo(() => sparklinePaths(values, drawn, height, max), [values, drawn, height, max]);
  return (
    <svg
      className={`${styles.sparkline ?? ""} ${styles[tone] ?? ""}`}
      width={width ?? "100%"}
      height={height}
      viewBox={`0 0 ${drawn} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path className={styles.area} d={area} />
      <path className={styles.line} d={line} />
      {last && width !== undefined && <circle className={styles.last} cx={last.x} cy={last.y} r={1.75} />}
    </svg>
  );
}
