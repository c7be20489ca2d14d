// Boards: pages of panels over CQL or SQL.
import { Grid } from "./grid";
import { compact, whole } from "./format";
import { LineChart } from "./line";
import { WorldMap } from "./map";
import { Pyramid } from "./pyramid";
import type { Board, Panel } from "./state";

// The values of a named column; a problem to show when the query has no such column.
export function column(panel: Panel, name: string | undefined): (string | null)[] {
  const index = panel.columns?.findIndex((one) => one.name === name) ?? -1;
  if (index < 0) throw new Error(`the query gives no column '${name}'`);
  return panel.rows!.map((row) => row[index]);
}

export const numbers = (values: (string | null)[]): number[] => values.map((value) => Number(value ?? 0));

function sorted(panel: Panel, by: string | undefined): (string | null)[][] {
  if (!by) return panel.rows!;
  const index = panel.columns!.findIndex((one) => one.name === by);
  return [...panel.rows!].sort((a, b) => Number(b[index] ?? 0) - Number(a[index] ?? 0));
}

function Bars({ panel }: { panel: Panel }) {
  const labels = column(panel, panel.label), values = numbers(column(panel, panel.value));
  const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]).slice(0, panel.top ?? 10);
  const most = Math.max(1, ...values);
  return (
    <ul class="bars">
      {order.map((i) => (
        <li key={labels[i]}>
          <span class="name" title={labels[i] ?? "NULL"}>{labels[i] ?? "NULL"}</span>
          <span class="bar"><span style={{ width: `${(values[i] / most) * 100}%` }} /></span>
          <span class="value">{compact(values[i])}</span>
        </li>
      ))}
    </ul>
  );
}

function Figure({ text, unit }: { text: string | null; unit?: string }) {
  const value = Number(text);
  if (text === null) return <p class="empty">null</p>;
  return <p class="number">{Number.isNaN(value) ? text : Number.isInteger(value) ? whole(value) : value.toLocaleString("en", { maximumFractionDigits: 2 })}{unit && <small> {unit}</small>}</p>;
}

function Body({ panel }: { panel: Panel }) {
  if (panel.error) return <pre class="error">{panel.error}</pre>;
  if (!panel.rows || panel.rows.length === 0) return <p class="empty">no rows yet</p>;
  if (panel.kind === "number") return <Figure text={panel.rows[0][0]} unit={panel.unit} />;
  switch (panel.kind) {
    case "line": return <LineChart xs={column(panel, panel.x)} ys={numbers(column(panel, panel.y))} name={panel.y!} />;
    case "bar": return <Bars panel={panel} />;
    case "map": return <WorldMap latitudes={numbers(column(panel, panel.latitude))} longitudes={numbers(column(panel, panel.longitude))} sizes={panel.size ? numbers(column(panel, panel.size)) : null} />;
    case "pyramid": return <Pyramid ages={numbers(column(panel, panel.age))} genders={column(panel, panel.gender)} values={numbers(column(panel, panel.value))} />;
    default: return <Grid name={panel.title} columns={panel.columns!} rows={sorted(panel, panel.sort).slice(0, panel.top ?? 20)} />;
  }
}

function PanelCard({ panel }: { panel: Panel }) {
  let body;
  try { body = Body({ panel }); } catch (error) { body = <pre class="error">{(error as Error).message}</pre>; }
  return (
    <article class={`panel of-${panel.kind}`} aria-label={panel.title}>
      <h3 title={panel.cql ?? panel.sql}>{panel.title}</h3>
      {body}
    </article>
  );
}

export function BoardView({ board }: { board: Board }) {
  return <div class="board">{board.panels.map((panel, i) => <PanelCard panel={panel} key={i} />)}</div>;
}
