import "@xyflow/react/dist/style.css";
import { BaseEdge, Controls, type Edge, EdgeLabelRenderer, type EdgeProps, Handle, type Node, type NodeProps, Position, ReactFlow, type ReactFlowInstance } from "@xyflow/react";
import { Bot, CircleAlert, Cloud, Database, MessagesSquare, Server } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useColorScheme } from "../../app/preferences";
import { seriesColor } from "../../charts/palette";
import { useElementSize } from "../../charts/useElementSize";
import { edgePath } from "./edgePath";
import { edgeKey, layOutGraph, type Point } from "./graphLayout";
import styles from "./ServiceGraph.module.css";

export interface GraphNode {
  name: string;
  kind: string;
  /** Figures in one line: "12.4 /s · p95 86 ms". */
  figures: string;
  /** What failed, "1.2 % failed"; empty when nothing did. */
  failed: string;
}

export interface GraphCall {
  client: string;
  server: string;
  kind: string;
  /** Figures, a line each between " · ". */
  figures: string;
  failed: string;
  /** Relative to the busiest edge, 0 to 1: decides how thick the line is. */
  weight: number;
  /** Not at the moment that is on view: it stays where it is, and steps back. */
  absent?: boolean;
}

interface ServiceGraphProps {
  label: string;
  nodes: readonly GraphNode[];
  calls: readonly GraphCall[];
  selected: string;
  onSelect: (name: string) => void;
}

type ServiceNode = Node<GraphNode & { dimmed: boolean } & Record<string, unknown>, "service">;
type CallEdge = Edge<GraphCall & { dimmed: boolean; labelled: boolean; faint: boolean; way: Point[] } & Record<string, unknown>, "call">;

const LAYER_PX = 300;
const NODE_PX = 92;
const LANE_PX = 44;
const NODE_WIDTH = 188;
/** Places are the middle of a node's left edge. */
const NODE_ORIGIN: [number, number] = [0, 0.5];
/** With more edges than this, only those of the selected service bear their figures. */
const MOST_LABELS = 24;

/** With more edges than this, they step back behind the services. */
const MANY_EDGES = 80;
const MANY_NODES = 30;
const FIT = { padding: 0.08, maxZoom: 1 };

const ICONS = { service: Server, database: Database, messaging: MessagesSquare, external: Cloud, agent: Bot } as const;

