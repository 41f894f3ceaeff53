import { Menu } from "@mantine/core";
import { useIsFetching } from "@tanstack/react-query";
import { ChevronDown, Pause, RotateCw } from "lucide-react";
import { Button } from "../components/Button";
import { parseDuration } from "../format/durations";
import { tick, useIsHeld, useNow, useTicking } from "./clock";
import { useParam, useSetSearch } from "./location";
import { usePreference } from "./preferences";
import { formatClock } from "../format/times";
import styles from "./RefreshControl.module.css";
import { useTimeRange } from "./useTimeRange";

const CHOICES = ["off", "5s", "10s", "30s", "1m", "5m"];

/** Refresh now, or every so often; says when it holds still because the pointer is over a chart. */
export function RefreshControl() {
  const { range, live } = useTimeRange();
  const setSearch = useSetSearch();
  const chosen = useParam("refresh");
  const now = useNow();
  const zone = usePreference("zone");
  const held = useIsHeld();
  const fetching = useIsFetching() > 0;
  const automatic = automaticInterval(range.endMs - range.startMs);
  const interval = CHOICES.includes(chosen) ? chosen : automatic;
  const running = live && interval !== "off";
  const intervalNs = parseDuration(interval);
  useTicking(running && intervalNs !== null ? intervalNs / 1e6 : null);
  const word = !live ? "Fixed" : interval === "off" ? "Off" : interval;
  return (
    <div className={styles.control}>
      <Button
        className={styles.now}
        aria-label="Refresh now"
        title={`As of ${formatClock(now, zone)}. Refresh now.`}
        onClick={tick}
      >
        {running && held ? (
          <Pause size={14} aria-label="Held while the pointer is over a chart" />
        ) : (
          <RotateCw size={14} className={fetching ? styles.turning : undefined} />
        )}
      </Button>
      <Menu position="bottom-end" width={150}>
        <Menu.Target>
          <Button className={styles.interval} aria-label={`Refresh interval: ${word}`} disabled={!live} title={live ? "Refresh interval" : "A fixed range does not change"}>
            <span className="number">{word}</span>
            <ChevronDown size={14} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Refresh every</Menu.Label>
          {CHOICES.map((choice) => (
            <Menu.Item
              key={choice}
              aria-current={choice === interval || undefined}
              rightSection={choice === automatic ? <span className="quiet">default</span> : undefined}
              onClick={() => setSearch({ refresh: choice === automatic ? undefined : choice }, { replace: true })}
            >
              {choice === "off" ? "Off" : choice}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

/** Long ranges change slowly and cost more to ask. */
function automaticInterval(lengthMs: number): string {
  if (lengthMs <= 3_600_000) return "10s";
  return lengthMs <= 24 * 3_600_000 ? "1m" : "5m";
}
