/** A pattern's template as pieces: fixed text, and places where something varies. */

export interface TemplatePiece {
  text: string;
  isPlace: boolean;
}

/** Cut `Retry <num> of <*>` at its places. */
export function templatePieces(template: string): TemplatePiece[] {
  return template
    .split(/(<(?:\*|[a-z]+)>)/)
    .map((text, index) => ({ text: index % 2 === 1 ? text.slice(1, -1).replace("*", "…") : text, isPlace: index % 2 === 1 }))
    .filter(({ text }) => text !== "");
}
