/** Something that takes time: how far it is, and a way to end it. */
import type { Progress } from "../protocol.ts";

export interface BusyProps {
  readonly label: string;
  readonly progress: Progress | null;
  readonly onCancel: () => void;
}

export function Busy({ label, progress, onCancel }: BusyProps) {
  const known = progress !== null && progress.total > 0;
  return (
    <div class="busy" role="status">
      <span class="busy-label">{label}</span>
      <progress aria-label={label} max={known ? progress.total : 1} {...(known ? { value: progress.done } : {})} />
      <button type="button" class="quiet" onClick={onCancel}>
        Cancel
      </button>
    </div>
  );
}
