import { useState } from "react";
import { useApi } from "../api/queries";
import type { StatusResponse } from "../api/schema";
import styles from "./Connect.module.css";
import { connectSnippets } from "./connectSnippets";
import { Snippet } from "./Copyable";
import { Segmented } from "./Segmented";
import { QueryView, Skeleton } from "./states";

/** How to send to this Gnomon: a snippet for each kind of sender, with the real host and ports. `only` limits the kinds. */
export function Connect({ only }: { only?: readonly string[] }) {
  const status = useApi<StatusResponse>("/api/status");
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <QueryView query={status} failed="The addresses could not be read" skeleton={<Skeleton rows={5} />}>
      {({ endpoints, keys_required: keysRequired }) => {
        const snippets = connectSnippets(endpoints, window.location.hostname, keysRequired).filter(
          ({ name }) => only === undefined || only.includes(name),
        );
        const shown = snippets.find(({ name }) => name === chosen) ?? snippets[0];
        if (!shown) return null;
        return (
          <div className={styles.connect}>
            <Segmented
              label="Sender"
              value={shown.name}
              options={snippets.map(({ name }) => ({ value: name, label: name }))}
              onChange={setChosen}
            />
            <p className="quiet">{shown.where}</p>
            <Snippet text={shown.text} />
            {keysRequired && (
              <p className="quiet">
                <code>GNOMON_KEY</code> is a key that may send: <code>gnomon keys create --scope ingest</code>
              </p>
            )}
          </div>
        );
      }}
    </QueryView>
  );
}
