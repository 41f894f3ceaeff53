import { useMemo } from "react";
import type { Ranged } from "../../../api/queries";
import { serviceLink, traceLink } from "../../../app/links";
import { distinctColors } from "../../../charts/palette";
import { TimeSeriesChart } from "../../../charts/TimeSeriesChart";
import { useOpen } from "../../../components/useOpen";
import { makeFrame } from "../../metrics/frames";
import { makeUnique } from "../../metrics/legend";
import { useExemplars } from "../../metrics/useExemplars";
import type { Answers } from "../../metrics/usePromQueries";
import { formatOf, ruleFor, toneColor } from "../display";
import { type PanelProps, useExpand } from "../panelContext";
import { type Good, PanelAnswer } from "./PanelAnswer";
import { usePanelData } from "./usePanelData";

/** Lines, bars or points over time. */
export function TimeSeriesPanel(props: PanelProps) {
  const query = usePanelData(props);
  return (
    <PanelAnswer props={props} query={query}>
      {(good, ranged) => <Lines {...props} good={good} ranged={ranged} />}
    </PanelAnswer>
  );
}

function Lines({ panel: { display, title, queries }, visible, good, ranged: { data, range } }: PanelProps & { good: readonly Good[]; ranged: Ranged<Answers> }) {
  const open = useOpen();
  const expand = useExpand();
  const wanted = useMemo(() => queries.filter(({ exemplars, hidden }) => exemplars && !hidden).map(({ expression }) => expression), [queries]);
  const marks = useExemplars(wanted, visible && wanted.length > 0, (text) => expand(text, data.stepMs, range));
  const frame = useMemo(() => makeFrame(good, data.grid, data.stepMs), [good, data]);
  const series = useMemo(() => {
    const shown = frame.series.flatMap((one) => {
      const rule = ruleFor(one.name, display.series);
      if (rule.hidden) return [];
      const values = rule.negative ? one.values.map((value) => (value === null ? null : -value)) : one.values;
      return [{ ...one, name: rule.title || one.name, values }];
    });
    const names = makeUnique(shown.map(({ name }) => name));
    const colors = distinctColors(names);
    return shown.map((one, index) => ({ ...one, name: names[index] ?? "", color: colors.get(names[index] ?? "") ?? "" }));
  }, [frame, display.series]);
  const levels = useMemo(
    () => display.thresholds.flatMap(({ value, tone }) => (value === null || value === undefined ? [] : [{ value, color: toneColor(tone) }])),
    [display.thresholds],
  );
  const openAt = (_: number, name: string | null) => {
    const labels = series.find((one) => one.name === name)?.labels;
    const service = labels?.service_name ?? labels?.service;
    if (service !== undefined) open(serviceLink(service));
  };
  return (
    <TimeSeriesChart
      title={title || "Panel"}
      bare
      timesMs={frame.timesMs}
      series={series}
      range={range}
      unit={formatOf(display)}
      stacked={display.stack === "percent" ? "percent" : display.stack === "normal"}
      draw={display.draw}
      logarithmic={display.logarithmic}
      min={display.min ?? null}
      max={display.max ?? null}
      levels={levels}
      height="fill"
      legend={display.legend === "hidden" ? false : display.legend}
      marks={marks}
      onMark={({ id, detail }) => open(traceLink(id, detail))}
      onOpen={openAt}
    />
  );
}
