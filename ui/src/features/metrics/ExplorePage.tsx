import { PanelLeftClose, PanelLeftOpen, Plus } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { useParam, useSearch, useSetSearch } from "../../app/location";
import { serviceLink, traceLink } from "../../app/links";
import { useShortcuts } from "../../app/shortcuts";
import { distinctColors } from "../../charts/palette";
import { type Cell, HeatmapChart } from "../../charts/HeatmapChart";
import { TimeSeriesChart } from "../../charts/TimeSeriesChart";
import { useElementSize } from "../../charts/useElementSize";
import { Button } from "../../components/Button";
import { Segmented } from "../../components/Segmented";
import { QueryView, Skeleton } from "../../components/states";
import { useOpen } from "../../components/useOpen";
import { guessUnit, metricFormat } from "../../format/metricUnits";
import { AddToDashboard } from "./AddToDashboard";
import styles from "./ExplorePage.module.css";
import { type ExploreQuery, moveQuery, readQueries, showsMeasurements, type View, writeQueries } from "./exploreState";
import { makeFrame } from "./frames";
import { makeCells } from "./heatCells";
import { seriesText } from "./legend";
import { MetricBrowser } from "./MetricBrowser";
import { NoMetrics } from "./NoMetrics";
import { QueryRow } from "./QueryRow";
import { ResultTable } from "./ResultTable";
import { promDuration, readStep } from "./steps";
import { UnitSelect } from "./UnitSelect";
import { cellTraces } from "./cellTraces";
import { useExemplars } from "./useExemplars";
import { type Answers, type Asked, usePromQueries } from "./usePromQueries";

const VIEWS: readonly { value: View; label: string }[] = [
  { value: "graph", label: "Graph" },
  { value: "table", label: "Table" },
  { value: "heatmap", label: "Heatmap" },
];

/** Ask the metrics: queries in PromQL, a graph, a table or a heatmap of what they yield, and what there is to ask for. */
export default function ExplorePage() {
  const search = useSearch();
  const setSearch = useSetSearch();
  const queries = useMemo(() => readQueries(search), [search]);
  const view = VIEWS.find(({ value }) => value === search.view)?.value ?? "graph";
  const hasBrowser = useParam("browser") !== "hidden";
  const [active, setActive] = useState(0);
  const results = useRef<HTMLDivElement>(null);
  const { width } = useElementSize(results);
  const typedStep = search.step ?? "";
  const shown = queries.map((query, index) => ({ ...query, index })).filter(({ hidden, expression }) => !hidden && expression.trim() !== "");
  const asked: Asked[] = shown.map(({ expression, legend }) => ({ expression: expression.trim(), legend, instant: view === "table" }));
  const answers = usePromQueries(asked, { points: Math.max(width / 3, 100), stepMs: readStep(typedStep), enabled: width > 0 });
  const write = useCallback((next: readonly ExploreQuery[]) => setSearch(writeQueries(next, search)), [setSearch, search]);
  const change = (index: number, query: ExploreQuery) => write(queries.map((old, at) => (at === index ? query : old)));
  const show = useCallback(
    (expression: string, add: boolean) => {
      const query = { expression, legend: "", hidden: false };
      const at = Math.min(active, queries.length - 1);
      write(add && queries[at]?.expression.trim() !== "" ? [...queries, query] : queries.map((old, index) => (index === at ? query : old)));
    },
    [active, queries, write],
  );
  useShortcuts([
    { keys: "b", does: "Show or hide the metric browser", group: "Metrics", run: () => setSearch({ browser: hasBrowser ? "hidden" : undefined }, { replace: true }) },
  ]);
  const guesses = new Set(asked.map(({ expression }) => guessUnit(expression)));
  const unit = search.unit ?? (guesses.size === 1 ? ([...guesses][0] ?? "number") : "number");
  const hasQuery = asked.length > 0;
  return (
    <div className={styles.page} data-browser={hasBrowser || undefined}>
      {hasBrowser && <MetricBrowser onShow={show} current={queries[Math.min(active, queries.length - 1)]?.expression ?? ""} />}
      <div className={styles.main}>
        <div className={styles.queries}>
          {queries.map((query, index) => (
            <QueryRow
              key={index}
              index={index}
              count={queries.length}
              query={query}
              answered={answers.data?.data.answered[shown.findIndex((one) => one.index === index)]}
              onChange={(next) => change(index, next)}
              onMove={(by) => write(moveQuery(queries, index, by))}
              onRemove={() => write(queries.filter((_, at) => at !== index))}
              onFocus={() => setActive(index)}
            />
          ))}
        </div>
        <div className={styles.tools}>
          <Button
            kind="plain"
            icon
            aria-label={hasBrowser ? "Hide the metric browser" : "Show the metric browser"}
            title={`${hasBrowser ? "Hide" : "Show"} the metric browser (b)`}
            onClick={() => setSearch({ browser: hasBrowser ? "hidden" : undefined }, { replace: true })}
          >
            {hasBrowser ? <PanelLeftClose size={15} /> : <PanelLeftOpen size={15} />}
          </Button>
          <Button onClick={() => write([...queries, { expression: "", legend: "", hidden: false }])}>
            <Plus size={14} aria-hidden /> Add query
          </Button>
          <Segmented label="View" value={view} options={VIEWS} onChange={(value) => setSearch({ view: value === "graph" ? undefined : value })} />
          <label className={styles.tool}>
            Step
            <input
              key={typedStep}
              defaultValue={typedStep}
              placeholder={answers.data ? `${promDuration(answers.data.data.stepMs)}, fits` : "fits"}
              aria-label="Step"
              size={8}
              data-wrong={(typedStep !== "" && readStep(typedStep) === null) || undefined}
              onBlur={(event) => setSearch({ step: event.currentTarget.value.trim() })}
              onKeyDown={(event) => {
                if (event.key === "Enter") setSearch({ step: event.currentTarget.value.trim() });
              }}
            />
          </label>
          <UnitSelect value={unit} onChange={(value) => setSearch({ unit: value }, { replace: true })} />
          {view === "graph" && (
            <Button aria-pressed={search.stack === "on"} onClick={() => setSearch({ stack: search.stack === "on" ? undefined : "on" }, { replace: true })}>
              Stack
            </Button>
          )}
          {hasQuery && <AddToDashboard queries={shown} unit={unit} view={view} stacked={search.stack === "on"} />}
        </div>
        <div ref={results} className={styles.results}>
          {hasQuery ? (
            <QueryView query={answers} failed="The metrics could not be asked" skeleton={<Skeleton rows={8} />}>
              {({ data, range }) => (
                <Results data={data} range={range} view={view} unit={unit} stacked={search.stack === "on"} letters={shown.map(({ index }) => index)} />
              )}
            </QueryView>
          ) : (
            <NoMetrics onShow={(expression) => show(expression, false)} />
          )}
        </div>
      </div>
    </div>
  );
}

