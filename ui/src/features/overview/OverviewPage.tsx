import { useApi, useRangeQuery } from "../../api/queries";
import type { Overview, StatusResponse, StorageResponse } from "../../api/schema";
import { Connect } from "../../components/Connect";
import { EmptyState, QueryView, Skeleton } from "../../components/states";
import { useTimeRange } from "../../app/useTimeRange";
import { serviceTracesLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Button } from "../../components/Button";
import { Changes } from "./Changes";
import { Errors } from "./Errors";
import { IngestLine } from "./IngestLine";
import { Operations } from "./Operations";
import styles from "./OverviewPage.module.css";
import { Services } from "./Services";
import { VerdictLine } from "./VerdictLine";

const STEPS = 40;
/** Gnomon's traces of its own requests: with nothing else there, the page should still teach. */
const OWN_SERVICE = "gnomon";

/** Is anything wrong, and since when? */
export default function OverviewPage() {
  const overview = useRangeQuery<Overview>("/api/overview", { steps: STEPS });
  const status = useApi<StatusResponse>("/api/status", {}, { refresh: true });
  const storage = useApi<StorageResponse>("/api/storage", {}, { refresh: true });
  return (
    <div className={styles.page}>
      <IngestLine status={status} storage={storage} />
      <div className={styles.body}>
      <QueryView query={overview} failed="The overview could not be read" skeleton={<Skeleton rows={14} height={24} />}>
        {({ data }) =>
          data.services.every(({ service }) => service === OWN_SERVICE) ? (
            <Nothing own={data.services.length > 0} />
          ) : (
            <div className={styles.parts}>
              <VerdictLine services={data.services} stepsMs={data.steps_ms} />
              <Services services={data.services} stepS={data.step_s} />
              <div className={styles.below}>
                <Operations overview={data} />
                <div className={styles.right}>
                  <Errors groups={data.errors} failed={data.services.reduce((sum, { totals }) => sum + totals.errors, 0)} />
                  <Changes changes={data.changes} />
                </div>
              </div>
            </div>
          )
        }
      </QueryView>
      </div>
    </div>
  );
}

function Nothing({ own }: { own: boolean }) {
  const { text, set } = useTimeRange();
  const wide = text.from === "now-7d";
  return (
    <EmptyState title={wide ? "No traces yet" : "No traces in this range"}>
      <p>
        Here stand your services with their rate, errors and latency, as soon as the first span comes in. Point an OpenTelemetry SDK or
        Collector here; the page fills by itself.
        {!wide && (
          <>
            {" "}
            Or{" "}
            <Button kind="plain" className={styles.inline} onClick={() => set({ from: "now-7d", to: "now" })}>
              look at the last 7 days
            </Button>
            .
          </>
        )}
        {own && (
          <>
            {" "}
            Until then there are only <PageLink {...serviceTracesLink(OWN_SERVICE)}>Gnomon’s own traces</PageLink>.
          </>
        )}
      </p>
      <Connect />
    </EmptyState>
  );
}
