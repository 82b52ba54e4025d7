/** Axes as the page shows them: a colour for each letter, layouts as coloured letters, sizes beside them. */
import type { Arrangement } from "channelwise";

/** What the letters stand for. */
export const axisNames: Readonly<Record<string, string>> = {
  N: "batch",
  L: "length",
  C: "channels",
  K: "taps",
  I: "in",
  O: "out",
};

/** The class that gives an element the axis' colour as `--axis`. */
export const axisClass = (letter: string) => `axis-${letter in axisNames ? letter : "other"}`;

/** A layout: `N(LC)`, each letter in its colour, merged ones bound together. */
export function Layout({ text }: { readonly text: string }) {
  const pieces = text.match(/\([^)]*\)|./g) ?? [];
  return (
    <span class="layout">
      {pieces.map((piece) =>
        piece.length > 1 ? (
          <span class="merged">
            {"("}
            {[...piece.slice(1, -1)].map((letter) => (letter === "|" ? "|" : <AxisLetter letter={letter} />))}
            {")"}
          </span>
        ) : (
          <AxisLetter letter={piece} />
        ),
      )}
    </span>
  );
}

function AxisLetter({ letter }: { readonly letter: string }) {
  return <b class={`axis ${axisClass(letter)}`}>{letter}</b>;
}

/** The sizes behind the batch: `127 × 2`. */
export function sizesText({ axes }: Arrangement): string {
  return axes
    .filter(({ letter }, index) => !(index === 0 && letter === "N"))
    .map(({ size }) => size ?? "any")
    .join(" × ");
}

/** The key to the colours. */
export function AxisKey({ letters }: { readonly letters: string }) {
  return (
    <ul class="axis-key">
      {[...letters].map((letter) => (
        <li>
          <AxisLetter letter={letter} /> {axisNames[letter] ?? "other"}
        </li>
      ))}
    </ul>
  );
}
