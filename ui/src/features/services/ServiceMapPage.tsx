import { X } from "lucide-react";
import { lazy, Suspense, useMemo } from "react";
import { useRangeQuery } from "../../api/queries";
import type { MapEdge, MapNode, RedTotals, ServiceMap } from "../../api/schema";
import { serviceLink, serviceLogsLink, serviceTracesLink } from "../../app/links";
import { useParam, useSetSearch } from "../../app/location";
import { useShortcuts } from "../../app/shortcuts";
import { usePageTitle } from "../../app/title";
import { Button } from "../../components/Button";
import { PageLink } from "../../components/PageLink";
import { PartialNote, QueryView, Skeleton } from "../../components/states";
import { formatDuration } from "../../format/durations";
import { formatCount, formatRate, formatShare } from "../../format/numbers";
import { Failed } from "./Failed";
import { NoSpans } from "./NoSpans";
import type { GraphCall, GraphNode } from "./ServiceGraph";
import styles from "./Services.module.css";
import { ServiceViews } from "./ServiceViews";

const ServiceGraph = lazy(() => import("./ServiceGraph"));

/** Who calls whom, how often, how well and how fast. */
export default function ServiceMapPage() {
  usePageTitle("Service map", [{ label: "Services", to: "/services" }]);
  const query = useRangeQuery<ServiceMap>("/api/tracing/service_map");
  const selected = useParam("service");
  const setSearch = useSetSearch();
  const select = (service: string) => setSearch({ service }, { replace: true });
  useShortcuts([{ keys: "Escape", does: "Close the service", group: "Service map", run: () => select("") }], selected !== "");
  const share = query.data?.data.sample_share ?? 1;
  return (
    <div className={styles.page}>
      <div className={styles.tools}>
        <ServiceViews />
        {share < 1 && <PartialNote>In busy minutes counted from {formatShare(share)} of the traces and scaled up.</PartialNote>}
        <span className="quiet">Calls as the called service sees them; dashed lines are messages</span>
      </div>
      <div className={styles.fill}>
        <QueryView query={query} failed="The service map could not be drawn" skeleton={<Skeleton rows={12} />}>
          {({ data }) => (data.nodes.length === 0 ? <NoSpans title="No service sent spans in this time range" /> : <MapView map={data} selected={selected} onSelect={select} />)}
        </QueryView>
      </div>
    </div>
  );
}

const nodeFigures = ({ rate_per_s: rate, p95_ns: p95 }: RedTotals) => `${formatRate(rate)}${p95 === null ? "" : ` · p95 ${formatDuration(p95)}`}`;
const failedWords = (share: number, errors: number) => (errors > 0 ? `${formatShare(share)} failed` : "");

function MapView({ map, selected, onSelect }: { map: ServiceMap; selected: string; onSelect: (service: string) => void }) {
  const nodes = useMemo(
    () => map.nodes.map(({ name, kind, totals }): GraphNode => ({ name, kind, figures: nodeFigures(totals), failed: failedWords(totals.error_share, totals.errors) })),
    [map],
  );
  const calls = useMemo(() => {
    const busiest = Math.max(...map.edges.map(({ calls: count }) => count), 1);
    return map.edges.map(
      (edge): GraphCall => ({
        client: edge.client,
        server: edge.server,
        kind: edge.kind,
        figures: `${formatRate(edge.rate_per_s)} · p95 ${formatDuration(edge.p95_ns)}`,
        failed: failedWords(edge.error_share, edge.errors),
        weight: Math.log1p(edge.calls) / Math.log1p(busiest),
      }),
    );
  }, [map]);
  const node = map.nodes.find(({ name }) => name === selected);
  return (
    <div className={styles.map} data-panel={node !== undefined || undefined}>
      <Suspense fallback={<Skeleton rows={12} />}>
        <ServiceGraph label="Service map" nodes={nodes} calls={calls} selected={selected} onSelect={onSelect} />
      </Suspense>
      {node && <NodePanel node={node} edges={map.edges} onSelect={onSelect} />}
    </div>
  );
}

function NodePanel({ node, edges, onSelect }: { node: MapNode; edges: readonly MapEdge[]; onSelect: (service: string) => void }) {
  const { totals } = node;
  return (
    <aside className={styles.panel} aria-label={node.name}>
      <div className={styles.panelHead}>
        <h2>{node.name}</h2>
        <Button kind="plain" icon aria-label="Close the service" title="Close (Esc)" onClick={() => onSelect("")}>
          <X size={16} />
        </Button>
      </div>
      {node.kind !== "service" && <p className="quiet">Sends no spans itself; its callers tell of it.</p>}
      <dl className={styles.facts}>
        <Fact name="Rate">{formatRate(totals.rate_per_s)}</Fact>
        <Fact name="Failed">
          <Failed share={totals.error_share} />
        </Fact>
        <Fact name="p50">{formatDuration(totals.p50_ns)}</Fact>
        <Fact name="p95">{formatDuration(totals.p95_ns)}</Fact>
        <Fact name="Calls">{formatCount(totals.spans)}</Fact>
      </dl>
      {node.kind === "service" && (
        <div className={styles.other}>
          <PageLink {...serviceLink(node.name)}>Operations</PageLink>
          <PageLink {...serviceTracesLink(node.name)}>Traces</PageLink>
          {totals.errors > 0 && <PageLink {...serviceTracesLink(node.name, { errors: true })}>Errors</PageLink>}
          <PageLink {...serviceLogsLink(node.name)}>Logs</PageLink>
        </div>
      )}
      <Neighbours title="Called by" edges={edges.filter(({ server }) => server === node.name)} of={(edge) => edge.client} onSelect={onSelect} />
      <Neighbours title="Calls" edges={edges.filter(({ client }) => client === node.name)} of={(edge) => edge.server} onSelect={onSelect} />
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface NeighboursProps {
  title: string;
  edges: readonly MapEdge[];
  of: (edge: MapEdge) => string;
  onSelect: (service: string) => void;
}

function Neighbours({ title, edges, of, onSelect }: NeighboursProps) {
  if (edges.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul className={styles.neighbours}>
        {[...edges]
          .sort((a, b) => b.calls - a.calls)
          .map((edge) => (
            <li key={`${of(edge)} ${edge.kind}`}>
              <button type="button" className="truncate" title={of(edge)} onClick={() => onSelect(of(edge))}>
                {of(edge)} {edge.kind !== "call" && <span className="quiet">{edge.kind}</span>}
              </button>
              <Failed share={edge.error_share} />
              <span className="quiet number">
                {formatRate(edge.rate_per_s)} · p50 {formatDuration(edge.p50_ns)} · p95 {formatDuration(edge.p95_ns)}
              </span>
            </li>
          ))}
      </ul>
    </div>
  );
}
