/** Something wider than its place, a table most often: scrolled by pointer, or by keyboard when it has the focus. */
import type { ComponentChildren } from "preact";

export function ScrollRegion({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a section of the panel is set apart from what is before it, this is not
    <div class="scroll-x" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
