/**
 * tokens: Python source text to tokens, with INDENT and DEDENT as in Python's own grammar.
 *
 * A newline inside brackets or after a backslash joins lines; comments and blank lines leave no token. A character that
 * starts no token becomes an "unknown" token, so that only the statement around it is refused, by the parser.
 *
 * Source  The Python Language Reference, section 2 (Lexical analysis).
 */
import { programNotUnderstood } from "../../../error.ts";

export type TokenKind =
  | "name"
  | "int"
  | "float"
  | "string"
  | "fstring"
  | "op"
  | "newline"
  | "indent"
  | "dedent"
  | "end"
  | "unknown";

export interface Token {
  readonly kind: TokenKind;
  /** The text as written; of a string, its value. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** An emitted program of 1000 layers has about 200 KB. */
const MAX_CHARACTERS = 4_000_000;
const MAX_INDENTS = 60;

const BLANK = /[ \t\f]+|\\\r?\n|#[^\r\n]*/y;
const NEWLINE = /\r\n|\r|\n/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER = /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/y;
const OPERATOR =
  /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|\*\*|\/\/|<<|>>|<=|>=|==|!=|[+\-*/%@&|^]=|[+\-*/%@&|^~<>()[\]{},:.;=]/y;
const STRING = /([A-Za-z]{0,2})("""|'''|"|')/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "0": "\0",
};

export function tokenize(text: string): Token[] {
  if (text.length > MAX_CHARACTERS) {
    throw programNotUnderstood(`expected at most ${MAX_CHARACTERS} characters of Python, got ${text.length}`);
  }
  const tokens: Token[] = [];
  const indents = [0];
  let position = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;
  let brackets = 0;
  let atLineStart = true;

  const push = (kind: TokenKind, value: string, at = line) => tokens.push({ kind, text: value, line: at });
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found) position += found[0].length;
    return found;
  };

  /** Opens or closes blocks for the line that starts at `position`; blank lines and comments have no say. */
  const indent = () => {
    let width = 0;
    while (text[position] === " " || text[position] === "\t" || text[position] === "\f") {
      width = text[position] === "\t" ? (width & ~7) + 8 : width + 1;
      position++;
    }
    const next = text[position];
    if (next === undefined || next === "#" || next === "\r" || next === "\n") return;
    atLineStart = false;
    if (width > indents.at(-1)!) {
      if (indents.length >= MAX_INDENTS)
        throw programNotUnderstood(`more than ${MAX_INDENTS} nested blocks`, [place(line)]);
      indents.push(width);
      push("indent", "");
    }
    while (width < indents.at(-1)!) {
      indents.pop();
      push("dedent", "");
    }
    if (width !== indents.at(-1))
      throw programNotUnderstood("unindent does not match any outer indentation level", [place(line)]);
  };

  while (position < text.length) {
    if (atLineStart && brackets === 0) indent();
    const blank = match(BLANK);
    if (blank) {
      if (blank[0].startsWith("\\")) line++;
      continue;
    }
    if (match(NEWLINE)) {
      if (brackets === 0 && !atLineStart) push("newline", "");
      if (brackets === 0) atLineStart = true;
      line++;
      continue;
    }
    if (position >= text.length) break;
    const opening = match(STRING);
    if (opening && /^([rR]?|[uUfFbB]|[fFbB][rR]|[rR][fFbB])$/.test(opening[1]!)) {
      const start = line;
      const string = readString(text, position, opening[2]!, /r/i.test(opening[1]!), line);
      position = string.end;
      line += string.lines;
      push(/f/i.test(opening[1]!) ? "fstring" : /b/i.test(opening[1]!) ? "unknown" : "string", string.value, start);
      continue;
    }
    if (opening) position -= opening[0].length;
    let found: RegExpExecArray | null;
    if ((found = match(NAME))) push("name", found[0]);
    else if (/[\d.]/.test(text[position]!) && (found = match(NUMBER))) pushNumber(found[0], push);
    else if ((found = match(OPERATOR))) {
      if ("([{".includes(found[0])) brackets++;
      if (")]}".includes(found[0])) brackets = Math.max(0, brackets - 1);
      push("op", found[0]);
    } else push("unknown", text[position++]!);
  }
  if (!atLineStart) push("newline", "");
  for (let open = indents.length; open > 1; open--) push("dedent", "");
  push("end", "");
  return tokens;
}

export function place(line: number): string {
  return `model.py line ${line}`;
}

function pushNumber(written: string, push: (kind: TokenKind, text: string) => void): void {
  const plain = written.replaceAll("_", "");
  push(/^0[xX]/.test(plain) || /^\d+$/.test(plain) ? "int" : "float", plain);
}

/** The value of the string whose first character stands at `start`, up to `quote`. */
function readString(text: string, start: number, quote: string, raw: boolean, line: number) {
  let value = "";
  let lines = 0;
  let position = start;
  for (;;) {
    const character = text[position];
    if (character === undefined || (character === "\n" && quote.length === 1)) {
      throw programNotUnderstood("a string is not closed", [place(line)]);
    }
    if (text.startsWith(quote, position)) return { value, lines, end: position + quote.length };
    if (character === "\n") lines++;
    if (character !== "\\") {
      value += character;
      position++;
      continue;
    }
    const escaped = text[position + 1] ?? "";
    if (escaped === "\n") lines++;
    const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(text.slice(position + 1, position + 6));
    if (raw) value += `\\${escaped}`;
    else if (hex) value += String.fromCharCode(Number.parseInt((hex[1] ?? hex[2])!, 16));
    else if (escaped !== "\n") value += ESCAPES[escaped] ?? `\\${escaped}`;
    position += !raw && hex ? 1 + hex[0].length : 2;
  }
}
