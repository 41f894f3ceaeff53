import { CircleAlert, CircleCheck, Clock } from "lucide-react";
import type { ServiceHealth } from "../../api/schema";
import { serviceTracesLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Time } from "../../components/Time";
import { formatCount, formatShare } from "../../format/numbers";
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
  const errors = services.reduce((sum, { totals }) => sum + totals.errors, 0);
  const spans = services.reduce((sum, { totals }) => sum + totals.spans, 0);
  return (
    <p className={styles.verdict}>
      <CircleCheck size={20} className={styles.good} aria-hidden />
      <span>Nothing stands out</span>
      <span className={styles.detail} title={RULE}>
        {errors === 0 ? "no span failed" : `${formatCount(errors)} of ${formatCount(spans)} spans failed, in no service a pattern`}
        {", none is much slower"}
      </span>
    </p>
  );
}

const RULE =
  "A service fails when at least 3 of its spans do, and these are 5 %, or 1 % and twice the share of the range before. " +
  "It is slower when its p95 has grown by half, and by 20 ms.";
