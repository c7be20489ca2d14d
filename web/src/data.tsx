// Messages of a topic, newest first, and rows of a table. Reading them touches no consumer group.
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, compact, plural, whole } from "./format";
import { Grid, type Rows } from "./grid";
import { More } from "./link";
import { ask, path, state, type Topic } from "./state";

const PAGE = 50, MESSAGES_MAX = 1000, ROWS_PAGE = 100, ROWS_MAX = 10000;

interface Message { partition: number; offset: number; timestamp: number; key: string | null; value: string | null; size: number; headers: number }

function pretty(text: string | null): string {
  if (text === null) return "null";
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function Copy({ text }: { text: string }) {
  const [said, setSaid] = useState("Copy");
  const copy = () => {
    const done = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    done.then(() => setSaid("Copied"), () => setSaid("Not allowed here"));
  };
  return <button class="quiet" onClick={copy} onBlur={() => setSaid("Copy")}>{said}</button>;
}

function MessageRow({ topic, message }: { topic: string; message: Message }) {
  const time = new Date(message.timestamp);
  const whose = path("/api/topics/", topic, "/messages/") + `${message.partition}/${message.offset}`;
  const cut = message.value !== null && message.size > 65536;
  return (
    <details class="message">
      <summary>
        <span class="dim" title={time.toISOString()}>{message.partition}:{message.offset} {time.toLocaleTimeString()}</span> {message.key !== null && <b>{message.key}</b>} <code>{(message.value ?? "null").slice(0, 140)}</code>
      </summary>
      <p class="line dim">
        <span>{message.value === null ? "no value (a tombstone)" : bytes(message.size)}{cut && ", cut to 64 KB here"}</span>
        <span>{message.key === null ? "no key" : `key ${message.key}`}</span>
        <span>{message.headers} {plural(message.headers, "header")}</span>
        {message.value !== null && !cut && <Copy text={message.value} />}
        {message.value !== null && <a href={whose} download={`${topic}-${message.partition}-${message.offset}`}>Save the bytes</a>}
      </p>
      <pre tabIndex={0} aria-label="Value">{pretty(message.value)}</pre>
    </details>
  );
}

// Loads when opened, and again when asked.
function useOpened(load: () => void) {
  const opened = useRef(false);
  return (event: Event) => {
    const open = (event.currentTarget as HTMLDetailsElement).open;
    if (open && event.target === event.currentTarget && !opened.current) load();
    if (event.target === event.currentTarget) opened.current = open;
  };
}

function Groups({ topic }: { topic: string }) {
  const groups = state.value.groups.filter((group) => topic in group.lags);
  if (groups.length === 0) return null;
  return (
    <ul class="groups" aria-label="Consumer groups">
      {groups.map((group) => (
        <li key={group.id}>group <b>{group.id}</b>: {group.lags[topic] > 0 ? <span class="waiting">{compact(group.lags[topic])} {plural(group.lags[topic], "record")} behind</span> : "nothing left to read"}, {group.members > 0 ? `${group.members} ${plural(group.members, "member")}` : "nobody reads now"}</li>
      ))}
    </ul>
  );
}

function TopicCard({ topic }: { topic: Topic }) {
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  const load = (limit: number) => ask<Message[]>(path("/api/topics/", topic.name, `/messages?limit=${limit}`))
    .then((list) => { setMessages(list); setFailed(null); }, (error: Error) => setFailed(error.message));
  const opened = useOpened(() => load(PAGE));
  const wanted = filter.toLowerCase();
  const shown = messages?.filter((message) => !wanted || `${message.key ?? ""}\n${message.value ?? ""}`.toLowerCase().includes(wanted));
  const groups = state.value.groups.filter((group) => topic.name in group.lags);
  const behind = groups.reduce((sum, group) => Math.max(sum, group.lags[topic.name]), 0);
  return (
    <details class="card" id={`topic-${topic.name}`} onToggle={opened}>
      <summary>
        <h3 title={topic.name}>{topic.name}</h3> <span class="dim">{compact(topic.records)} {plural(topic.records, "record")}, {bytes(topic.bytes)}, {topic.partitions} {plural(topic.partitions, "partition")}
          {groups.length > 0 && `, ${groups.length} outside ${plural(groups.length, "group")}${behind > 0 ? `, up to ${compact(behind)} behind` : ""}`}</span>
      </summary>
      <Groups topic={topic.name} />
      <p class="line tools">
        <input type="search" placeholder="Filter the loaded ones" aria-label={`Filter messages of ${topic.name}`} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        <button class="quiet" onClick={() => load(Math.max(PAGE, messages?.length ?? 0))}>Read again</button>
        <code class="dim">kcat -b {state.value.kafka} -t {topic.name} -C -o -5 -e</code>
      </p>
      {failed && <pre class="error" role="status">{failed}</pre>}
      {shown?.map((message) => <MessageRow topic={topic.name} message={message} key={`${message.partition} ${message.offset}`} />)}
      {messages && <p class="line dim"><span>{wanted ? `${whole(shown!.length)} of the ${whole(messages.length)} loaded` : messages.length ? `${whole(messages.length)} newest of ${whole(topic.records)}` : "No messages."}</span>
        {messages.length < topic.records && messages.length < MESSAGES_MAX && <button class="quiet" onClick={() => load(Math.min(MESSAGES_MAX, messages.length + PAGE))}>Load {PAGE} older</button>}</p>}
    </details>
  );
}

const quoted = (name: string): string => name.split(".").map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : `"${part.replaceAll("\"", "\"\"")}"`)).join(".");

