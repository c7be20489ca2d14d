// Points on a world map, on canvas: the land from Natural Earth, a dot per row, larger for more people.
import { geoEqualEarth, geoGraticule10, geoPath } from "d3-geo";
import { useEffect, useRef } from "preact/hooks";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import atlas from "world-atlas/land-110m.json";

const topology = atlas as unknown as Topology;
const land = feature(topology, topology.objects.land);

function draw(canvas: HTMLCanvasElement, latitudes: number[], longitudes: number[], sizes: number[] | null): void {
  const width = canvas.clientWidth, height = width * 0.5, scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  const projection = geoEqualEarth().fitExtent([[2, 2], [width - 2, height - 2]], { type: "Sphere" });
  const outline = geoPath(projection, context);
  context.beginPath(); outline(geoGraticule10()); context.strokeStyle = color("--line"); context.lineWidth = 0.5; context.stroke();
  context.beginPath(); outline(land); context.fillStyle = color("--land"); context.fill();
  const most = sizes ? Math.max(1, ...sizes) : 1;
  context.fillStyle = color("--accent");
  context.globalAlpha = 0.55;
  latitudes.forEach((latitude, i) => {
    const point = projection([longitudes[i], latitude]);
    if (!point) return;
    context.beginPath();
    context.arc(point[0], point[1], sizes ? 1.2 + 3.5 * Math.sqrt(sizes[i] / most) : 1.6, 0, 7);
    context.fill();
  });
}

export function WorldMap({ latitudes, longitudes, sizes }: { latitudes: number[]; longitudes: number[]; sizes: number[] | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const paint = () => draw(canvas.current!, latitudes, longitudes, sizes);
    paint();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("resize", paint);
    addEventListener("themechange", paint);
    dark.addEventListener("change", paint);
    return () => { removeEventListener("resize", paint); removeEventListener("themechange", paint); dark.removeEventListener("change", paint); };
  }, [latitudes, longitudes, sizes]);
  return <canvas ref={canvas} role="img" aria-label={`${latitudes.length} places on a world map`} />;
}
