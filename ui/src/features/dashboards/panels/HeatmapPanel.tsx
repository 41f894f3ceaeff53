import { useMemo } from "react";
import type { Ranged } from "../../../api/queries";
import { type Cell, HeatmapChart } from "../../../charts/HeatmapChart";
import { useOpen } from "../../../components/useOpen";
import { metricFormat } from "../../../format/metricUnits";
import { cellTraces } from "../../metrics/cellTraces";
import { makeCells } from "../../metrics/heatCells";
import { formatLegend, seriesText } from "../../metrics/legend";
import type { Answers } from "../../metrics/usePromQueries";
import { formatOf } from "../display";
import type { PanelProps } from "../panelContext";
import { type Good, PanelAnswer } from "./PanelAnswer";
import { usePanelData } from "./usePanelData";

/** How a distribution moves. */
export function HeatmapPanel(props: PanelProps) {
  const query = usePanelData(props);
  return (
    <PanelAnswer props={props} query={query}>
      {(good, ranged) => <Cells panel={props.panel} good={good} ranged={ranged} />}
    </PanelAnswer>
  );
}

function Cells({ panel: { display, title }, good, ranged: { data, range } }: { panel: PanelProps["panel"]; good: readonly Good[]; ranged: Ranged<Answers> }) {
  const open = useOpen();
  const cells = useMemo(() => {
    const first = good[0];
    return makeCells(good.flatMap(({ result }) => result.series), data.grid, data.stepMs, ({ labels }) => (first?.legend ? formatLegend(first.legend, labels) : seriesText(labels)));
  }, [good, data]);
  const openCell = (cell: Cell) => {
    const target = cells.names ? null : cellTraces(cell, display.unit, good[0]?.expression ?? "", good[0]?.result.series ?? []);
    if (target) open(target);
  };
  return <HeatmapChart title={title || "Heatmap"} {...cells} stepMs={data.stepMs} range={range} format={cells.names ? metricFormat("number") : formatOf(display)} height="fill" onCell={openCell} />;
}
