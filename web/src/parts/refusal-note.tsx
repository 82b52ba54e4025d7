/** A failure as the package says it: what, where, what to do. */
import type { Refusal } from "../protocol.ts";

export function RefusalNote({ refusal, title }: { readonly refusal: Refusal; readonly title: string }) {
  const { code, message, where, fix } = refusal;
  return (
    <section class="refusal" role="alert">
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
