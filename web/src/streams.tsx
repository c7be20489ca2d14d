// Running queries: what they read and write, how far behind they are, how long a batch takes.
import { compact, rate } from "./format";
import { state, type Stream } from "./state";

function words(stream: Stream): string {
  if (stream.state === "failed") return "Failed.";
  const behind = stream.lag > 0 ? `${compact(stream.lag)} records behind` : "nothing left to read";
  return `${compact(stream.numInputRows)} rows in ${stream.batchId + 1} batches; ${behind}.`;
}

function StreamCard({ stream }: { stream: Stream }) {
  const took = stream.lastProgress?.durationMs?.triggerExecution;
  return (
    <article class="card" id={`query-${stream.name}`}>
      <header>
        <h3>{stream.name}</h3>
        <span class={`badge ${stream.state}`}>{stream.state === "waiting" && stream.lag === 0 ? "up to date" : stream.state}</span>
        <span class="dim">
          <a href={`#topic-${stream.source.topic}`}>{stream.source.topic}</a> → <a href={`#table-${stream.sink.keyspace}.${stream.sink.table}`}>{stream.sink.keyspace}.{stream.sink.table}</a>
        </span>
      </header>
      <p class="sentence">{words(stream)} {stream.processedRowsPerSecond > 0 && `Last batch ${rate(stream.processedRowsPerSecond)}`}{took !== undefined && ` in ${took} ms.`}</p>
      {stream.error && <p class="error">{stream.error}</p>}
      {stream.waiting && <p class={stream.lag > 0 ? "waiting" : "dim"}>{stream.waiting}</p>}
      <details><summary>SQL</summary><pre tabIndex={0}>{stream.sql}</pre></details>
    </article>
  );
}

export function Streams() {
  const streams = state.value.streams;
  if (streams.length === 0) return <p class="empty">No running queries: put one into streams/.</p>;
  return <div class="cards">{streams.map((stream) => <StreamCard stream={stream} key={stream.name} />)}</div>;
}
