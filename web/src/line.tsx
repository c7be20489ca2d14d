// A line over time, drawn by uPlot.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const time = (text: string | null): number => {
  const value = text ?? "";
  const parsed = Date.parse(/^\d{4}-\d\d-\d\d \d/.test(value) ? value.replace(" ", "T").replace(/(\.\d{3})\d*/, "$1").replace(/\+0000$/, "Z") : value);
  return Number.isNaN(parsed) ? Number(value) : parsed / 1000;
};

function series(xs: (string | null)[], ys: number[]): [number[], number[]] {
  const points = xs.map((x, i) => [time(x), ys[i]] as const).filter(([x]) => Number.isFinite(x)).sort((a, b) => a[0] - b[0]);
  return [points.map(([x]) => x), points.map(([, y]) => y)];
}

export function LineChart({ xs, ys, name }: { xs: (string | null)[]; ys: number[]; name: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const style = getComputedStyle(document.documentElement);
    const line = style.getPropertyValue("--accent"), text = style.getPropertyValue("--dim"), grid = style.getPropertyValue("--line");
    const axis = { stroke: () => text, grid: { stroke: () => grid, width: 1 }, ticks: { show: false } };
    plot.current = new uPlot({
      width: holder.current!.clientWidth, height: 180, legend: { show: false }, cursor: { y: false },
      series: [{}, { label: name, stroke: () => line, width: 2, fill: () => `${line.trim()}22`, points: { show: ys.length < 30 } }],
      axes: [axis, { ...axis, size: 44 }], scales: { x: { range: (_, least, most) => [Math.min(least, most - 600), most] }, y: { range: (_, __, most) => [0, Math.max(1, most) * 1.1] } },
    }, series(xs, ys), holder.current!);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: holder.current!.clientWidth, height: 180 }));
    watch.observe(holder.current!);
    return () => { watch.disconnect(); plot.current?.destroy(); };
  }, []);
  useEffect(() => { plot.current?.setData(series(xs, ys)); }, [xs, ys]);
  return <div ref={holder} class="chart" role="img" aria-label={`${name} over time, ${ys.length} points, last ${ys[ys.length - 1] ?? 0}`} />;
}
