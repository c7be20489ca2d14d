// The pipeline as a live graph: source -> DAG -> topic -> query -> table, laid out by dagre.
import dagre from "@dagrejs/dagre";
import { useEffect, useState } from "preact/hooks";
import { compact, rate } from "./format";
import { state, type Edge, type Node } from "./state";

const WIDTH = 200, HEIGHT = 62, TITLE_SIZE = 25;
const KIND: Record<string, string> = { source: "source", dag: "DAG", topic: "topic", query: "query", table: "table" };
const ANCHOR: Record<string, string> = { dag: "dag-", query: "query-", topic: "topic-", table: "table-" };

interface Placed { nodes: (Node & { x: number; y: number })[]; edges: (Edge & { points: { x: number; y: number }[] })[]; width: number; height: number }

function place(nodes: Node[], edges: Edge[], direction: string): Placed {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: direction, nodesep: 18, ranksep: direction === "LR" ? 78 : 44, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: WIDTH, height: HEIGHT });
  for (const edge of edges) graph.setEdge(edge.from, edge.to);
  dagre.layout(graph);
  const size = graph.graph();
  return {
    nodes: nodes.map((node) => ({ ...node, ...(graph.node(node.id) as { x: number; y: number }) })),
    edges: edges.map((edge) => ({ ...edge, points: (graph.edge(edge.from, edge.to) as { points: { x: number; y: number }[] }).points })),
    width: size.width ?? 0, height: size.height ?? 0,
  };
}

const shorten = (text: string, size: number): string => (text.length > size ? `${text.slice(0, size - 1)}…` : text);

function label(edge: Edge): string {
  const parts = [rate(edge.rate)];
  if (edge.lag !== undefined && edge.lag > 0) parts.push(`lag ${compact(edge.lag)}`);
  return parts.filter(Boolean).join(", ");
}

function NodeBox({ node }: { node: Node & { x: number; y: number } }) {
  const title = node.kind === "source" ? node.title.replace(/^https?:\/\//, "").replace(/\?.*$/, "") : node.kind === "table" ? node.title.replace(/^.*\./, "") : node.title;
  const above = node.kind === "table" ? `table in ${node.title.replace(/\..*$/, "")}` : KIND[node.kind];
  const count = node.unit ? `${compact(node.count)} ${node.unit}` : "";
  const words = [KIND[node.kind], node.title, node.state, count, node.note].filter(Boolean).join(", ");
  const target = ANCHOR[node.kind];
  return (
    <a href={target ? `#${target}${node.title}` : undefined} aria-label={words}>
      <g class={`node ${node.state} ${node.kind}`} transform={`translate(${node.x - WIDTH / 2},${node.y - HEIGHT / 2})`}>
        <title>{words}</title>
        <rect width={WIDTH} height={HEIGHT} rx="8" />
        <circle cx={WIDTH - 14} cy="15" r="4.5" class="dot" />
        <text x="12" y="19" class="kind">{above}</text>
        <text x="12" y="37" class="title">{shorten(title, TITLE_SIZE)}</text>
        <text x="12" y="53" class="note">{shorten(node.state === "failed" && node.note ? node.note : count || node.note, 30)}</text>
      </g>
    </a>
  );
}

export function Graph() {
  const [narrow, setNarrow] = useState(innerWidth < 760);
  useEffect(() => {
    const resized = () => setNarrow(innerWidth < 760);
    addEventListener("resize", resized);
    return () => removeEventListener("resize", resized);
  }, []);
  const { nodes, edges } = state.value.graph;
  if (nodes.length === 0) return <p class="empty">Nothing is declared yet: add files to dags/ and streams/.</p>;
  const placed = place(nodes, edges, narrow ? "TB" : "LR");
  return (
    <div class="graph">
      <svg viewBox={`0 0 ${placed.width} ${placed.height}`} style={{ maxWidth: `${placed.width}px` }} role="group" aria-label="The pipeline">
        <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" /></marker></defs>
        {placed.edges.map((edge) => {
          const middle = edge.points[Math.floor(edge.points.length / 2)];
          const text = label(edge);
          return (
            <g class={edge.rate > 0 ? "edge flowing" : "edge"} key={`${edge.from} ${edge.to}`}>
              <path d={`M${edge.points.map((p) => `${p.x},${p.y}`).join("L")}`} marker-end="url(#arrow)" />
              {text && <text x={middle.x} y={middle.y - 6}>{text}</text>}
            </g>
          );
        })}
        {placed.nodes.map((node) => <NodeBox node={node} key={node.id} />)}
      </svg>
    </div>
  );
}
