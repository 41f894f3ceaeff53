import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { ServerSnippet } from "../../components/ServerSnippet";
import { EmptyState } from "../../components/states";

const snippet = (endpoint: string) => `import gnomon

gnomon.setup(service="worker", endpoint="${endpoint}")

@gnomon.task("summarise")
def summarise(document):
    with gnomon.agent("reader-1", trust_score=0.9):
        ...
`;

/** Say that no agent worked in this range, and teach how to tell of one. */
export function NoAgents({ title }: { title: string }) {
  const { text, set } = useTimeRange();
  return (
    <EmptyState title={title}>
      {text.from !== "now-7d" && (
        <p>
          <Button onClick={() => set({ from: "now-7d", to: "now" })}>Look at the last 7 days</Button>
        </p>
      )}
      <p>
        Here stand your agents with their load, success, trust, latency and cost, as soon as the first of their tasks comes in: told by the SDK, by events
        with <code>agent.id</code>, or by the spans of an agent framework. The page fills by itself.
      </p>
      <ServerSnippet text={snippet} />
    </EmptyState>
  );
}
