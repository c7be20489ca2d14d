// Running queries: what they read and write, how far behind they are, how long a batch takes.
import { compact, plural, rate } from "./format";
import { More, TableLink, TopicLink } from "./link";
import { state, type Stream } from "./state";

function words(stream: Stream): string {
  if (stream.state === "failed") return "Failed.";
  const behind = stream.lag > 0 ? `${compact(stream.lag)} ${plural(stream.lag, "record")} behind` : "nothing left to read";
  const batches = stream.batchId + 1;
  return `${compact(stream.numInputRows)} ${plural(stream.numInputRows, "row")} in ${compact(batches)} ${plural(batches, "batch", "batches")}; ${behind}.`;
}

const WIDTH = 300, HEIGHT = 40;

// A bar a batch, the newest at the right.
function Bars({ values, name, unit }: { values: number[]; name: string; unit: string }) {
  const most = Math.max(1, ...values), step = WIDTH / 50, last = values[values.length - 1];
  const summary = `${name}: last ${compact(last)}${unit}, most ${compact(Math.max(...values))}${unit}`;
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${summary}, over ${values.length} batches`}>
        <title>{summary}</title>
        {values.map((value, i) => <rect key={i} x={WIDTH - (values.length - i) * step} width={step - 1.2} y={HEIGHT - Math.max(1, (value / most) * HEIGHT)} height={Math.max(1, (value / most) * HEIGHT)} />)}
      </svg>
      <figcaption class="dim">{summary}</figcaption>
    </figure>
  );
}

function StreamCard({ stream }: { stream: Stream }) {
  const done = stream.state === "waiting" && stream.lag === 0;
  const last = stream.batches[stream.batches.length - 1];
  return (
    <article class="card" id={`query-${stream.name}`} tabIndex={-1} aria-label={`Query ${stream.name}`}>
      <header>
        <h3 title={stream.name}>{stream.name}</h3>
        <span class={`badge ${done ? "done" : stream.state}`}>{done ? "up to date" : stream.state}</span>
        <span class="dim"><TopicLink name={stream.source.topic} />{stream.sink.table && <> → <TableLink name={`${stream.sink.keyspace}.${stream.sink.table}`} /></>}</span>
      </header>
      <p class={`sentence ${stream.state === "failed" ? "failed" : ""}`}>{words(stream)}{last && ` Last batch: ${compact(last[0])} ${plural(last[0], "row")} in ${last[1]} ms${stream.processedRowsPerSecond > 0 ? `, ${rate(stream.processedRowsPerSecond)}` : ""}.`}</p>
      {stream.error && <pre class="error" role="status">{stream.error}</pre>}
      {stream.waiting && <p class={stream.lag > 0 ? "waiting" : "dim"}>{stream.waiting}</p>}
      {stream.batches.length > 0 && (
        <div class="sparks">
          <Bars values={stream.batches.map(([rows]) => rows)} name="Rows a batch" unit="" />
          <Bars values={stream.batches.map(([, ms]) => ms)} name="Time a batch" unit=" ms" />
        </div>
      )}
      <details><summary aria-label={`SQL of ${stream.name}`}>SQL</summary><pre tabIndex={0}>{stream.sql}</pre></details>
    </article>
  );
}

export function Streams() {
  const { streams, totals } = state.value;
  if (streams.length === 0) return <p class="empty">No running queries: put one into streams/.</p>;
  return <div class="cards two">{streams.map((stream) => <StreamCard stream={stream} key={stream.name} />)}<More shown={streams.length} of={totals.streams} what="queries" /></div>;
}
