import { CircleAlert, CircleCheck, Clock } from "lucide-react";
import type { ServiceHealth } from "../../api/schema";
import { serviceTracesLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Time } from "../../components/Time";
import { formatShare } from "../../format/numbers";
import { formatDuration } from "../../format/durations";
import styles from "./OverviewPage.module.css";
import { failingSince, judgeAll } from "./verdict";

/** The answer to why one opened the page. */
export function VerdictLine({ services, stepsMs }: { services: readonly ServiceHealth[]; stepsMs: readonly number[] }) {
  const { failing, slower } = judgeAll(services);
  const [worst] = failing;
  const [slow] = slower;
  if (worst) {
    const since = failingSince(worst, stepsMs);
    return (
      <p className={styles.verdict}>
        <CircleAlert size={20} className={styles.bad} aria-hidden />
        <span>
          {failing.length === 1 ? (
            <>
              <PageLink {...serviceTracesLink(worst.service, { errors: true })}>{worst.service}</PageLink> fails
            </>
          ) : (
            `${failing.length} of ${services.length} services fail`
          )}
        </span>
        <span className={styles.detail}>
          {failing.length > 1 && (
            <>
              most <PageLink {...serviceTracesLink(worst.service, { errors: true })}>{worst.service}</PageLink>:{" "}
            </>
          )}
          {formatShare(worst.totals.error_share)} of its spans, since {since === null ? "before this range" : <Time ms={since} />}
        </span>
      </p>
    );
  }
  if (slow) {
    return (
      <p className={styles.verdict}>
        <Clock size={20} className={styles.warn} aria-hidden />
        <span>
          {slower.length === 1 ? (
            <>
              <PageLink {...serviceTracesLink(slow.service, { slowest: true })}>{slow.service}</PageLink> is slower
            </>
          ) : (
            `${slower.length} of ${services.length} services are slower`
          )}
        </span>
        <span className={styles.detail}>
          {slower.length > 1 && `${slow.service}: `}
          p95 {formatDuration(slow.totals.p95_ns)}, {formatDuration(slow.before?.p95_ns)} in the range before
        </span>
      </p>
    );
  }
  return (
    <p className={styles.verdict}>
      <CircleCheck size={20} className={styles.good} aria-hidden />
      <span>Nothing stands out</span>
      <span className={styles.detail}>
        no service fails 5 % of its spans, or 1 % and twice as many as in the range before; none is half as slow again
      </span>
    </p>
  );
}
