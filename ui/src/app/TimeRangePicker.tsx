import { Popover } from "@mantine/core";
import { ChevronDown, ChevronLeft, ChevronRight, ZoomOut } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { Button } from "../components/Button";
import { Segmented } from "../components/Segmented";
import { formatDateTime, type TimeZone } from "../format/times";
import { pageNow, serverNow, useNow } from "./clock";
import { setPreference, usePreference } from "./preferences";
import { describeRange, PRESETS, type RangeText, readTypedTime, resolveTime } from "./timeRange";
import styles from "./TimeRangePicker.module.css";
import { useTimeRange } from "./useTimeRange";

/** The one time range of all pages: presets, typed text, and steps. */
export function TimeRangePicker() {
  const { text, range, set, step, zoomOut } = useTimeRange();
  const zone = usePreference("zone");
  const now = useNow();
  const [open, setOpen] = useState(false);
  const words = describeRange(text, now, zone);
  const hint = `${formatDateTime(range.startMs, zone)} – ${formatDateTime(range.endMs, zone)} ${zone === "utc" ? "UTC" : ""}`;
  return (
    <div className={styles.picker}>
      <Button kind="plain" className={styles.step} aria-label="Earlier" title="Earlier, by half the range ([)" onClick={() => step(-1)}>
        <ChevronLeft size={14} />
      </Button>
      <Popover opened={open} onChange={setOpen} position="bottom-end" trapFocus returnFocus>
        <Popover.Target>
          <Button
            title={hint}
            aria-label={`Time range: ${words}${zone === "utc" ? " UTC" : ""}`}
            aria-expanded={open} aria-haspopup="dialog"
            onClick={() => setOpen(!open)}
          >
            <span className="number">{words}</span>
            {zone === "utc" && <span className="quiet">UTC</span>}
            <ChevronDown size={14} aria-hidden />
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Time range">
          <RangeForm
            key={`${text.from} ${text.to} ${zone}`}
            onChoose={(next) => {
              set(next);
              setOpen(false);
            }}
          />
        </Popover.Dropdown>
      </Popover>
      <Button kind="plain" className={styles.step} aria-label="Later" title="Later, by half the range (])" onClick={() => step(1)}>
        <ChevronRight size={14} />
      </Button>
      <Button kind="plain" className={styles.step} aria-label="Zoom out" title="Zoom out (double-click on a chart)" onClick={zoomOut}>
        <ZoomOut size={14} />
      </Button>
    </div>
  );
}

function RangeForm({ onChoose }: { onChoose: (range: RangeText) => void }) {
  const { text } = useTimeRange();
  const zone = usePreference("zone");
  // What the form shows when it opens; while somebody types, the clock must not move it.
  const [start] = useState(() => ({ from: editable(text.from, zone), to: editable(text.to, zone) }));
  const [typed, setTyped] = useState(start);
  const [error, setError] = useState<string | null>(null);

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const now = serverNow();
    const from = typed.from === start.from ? text.from : readTypedTime(typed.from, now, zone);
    const to = typed.to === start.to ? text.to : readTypedTime(typed.to, now, zone);
    if (from === null || to === null) {
      setError(`“${from === null ? typed.from : typed.to}” is no time. Write 2h, today, 10:30 or 2026-11-21 10:30.`);
      return;
    }
    const startMs = resolveTime(from, now);
    const endMs = resolveTime(to, now);
    if (startMs === null || endMs === null || startMs >= endMs) {
      setError("The range must start before it ends.");
      return;
    }
    onChoose({ from, to });
  };
  const active = text.to === "now" ? text.from.replace(/^now-/, "") : null;
  return (
    <div className={styles.panel}>
      <form className={styles.form} onSubmit={submit}>
        <label>
          From
          <input
            className="mono"
            value={typed.from}
            spellCheck={false}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setTyped({ ...typed, from: event.target.value })}
          />
        </label>
        <label>
          To
          <input
            className="mono"
            value={typed.to}
            spellCheck={false}
            onFocus={(event) => event.target.select()}
            onChange={(event) => setTyped({ ...typed, to: event.target.value })}
          />
        </label>
        <p className={error ? styles.error : styles.hint} role={error ? "alert" : undefined}>
          {error ?? "2h · yesterday · 10:30 · 2026-11-21 10:30 · Unix time"}
        </p>
        <Button type="submit" kind="primary">
          Show range
        </Button>
        <div className={styles.zone}>
          <span className="quiet">Times in</span>
          <Segmented
            label="Time zone"
            value={zone}
            options={[
              { value: "browser", label: "Browser" },
              { value: "utc", label: "UTC" },
            ]}
            onChange={(value) => setPreference("zone", value)}
          />
        </div>
      </form>
      <ul className={styles.presets}>
        {PRESETS.map((preset) => (
          <li key={preset.text}>
            <button
              type="button"
              className={styles.preset}
              aria-current={preset.text === active || undefined}
              onClick={() => onChoose({ from: `now-${preset.text}`, to: "now" })}
            >
              {preset.label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Write one end of the range as people would type it. */
function editable(part: string, zone: TimeZone): string {
  if (part.startsWith("now")) return part;
  const ms = resolveTime(part, pageNow());
  return ms === null ? part : formatDateTime(ms, zone);
}
