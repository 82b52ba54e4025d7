/**
 * What a task has to say, in one place: that it is under way, how far, with a way to end it; that it was refused; or how it went.
 *
 * The region of role `status` is there before its text, so that a screen reader tells of it; a refusal is an alert beside it.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Task } from "../use-task.ts";
import { RefusalNote } from "./refusal-note.tsx";

export interface NewsProps {
  readonly task: Pick<Task<unknown>, "running" | "progress" | "refusal" | "cancel">;
  /** What is under way. */
  readonly label: string;
  /** What a refusal means here. */
  readonly refused: string;
  /** What takes the place of the button that ended or started it: the refusal. */
  readonly focusRefusal?: boolean;
  /** How it went. */
  readonly children?: ComponentChildren;
}

export function News({ task, label, refused, focusRefusal = false, children }: NewsProps) {
  const { running, progress, refusal, cancel } = task;
  const silent = !running && !refusal && !children;
  return (
    <div class={running ? "news busy" : silent ? "news away" : "news"}>
      <div role="status" class={running ? "busy-label" : ""}>
        {running ? label : children}
      </div>
      {running && <Busy label={label} progress={progress} onCancel={cancel} />}
      {!running && refusal && <RefusalNote refusal={refusal} title={refused} focus={focusRefusal} />}
    </div>
  );
}

interface BusyProps extends Pick<NewsProps["task"], "progress"> {
  readonly label: string;
  readonly onCancel: () => void;
}

function Busy({ label, progress, onCancel }: BusyProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const own = button.current!;
    // Where the button had the focus, what it stood in gets it.
    const place = own.closest<HTMLElement>('[role="tabpanel"]');
    return () => {
      if (document.activeElement === own) (place ?? document.querySelector<HTMLElement>("h1"))?.focus();
    };
  }, []);
  // All of it done and not at the end: what is left does not tell how far it is.
  const known = progress !== null && progress.done < progress.total;
  return (
    <>
      <progress aria-label={label} max={known ? progress.total : 1} {...(known ? { value: progress.done } : {})} />
      <button ref={button} type="button" class="quiet" onClick={onCancel}>
        Cancel
      </button>
    </>
  );
}
