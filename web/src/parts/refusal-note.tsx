/** A failure as the package says it: what, where, what to do. */
import { useEffect, useRef } from "preact/hooks";
import type { Refusal } from "../protocol.ts";

export interface RefusalNoteProps {
  readonly refusal: Refusal;
  readonly title: string;
  /** Whether it takes the focus, where what had it is gone. */
  readonly focus?: boolean;
}

export function RefusalNote({ refusal, title, focus = false }: RefusalNoteProps) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    if (focus) place.current!.focus();
  }, [focus, refusal]);
  const { code, message, where, fix } = refusal;
  return (
    <section ref={place} class="refusal" role="alert" tabIndex={-1}>
      <h2>
        {title} <code>{code}</code>
      </h2>
      <p class="what">{message}</p>
      <dl>
        {where.length > 0 && (
          <>
            <dt>where</dt>
            <dd>
              <code>{where.join(" > ")}</code>
            </dd>
          </>
        )}
        {fix !== "" && (
          <>
            <dt>what to do</dt>
            <dd>{fix}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
