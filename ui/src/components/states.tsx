/** What a part of a page shows while it has nothing, waits, failed, or knows only a part. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useQueryClient } from "@tanstack/react-query";
import { CircleAlert, TriangleAlert } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/client";
import { Button } from "./Button";
import styles from "./states.module.css";

/** Turn true `ms` after the component appeared. */
function useElapsed(ms: number): boolean {
  const [elapsed, setElapsed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setElapsed(true), ms);
    return () => {
      clearTimeout(timer);
    };
  }, [ms]);
  return elapsed;
}

/** Rows in the shape of what comes; nothing for the first 150 ms, so that a quick answer does not flicker. */
export function Skeleton({ rows = 4, height = 20 }: { rows?: number; height?: number }) {
  const shown = useElapsed(150);
  return (
    <div className={styles.skeleton} aria-busy="true" aria-label="Loading" style={{ minHeight: rows * (height + 8) }}>
      {shown &&
        Array.from({ length: rows }, (_, index) => (
          <div key={index} className={styles.bone} style={{ height, width: `${96 - ((index * 17) % 30)}%` }} />
        ))}
    </div>
  );
}

/** Say what failed, in the server's words, and offer to try again. The rest of the page lives on. */
export function ErrorState({ title, error, onRetry }: { title: string; error: Error; onRetry?: (() => void) | undefined }) {
  return (
    <div className={styles.error} role="alert">
      <CircleAlert size={16} aria-hidden />
      <p>
        <strong>{title}.</strong> {error.message}
        {error instanceof ApiError && error.status > 0 && <span className="quiet"> ({error.status})</span>}
      </p>
      {onRetry && <Button onClick={onRetry}>Retry</Button>}
    </div>
  );
}

/** Say that there is nothing, and teach what would be here and how to get it. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** One line beside a result that is not the whole: say the number left out. */
export function PartialNote({ children }: { children: ReactNode }) {
  return (
    <p className={styles.note}>
      <TriangleAlert size={12} aria-hidden />
      <span>{children}</span>
    </p>
  );
}

/** How long one waits already, with a way out; appears after two seconds. */
function Slow({ onCancel }: { onCancel: () => void }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((value) => value + 1), 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  if (seconds < 2) return null;
  return (
    <div className={styles.slow} role="status">
      <span className="number">Still working, {seconds} s</span>
      <Button onClick={onCancel}>Cancel</Button>
    </div>
  );
}

interface QueryViewProps<T> {
  query: UseQueryResult<T>;
  /** What it is, for the error: "Traces could not be searched". */
  failed: string;
  /** In the shape of what comes. */
  skeleton?: ReactNode;
  children: (data: T) => ReactNode;
}

/** Show a query in whatever state it is: skeleton, slow, failed, dimmed while a changed question is answered, and the data. */
export function QueryView<T>({ query, failed, skeleton, children }: QueryViewProps<T>) {
  const client = useQueryClient();
  const cancel = () => {
    void client.cancelQueries({ predicate: (candidate) => candidate.state.fetchStatus === "fetching" });
  };
  const retry = () => void query.refetch();
  if (query.data === undefined) {
    if (query.error) return <ErrorState title={failed} error={query.error} onRetry={retry} />;
    if (query.fetchStatus === "idle") {
      return <ErrorState title={failed} error={new Error("The request was cancelled.")} onRetry={retry} />;
    }
    return (
      <div className={styles.view}>
        <Slow onCancel={cancel} />
        {skeleton ?? <Skeleton />}
      </div>
    );
  }
  // That the server is away is said once, above the page.
  const away = query.error instanceof ApiError && query.error.status === 0;
  return (
    <div className={styles.view}>
      {query.error && !away && <ErrorState title={`${failed}, what you see is older`} error={query.error} onRetry={retry} />}
      {query.isPlaceholderData && query.isFetching && <Slow onCancel={cancel} />}
      <div className={query.isPlaceholderData || away ? styles.dimmed : styles.fresh} aria-busy={query.isFetching}>
        {children(query.data)}
      </div>
    </div>
  );
}
