// DAG runs: did it run, why did it fail, what is it waiting for, how much went through, run again from here.
import { useEffect, useState } from "preact/hooks";
import { ago, bytes, clock, compact, plural, seconds } from "./format";
import { More, TableLink, TopicLink } from "./link";
import { ask, now, path, state, type Dag, type Run, type Task } from "./state";

const MARK: Record<string, string> = { success: "✓", failed: "✕", running: "▶", skipped: "–", upstream_failed: "↑" };
const WORDS: Record<string, string> = { upstream_failed: "not run: a task before it failed", up_for_retry: "failed, will be tried again" };
const ENDED = ["success", "failed", "upstream_failed", "skipped"];

function amount(records: number, size: number): string {
  return records > 0 || size > 0 ? `${compact(records)} ${plural(records, "record")}, ${bytes(size)}` : "no records";
}

const fetches = (dag: Dag): boolean => dag.tasks.some((task) => task.topic);
// A run that fetched nothing is not green.
const look = (dag: Dag, run: Run): string => (run.state === "success" && fetches(dag) && run.records === 0 ? "nothing" : run.state);

function sentence(dag: Dag, run: Run | undefined, at: number): string {
  if (!run) {
    if (dag.is_paused) return "Paused; has never run.";
    return dag.next_run_at ? `Has not run yet; next run ${clock(dag.next_run_at)}.` : "Has not run yet; runs when triggered.";
  }
  const through = fetches(dag) || run.records > 0 ? `: ${amount(run.records, run.bytes)}` : "";
  if (run.state === "queued") return "Queued.";
  if (run.state === "running") return `Running for ${seconds(Math.max(0, (at - Date.parse(run.start_date ?? "")) / 1000))}${through}${through && " so far"}.`;
  const result = look(dag, run) === "nothing" ? "Fetched nothing" : run.state === "success" ? "Succeeded" : run.state === "failed" ? "Failed" : run.state;
  return `${result} ${ago(run.end_date, at)} after ${seconds(run.duration_s)}${through}.`;
}

// Where a DAG's records go: its topics, and the tables that queries fill from them.
function Destinations({ dag }: { dag: Dag }) {
  const topics = [...new Set(dag.tasks.flatMap((task) => (task.topic ? [task.topic] : [])))];
  const tables = [...new Set(state.value.streams.filter((one) => topics.includes(one.source.topic) && one.sink.table).map((one) => `${one.sink.keyspace}.${one.sink.table}`))];
  if (topics.length === 0) return null;
  return (
    <span class="dim">→ {topics.map((name, i) => <>{i > 0 && ", "}<TopicLink name={name} /></>)}
      {tables.length > 0 && <> → {tables.map((name, i) => <>{i > 0 && ", "}<TableLink name={name} /></>)}</>}</span>
  );
}

// The tasks after one, in the DAG's order.
function after(dag: Dag, task_id: string): string[] {
  const found = new Set<string>(), todo = [task_id];
  for (let one = todo.pop(); one !== undefined; one = todo.pop())
    for (const next of dag.tasks.find((task) => task.task_id === one)?.downstream ?? [])
      if (!found.has(next)) { found.add(next); todo.push(next); }
  return dag.tasks.map((task) => task.task_id).filter((id) => found.has(id));
}

function plan(dag: Dag, task_id: string): string {
  const rest = after(dag, task_id);
  const shown = rest.slice(0, 3).join(", ") + (rest.length > 3 ? ` and ${rest.length - 3} more` : "");
  return `runs ${task_id}${shown && `, then ${shown}`}`;
}

function Failure({ text }: { text: string }) {
  return <pre class="error" role="status">{text}</pre>;
}

