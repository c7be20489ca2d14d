// Rows under named, typed columns.
export interface Column { name: string; type: string }
export interface Rows { columns: Column[]; rows: (string | null)[][]; more: boolean }

const NUMBER = /^(tinyint|smallint|int|bigint|varint|counter|float|double|decimal|long|short|byte)/i;

export function Grid({ columns, rows, name }: { columns: Column[]; rows: (string | null)[][]; name: string }) {
  const right = columns.map((column) => NUMBER.test(column.type));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Rows of ${name}`}>
      <table>
        <thead><tr>{columns.map((column, i) => <th key={i} scope="col" class={right[i] ? "right" : undefined}>{column.name} <small>{column.type}</small></th>)}</tr></thead>
        <tbody>{rows.map((row, i) => <tr key={i}>{row.map((value, k) => <td key={k} class={right[k] ? "right" : undefined} title={value && value.length > 40 ? value : undefined}>{value ?? <i class="dim">NULL</i>}</td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}
