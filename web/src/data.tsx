// Messages of a topic, newest first, and rows of a table. Reading them touches no consumer group.
import { useState } from "preact/hooks";
import { bytes, compact } from "./format";
import { ask, path, state, type Topic } from "./state";

interface Message { partition: number; offset: number; timestamp: number; key: string | null; value: string | null }
interface Rows { columns: { name: string; type: string }[]; rows: (string | null)[][]; more: boolean }

function pretty(text: string | null): string {
  if (text === null) return "null";
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

export function Grid({ columns, rows }: { columns: string[]; rows: (string | null)[][] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="rows">
      <table>
        <thead><tr>{columns.map((name) => <th key={name}>{name}</th>)}</tr></thead>
        <tbody>{rows.map((row, i) => <tr key={i}>{row.map((value, k) => <td key={k}>{value ?? <i class="dim">null</i>}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

function Messages({ topic }: { topic: Topic }) {
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const load = () => ask<Message[]>(path("/api/topics/", topic.name, "/messages?limit=50"))
    .then((list) => { setMessages(list); setFailed(null); }, (error: Error) => setFailed(error.message));
  return (
    <details class="card" id={`topic-${topic.name}`} onToggle={(event) => { if ((event.currentTarget as HTMLDetailsElement).open) load(); }}>
      <summary><h3>{topic.name}</h3> <span class="dim">{compact(topic.records)} records, {bytes(topic.bytes)}, {topic.partitions} partition{topic.partitions === 1 ? "" : "s"}</span></summary>
      <p class="line"><button class="quiet" onClick={load}>Read again</button><code class="dim">kcat -b {state.value.kafka} -t {topic.name} -C -o -5 -e</code></p>
      {failed && <p class="error">{failed}</p>}
      {messages?.map((message) => (
        <details class="message" key={`${message.partition} ${message.offset}`}>
          <summary><span class="dim">{message.partition}:{message.offset} {new Date(message.timestamp).toLocaleTimeString()}</span> {message.key && <b>{message.key}</b>} <code>{(message.value ?? "null").slice(0, 140)}</code></summary>
          <pre tabIndex={0}>{pretty(message.value)}</pre>
        </details>
      ))}
    </details>
  );
}

function TableRows({ name }: { name: string }) {
  const [rows, setRows] = useState<Rows | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const load = () => ask<Rows>("/api/cql", { cql: `SELECT * FROM ${name} LIMIT 100`, max_rows: 100 })
    .then((answer) => { setRows(answer); setFailed(null); }, (error: Error) => setFailed(error.message));
  return (
    <details class="card" id={`table-${name}`} onToggle={(event) => { if ((event.currentTarget as HTMLDetailsElement).open) load(); }}>
      <summary><h3>{name}</h3></summary>
      <p class="line"><button class="quiet" onClick={load}>Read again</button><code class="dim">cqlsh {state.value.cql.replace(":", " ")} -e "SELECT * FROM {name}"</code></p>
      {failed && <p class="error">{failed}</p>}
      {rows && <Grid columns={rows.columns.map((column) => column.name)} rows={rows.rows} />}
    </details>
  );
}

export function Topics() {
  const topics = state.value.topics;
  if (topics.length === 0) return <p class="empty">No topics yet.</p>;
  return <div class="cards">{topics.map((topic) => <Messages topic={topic} key={topic.name} />)}</div>;
}

export function Tables() {
  const names = state.value.graph.nodes.filter((node) => node.kind === "table").map((node) => node.title);
  if (names.length === 0) return <p class="empty">No query writes to a table yet.</p>;
  return <div class="cards">{names.map((name) => <TableRows name={name} key={name} />)}</div>;
}
