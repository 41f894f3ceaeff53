import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorState } from "../components/states";

/** Shown when a page breaks: the frame lives on. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const broken = error instanceof Error ? error : new Error(String(error));
  const stale = /dynamically imported module|Importing a module/i.test(broken.message);
  const shown = stale ? new Error("This page could not be loaded. Gnomon may have been updated: reload to get the new version.") : broken;
  return (
    <ErrorState
      title="This page broke"
      error={shown}
      onRetry={() => {
        if (stale) window.location.reload();
        else reset();
      }}
    />
  );
}
