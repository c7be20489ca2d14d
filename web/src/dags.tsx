// DAG runs: did it run, why did it fail, what is it waiting for, how much went through, run again from here.
import { useState } from "preact/hooks";
import { ago, bytes, clock, compact, seconds } from "./format";
import { ask, now, path, state, type Dag, type Run, type Task } from "./state";

const MARK: Record<string, string> = { success: "✓", failed: "✕", running: "▶", skipped: "–", upstream_failed: "↑" };

function amount(records: number, size: number): string {
  return records > 0 || size > 0 ? `${compact(records)} records, ${bytes(size)}` : "no records";
}

function sentence(dag: Dag, at: number): string {
  const run = dag.last_run;
  if (dag.is_paused && !run) return "Paused; never ran.";
  if (!run) return dag.next_run_at ? `Has not run yet; next run ${clock(dag.next_run_at)}.` : "Has not run yet; runs when triggered.";
  if (run.state === "running" || run.state === "queued") return `Running since ${ago(run.start_date, at).replace(" ago", "")}: ${amount(run.records, run.bytes)} so far.`;
  const result = run.state === "success" ? "Succeeded" : run.state === "failed" ? "Failed" : run.state;
  return `${result} ${ago(run.end_date, at)} after ${seconds(run.duration_s)}: ${amount(run.records, run.bytes)}.`;
}

function Failure({ text }: { text: string }) {
  return <p class="error" role="status">{text}</p>;
}

function Log({ run, task }: { run: Run; task: Task }) {
  const [text, setText] = useState<string | null>(null);
  const load = (event: Event) => {
    if (!(event.currentTarget as HTMLDetailsElement).open) return;
    ask<string>(path("/api/dags/", run.dag_id, "/runs/", run.run_id, "/tasks/", task.task_id, "/log"))
      .then(setText, (error: Error) => setText(error.message));
  };
  return (
    <details onToggle={load}>
      <summary>Log</summary>
      <pre tabIndex={0}>{text ?? "reading…"}</pre>
    </details>
  );
}

function Rerun({ run, task }: { run: Run; task: Task }) {
  const [words, setWords] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const address = path("/api/dags/", run.dag_id, "/runs/", run.run_id, "/tasks/", task.task_id, "/rerun");
  const send = (dry: boolean) => ask<{ sentence: string }>(address, { dry })
    .then((answer) => setWords(dry ? answer.sentence : null), (error: Error) => setFailed(error.message));
  if (failed) return <Failure text={failed} />;
  if (words === null) return <button class="quiet" onClick={() => send(true)}>Run again from here</button>;
  return (
    <span class="confirm" role="alertdialog" aria-label="Run again">
      {words} <button onClick={() => send(false)}>Yes, run</button> <button class="quiet" onClick={() => setWords(null)}>No</button>
    </span>
  );
}

function TaskRow({ run, task }: { run: Run; task: Task }) {
  const done = task.state === "success" || task.state === "failed" || task.state === "upstream_failed" || task.state === "skipped";
  return (
    <li class={`task ${task.state ?? "none"}`}>
      <div class="line">
        <span class="mark" aria-hidden="true">{MARK[task.state ?? ""] ?? "○"}</span>
        <b>{task.task_id}</b>
        <span>{task.state ?? "not started"}{task.try_number > 1 ? `, try ${task.try_number} of ${task.max_tries}` : ""}</span>
        {task.duration_s !== null && <span>{seconds(task.duration_s)}</span>}
        {task.records > 0 && (
          <span>{amount(task.records, task.bytes)}{task.topic && <> to <a href={`#topic-${task.topic}`}>{task.topic}</a></>}
            {task.table && <> to <a href={`#table-${task.table}`}>{task.table}</a></>}</span>
        )}
      </div>
      {task.error && <Failure text={task.error} />}
      {task.waiting && <p class="waiting">{task.waiting}</p>}
      <div class="line">
        <Log run={run} task={task} />
        {done && <Rerun run={run} task={task} />}
      </div>
    </li>
  );
}

function DagCard({ dag }: { dag: Dag }) {
  const [failed, setFailed] = useState<string | null>(null);
  const send = (action: string, body: unknown) => ask(path("/api/dags/", dag.dag_id) + action, body)
    .then(() => setFailed(null), (error: Error) => setFailed(error.message));
  const note = dag.last_run?.state === "failed" ? dag.last_run.note : null;
  return (
    <article class="card" id={`dag-${dag.dag_id}`}>
      <header>
        <h3>{dag.dag_id}</h3>
        <span class="dim">{dag.schedule ?? "when triggered"}{dag.is_paused ? ", paused" : ""}</span>
        <span class="actions">
          <button onClick={() => send("/runs", {})}>Run now</button>
          <button class="quiet" onClick={() => send("/pause", { paused: !dag.is_paused })}>{dag.is_paused ? "Unpause" : "Pause"}</button>
        </span>
      </header>
      {dag.description && <p class="dim">{dag.description}</p>}
      <p class={`sentence ${dag.last_run?.state ?? ""}`}>{sentence(dag, now.value)}</p>
      {note && <Failure text={note} />}
      {dag.waiting && <p class="waiting">{dag.waiting}</p>}
      {failed && <Failure text={failed} />}
      {dag.runs.length > 0 && (
        <ol class="runs" aria-label="Latest runs, newest first">
          {dag.runs.map((run) => (
            <li key={run.run_id} class={run.state} title={`${run.run_id}: ${run.state}, ${amount(run.records, run.bytes)}`}>
              <span class="hidden">{run.run_id} {run.state}</span>
            </li>
          ))}
        </ol>
      )}
      {dag.run && <ul class="tasks">{dag.run.tasks.map((task) => <TaskRow run={dag.run!} task={task} key={task.task_id} />)}</ul>}
    </article>
  );
}

export function Dags() {
  const dags = state.value.dags;
  if (dags.length === 0) return <p class="empty">No DAGs: put one into dags/.</p>;
  return <div class="cards">{dags.map((dag) => <DagCard dag={dag} key={dag.dag_id} />)}</div>;
}
