import { Menu } from "@mantine/core";
import { Copy, EllipsisVertical, ExternalLink, GripVertical, Info, Maximize2, Minimize2, Pencil, Search, Trash2 } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useContext, useMemo, useRef } from "react";
import type { Panel } from "../../api/schema";
import { logsLink, tracesLink } from "../../app/links";
import { useOpen } from "../../components/useOpen";
import { writeQueries } from "../metrics/exploreState";
import { PanelBody } from "./PanelBody";
import { PanelsContext, useAddress, useExpand, useWords } from "./panelContext";
import styles from "./PanelFrame.module.css";
import { bindingsOf, type Repeated } from "./repeats";
import { useOnScreen } from "./useOnScreen";
import { useTimeRange } from "../../app/useTimeRange";
import { chooseStep } from "../metrics/steps";

export interface PanelActions {
  /** Undefined where the dashboard cannot be changed. */
  onEdit?: (() => void) | undefined;
  onDuplicate?: (() => void) | undefined;
  onRemove?: (() => void) | undefined;
  onView: () => void;
}

interface PanelFrameProps extends PanelActions {
  panel: Repeated;
  /** Stands alone on the page. */
  alone?: boolean;
  /** Handles to move and resize it, while the dashboard is edited. */
  arranging?: Arranging | undefined;
}

export interface Arranging {
  onMoveStart: (event: PointerEvent<HTMLElement>) => void;
  onResizeStart: (event: PointerEvent<HTMLElement>) => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

/** A panel with its title, what can be done with it, and what it shows; it asks only while it is on the screen. */
export function PanelFrame({ panel, ...rest }: PanelFrameProps) {
  const context = useContext(PanelsContext);
  const own = useMemo(() => ({ ...context, bindings: bindingsOf(context.bindings, panel) }), [context, panel]);
  return (
    <PanelsContext.Provider value={own}>
      <Frame panel={panel} {...rest} />
    </PanelsContext.Provider>
  );
}

function Frame({ panel, alone = false, arranging, ...actions }: PanelFrameProps) {
  const frame = useRef<HTMLElement>(null);
  const seen = useOnScreen(frame);
  const words = useWords();
  const title = words(panel.title);
  return (
    <section ref={frame} className={styles.frame} aria-label={title || `Panel ${panel.id}`} data-arranging={arranging !== undefined || undefined}>
      <header className={styles.head}>
        {arranging && (
          <button
            type="button"
            className={styles.grip}
            aria-label={`Move ${title || `panel ${panel.id}`}: arrow keys move, with Shift they resize`}
            title="Drag to move; arrow keys move, with Shift they resize"
            onPointerDown={arranging.onMoveStart}
            onKeyDown={arranging.onKeyDown}
          >
            <GripVertical size={14} aria-hidden />
          </button>
        )}
        <h2 className="truncate" title={title}>
          {title}
        </h2>
        {panel.description !== "" && (
          <span className={styles.info} title={words(panel.description)}>
            <Info size={12} aria-label={words(panel.description)} />
          </span>
        )}
        <PanelMenu panel={panel} title={title} alone={alone} {...actions} />
      </header>
      <PanelBody panel={panel} visible={seen} />
      {arranging && (
        // The grip's keys do the same; this one is for the pointer alone.
        <span className={styles.corner} onPointerDown={arranging.onResizeStart} aria-hidden />
      )}
    </section>
  );
}

function PanelMenu({ panel, title, alone, onEdit, onDuplicate, onRemove, onView }: PanelActions & { panel: Panel; title: string; alone: boolean }) {
  const open = useOpen();
  const expand = useExpand();
  const words = useWords();
  const address = useAddress();
  const { range } = useTimeRange();
  const explore = () => {
    if (panel.kind === "logs") open(logsLink(words(panel.search)));
    else if (panel.kind === "traces") open(tracesLink(words(panel.search)));
    else {
      const step = chooseStep(range.endMs - range.startMs, 300);
      const queries = panel.queries.map(({ expression, legend, hidden }) => ({ expression: expand(expression, step, range), legend: words(legend), hidden }));
      open({ to: "/explore", search: { ...writeQueries(queries, {}), unit: panel.display.unit } });
    }
  };
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <button type="button" className={styles.menu} aria-label={`Actions on ${title || `panel ${panel.id}`}`}>
          <EllipsisVertical size={14} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={alone ? <Minimize2 size={14} /> : <Maximize2 size={14} />} onClick={onView}>
          {alone ? "Back to the dashboard" : "Show alone"}
        </Menu.Item>
        {panel.kind !== "text" && (
          <Menu.Item leftSection={<Search size={14} />} onClick={explore}>
            Explore
          </Menu.Item>
        )}
        {panel.links.map(({ title: name, url }, index) => (
          <Menu.Item key={index} leftSection={<ExternalLink size={14} />} component="a" href={address(url)} target={url.startsWith("/") ? undefined : "_blank"} rel="noreferrer">
            {words(name)}
          </Menu.Item>
        ))}
        {onEdit && (
          <Menu.Item leftSection={<Pencil size={14} />} onClick={onEdit}>
            Edit
          </Menu.Item>
        )}
        {onDuplicate && (
          <Menu.Item leftSection={<Copy size={14} />} onClick={onDuplicate}>
            Duplicate
          </Menu.Item>
        )}
        {onRemove && (
          <Menu.Item leftSection={<Trash2 size={14} />} onClick={onRemove}>
            Remove
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
