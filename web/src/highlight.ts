/** Python in colours: lines of pieces, each with what it is. The grammar is Prism's, fetched when code is first shown. */
export interface Piece {
  readonly kind: string;
  readonly text: string;
}

export type Line = readonly Piece[];

type Token = string | { readonly type: string; readonly content: Token | readonly Token[] };
type Highlighter = (source: string) => Line[];

let ready: Promise<Highlighter> | null = null;

/** Text as it is, until the grammar is there. */
export function plain(source: string): Line[] {
  return source.split("\n").map((text) => [{ kind: "", text }]);
}

export function highlighter(): Promise<Highlighter> {
  ready ??= fetchGrammar().catch(() => plain);
  return ready;
}

async function fetchGrammar(): Promise<Highlighter> {
  const { default: prism } = await import("prismjs/components/prism-core");
  // Prism's grammars add themselves to a global.
  Object.assign(globalThis, { Prism: prism });
  await import("prismjs/components/prism-python");
  return (source) => linesOf(prism.tokenize(source, prism.languages.python!) as Token[]);
}

function linesOf(tokens: readonly Token[]): Line[] {
  const lines: Piece[][] = [[]];
  const add = (token: Token | readonly Token[], kind: string): void => {
    if (typeof token === "string") {
      token.split("\n").forEach((text, index) => {
        if (index > 0) lines.push([]);
        if (text !== "") lines.at(-1)!.push({ kind, text });
      });
    } else if ("content" in token) add(token.content, token.type);
    else for (const each of token) add(each, kind);
  };
  add(tokens, "");
  return lines;
}
