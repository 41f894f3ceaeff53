import { WrapText, X } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useSetSearch } from "../../app/location";
import { traceLink } from "../../app/links";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../components/Button";
import { copyText, CopyButton } from "../../components/Copyable";
import { searchedWords } from "../../components/queryText";
import { useOpen } from "../../components/useOpen";
import { formatCount } from "../../format/numbers";
import { nsToMs } from "../../format/times";
import { ColumnsMenu } from "./ColumnsMenu";
import { LineDetails } from "./LineDetails";
import { type Line, lineJson, type Resources } from "./lineFields";
import { LineList } from "./LineList";
import styles from "./LinesPanel.module.css";
import type { LineView } from "./useLineView";

interface LinesPanelProps {
  label: string;
  view: LineView;
  lines: readonly Line[];
  resources: Resources;
  /** At the left, above the lines. */
  status: ReactNode;
  /** At the right, before the tools that every list has. */
  tools?: ReactNode;
  marked?: string;
  onNearEnd?: (() => void) | undefined;
  onScrolled?: (isAway: boolean) => void;
  following?: boolean;
  onFollowing?: (following: boolean) => void;
  before?: ReactNode;
  after?: ReactNode;
  /** Between the tools and the lines. */
  notice?: ReactNode;
  /** Shown where there is no line. */
  empty: ReactNode;
}

const DAY_MS = 86_400_000;

/** Lines with what is done to them: keys, columns, wrapping, a selection to copy. */
export function LinesPanel({ label, view, lines, resources, status, tools, notice, empty, ...list }: LinesPanelProps) {
  const [current, setCurrent] = useState("");
  const [anchor, setAnchor] = useState("");
  const open = useOpen();
  const setSearch = useSetSearch();
  const { columns, wrap, opened, setOpened, actions } = view;
  const words = useMemo(() => searchedWords(view.query), [view.query]);
  const selection = useMemo(() => {
    if (anchor === "") return [];
    const [from, to] = [lines.findIndex(({ id }) => id === anchor), lines.findIndex(({ id }) => id === current)];
    return from < 0 || to < 0 ? [] : lines.slice(Math.min(from, to), Math.max(from, to) + 1);
  }, [lines, anchor, current]);
  const selected = useMemo(() => new Set(selection.map(({ id }) => id)), [selection]);
  const go = (id: string, extend: boolean) => {
    setAnchor(extend ? anchor || current || id : "");
    setCurrent(id);
  };
  const move = (by: number, extend: boolean) => {
    const at = lines.findIndex(({ id }) => id === current);
    const next = lines[at < 0 ? (list.following === undefined ? 0 : lines.length - 1) : Math.min(Math.max(at + by, 0), lines.length - 1)];
    if (next) go(next.id, extend);
    if (next && list.following) list.onFollowing?.(false);
  };
  const chosen = lines.find(({ id }) => id === current);
  const toCopy = selection.length > 0 ? selection : chosen ? [chosen] : [];
  const asJson = (copied: readonly Line[]) => copied.map((line) => lineJson(line, resources[line.resource_id])).join("\n");
  useShortcuts([
    { keys: "j", does: "Next line", group: "Lines", run: () => move(1, false) },
    { keys: "k", does: "Previous line", group: "Lines", run: () => move(-1, false) },
    { keys: "J", does: "Select down", group: "Lines", run: () => move(1, true) },
    { keys: "K", does: "Select up", group: "Lines", run: () => move(-1, true) },
    { keys: "Enter", does: "Show or hide details", group: "Lines", run: () => setOpened(current === opened ? "" : current) },
    { keys: "y", does: "Copy as JSON", group: "Lines", run: () => void copyText(asJson(toCopy)) },
    { keys: "w", does: "Wrap long lines", group: "Lines", run: view.toggleWrap },
    {
      keys: "o",
      does: "Open the trace",
      group: "Lines",
      run: () => {
        if (chosen?.trace_id) open(traceLink(chosen.trace_id, chosen.span_id ?? undefined));
      },
    },
    {
      keys: "Escape",
      does: "Close details, selection, surroundings",
      group: "Lines",
      run: () => {
        if (anchor !== "") setAnchor("");
        else if (opened !== "") setOpened("");
        else if (list.marked !== undefined) setSearch({ around: undefined, line: list.marked });
      },
    },
  ]);
  const first = lines[0];
  const last = lines.at(-1);
  const withDay = first !== undefined && last !== undefined && dayOf(first) !== dayOf(last);
  return (
    <div className={styles.panel}>
      <div className={styles.tools}>
        {selection.length > 1 ? (
          <div className={styles.selection} role="status">
            {formatCount(selection.length)} lines selected
            <span className={styles.copies}>
              <CopyButton text={asJson(selection)} label="Copy the selected lines as JSON" />
            </span>
            <Button kind="plain" icon aria-label="Drop the selection" title="Drop the selection (Esc)" onClick={() => setAnchor("")}>
              <X size={14} />
            </Button>
          </div>
        ) : (
          <div className={styles.status}>{status}</div>
        )}
        {tools}
        <ColumnsMenu columns={columns} onToggle={view.toggleColumn} />
        <Button kind="plain" icon aria-label="Wrap long lines" title="Wrap long lines (w)" aria-pressed={wrap} onClick={view.toggleWrap}>
          <WrapText size={15} />
        </Button>
      </div>
      <div className={styles.notice}>{notice}</div>
      {lines.length === 0 ? (
        empty
      ) : (
        <LineList
          label={label}
          lines={lines}
          resources={resources}
          columns={columns}
          onRemoveColumn={view.toggleColumn}
          words={words}
          wrap={wrap}
          withDay={withDay}
          current={current}
          selected={selected}
          onCurrent={go}
          opened={opened}
          onOpened={setOpened}
          details={(line, resource) => <LineDetails line={line} resource={resource} actions={actions} />}
          {...list}
        />
      )}
    </div>
  );
}

const dayOf = (line: Line) => Math.floor(nsToMs(line.ts_ns) / DAY_MS);
