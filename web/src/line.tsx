// A line over time, drawn by uPlot.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const time = (text: string | null): number => {
  const value = text ?? "";
  const parsed = Date.parse(/^\d{4}-\d\d-\d\d \d/.test(value) ? value.replace(" ", "T").replace(/(\.\d{3})\d*/, "$1").replace(/\+0000$/, "Z") : value);
  return Number.isNaN(parsed) ? Number(value) : parsed / 1000;
};

const SPAN_S = 600; // ten minutes at least

// One point alone gets an empty one before it: uPlot would choose a span of years.
function series(xs: (string | null)[], ys: number[]): [number[], (number | null)[]] {
  const points = xs.map((x, i) => [time(x), ys[i]] as const).filter(([x]) => Number.isFinite(x)).sort((a, b) => a[0] - b[0]);
  const before = points.length === 1 ? [[points[0][0] - SPAN_S, null] as const] : [];
  const all = [...before, ...points];
  return [all.map(([x]) => x), all.map(([, y]) => y)];
}

export function LineChart({ xs, ys, name }: { xs: (string | null)[]; ys: number[]; name: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: () => color("--dim"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { show: false } };
    plot.current = new uPlot({
      width: holder.current!.clientWidth, height: 180, legend: { show: false }, cursor: { y: false },
      series: [{}, { label: name, stroke: () => color("--accent"), width: 2, fill: () => `${color("--accent")}22`, points: { show: ys.length < 30 } }],
      axes: [axis, { ...axis, size: 44 }], scales: { x: { range: (_, least, most) => [Math.min(least, most - SPAN_S), most] }, y: { range: (_, __, most) => [0, Math.max(1, most) * 1.1] } },
    }, series(xs, ys), holder.current!);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: holder.current!.clientWidth, height: 180 }));
    watch.observe(holder.current!);
    const paint = () => plot.current?.redraw(false, true);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("themechange", paint);
    dark.addEventListener("change", paint);
    return () => { watch.disconnect(); removeEventListener("themechange", paint); dark.removeEventListener("change", paint); plot.current?.destroy(); };
  }, []);
  useEffect(() => { plot.current?.setData(series(xs, ys)); }, [xs, ys]);
  return <div ref={holder} class="chart" role="img" aria-label={`${name} over time, ${ys.length} points, last ${ys[ys.length - 1] ?? 0}`} />;
}
