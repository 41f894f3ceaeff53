import { reach, scaleOf, toneColor, toneOf, toneTextColor, writeValue } from "../display";
import type { PanelProps } from "../panelContext";
import { makeFigures } from "./figures";
import { PanelAnswer } from "./PanelAnswer";
import styles from "./panels.module.css";
import { ToneMark } from "./StatPanel";
import { usePanelData } from "./usePanelData";

const MOST = 100;

/** A bar for each series, the longest first. */
export function BarPanel(props: PanelProps) {
  const { display } = props.panel;
  const query = usePanelData(props, "own");
  return (
    <PanelAnswer props={props} query={query}>
      {(good, { data }) => {
        const figures = makeFigures(good, display, data).sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
        if (figures.length === 0) return <p className={styles.note}>No series</p>;
        const { min, max } = scaleOf(
          figures.map(({ value }) => value),
          display,
        );
        return (
          <ul className={styles.bars}>
            {figures.slice(0, MOST).map(({ name, value, format }) => {
              const tone = toneOf(value, display);
              return (
                <li key={name}>
                  <span className="truncate" title={name}>
                    {name}
                  </span>
                  <span className={styles.barTrack} aria-hidden>
                    <span style={{ width: `${reach(value, min, max) * 100}%`, background: toneColor(tone) }} />
                  </span>
                  <span className="number" style={{ color: toneTextColor(tone) }}>
                    <ToneMark tone={tone} size={12} /> {writeValue(value, display, format)}
                  </span>
                </li>
              );
            })}
            {figures.length > MOST && <li className="quiet">and {figures.length - MOST} more</li>}
          </ul>
        );
      }}
    </PanelAnswer>
  );
}