interface ResultsProps {
  data: Answers;
  range: { startMs: number; endMs: number };
  view: View;
  unit: string;
  stacked: boolean;
  letters: readonly number[];
}

function Results({ data, range, view, unit, stacked, letters }: ResultsProps) {
  const format = metricFormat(unit);
  const open = useOpen();
  const good = useMemo(() => data.answered.flatMap(({ result, ...rest }) => (result ? [{ ...rest, result }] : [])), [data]);
  const measured = useMemo(() => good.filter(({ expression }) => showsMeasurements(expression)).map(({ expression }) => expression), [good]);
  const marks = useExemplars(measured, view === "graph");
  const frame = useMemo(() => {
    const made = makeFrame(view === "graph" ? good : [], data.grid, data.stepMs);
    const colors = distinctColors(made.series.map(({ name }) => name));
    return { ...made, series: made.series.map((one) => ({ ...one, color: colors.get(one.name) ?? "" })) };
  }, [good, data, view]);
  const cells = useMemo(
    () => (view === "heatmap" && good[0] ? makeCells(good[0].result.series, data.grid, data.stepMs, ({ labels }) => seriesText(labels)) : null),
    [good, data, view],
  );
  if (good.length === 0) return null;
  if (view === "table") return <ResultTable answered={data.answered} letters={letters} format={format} />;
  if (view === "heatmap") {
    const first = good[0];
    const openCell = (cell: Cell) => {
      const target = first && !cells?.names ? cellTraces(cell, unit, first.expression, first.result.series) : null;
      if (target) open(target);
    };
    return cells ? (
      <div className={styles.fill}>
        {good.length > 1 && <p className="quiet">A heatmap shows the first query.</p>}
        <HeatmapChart title="Distribution" {...cells} stepMs={data.stepMs} range={range} format={cells.names ? metricFormat("number") : format} height="fill" onCell={openCell} />
      </div>
    ) : null;
  }
  const openAt = (_: number, name: string | null) => {
    const labels = frame.series.find((series) => series.name === name)?.labels;
    const service = labels?.service_name ?? labels?.service;
    if (service !== undefined) open(serviceLink(service));
  };
  return (
    <div className={styles.fill}>
      <TimeSeriesChart
        title="Graph"
        bare
        timesMs={frame.timesMs}
        series={frame.series}
        range={range}
        unit={format}
        stacked={stacked}
        logSwitch
        height="fill"
        marks={marks}
        onMark={({ id, detail }) => open(traceLink(id, detail))}
        onOpen={openAt}
      />
    </div>
  );
}