function TableCard({ name }: { name: string }) {
  const [rows, setRows] = useState<Rows | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const load = (limit: number) => ask<Rows>("/api/cql", { cql: `SELECT * FROM ${quoted(name)} LIMIT ${limit + 1}`, max_rows: limit })
    .then((answer) => { setRows(answer); setFailed(null); }, (error: Error) => setFailed(error.message));
  const opened = useOpened(() => load(ROWS_PAGE));
  const count = rows?.rows.length ?? 0;
  return (
    <details class="card" id={`table-${name}`} onToggle={opened}>
      <summary><h3 title={name}>{name}</h3></summary>
      <p class="line tools"><button class="quiet" onClick={() => load(Math.max(ROWS_PAGE, count))}>Read again</button><code class="dim">cqlsh {state.value.cql.replace(":", " ")} -e "SELECT * FROM {quoted(name)}"</code></p>
      {failed && <pre class="error" role="status">{failed}</pre>}
      {rows && <Grid columns={rows.columns} rows={rows.rows} name={name} />}
      {rows && <p class="line dim"><span>{rows.more ? `the first ${whole(count)} rows` : `${whole(count)} ${plural(count, "row")}, all there are`}</span>
        {rows.more && count < ROWS_MAX && <button class="quiet" onClick={() => load(Math.min(ROWS_MAX, count + ROWS_PAGE))}>{ROWS_PAGE} more</button>}</p>}
    </details>
  );
}

export function Topics() {
  const { topics, totals } = state.value;
  if (topics.length === 0) return <p class="empty">No topics yet.</p>;
  return <div class="cards">{topics.map((topic) => <TopicCard topic={topic} key={topic.name} />)}<More shown={topics.length} of={totals.topics} what="topics" /></div>;
}

export function Tables() {
  const { tables, totals } = state.value;
  if (tables.length === 0) return <p class="empty">No tables yet.</p>;
  return <div class="cards">{tables.map((name) => <TableCard name={name} key={name} />)}<More shown={tables.length} of={totals.tables} what="tables" /></div>;
}

// SQL over topics and tables, CQL over tables.
export function Ask() {
  const [language, setLanguage] = useState("sql");
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState<(Rows & { took: number }) | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const run = () => {
    const began = performance.now();
    setBusy(true);
    ask<Rows>(`/api/${language}`, { [language]: text, max_rows: 1000 })
      .then((rows) => { setAnswer({ ...rows, took: performance.now() - began }); setFailed(null); }, (error: Error) => { setFailed(error.message); setAnswer(null); })
      .finally(() => setBusy(false));
  };
  useEffect(() => { if (box.current) box.current.rows = Math.min(16, Math.max(3, text.split("\n").length)); }, [text]);
  const example = language === "sql" ? `SELECT count(*) FROM ${state.value.topics[0]?.name ?? "a_topic"}` : `SELECT * FROM ${state.value.tables[0] ?? "keyspace.table"} LIMIT 10`;
  return (
    <div class="card ask">
      <textarea ref={box} aria-label="Query" spellcheck={false} placeholder={example} value={text} onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); } }} />
      <p class="line tools">
        <select aria-label="Language" value={language} onChange={(event) => setLanguage(event.currentTarget.value)}><option value="sql">SQL (topics and tables)</option><option value="cql">CQL (tables)</option></select>
        <button onClick={run} disabled={busy || !text.trim()}>Run</button>
        <span class="dim">{busy ? "running…" : answer ? `${whole(answer.rows.length)} ${plural(answer.rows.length, "row")}${answer.more ? ", cut there" : ""} in ${Math.round(answer.took)} ms` : "Ctrl+Enter runs it"}</span>
      </p>
      {failed && <pre class="error" role="status">{failed}</pre>}
      {answer && answer.columns.length > 0 && <Grid columns={answer.columns} rows={answer.rows} name="result" />}
    </div>
  );
}
