// Numbers, times and sizes as a person reads them.
export const whole = (value: number): string => Math.round(value).toLocaleString("en");

export function compact(value: number): string {
  if (value < 10000) return whole(value);
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const)
    if (value >= size) return `${(value / size).toFixed(value / size < 100 ? 1 : 0)}${unit}`;
  return whole(value);
}

export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many);

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let unit = -1;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export const rate = (value: number): string => (value >= 10 ? `${compact(value)}/s` : value > 0 ? `${value.toFixed(1)}/s` : "");

export function seconds(value: number | null): string {
  if (value === null || value === undefined) return "";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 90) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  if (value < 5400) return `${Math.round(value / 60)} min`;
  return `${(value / 3600).toFixed(1)} h`;
}

export function ago(iso: string | null, now: number): string {
  if (!iso) return "";
  const passed = (now - Date.parse(iso)) / 1000;
  return passed < 5 ? "just now" : passed < 0 ? `in ${seconds(-passed)}` : `${seconds(passed)} ago`;
}

export const clock = (iso: string | null): string => (iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "");
