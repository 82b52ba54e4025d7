/**
 * cursor: where a parser stands in its tokens, and the few ways to move on.
 *
 * Source  The Python Language Reference, 2.3.1 (Keywords).
 */
import { type ChannelwiseError, programNotUnderstood } from "../../../error.ts";
import { place, type Token, type TokenKind } from "./tokens.ts";

export const RESERVED = new Set(
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(
    " ",
  ),
);

export class TokenCursor {
  protected readonly tokens: readonly Token[];
  protected position = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  protected get token(): Token {
    return this.tokens[this.position]!;
  }

  protected refuse(message: string, line = this.token.line): ChannelwiseError {
    return programNotUnderstood(message, [place(line)]);
  }

  protected unexpected(expected: string): ChannelwiseError {
    const { kind, text } = this.token;
    return this.refuse(`expected ${expected}, got ${text === "" ? kind : `"${text.slice(0, 40)}"`}`);
  }

  protected at(...kinds: readonly TokenKind[]): boolean {
    return kinds.includes(this.token.kind);
  }

  protected is(text: string): boolean {
    return this.token.text === text && (this.token.kind === "op" || this.token.kind === "name");
  }

  protected accept(text: string): boolean {
    const found = this.is(text);
    if (found) this.position++;
    return found;
  }

  protected expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected(`"${text}"`);
  }

  protected take(kind: TokenKind): Token {
    if (this.token.kind !== kind) throw this.unexpected(kind);
    return this.tokens[this.position++]!;
  }

  protected isIdentifier({ kind, text }: Token): boolean {
    return kind === "name" && !RESERVED.has(text);
  }

  protected identifier(): string {
    if (!this.isIdentifier(this.token)) throw this.unexpected("a name");
    return this.take("name").text;
  }
}
