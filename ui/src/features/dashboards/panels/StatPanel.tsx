import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { Sparkline } from "../../../components/Sparkline";
import { toneOf, toneTextColor, type Tone, writeValue } from "../display";
import type { PanelProps } from "../panelContext";
import { makeFigures } from "./figures";
import { PanelAnswer } from "./PanelAnswer";
import styles from "./panels.module.css";
import { usePanelData } from "./usePanelData";

const MOST = 60;

/** One figure for each series, large, with its course below. */
export function StatPanel(props: PanelProps) {
  const { display } = props.panel;
  const query = usePanelData(props, "own");
  return (
    <PanelAnswer props={props} query={query}>
      {(good, { data }) => {
        const figures = makeFigures(good, display, data);
        if (figures.length === 0) return <p className={styles.note}>No series</p>;
        const named = figures.length > 1 || good.some(({ legend }) => legend !== "");
        return (
          <div className={styles.stats} data-many={figures.length > 4 || undefined}>
            {figures.slice(0, MOST).map(({ name, value, course, format }) => {
              const tone = toneOf(value, display);
              return (
                <div key={name} className={styles.stat}>
                  {named && (
                    <span className={styles.statName} title={name}>
                      {name}
                    </span>
                  )}
                  <span className={styles.statValue} style={{ color: toneTextColor(tone) }}>
                    <ToneMark tone={tone} />
                    {writeValue(value, display, format)}
                  </span>
                  {display.sparkline && course.length > 1 && (
                    <Sparkline values={course} label={`Course of ${name}`} height={24} />
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

const WORDS: Record<Tone, string> = { good: "good", warn: "warning", bad: "bad", neutral: "" };

/** Colour never tells alone. */
export function ToneMark({ tone, size = 14 }: { tone: Tone; size?: number }) {
  if (tone === "bad") return <CircleAlert size={size} aria-label={WORDS.bad} />;
  if (tone === "warn") return <TriangleAlert size={size} aria-label={WORDS.warn} />;
  if (tone === "good") return <CircleCheck size={size} aria-label={WORDS.good} />;
  return null;
}
