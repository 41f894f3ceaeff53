import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { Connect } from "../../components/Connect";
import { EmptyState } from "../../components/states";

/** Say that no spans came in this range, and teach how to send some. */
export function NoSpans({ title }: { title: string }) {
  const { text, set } = useTimeRange();
  return (
    <EmptyState title={title}>
      {text.from !== "now-7d" && (
        <p>
          <Button onClick={() => set({ from: "now-7d", to: "now" })}>Look at the last 7 days</Button>
        </p>
      )}
      <p>Services appear here with their first spans. Point an OpenTelemetry SDK or Collector at this server; the page fills by itself.</p>
      <Connect />
    </EmptyState>
  );
}
