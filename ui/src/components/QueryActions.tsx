import { ArrowDown, ArrowUp, Eye, EyeOff, Trash2 } from "lucide-react";

import { Button } from "./Button";

interface Props {
  letter: string;
  index: number;
  count: number;
  hidden: boolean;
  onHide: (hidden: boolean) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}

/** Hide, move and remove one of several queries. */
export function QueryActions({ letter, index, count, hidden, onHide, onMove, onRemove }: Props) {
  const hide = hidden ? "Show" : "Hide";
  return (
    <>
      <Button kind="plain" icon aria-pressed={hidden} aria-label={`${hide} query ${letter}`} title={hide} onClick={() => onHide(!hidden)}>
        {hidden ? <EyeOff size={14} /> : <Eye size={14} />}
      </Button>
      {count > 1 && (
        <>
          <Button kind="plain" icon disabled={index === 0} aria-label={`Move query ${letter} up`} title="Up" onClick={() => onMove(-1)}>
            <ArrowUp size={14} />
          </Button>
          <Button kind="plain" icon disabled={index === count - 1} aria-label={`Move query ${letter} down`} title="Down" onClick={() => onMove(1)}>
            <ArrowDown size={14} />
          </Button>
          <Button kind="plain" icon aria-label={`Remove query ${letter}`} title="Remove" onClick={onRemove}>
            <Trash2 size={14} />
          </Button>
        </>
      )}
    </>
  );
}
