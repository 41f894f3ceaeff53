import { CircleCheck } from "lucide-react";
import type { ErrorGroup } from "../../api/schema";
import { traceLink } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { ServiceName } from "../../components/ServiceName";
import { Time } from "../../components/Time";
import { formatCount, formatNumber } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { errorWords } from "./errorWords";
import styles from "./OverviewPage.module.css";

/** Recent errors, those alike in one row, of `failed` spans in all; opens the newest trace at the span that failed. */
export function Errors({ groups, failed }: { groups: readonly ErrorGroup[]; failed: number }) {
  return (
    <div className={styles.part}>
      <Section title="Recent errors" aside={groups.length > 0 ? "by operation and kind" : undefined} fill>
        {groups.length === 0 ? (
          <p className={styles.none}>
            {failed > 0 ? (
              // Counts are loaded apart from the spans themselves, and may be there a moment before them.
              `${formatCount(failed)} failed spans are counted; what they say comes with the next refresh.`
            ) : (
              <>
                <CircleCheck size={14} className={styles.good} aria-hidden /> No span failed in this range.
              </>
            )}
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

