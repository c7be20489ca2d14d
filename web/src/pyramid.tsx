// Age pyramid: women left, men right, five years a bar.
import { compact } from "./format";

export function Pyramid({ ages, genders, values }: { ages: number[]; genders: (string | null)[]; values: number[] }) {
  const groups = new Map<number, { female: number; male: number }>();
  ages.forEach((age, i) => {
    const group = groups.get(age) ?? { female: 0, male: 0 };
    if (genders[i] === "female") group.female += values[i]; else group.male += values[i];
    groups.set(age, group);
  });
  const order = [...groups.entries()].sort((a, b) => b[0] - a[0]);
  const most = Math.max(1, ...order.flatMap(([, group]) => [group.female, group.male]));
  const half = 140, row = 15;
  return (
    <svg viewBox={`0 0 ${half * 2 + 40} ${order.length * row + 18}`} class="pyramid" role="img" aria-label="People by age and gender">
      {order.map(([age, group], i) => (
        <g key={age} transform={`translate(0,${i * row})`}>
          <title>{`${age} to ${age + 4}: ${group.female} women, ${group.male} men`}</title>
          <rect class="female" x={half - (group.female / most) * half} y="1" width={(group.female / most) * half} height={row - 3} />
          <text x={half + 20} y={row - 5} text-anchor="middle">{age}</text>
          <rect class="male" x={half + 40} y="1" width={(group.male / most) * half} height={row - 3} />
        </g>
      ))}
      <text x="0" y={order.length * row + 13} class="female">women {compact(order.reduce((sum, [, group]) => sum + group.female, 0))}</text>
      <text x={half * 2 + 40} y={order.length * row + 13} text-anchor="end" class="male">men {compact(order.reduce((sum, [, group]) => sum + group.male, 0))}</text>
    </svg>
  );
}
