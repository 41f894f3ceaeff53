import { ExternalLink } from "lucide-react";
import type { Link } from "../../api/schema";
import styles from "./DashboardPage.module.css";
import { useAddress, useWords } from "./panelContext";

/** Where the dashboard leads: other dashboards, runbooks, pages of the web. */
export function DashboardLinks({ links }: { links: readonly Link[] }) {
  const address = useAddress();
  const words = useWords();
  if (links.length === 0) return null;
  return (
    <nav className={styles.links} aria-label="Links of the dashboard">
      {links.map(({ title, url }, index) => (
        <a key={index} href={address(url)} target={url.startsWith("/") ? undefined : "_blank"} rel="noreferrer">
          {words(title)} {!url.startsWith("/") && <ExternalLink size={12} aria-hidden />}
        </a>
      ))}
    </nav>
  );
}
