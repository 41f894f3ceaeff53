import { Outlet } from "@tanstack/react-router";
import { useState } from "react";
import { useIsLoginNeeded } from "../features/login/session";
import { LoginPage } from "../features/login/LoginPage";
import { AwayBanner } from "./AwayBanner";
import { CommandPalette } from "./CommandPalette";
import styles from "./Frame.module.css";
import { Help } from "./Help";
import { railPages } from "./pages";
import { usePreference } from "./preferences";
import { Rail } from "./Rail";
import { useShortcuts } from "./shortcuts";
import { TopBar } from "./TopBar";
import { useOpen } from "../components/useOpen";
import { useTimeRange } from "./useTimeRange";

/** What stands around every page: the rail, the top bar, and what keys do anywhere. */
export function Frame() {
  const rail = usePreference("rail");
  const [overlay, setOverlay] = useState<"palette" | "help" | null>(null);
  const open = useOpen();
  const { step } = useTimeRange();
  const loginNeeded = useIsLoginNeeded();
  useShortcuts(
    [
      { keys: "Ctrl+k", does: "Go anywhere", group: "Anywhere", inFields: true, run: () => setOverlay("palette") },
      {
        keys: "/",
        does: "Search",
        group: "Anywhere",
        run: () => {
          const field = document.querySelector<HTMLElement>("[data-page-search]");
          if (field) field.focus();
          else setOverlay("palette");
        },
      },
      { keys: "?", does: "Show these keys", group: "Anywhere", run: () => setOverlay("help") },
      { keys: "[", does: "Earlier, by half the range", group: "Time", run: () => step(-1) },
      { keys: "]", does: "Later, by half the range", group: "Time", run: () => step(1) },
      ...railPages.map((page) => ({
        keys: `g ${page.rail.key}`,
        does: page.rail.label ?? page.title,
        group: "Go to",
        run: () => open({ to: page.path }),
      })),
    ],
    !loginNeeded,
  );
  if (loginNeeded) return <LoginPage />;
  return (
    <div className={styles.frame} data-rail={rail}>
      <a className={styles.skip} href="#page">
        Skip to the page
      </a>
      <Rail />
      <div className={styles.main}>
        <TopBar onSearch={() => setOverlay("palette")} onHelp={() => setOverlay("help")} />
        <AwayBanner />
        <main id="page" className={styles.page} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      {overlay === "palette" && <CommandPalette onClose={() => setOverlay(null)} />}
      {overlay === "help" && <Help onClose={() => setOverlay(null)} />}
    </div>
  );
}
