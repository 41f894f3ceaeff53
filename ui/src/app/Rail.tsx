import { useRouterState } from "@tanstack/react-router";
import { PanelLeftClose, PanelLeftOpen } from "lucide-react";
import { PageLink } from "../components/PageLink";
import { Mark } from "./Mark";
import { railPages } from "./pages";
import { setPreference, usePreference } from "./preferences";
import styles from "./Rail.module.css";

/** The way between pages, at the left. */
export function Rail() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const folded = usePreference("rail") === "folded";
  const current = currentPath(path);
  return (
    <nav className={styles.rail} aria-label="Pages" data-folded={folded || undefined}>
      <PageLink to="/" className={styles.brand} aria-label="Gnomon, to the overview">
        <Mark />
        {!folded && <span>Gnomon</span>}
      </PageLink>
      <ul className={styles.pages}>
        {railPages.map(({ path: to, title, rail: { icon: Icon, key, label, under } }) => (
          <li key={to}>
            <PageLink
              to={to}
              className={[styles.page, under !== undefined && styles.under, to === current && styles.current].filter(Boolean).join(" ")}
              title={`${label ?? title} (g ${key})`}
              aria-label={label ?? title}
            >
              <Icon size={16} strokeWidth={1.75} />
              {!folded && <span>{label ?? title}</span>}
            </PageLink>
          </li>
        ))}
      </ul>
      <button
        type="button"
        className={styles.fold}
        aria-label={folded ? "Unfold the rail" : "Fold the rail"}
        title={folded ? "Unfold" : "Fold"}
        onClick={() => setPreference("rail", folded ? "open" : "folded")}
      >
        {folded ? <PanelLeftOpen size={16} strokeWidth={1.75} /> : <PanelLeftClose size={16} strokeWidth={1.75} />}
        {!folded && <span>Fold</span>}
      </button>
    </nav>
  );
}

/** The page of the rail that an address belongs to: the one with the longest path that starts it. */
function currentPath(path: string): string | undefined {
  return railPages
    .map((page) => page.path)
    .filter((candidate) => (candidate === "/" ? path === "/" : path === candidate || path.startsWith(`${candidate}/`)))
    .sort((a, b) => b.length - a.length)[0];
}
