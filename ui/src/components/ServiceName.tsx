import { seriesColor } from "../charts/palette";
import { serviceLink } from "../app/links";
import { PageLink } from "./PageLink";
import styles from "./ServiceName.module.css";

/** A service with its colour; opens its page, unless `link` is false. */
export function ServiceName({ name, link = true }: { name: string; link?: boolean }) {
  const shown = (
    <>
      <span className={styles.dot} style={{ background: seriesColor(name) }} aria-hidden />
      <span className="truncate" title={name}>
        {name}
      </span>
    </>
  );
  if (!link) return <span className={styles.name}>{shown}</span>;
  return (
    <PageLink {...serviceLink(name)} className={styles.name}>
      {shown}
    </PageLink>
  );
}
