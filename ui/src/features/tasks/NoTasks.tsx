import { useApi } from "../../api/queries";
import type { StatusResponse } from "../../api/schema";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { reachable } from "../../components/connectSnippets";
import { Snippet } from "../../components/Copyable";
import { EmptyState, QueryView, Skeleton } from "../../components/states";

/** Say how tasks come here. */
export function NoTasks() {
  const status = useApi<StatusResponse>("/api/status");
  const { text, set } = useTimeRange();
  return (
    <EmptyState title="No tasks in this time range">
      {text.from !== "now-7d" && (
        <div>
          <Button onClick={() => set({ from: "now-7d", to: "now" })}>Search the last 7 days</Button>
        </div>
      )}
      <p>
        A task is one piece of work that somebody asked for. From the moment it is submitted it stands here: what it waits for, who works on it, what it called and
        what it cost. Two lines tell of it:
      </p>
      <QueryView query={status} failed="The addresses could not be read" skeleton={<Skeleton rows={4} />}>
        {({ endpoints, keys_required: keysRequired }) => <Snippet text={taskSnippet(reachable(endpoints.otlp_http, window.location.hostname), keysRequired)} />}
      </QueryView>
      <p className="quiet">
        Any OpenTelemetry SDK does as well: spans with the attribute <code>task.id</code>. Runs of agents that frameworks trace (<code>gen_ai.*</code>, OpenInference,
        OpenLLMetry) become tasks of their own.
      </p>
    </EmptyState>
  );
}

/** Return the SDK in two lines, for this server. */
const taskSnippet = (endpoint: string, keysRequired: boolean) =>
  `${keysRequired ? "import os\n" : ""}import gnomon

gnomon.setup(service="my-service", endpoint="${endpoint}"${keysRequired ? ', api_key=os.environ["GNOMON_KEY"]' : ""})

@gnomon.task("summarise", queue="fast")
def summarise(document):
    ...`;
