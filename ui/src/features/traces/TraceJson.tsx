import { Download } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { withParams } from "../../api/client";
import { useApi } from "../../api/queries";
import type { Journey, Waterfall } from "../../api/schema";
import { CopyButton } from "../../components/Copyable";
import { PartialNote, QueryView } from "../../components/states";
import { formatCount } from "../../format/numbers";
import styles from "./TraceJson.module.css";
import { useElementSize } from "../../charts/useElementSize";

const MOST_STEPS = 2000;
const ALL_STEPS = 100_000;
const LINE_HEIGHT = 20;
const CHUNK_LINES = 32;

/** The trace as the API answers it, for programs and for pasting into a ticket. */
export default function TraceJson({ waterfall }: { waterfall: Waterfall }) {
  const path = `/api/tracing/trace/${waterfall.trace_id}`;
  const query = useApi<Journey>(path, { limit: MOST_STEPS });
  return (
    <QueryView query={query} failed="The trace could not be read">
      {(journey) => <Lines journey={journey} path={path} />}
    </QueryView>
  );
}

function Lines({ journey, path }: { journey: Journey; path: string }) {
  const scroller = useRef<HTMLDivElement>(null);
  const { height } = useElementSize(scroller);
  const [chunk, setChunk] = useState(0);
  const text = useMemo(() => JSON.stringify(journey, null, 2), [journey]);
  const lines = useMemo(() => text.split("\n"), [text]);
  const first = Math.max(chunk - 1, 0) * CHUNK_LINES;
  const shown = lines.slice(first, (chunk + 2) * CHUNK_LINES + Math.ceil(height / LINE_HEIGHT));
  return (
    <div className={styles.view}>
      <div className={styles.tools}>
        <CopyButton text={text} label="Copy the JSON" />
        <a href={withParams(path, { limit: ALL_STEPS })} download={`trace-${journey.trace_id}.json`}>
          <Download size={13} aria-hidden /> Save with all steps
        </a>
        <code className="quiet">GET {path}</code>
        {journey.omitted_steps > 0 && <PartialNote>{formatCount(journey.omitted_steps)} more steps are left out here.</PartialNote>}
      </div>
      {/* Scrolls, so the keyboard must reach it. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label="JSON" onScroll={(event) => setChunk(Math.floor(event.currentTarget.scrollTop / (LINE_HEIGHT * CHUNK_LINES)))}>
        <div style={{ height: lines.length * LINE_HEIGHT }}>
          <pre style={{ transform: `translateY(${first * LINE_HEIGHT}px)` }}>{shown.join("\n")}</pre>
        </div>
      </div>
    </div>
  );
}