function Log({ run, task }: { run: Run; task: Task }) {
  const [open, setOpen] = useState(false);
  const [picked, setPicked] = useState(0);
  const [text, setText] = useState("");
  const tries = Array.from({ length: Math.min(task.try_number, 20) }, (_, i) => task.try_number - i);
  useEffect(() => {
    if (!open) return;
    ask<string>(path("/api/dags/", run.dag_id, "/runs/", run.run_id, "/tasks/", task.task_id, `/log?try=${picked}`))
      .then((log) => setText(log || "The log is empty."), (error: Error) => setText(error.message));
  }, [open, picked, task.try_number, task.state, task.state === "running" ? task.duration_s : 0]);
  return (
    <details onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary aria-label={`Log of ${task.task_id}`}>Log</summary>
      {tries.length > 1 && (
        <p class="line" role="group" aria-label="Tries">
          {tries.map((number) => <button class="quiet" key={number} aria-pressed={(picked || task.try_number) === number} onClick={() => setPicked(number)}>try {number}</button>)}
        </p>
      )}
      <pre tabIndex={0} aria-label="Log text">{text}</pre>
    </details>
  );
}

function Rerun({ dag, run, task }: { dag: Dag; run: Run; task: Task }) {
  const [words, setWords] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const address = path("/api/dags/", run.dag_id, "/runs/", run.run_id, "/tasks/", task.task_id, "/rerun");
  const send = (dry: boolean) => ask<{ sentence: string }>(address, { dry })
    .then((answer) => { setWords(dry ? answer.sentence : null); setFailed(null); }, (error: Error) => setFailed(error.message));
  if (words === null)
    return (
      <span class="line">
        <button class="quiet" onClick={() => send(true)} aria-label={`Run again from here: ${plan(dag, task.task_id)}`}>Run again from here</button>
        <span class="dim plan">{plan(dag, task.task_id)}</span>
        {failed && <Failure text={failed} />}
      </span>
    );
  return (
    <span class="confirm" role="alertdialog" aria-label="Run again" onKeyDown={(event) => { if (event.key === "Escape") setWords(null); }}>
      {words} <button ref={(button) => button?.focus()} onClick={() => send(false)}>Yes, run</button> <button class="quiet" onClick={() => setWords(null)}>No</button>
      {failed && <Failure text={failed} />}
    </span>
  );
}

function TaskRow({ dag, run, task }: { dag: Dag; run: Run; task: Task }) {
  const tries = task.max_tries + 1;
  const shown = task.state ? WORDS[task.state] ?? task.state : "not started";
  return (
    <li class={`task ${task.state ?? "none"}`}>
      <div class="line">
        <span class="mark" aria-hidden="true">{MARK[task.state ?? ""] ?? "○"}</span>
        <b class="name" title={task.task_id}>{task.task_id}</b>
        <span>{shown}{task.try_number > 1 ? `, try ${task.try_number}${task.try_number <= tries ? ` of ${tries}` : ""}` : ""}</span>
        {task.duration_s !== null && <span class="dim">{seconds(task.duration_s)}</span>}
        {(task.records > 0 || task.topic) && (
          <span>{amount(task.records, task.bytes)}{task.topic && <> to <TopicLink name={task.topic} /></>}
            {task.table && <> to <TableLink name={task.table} /></>}</span>
        )}
      </div>
      {task.error && <Failure text={task.error} />}
      {task.waiting && <p class="waiting">{task.waiting}</p>}
      <div class="line under">
        {task.try_number > 0 && <Log run={run} task={task} />}
        {ENDED.includes(task.state ?? "") && <Rerun dag={dag} run={run} task={task} />}
      </div>
    </li>
  );
}

type FullRun = Run & { tasks: Task[] };

// The run chosen in the strip; read again whenever the server tells of a change of it.
function useRun(dag: Dag, chosen: string | null): FullRun | undefined {
  const [older, setOlder] = useState<FullRun | null>(null);
  const entry = dag.runs.find((run) => run.run_id === chosen);
  const newest = chosen === null || chosen === dag.run?.run_id || !entry;
  useEffect(() => {
    if (!newest) ask<FullRun>(path("/api/dags/", dag.dag_id, "/runs/", chosen!)).then(setOlder, () => setOlder(null));
  }, [newest, chosen, JSON.stringify(entry)]);
  return newest ? dag.run : older?.run_id === chosen ? older! : undefined;
}

