import { useRouterState } from "@tanstack/react-router";
import { CircleHelp, Search } from "lucide-react";
import { Fragment } from "react";
import { Button } from "../components/Button";
import { PageLink } from "../components/PageLink";
import { Appearance } from "./Appearance";
import { pages } from "./pages";
import { RefreshControl } from "./RefreshControl";
import { TimeRangePicker } from "./TimeRangePicker";
import { useTitle } from "./title";
import styles from "./TopBar.module.css";

/** Title, search, time range and refresh. */
export function TopBar({ onSearch, onHelp }: { onSearch: () => void; onHelp: () => void }) {
  const title = useTitle();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const shown = title?.text ?? pages.find((page) => page.path === path)?.title ?? "";
  return (
    <header className={styles.bar}>
      <div className={styles.title}>
        {title?.crumbs.map((crumb) => (
          <Fragment key={crumb.to}>
            <PageLink to={crumb.to} className={styles.crumb}>
              {crumb.label}
            </PageLink>
            <span className="quiet" aria-hidden>
              /
            </span>
          </Fragment>
        ))}
        <h1 className="truncate" title={shown}>
          {shown}
        </h1>
      </div>
      <button type="button" className={styles.search} onClick={onSearch} aria-label="Search pages, services and trace ids">
        <Search size={14} aria-hidden />
        <span className="truncate">Page, service or trace id</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className={styles.controls}>
        <TimeRangePicker />
        <RefreshControl />
        <Appearance />
        <Button kind="plain" icon aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onHelp}>
          <CircleHelp size={16} strokeWidth={1.75} />
        </Button>
      </div>
    </header>
  );
}
