/** Whether each point is on the Pareto front: no other is as good for less, or better for as much. */
export function paretoFront(
  points: readonly { cost: number; quality: number }[],
  options: { lowerIsBetter?: boolean } = {},
): boolean[] {
  const sign = options.lowerIsBetter === true ? -1 : 1;
  return points.map(
    ({ cost, quality }) =>
      !points.some(
        (other) =>
          other.cost <= cost &&
          sign * other.quality >= sign * quality &&
          (other.cost < cost || sign * other.quality > sign * quality),
      ),
  );
}