/** Who calls whom, callers at the left. */
export default function ServiceGraph({ label, nodes, calls, selected, onSelect }: ServiceGraphProps) {
  const scheme = useColorScheme();
  const frame = useRef<HTMLDivElement>(null);
  const { width, height } = useElementSize(frame);
  const [flow, setFlow] = useState<ReactFlowInstance<ServiceNode, CallEdge> | null>(null);
  const { places, ways } = useMemo(
    () =>
      layOutGraph(
        nodes.map(({ name }) => name),
        calls.map(({ client, server }) => ({ from: client, to: server })),
        { layerPx: LAYER_PX, nodePx: NODE_PX, lanePx: LANE_PX },
      ),
    [nodes, calls],
  );
  const near = useMemo(() => {
    if (selected === "") return null;
    return new Set([selected, ...calls.flatMap(({ client, server }) => (client === selected ? [server] : server === selected ? [client] : []))]);
  }, [selected, calls]);
  // In a large graph the selected service and its neighbours fill the view; a small one stays whole.
  const shown = near !== null && nodes.length > MANY_NODES ? JSON.stringify([...near]) : "";
  useEffect(() => {
    // Also when a panel opens beside: it must not cover what was on view.
    if (!flow || width === 0 || height === 0) return;
    void flow.fitView(shown === "" ? FIT : { ...FIT, nodes: (JSON.parse(shown) as string[]).map((id) => ({ id })) });
  }, [flow, width, height, nodes.length, shown]);
  const flowNodes = useMemo(
    (): ServiceNode[] =>
      nodes.map((node) => ({
        id: node.name,
        type: "service",
        position: places.get(node.name) ?? { x: 0, y: 0 },
        data: { ...node, dimmed: near !== null && !near.has(node.name) },
        selected: node.name === selected,
        width: NODE_WIDTH,
        ariaLabel: `${node.name}, ${node.figures}${node.failed ? `, ${node.failed}` : ""}`,
      })),
    [nodes, places, near, selected],
  );
  const flowEdges = useMemo(
    (): CallEdge[] =>
      calls.map((call) => {
        const touches = call.client === selected || call.server === selected;
        return {
          id: JSON.stringify([call.client, call.server, call.kind]),
          source: call.client,
          target: call.server,
          type: "call",
          data: { ...call, dimmed: (near !== null && !touches) || call.absent === true, faint: near === null && calls.length > MANY_EDGES, labelled: call.absent !== true && (near === null ? calls.length <= MOST_LABELS : touches), way: ways.get(edgeKey({ from: call.client, to: call.server })) ?? [] },
          focusable: false,
        };
      }),
    [calls, near, selected, ways],
  );
  return (
    <div ref={frame} className={styles.graph} role="group" aria-label={label}>
      <ReactFlow
        nodes={flowNodes}
        edges={flowEdges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        colorMode={scheme}
        nodeOrigin={NODE_ORIGIN}
        fitView
        fitViewOptions={FIT}
        onInit={setFlow}
        minZoom={0.1}
        maxZoom={2}
        nodesDraggable={false}
        nodesConnectable={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        onNodeClick={(_, node) => onSelect(node.id === selected ? "" : node.id)}
        onPaneClick={() => onSelect("")}
        proOptions={{ hideAttribution: true }}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function ServiceNodeView({ data, selected }: NodeProps<ServiceNode>) {
  const Icon = data.kind in ICONS ? ICONS[data.kind as keyof typeof ICONS] : Server;
  return (
    <div className={styles.node} data-selected={selected || undefined} data-dimmed={data.dimmed || undefined} data-failed={data.failed !== "" || undefined}>
      <Handle type="target" position={Position.Left} className={styles.handle} isConnectable={false} />
      <div className={styles.nodeName}>
        <Icon size={14} style={{ color: seriesColor(data.name) }} aria-hidden />
        <span className="truncate" title={data.name}>
          {data.name}
        </span>
      </div>
      <div className={styles.figures}>{data.figures}</div>
      {data.failed !== "" && (
        <div className={styles.failed}>
          <CircleAlert size={11} aria-hidden /> {data.failed}
        </div>
      )}
      <Handle type="source" position={Position.Right} className={styles.handle} isConnectable={false} />
    </div>
  );
}

function CallEdgeView({ id, sourceX, sourceY, targetX, targetY, data }: EdgeProps<CallEdge>) {
  if (!data) return null;
  const { path, label } = edgePath({ x: sourceX, y: sourceY }, data.way, { x: targetX, y: targetY });
  return (
    <>
      <BaseEdge
        id={id}
        path={path}
        markerEnd=""
        className={styles.edge ?? ""}
        style={{
          strokeWidth: 1 + 3 * data.weight,
          stroke: data.failed ? "var(--mark-bad)" : "var(--mark-neutral)",
          strokeDasharray: data.kind === "message" || data.kind === "delegation" ? "6 4" : undefined,
          opacity: data.dimmed ? 0.08 : data.faint ? 0.3 : 0.8,
        }}
      />
      {data.labelled && (
        <EdgeLabelRenderer>
          <div className={styles.label} style={{ transform: `translate(-50%, -50%) translate(${label.x}px, ${label.y}px)` }}>
            {data.figures.split(" · ").map((figure) => (
              <span key={figure}>{figure}</span>
            ))}
            {data.failed && <span className={styles.failed}>{data.failed}</span>}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

const nodeTypes = { service: ServiceNodeView };
const edgeTypes = { call: CallEdgeView };
