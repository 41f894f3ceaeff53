import { useSetSearch } from "../../app/location";
import { useTimeRange } from "../../app/useTimeRange";
import { Button } from "../../components/Button";
import { Connect } from "../../components/Connect";
import { EmptyState } from "../../components/states";
import styles from "./LogsPage.module.css";

const SENDERS = ["Any SDK", "Python", "Collector", "gRPC", "Loki shippers", "JSON Lines"];

/** There are no lines: what would be here, or what to try instead. */
export function Nothing({ query }: { query: string }) {
  const setSearch = useSetSearch();
  const { text, set } = useTimeRange();
  return (
    <EmptyState title={query === "" ? "No log lines in this time range" : "No line matches"}>
      <div className={styles.ways}>
        {text.from !== "now-7d" && <Button onClick={() => set({ from: "now-7d", to: "now" })}>Search the last 7 days</Button>}
        {query !== "" && <Button onClick={() => setSearch({ q: undefined })}>Clear the query</Button>}
      </div>
      {query === "" && (
        <>
          <p>
            Every line that your services log stands here a second after it was sent, with its level, its attributes and the way to its trace. Send with an OpenTelemetry SDK or
            Collector, with what ships logs to Loki, or as plain JSON; the page fills by itself.
          </p>
          <Connect only={SENDERS} />
        </>
      )}
    </EmptyState>
  );
}

const EXAMPLES: readonly [string, string][] = [
  ['service:gateway level>=warn "connection reset"', "a service, a least level, and a phrase"],
  ["timeout -healthcheck", "a word, and one that must not be there"],
  ["http.response.status_code>=500", "any attribute, compared as a number"],
  ['body =~ "took [0-9]{4,} ms"', "a regular expression"],
  ["(service:worker or service:router) has:exception.type", "alternatives; an attribute that is set"],
];

/** How the search language goes, for who got it wrong. */
export function Hints() {
  const setSearch = useSetSearch();
  return (
    <EmptyState title="The query could not be read">
      <p>It is made of words to find in the text and of conditions on fields; a line is found when it meets all of them.</p>
      <ul className={styles.examples}>
        {EXAMPLES.map(([text, does]) => (
          <li key={text}>
            <button type="button" className="mono" onClick={() => setSearch({ q: text })}>
              {text}
            </button>
            <span className="quiet">{does}</span>
          </li>
        ))}
      </ul>
    </EmptyState>
  );
}
