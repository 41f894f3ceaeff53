import { ArrowUpRight, CircleAlert, Clock, Minus, Plus } from "lucide-react";
import type { Change } from "../../api/schema";
import { serviceLink, serviceTracesLink, type Target } from "../../app/links";
import { PageLink } from "../../components/PageLink";
import { Section } from "../../components/Section";
import { Time } from "../../components/Time";
import { nsToMs } from "../../format/times";
import { describeChange } from "./describeChange";
import styles from "./OverviewPage.module.css";

const ICONS: Record<string, { icon: typeof Plus; tone?: string | undefined }> = {
  new_service: { icon: Plus },
  new_operation: { icon: Plus },
  new_version: { icon: ArrowUpRight },
  more_errors: { icon: CircleAlert, tone: styles.bad },
  slower: { icon: Clock, tone: styles.warn },
  gone_service: { icon: Minus, tone: styles.warn },
};

/** What is new against the range before: it often is the reason. */
export function Changes({ changes }: { changes: readonly Change[] }) {
  return (
    <div className={styles.part}>
      <Section title="What changed" aside="against the range before" fill>
        {changes.length === 0 ? (
          <p className={styles.none}>No new service, version or operation, and nothing much worse.</p>
        ) : (
          <ul className={styles.scroll} aria-label="What changed">
            {changes.map((change) => {
              const { icon: Icon, tone } = ICONS[change.kind] ?? { icon: ArrowUpRight };
              const words = describeChange(change);
              return (
                <li key={`${change.kind} ${change.service} ${change.name}`}>
                  <PageLink {...target(change)} className={styles.changeRow} title={words}>
                    <Icon size={14} className={tone} aria-hidden />
                    <span className="truncate">{words}</span>
                    <span className={styles.when}>{change.at_ns !== null && <Time ms={nsToMs(change.at_ns)} />}</span>
                  </PageLink>
                </li>
              );
            })}
          </ul>
        )}
      </Section>
    </div>
  );
}

function target(change: Change): Target {
  if (["new_service", "gone_service", "new_version"].includes(change.kind)) return serviceLink(change.service);
  return serviceTracesLink(change.service, {
    ...(change.name ? { operation: change.name } : {}),
    errors: change.kind === "more_errors",
    slowest: change.kind === "slower",
  });
}
