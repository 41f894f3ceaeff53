import { ArrowDown, Pause, Play } from "lucide-react";
import { Button } from "../../components/Button";
import { EmptyState, ErrorState, PartialNote } from "../../components/states";
import { useShortcuts } from "../../app/shortcuts";
import { formatCount, formatRate } from "../../format/numbers";
import { LinesPanel } from "./LinesPanel";
import styles from "./LogsPage.module.css";
import { TAIL_LINES } from "./tailLines";
import type { LineView } from "./useLineView";
import { useTail } from "./useTail";

/** New lines as they come, the newest at the bottom; held while somebody reads further up. */
export function TailView({ view }: { view: LineView }) {
  const { tail, resources, rate, status, error, breaks, isHeld, hold, retry } = useTail(view.query);
  useShortcuts([{ keys: "p", does: "Pause or resume the tail", group: "Lines", run: () => hold(!isHeld) }]);
  const reading: LineView = {
    ...view,
    setOpened: (id) => {
      // Who reads a line does not want it to run away.
      if (id !== "") hold(true);
      view.setOpened(id);
    },
  };
  const waiting = tail.held.length + tail.letGo;
  return (
    <LinesPanel
      label="Live tail"
      view={reading}
      lines={tail.shown}
      resources={resources}
      following={!isHeld}
      onFollowing={(isAtEnd) => {
        if (!isAtEnd) hold(true);
        // Back at the end, with nothing waiting, there is nothing to hold for.
        else if (waiting === 0 && tail.shown.length > 0) hold(false);
      }}
      status={
        <>
          <span className={styles.pulse} data-status={isHeld ? "held" : status} aria-hidden />
          <span role="status" className={styles.said}>
            {status === "connecting" && "Connecting …"}
            {status === "broken" && "Connection lost, trying again …"}
            {status === "refused" && "Not following"}
            {status === "open" && (isHeld ? `Paused, ${formatCount(waiting)} ${waiting === 1 ? "line waits" : "lines wait"}` : `Following${rate !== null && rate > 0 ? `, ${formatRate(Math.round(rate))}` : ""}`)}
          </span>
          {tail.letGo > 0 && <span className="quiet truncate">the newest {formatCount(tail.held.length)} are kept</span>}
          {tail.skipped > 0 && (
            <span className={styles.note} title="They came faster than they could be sent; the search has them.">
              <PartialNote>{formatCount(tail.skipped)} skipped</PartialNote>
            </span>
          )}
          {breaks > 0 && status === "open" && (
            <span className={styles.note} title="Lines that came while the connection was broken are not shown; the search has them.">
              <PartialNote>The connection broke {breaks === 1 ? "once" : `${breaks} times`}</PartialNote>
            </span>
          )}
        </>
      }
      tools={
        status === "refused" ? undefined : (
          <Button onClick={() => hold(!isHeld)} title={isHeld ? "Show what waits, and follow (p)" : "Hold new lines back (p)"}>
            {isHeld ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
            {isHeld ? "Resume" : "Pause"}
          </Button>
        )
      }
      after={
        isHeld && waiting > 0 ? (
          <button type="button" className={styles.jump} onClick={() => hold(false)}>
            <ArrowDown size={14} aria-hidden /> {formatCount(waiting)} new {waiting === 1 ? "line" : "lines"}
          </button>
        ) : undefined
      }
      empty={
        error ? (
          <ErrorState title="New lines cannot be followed" error={error} onRetry={retry} />
        ) : (
          <EmptyState title={status === "open" ? "Waiting for the next line" : "Connecting"}>
            <p>
              Lines that {view.query === "" ? "arrive" : "match"} appear here a moment after they are received, whatever the time range says. The last {formatCount(TAIL_LINES)} are
              kept on the page.
            </p>
          </EmptyState>
        )
      }
    />
  );
}
