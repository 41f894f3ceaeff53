/** Tell how well what was typed fits a name: 0 not at all, higher is better. */
export function matchScore(typed: string, name: string): number {
  const wanted = typed.toLowerCase();
  const text = name.toLowerCase();
  if (wanted === "") return 1;
  if (text === wanted) return 5;
  if (text.startsWith(wanted)) return 4;
  const at = text.indexOf(wanted);
  if (at > 0) return /[\s\-_./]/.test(text.charAt(at - 1)) ? 3 : 2;
  // The letters in their order: `cp` finds `checkout-payments`.
  let index = -1;
  for (const letter of wanted) {
    index = text.indexOf(letter, index + 1);
    if (index < 0) return 0;
  }
  return 1;
}
