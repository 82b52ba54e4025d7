/** Lines of Python, with marks where they changed. */
import { useEffect, useRef, useState } from "preact/hooks";
import { highlighter, type Line, plain } from "../highlight.ts";

/** A line of code, and since when it is there: `added` and `removed` by the last change. */
export interface CodeLine {
  readonly text: string;
  readonly number: number | null;
  readonly change: "" | "added" | "removed";
}

/** The pieces of whole texts, so that strings of several lines are told apart. */
export function useHighlighted(source: string): Line[] {
  const [lines, setLines] = useState<{ source: string; lines: Line[] } | null>(null);
  useEffect(() => {
    let current = true;
    highlighter().then((highlight) => current && setLines({ source, lines: highlight(source) }));
    return () => {
      current = false;
    };
  }, [source]);
  return lines?.source === source ? lines.lines : plain(source);
}

const changeText = { added: "added: ", removed: "removed: ", "": "" };

export interface CodeProps {
  readonly lines: readonly CodeLine[];
  readonly pieces: readonly Line[];
  readonly label: string;
  readonly class?: string;
  /** Whether the first line that changed is brought into sight. */
  readonly toChange?: boolean;
}

/** More lines than this are in the saved file, and nobody reads them here. */
const mostLines = 5000;

export function Code({ lines, pieces, label, class: own = "", toChange = false }: CodeProps) {
  const place = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const changed = toChange && place.current?.querySelector<HTMLElement>(".added, .removed");
    if (changed) place.current!.scrollTop = changed.offsetTop - place.current!.clientHeight / 3;
  }, [lines, toChange]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a pre keeps the lines, and a region around it would scroll instead of it
    <pre ref={place} class={`code ${own}`} tabIndex={0} role="region" aria-label={label}>
      <code>
        {lines.slice(0, mostLines).map(({ text, number, change }) => (
          <span class={`line ${change}`}>
            <span class="line-number" aria-hidden="true">
              {number ?? ""}
            </span>
            {change !== "" && <span class="away">{changeText[change]}</span>}
            <span class="text">
              {(number === null ? [{ kind: "", text }] : (pieces[number - 1] ?? [])).map((piece) =>
                piece.kind === "" ? piece.text : <span class={`token-${piece.kind}`}>{piece.text}</span>,
              )}
              {"\n"}
            </span>
          </span>
        ))}
        {lines.length > mostLines && <span class="line">… {lines.length - mostLines} more lines</span>}
      </code>
    </pre>
  );
}
