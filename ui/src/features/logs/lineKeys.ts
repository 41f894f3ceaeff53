/** Keys of lines in a list. */

/** Return a key for each line: its id, with a number where lines are copies of each other and share it. */
export function lineKeys(lines: readonly { id: string }[]): string[] {
  const seen = new Map<string, number>();
  return lines.map(({ id }) => {
    const copies = seen.get(id) ?? 0;
    seen.set(id, copies + 1);
    return copies === 0 ? id : `${id}#${copies}`;
  });
}