function Runs({ dag, shown, choose }: { dag: Dag; shown: string | undefined; choose: (run_id: string) => void }) {
  return (
    <ol class="runs" aria-label="Latest runs, newest first">
      {dag.runs.map((run) => {
        const words = `${run.run_id}: ${run.state}, ${amount(run.records, run.bytes)}, ${seconds(run.duration_s)}${run.note ? `. ${run.note}` : ""}`;
        return <li key={run.run_id}><button class={`run ${look(dag, run)}`} aria-pressed={run.run_id === shown} aria-label={words} title={words} onClick={() => choose(run.run_id)} /></li>;
      })}
    </ol>
  );
}

function DagCard({ dag }: { dag: Dag }) {
  const [failed, setFailed] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const send = (action: string, body: unknown) => ask(path("/api/dags/", dag.dag_id) + action, body)
    .then(() => { setFailed(null); if (action === "/runs") setChosen(null); }, (error: Error) => setFailed(error.message));
  const run = useRun(dag, chosen), last = dag.runs[0];
  const shown = dag.runs.find((one) => one.run_id === chosen) ?? last;
  const busy = last?.state === "running" || last?.state === "queued";
  return (
    <article class="card" id={`dag-${dag.dag_id}`} tabIndex={-1} aria-label={`DAG ${dag.dag_id}`}>
      <header>
        <h3 title={dag.dag_id}>{dag.dag_id}</h3>
        <span class="dim">{dag.schedule ?? "when triggered"}</span>
        {dag.is_paused && <span class="badge">paused</span>}
        <span class="actions">
          <button onClick={() => send("/runs", {})} aria-label={`Run ${dag.dag_id} now`}>Run now</button>
          <button class="quiet" onClick={() => send("/pause", { paused: !dag.is_paused })} aria-label={`${dag.is_paused ? "Unpause" : "Pause"} ${dag.dag_id}`}>{dag.is_paused ? "Unpause" : "Pause"}</button>
        </span>
      </header>
      {dag.description && <p class="dim">{dag.description}</p>}
      <p class="line"><span class={`sentence ${last ? look(dag, last) : ""}`}>{sentence(dag, last, now.value)}</span> <Destinations dag={dag} /></p>
      {last?.state === "failed" && last.note && <Failure text={last.note} />}
      {dag.waiting && (busy || !dag.is_paused) && <p class={busy ? "waiting" : "dim"}>{!busy && dag.next_run_at ? `Next run ${clock(dag.next_run_at)}.` : dag.waiting}</p>}
      {failed && <Failure text={failed} />}
      {dag.runs.length > 0 && <Runs dag={dag} shown={shown?.run_id} choose={setChosen} />}
      {shown && dag.runs.length > 1 && <p class="dim which">{shown === last ? "Newest run" : "Run"} {shown.run_id}{shown !== last && <>: {sentence(dag, shown, now.value)} {shown.note}</>}</p>}
      {run && <ul class="tasks">{run.tasks.map((task) => <TaskRow dag={dag} run={run} task={task} key={`${run.run_id} ${task.task_id}`} />)}</ul>}
      {run && <More shown={run.tasks.length} of={dag.tasks.length} what="tasks" />}
    </article>
  );
}

export function Dags() {
  const { dags, totals } = state.value;
  if (dags.length === 0) return <p class="empty">No DAGs: put one into dags/.</p>;
  return <div class="cards">{dags.map((dag) => <DagCard dag={dag} key={dag.dag_id} />)}<More shown={dags.length} of={totals.dags} what="DAGs" /></div>;
}
