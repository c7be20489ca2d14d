// What the server told last. The first state stands in the page; later ones come as server-sent events.
import { signal } from "@preact/signals";

export interface Node { id: string; kind: string; title: string; state: string; note: string; count: number; unit: string }
export interface Edge { from: string; to: string; rate: number; lag?: number }
export interface Run {
  dag_id: string; run_id: string; run_type: string; state: string; logical_date: string | null;
  start_date: string | null; end_date: string | null; duration_s: number | null; records: number; bytes: number;
  note: string | null;
}
export interface Task {
  task_id: string; state: string | null; try_number: number; max_tries: number; start_date: string | null;
  end_date: string | null; duration_s: number | null; records: number; bytes: number; topic: string | null;
  table: string | null; error: string | null; waiting: string | null;
}
export interface Dag {
  dag_id: string; description: string | null; schedule: string | null; is_paused: boolean; next_run_at: string | null;
  waiting: string | null; runs: Run[]; run?: Run & { tasks: Task[] };
  tasks: { task_id: string; type: string; topic: string | null; downstream: string[] }[];
}
export interface Stream {
  name: string; state: string; waiting: string | null; error: string | null; source: { topic: string };
  sink: { keyspace: string; table: string }; sql: string; batchId: number; numInputRows: number;
  inputRowsPerSecond: number; processedRowsPerSecond: number; lag: number;
  batches: [number, number][]; // rows and milliseconds, oldest first
}
export interface Group { id: string; state: string; members: number; lags: Record<string, number> }
export interface Topic { name: string; partitions: number; records: number; bytes: number }
export interface State {
  project: string; kafka: string; cql: string; people: string; rss_bytes: number;
  graph: { nodes: Node[]; edges: Edge[] }; dags: Dag[]; streams: Stream[]; topics: Topic[];
  groups: Group[]; tables: string[]; totals: { topics: number; dags: number; streams: number; tables: number };
}
export interface Panel {
  title: string; kind: string; cql?: string; sql?: string; x?: string; y?: string; label?: string; value?: string;
  sort?: string; top?: number; latitude?: string; longitude?: string; size?: string; age?: string; gender?: string;
  name?: string; unit?: string; columns?: { name: string; type: string }[]; rows?: (string | null)[][]; error?: string;
}
export interface Board { name: string; title: string; panels: Panel[] }

const first = JSON.parse(document.getElementById("state")!.textContent!) as { state: State; boards: Board[] };

export const state = signal<State>(first.state);
export const boards = signal<Board[]>(first.boards);
export const connected = signal(true);
export const now = signal(Date.now());

export function listen(): void {
  const events = new EventSource("/api/events");
  events.addEventListener("state", (event) => { now.value = Date.now(); state.value = JSON.parse((event as MessageEvent).data); });
  events.addEventListener("boards", (event) => { boards.value = JSON.parse((event as MessageEvent).data); });
  events.onopen = () => { connected.value = true; };
  events.onerror = () => { connected.value = false; };
  setInterval(() => { now.value = Date.now(); }, 5000);
}

export async function ask<T>(path: string, body?: unknown): Promise<T> {
  const answer = await fetch(path, body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    let words = text;
    try { words = JSON.parse(text).error ?? text; } catch { /* not JSON: the text itself */ }
    throw new Error(words);
  }
  return (answer.headers.get("Content-Type")?.startsWith("text/plain") ? text : JSON.parse(text)) as T;
}

export const path = (...parts: string[]): string => parts.map((part, i) => (i % 2 ? encodeURIComponent(part) : part)).join("");
