/** Return the path of a half circle's part, from `start` to `end` of it (0 at the left, 1 at the right). */
export function arcPath(centreX: number, centreY: number, radius: number, start: number, end: number): string {
  const point = (share: number) => {
    const angle = Math.PI * (1 - share);
    return `${(centreX + radius * Math.cos(angle)).toFixed(2)} ${(centreY - radius * Math.sin(angle)).toFixed(2)}`;
  };
  return `M ${point(start)} A ${radius} ${radius} 0 0 1 ${point(Math.max(end, start))}`;
}
