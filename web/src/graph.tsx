// The pipeline as a live graph: source -> DAG -> topic -> query -> table. Wide: from left to right by dagre, with what is
// connected to nothing in rows below. Narrow: one column, top-down, each node indented by its rank.
import dagre from "@dagrejs/dagre";
import { useEffect, useMemo, useState } from "preact/hooks";
import { compact, rate } from "./format";
import { More } from "./link";
import { state, type Edge, type Node } from "./state";

const WIDTH = 200, HEIGHT = 62, GAP = 18, LONE_MAX = 24;
const COLUMN = 350, INDENT = 16, STEP = HEIGHT + 20; // of the narrow one
const KIND: Record<string, string> = { source: "source", dag: "DAG", topic: "topic", query: "query", table: "table" };
const ANCHOR: Record<string, string> = { dag: "dag-", query: "query-", topic: "topic-", table: "table-" };

interface Box { x: number; y: number; width: number }
interface Point { x: number; y: number }
interface Placed { boxes: Map<string, Box>; lines: { points: Point[]; label: Point; anchor: string }[]; width: number; height: number }

function placeWide(ids: string[], lone: string[], edges: Edge[]): Placed {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: 78, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of ids) graph.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const edge of edges) graph.setEdge(edge.from, edge.to);
  dagre.layout(graph);
  const size = graph.graph(), boxes = new Map<string, Box>();
  for (const id of ids) {
    const { x, y } = graph.node(id) as Point;
    boxes.set(id, { x: x - WIDTH / 2, y: y - HEIGHT / 2, width: WIDTH });
  }
  const perRow = Math.max(5, Math.floor(((size.width ?? 0) + GAP) / (WIDTH + GAP))), top = ids.length ? (size.height ?? 0) + GAP : 4;
  lone.forEach((id, i) => boxes.set(id, { x: 4 + (i % perRow) * (WIDTH + GAP), y: top + Math.floor(i / perRow) * (HEIGHT + GAP), width: WIDTH }));
  const rows = Math.ceil(lone.length / perRow);
  return {
    boxes,
    lines: edges.map((edge) => {
      const points = (graph.edge(edge.from, edge.to) as { points: Point[] }).points, middle = points[Math.floor(points.length / 2)];
      return { points, label: { x: middle.x, y: middle.y - 6 }, anchor: "middle" };
    }),
    width: Math.max(ids.length ? size.width ?? 0 : 0, Math.min(lone.length, perRow) * (WIDTH + GAP)), height: rows ? top + rows * (HEIGHT + GAP) : size.height ?? 0,
  };
}

// Depth first, a node after the last of those that lead to it.
function placeNarrow(ids: string[], lone: string[], edges: Edge[]): Placed {
  const rank = new Map<string, number>(), boxes = new Map<string, Box>();
  const into = (id: string) => edges.filter((edge) => edge.to === id), out = (id: string) => edges.filter((edge) => edge.from === id);
  const visit = (id: string) => {
    const before = into(id).map((edge) => rank.get(edge.from));
    if (rank.has(id) || before.some((depth) => depth === undefined)) return;
    rank.set(id, Math.max(-1, ...(before as number[])) + 1);
    for (const edge of out(id)) visit(edge.to);
  };
  for (const id of ids) if (into(id).length === 0) visit(id);
  [...rank.keys(), ...ids.filter((id) => !rank.has(id)), ...lone].forEach((id, i) => {
    const x = 4 + Math.min(rank.get(id) ?? 0, 6) * INDENT;
    boxes.set(id, { x, y: 4 + i * STEP, width: COLUMN - 8 - x });
  });
  const named = new Set<string>();
  return {
    boxes,
    lines: edges.map((edge) => {
      const from = boxes.get(edge.from)!, to = boxes.get(edge.to)!, x = from.x + 7, y = to.y + HEIGHT / 2;
      const first = !named.has(edge.to);
      named.add(edge.to);
      return { points: [{ x, y: from.y + HEIGHT }, { x, y }, { x: to.x, y }], label: { x: first ? to.x + 12 : -1000, y: to.y - 5 }, anchor: "start" };
    }),
    width: COLUMN, height: boxes.size * STEP,
  };
}

