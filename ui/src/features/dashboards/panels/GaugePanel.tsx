import { reach, scaleOf, toneColor, toneOf, toneTextColor, writeValue } from "../display";
import type { PanelProps } from "../panelContext";
import { arcPath } from "./arc";
import { makeFigures } from "./figures";
import { PanelAnswer } from "./PanelAnswer";
import styles from "./panels.module.css";
import { ToneMark } from "./StatPanel";
import { usePanelData } from "./usePanelData";

const MOST = 24;

/** How far each figure reaches between the ends of its scale. */
export function GaugePanel(props: PanelProps) {
  const { display } = props.panel;
  const query = usePanelData(props, "own");
  return (
    <PanelAnswer props={props} query={query}>
      {(good, { data }) => {
        const figures = makeFigures(good, display, data);
        if (figures.length === 0) return <p className={styles.note}>No series</p>;
        const { min, max } = scaleOf(
          figures.map(({ value }) => value),
          display,
        );
        const named = figures.length > 1 || good.some(({ legend }) => legend !== "");
        return (
          <div className={styles.gauges}>
            {figures.slice(0, MOST).map(({ name, value, format }) => {
              const tone = toneOf(value, display);
              const written = writeValue(value, display, format);
              return (
                <div key={name} className={styles.gauge}>
                  <svg viewBox="0 0 120 78" role="meter" aria-label={name} aria-valuenow={value ?? undefined} aria-valuemin={min} aria-valuemax={max} aria-valuetext={written}>
                    <path d={arcPath(60, 60, 50, 0, 1)} className={styles.gaugeTrack} />
                    {value !== null && <path d={arcPath(60, 60, 50, 0, reach(value, min, max))} className={styles.gaugeArc} style={{ stroke: toneColor(tone) }} />}
                    {display.thresholds.map(
                      (step) =>
                        step.value != null && (
                          <path key={step.value} d={arcPath(60, 60, 41, reach(step.value, min, max) - 0.006, reach(step.value, min, max) + 0.006)} className={styles.gaugeStep} style={{ stroke: toneColor(step.tone) }} />
                        ),
                    )}
                    <text x="60" y="62" textAnchor="middle" className={styles.gaugeValue} style={{ fill: toneTextColor(tone) }}>
                      {written}
                    </text>
                    <text x="10" y="76" textAnchor="middle" className={styles.gaugeEnd}>
                      {format.write(min)}
                    </text>
                    <text x="110" y="76" textAnchor="middle" className={styles.gaugeEnd}>
                      {format.write(max)}
                    </text>
                  </svg>
                  {(named || tone !== "neutral") && (
                    <span className={styles.gaugeName} title={name}>
                      <span style={{ color: toneTextColor(tone) }}>
                        <ToneMark tone={tone} size={12} />
                      </span>
                      {named && <span className="truncate">{name}</span>}
                    </span>
                  )}
                </div>
              );
            })}
            {figures.length > MOST && <p className="quiet">and {figures.length - MOST} more</p>}
          </div>
        );
      }}
    </PanelAnswer>
  );
}
