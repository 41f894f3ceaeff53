import { ChevronDown, ChevronRight, CircleAlert, Link2, ShieldAlert, Unplug } from "lucide-react";
import { memo } from "react";
import { seriesColor } from "../../charts/palette";
import { formatCount } from "../../format/numbers";
import styles from "./Waterfall.module.css";

export const ROW_HEIGHT = 24;

const MOST_INDENT = 24;
const FLAG_PARENT_MISSING = 1;
const FLAG_LINKS = 16;
const FLAG_MASKED = 32;

interface WaterfallRowProps {
  span: number;
  top: number;
  depth: number;
  service: string;
  name: string;
  /** Whether the parent belongs to another service, so that the service is worth a word. */
  newService: boolean;
  failed: boolean;
  descendants: number;
  failedBelow: number;
  flags: number;
  open: boolean;
  selected: boolean;
  match: boolean;
  dimmed: boolean;
  label: string;
  onToggle: (span: number) => void;
}

/** The name of one span in the waterfall, with what can be told without opening it. */
export const WaterfallRow = memo(function WaterfallRow(props: WaterfallRowProps) {
  const { span, top, depth, service, name, newService, failed, descendants, failedBelow, flags, open, selected, match, dimmed, onToggle } = props;
  const indent = Math.min(depth, MOST_INDENT) * 12;
  const classes = [styles.row, selected && styles.selected, match && styles.match, dimmed && styles.dimmed].filter(Boolean).join(" ");
  return (
    <div
      id={`span-${span}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={selected}
      aria-expanded={descendants > 0 ? open : undefined}
      aria-label={props.label}
      tabIndex={-1}
      data-span={span}
      className={classes}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div className={styles.name} title={`${service}: ${name}`}>
        <span className={styles.guides} style={{ width: indent }} aria-hidden />
        {descendants > 0 ? (
          <button
            type="button"
            className={styles.fold}
            tabIndex={-1}
            aria-label={open ? "Fold" : `Unfold ${formatCount(descendants)} spans`}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(span);
            }}
          >
            {open ? <ChevronDown size={14} /> : <ChevronRight size={14} />}
          </button>
        ) : (
          <span className={styles.leaf} />
        )}
        <span className={styles.dot} style={{ background: seriesColor(service) }} aria-hidden />
        {failed && <CircleAlert size={13} className={styles.bad} aria-label="Failed" />}
        {newService && <span className={styles.service}>{service}</span>}
        <span className={styles.operation}>{name}</span>
        {(flags & FLAG_PARENT_MISSING) > 0 && (
          <Unplug size={12} className={styles.warn} aria-label="Its parent is missing" />
        )}
        {(flags & FLAG_LINKS) > 0 && <Link2 size={12} className={styles.mark} aria-label="Has links" />}
        {(flags & FLAG_MASKED) > 0 && <ShieldAlert size={12} className={styles.mark} aria-label="Secrets were masked" />}
        {!open && descendants > 0 && <span className={styles.below}>+{formatCount(descendants)}</span>}
        {!open && failedBelow > 0 && (
          <span className={styles.failedBelow} title={`${formatCount(failedBelow)} failed below`}>
            <CircleAlert size={11} aria-hidden />
            {formatCount(failedBelow)}
          </span>
        )}
      </div>
    </div>
  );
});
