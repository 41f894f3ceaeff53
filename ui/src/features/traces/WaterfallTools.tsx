import { ChevronsDownUp, ChevronsUpDown, Route, ZoomOut } from "lucide-react";
import { useSetSearch } from "../../app/location";
import { Button } from "../../components/Button";
import type { TraceView } from "./useTraceView";
import { NOTHING_FOLDED } from "./visibleRows";
import styles from "./WaterfallTools.module.css";

/** What can be done with the waterfall as a whole. */
export function WaterfallTools({ view }: { view: TraceView }) {
  const setSearch = useSetSearch();
  return (
    <div className={styles.tools}>
      {view.isZoomed && (
        <Button kind="plain" title="Show the whole trace (double-click)" onClick={() => view.zoom(null)}>
          <ZoomOut size={14} aria-hidden /> Whole trace
        </Button>
      )}
      <Button
        kind="plain"
        aria-pressed={view.showPath}
        title="The line through the spans that the trace waited for: making anything else faster changes nothing"
        onClick={() => setSearch({ path: view.showPath ? "off" : undefined }, { replace: true })}
      >
        <Route size={14} aria-hidden /> Critical path
      </Button>
      <Button kind="plain" icon aria-label="Unfold all" title="Unfold all (e)" onClick={() => view.fold(NOTHING_FOLDED)}>
        <ChevronsUpDown size={14} />
      </Button>
      <Button kind="plain" icon aria-label="Fold all" title="Fold all (c)" onClick={() => view.fold({ all: true, except: new Set() })}>
        <ChevronsDownUp size={14} />
      </Button>
    </div>
  );
}
