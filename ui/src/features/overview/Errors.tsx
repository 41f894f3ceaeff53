import { CircleCheck } from "lucide-react";
import type { ErrorGroup } from "../../api/schema";
import { traceLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { ServiceName } from "../../components/ServiceName";
import { Time } from "../../components/Time";
import { formatNumber } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { errorWords } from "./errorWords";
import styles from "./OverviewPage.module.css";

/** Recent errors, those alike in one row; opens the newest trace at the span that failed. */
export function Errors({ groups }: { groups: readonly ErrorGroup[] }) {
  return (
    <div className={styles.part}>
      <Section title="Recent errors" aside={groups.length > 0 ? "by operation and kind" : undefined} fill>
        {groups.length === 0 ? (
          <p className={styles.none}>
            <CircleCheck size={14} className={styles.good} aria-hidden /> No span failed in this range.
          </p>
        ) : (
          <ul className={styles.scroll} aria-label="Recent errors">
            {groups.map((group) => (
              <li key={`${group.service} ${group.name} ${group.error_type} ${group.trace_id}`}>
                <PageLink
                  {...traceLink(group.trace_id, group.span_id)}
                  className={styles.errorRow}
                  title={`${group.service}: ${group.name}\n${group.error_type}\n${group.message}\nOpen the newest trace`}
                >
                  <span className={styles.count}>{formatNumber(group.spans)}×</span>
                  <span className={styles.operation}>
                    <ServiceName name={group.service} link={false} />
                    <span className="truncate quiet">
                      {errorWords(group)}
                    </span>
                  </span>
                  <span className={styles.when}>
                    <Time ms={nsToMs(group.last_ns)} style="age" />
                  </span>
                </PageLink>
              </li>
            ))}
          </ul>
        )}
      </Section>
    </div>
  );
}

