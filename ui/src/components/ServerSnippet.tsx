import { useApi } from "../api/queries";
import type { StatusResponse } from "../api/schema";
import { reachable } from "./connectSnippets";
import { Snippet } from "./Copyable";
import { QueryView, Skeleton } from "./states";

/** A text to copy that says where this server takes OTLP over HTTP: `text` is given that address. */
export function ServerSnippet({ text }: { text: (endpoint: string) => string }) {
  const status = useApi<StatusResponse>("/api/status");
  return (
    <QueryView query={status} failed="The addresses could not be read" skeleton={<Skeleton rows={4} />}>
      {({ endpoints }) => <Snippet text={text(reachable(endpoints.otlp_http, window.location.hostname))} />}
    </QueryView>
  );
}
