import { useRef } from "react";
import { useElementSize } from "../../charts/useElementSize";
import type { Panel } from "../../api/schema";
import type { PanelProps } from "./panelContext";
import { BarPanel } from "./panels/BarPanel";
import { GaugePanel } from "./panels/GaugePanel";
import { HeatmapPanel } from "./panels/HeatmapPanel";
import { LogsPanel } from "./panels/LogsPanel";
import { StatPanel } from "./panels/StatPanel";
import { TablePanel } from "./panels/TablePanel";
import { TextPanel } from "./panels/TextPanel";
import { TimeSeriesPanel } from "./panels/TimeSeriesPanel";
import { TracesPanel } from "./panels/TracesPanel";
import styles from "./PanelFrame.module.css";

const KINDS: Record<Exclude<Panel["kind"], "row">, (props: PanelProps) => React.ReactNode> = {
  timeseries: TimeSeriesPanel,
  stat: StatPanel,
  gauge: GaugePanel,
  bar: BarPanel,
  table: TablePanel,
  heatmap: HeatmapPanel,
  text: TextPanel,
  logs: LogsPanel,
  traces: TracesPanel,
};

/** What a panel shows. */
export function PanelBody({ panel, visible }: { panel: Panel; visible: boolean }) {
  const body = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(body);
  const Kind = panel.kind === "row" ? null : KINDS[panel.kind];
  return (
    <div ref={body} className={styles.body}>
      {Kind && <Kind panel={panel} visible={visible} width={width} />}
    </div>
  );
}