const shorten = (text: string, size: number): string => (text.length > size ? `${text.slice(0, size - 1)}…` : text);

function label(edge: Edge): string {
  const parts = [rate(edge.rate)];
  if (edge.lag !== undefined && edge.lag > 0) parts.push(`lag ${compact(edge.lag)}`);
  return parts.filter(Boolean).join(", ");
}

function title(node: Node): string {
  if (node.kind === "source") return node.title.replace(/\{\{ *weir\.people_url *\}\}/, state.value.people).replace(/^https?:\/\//, "").replace(/\?.*$/, "");
  return node.kind === "table" ? node.title.replace(/^.*\./, "") : node.title;
}

function NodeBox({ node, box }: { node: Node; box: Box }) {
  const above = node.kind === "table" ? `table in ${node.title.replace(/\..*$/, "")}` : KIND[node.kind];
  const count = node.unit ? `${compact(node.count)} ${node.count === 1 ? node.unit.replace(/s$/, "") : node.unit}` : "";
  const words = [KIND[node.kind], node.title, node.state, count, node.note].filter(Boolean).join(", ");
  const told = node.note && (node.state === "failed" || node.state === "waiting" || node.note === "paused") ? node.note : count || node.note;
  const target = ANCHOR[node.kind];
  return (
    <a href={target ? `#${target}${node.title}` : undefined} aria-label={words}>
      <g class={`node ${node.state} ${node.kind}`} transform={`translate(${box.x},${box.y})`}>
        <title>{words}</title>
        <rect width={box.width} height={HEIGHT} rx="8" />
        <circle cx={box.width - 14} cy="15" r="4.5" class="dot" />
        <text x="12" y="19" class="kind">{shorten(above, box.width / 8)}</text>
        <text x="12" y="37" class="title">{shorten(title(node), box.width / 8.7)}</text>
        <text x="12" y="53" class="note">{shorten(told, box.width / 6.9)}</text>
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
  const shape = JSON.stringify([nodes.map((node) => node.id), edges.map((edge) => [edge.from, edge.to])]);
  const [placed, hidden] = useMemo(() => {
    const joined = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
    const ids = nodes.map((node) => node.id), alone = nodes.filter((node) => !joined.has(node.id));
    const lone = [...alone.filter((node) => node.kind === "dag"), ...alone.filter((node) => node.kind !== "dag")].map((node) => node.id);
    return [(narrow ? placeNarrow : placeWide)(ids.filter((id) => joined.has(id)), lone.slice(0, LONE_MAX), edges), Math.max(0, lone.length - LONE_MAX)];
  }, [shape, narrow]);
  if (nodes.length === 0) return <p class="empty">Nothing is declared yet: add files to dags/ and streams/.</p>;
  return (
    <div class="graph">
      <svg viewBox={`0 0 ${placed.width} ${placed.height}`} style={{ maxWidth: `${placed.width * (narrow ? 1.2 : 1)}px`, minWidth: `${Math.min(placed.width * 0.7, narrow ? 0 : 1e9)}px` }} role="group" aria-label="The pipeline">
        <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" /></marker></defs>
        {edges.map((edge, i) => {
          const line = placed.lines[i], text = label(edge);
          return (
            <g class={edge.rate > 0 ? "edge flowing" : "edge"} key={`${edge.from} ${edge.to}`}>
              <path d={`M${line.points.map((p) => `${p.x},${p.y}`).join("L")}`} marker-end="url(#arrow)" />
              {text && <text x={line.label.x} y={line.label.y} text-anchor={line.anchor}>{text}</text>}
            </g>
          );
        })}
        {nodes.map((node) => { const box = placed.boxes.get(node.id); return box && <NodeBox node={node} box={box} key={node.id} />; })}
      </svg>
      <More shown={0} of={hidden} what="topics and DAGs connected to nothing" />
    </div>
  );
}
