/**
 * parse: Python text to statements.
 *
 * Classes must parse wholly. A module-level function, an `if __name__ == ...` block or a plain assignment that uses more Python
 * than this parser knows becomes an opaque statement: names that it binds are refused where they are used.
 * Annotations are read and dropped.
 *
 * Source  The Python Language Reference, sections 7 (Simple statements) and 8 (Compound statements).
 */
import { ChannelwiseError } from "../../../error.ts";
import { ExpressionParser } from "./parse-expression.ts";
import type { Block, Expression, Import, Parameter, PyModule, Statement } from "./syntax.ts";
import { tokenize } from "./tokens.ts";

const MAX_BLOCKS = 40;
const AUGMENTED = new Set(["+=", "-=", "*=", "/=", "//=", "%=", "**=", "@=", "&=", "|=", "^="]);

export function parsePython(text: string): PyModule {
  return new Parser(tokenize(text)).module();
}

class Parser extends ExpressionParser {
  private blocks = 0;

  module(): PyModule {
    const body: Statement[] = [];
    while (!this.at("end")) body.push(...this.moduleStatement());
    return { body };
  }

  private moduleStatement(): Statement[] {
    const start = this.position;
    try {
      return this.statement();
    } catch (error) {
      const binds = this.bindsIfOpaque(start);
      if (!(error instanceof ChannelwiseError) || binds === null) throw error;
      const line = this.tokens[start]!.line;
      this.position = start;
      this.nesting = 0;
      this.blocks = 0;
      this.skipStatement();
      return [{ kind: "opaque", line, binds, reason: error }];
    }
  }

  /** The names bound by a statement that may stay opaque; null if it must be understood. */
  private bindsIfOpaque(start: number): readonly string[] | null {
    const text = (offset: number) => this.tokens[start + offset]?.text ?? "";
    if (text(0) === "if" && text(1) === "__name__") return [];
    if (text(0) === "def") return [text(1)];
    if (this.isIdentifier(this.tokens[start]!) && text(1) === "=") return [text(0)];
    return null;
  }

  /** Past the logical line at the cursor and the indented block that belongs to it. */
  private skipStatement(): void {
    while (!this.at("newline", "end")) this.position++;
    if (this.at("newline")) this.position++;
    let depth = 0;
    while ((depth > 0 || this.at("indent")) && !this.at("end")) {
      if (this.at("indent")) depth++;
      if (this.at("dedent")) depth--;
      this.position++;
    }
  }

  /** One logical line; several where `;` joins them. */
  private statement(): Statement[] {
    const { line } = this.token;
    if (this.at("indent")) throw this.refuse("unexpected indent");
    if (this.is("@")) return [this.decorated()];
    if (this.is("def")) return [this.functionDefinition(false)];
    if (this.is("class")) return [this.classDefinition()];
    if (this.accept("if")) return [this.ifStatement(line)];
    if (this.accept("for")) return [this.forStatement(line)];
    if (this.accept("while")) {
      const test = this.expression();
      return [{ kind: "while", line, test, body: this.block() }];
    }
    if (this.accept("with")) return [this.withStatement(line)];
    const statements = [this.simple()];
    while (this.accept(";")) if (!this.at("newline")) statements.push(this.simple());
    this.take("newline");
    return statements;
  }

  private simple(): Statement {
    const { line, text } = this.token;
    if (text === "pass" || text === "break" || text === "continue") {
      this.position++;
      return { kind: text, line };
    }
    if (this.accept("return")) {
      return { kind: "return", line, value: this.at("newline") || this.is(";") ? null : this.expressionList() };
    }
    if (this.is("import") || this.is("from")) return this.importStatement();
    if (this.accept("assert")) {
      const test = this.expression();
      if (this.accept(",")) this.expression();
      return { kind: "assert", line, test };
    }
    if (this.accept("raise")) {
      if (!this.at("newline")) this.expression();
      if (this.accept("from")) this.expression();
      return { kind: "raise", line };
    }
    return this.assignment(line);
  }

  private assignment(line: number): Statement {
    const first = this.expressionList();
    if (this.accept(":")) {
      this.expression();
      if (!this.is("=")) return { kind: "pass", line };
    }
    if (this.at("op") && AUGMENTED.has(this.token.text)) {
      this.requireTarget(first);
      const operator = this.take("op").text.slice(0, -1);
      return { kind: "augmented", line, target: first, operator, value: this.expressionList() };
    }
    if (!this.is("=")) return { kind: "expression", line, value: first };
    const parts = [first];
    while (this.accept("=")) parts.push(this.expressionList());
    const value = parts.pop()!;
    for (const target of parts) this.requireTarget(target);
    return { kind: "assign", line, targets: parts, value };
  }

  private requireTarget(target: Expression): void {
    if (target.kind === "tuple" || target.kind === "list") for (const item of target.items) this.requireTarget(item);
    else if (target.kind !== "name" && target.kind !== "attribute" && target.kind !== "subscript") {
      throw this.refuse(`can't assign to ${target.kind}`, target.line);
    }
  }

  private importStatement(): Import {
    const line = this.token.line;
    const bindings: { name: string; path: string }[] = [];
    if (this.accept("import")) {
      do {
        const path = this.dottedName();
        const name = this.accept("as") ? this.identifier() : null;
        bindings.push(name === null ? { name: path.split(".")[0]!, path: path.split(".")[0]! } : { name, path });
      } while (this.accept(","));
      return { kind: "import", line, bindings };
    }
    this.expect("from");
    const from = this.dottedName();
    this.expect("import");
    const bracketed = this.accept("(");
    do {
      if (this.is(")")) break;
      const name = this.identifier();
      bindings.push({ name: this.accept("as") ? this.identifier() : name, path: `${from}.${name}` });
    } while (this.accept(","));
    if (bracketed) this.expect(")");
    return { kind: "import", line, bindings };
  }

  private dottedName(): string {
    let path = this.identifier();
    while (this.accept(".")) path += `.${this.identifier()}`;
    return path;
  }

  /** What stands after a colon: an indented block, or simple statements on the same line. */
  private block(): Block {
    this.expect(":");
    if (++this.blocks > MAX_BLOCKS) throw this.refuse(`blocks nest more than ${MAX_BLOCKS} deep`);
    const body: Statement[] = [];
    if (!this.at("newline")) body.push(...this.statement());
    else {
      this.take("newline");
      this.take("indent");
      while (!this.at("dedent", "end")) body.push(...this.statement());
      this.take("dedent");
    }
    this.blocks--;
    return body;
  }

  private ifStatement(line: number): Statement {
    const test = this.expression();
    const yes = this.block();
    const next = this.token.line;
    if (this.accept("elif")) {
      if (++this.blocks > MAX_BLOCKS) throw this.refuse(`blocks nest more than ${MAX_BLOCKS} deep`);
      const no = [this.ifStatement(next)];
      this.blocks--;
      return { kind: "if", line, test, yes, no };
    }
    return { kind: "if", line, test, yes, no: this.accept("else") ? this.block() : [] };
  }

  private forStatement(line: number): Statement {
    const target = this.targetList();
    this.requireTarget(target);
    this.expect("in");
    const over = this.expressionList();
    const body = this.block();
    if (this.is("else")) throw this.refuse("for ... else is not known to the checker");
    return { kind: "for", line, target, over, body };
  }

  private withStatement(line: number): Statement {
    do {
      this.expression();
      if (this.accept("as")) this.targetList();
    } while (this.accept(","));
    return { kind: "with", line, body: this.block() };
  }

  private decorated(): Statement {
    while (this.accept("@")) {
      this.expression();
      this.take("newline");
    }
    if (this.is("class")) throw this.refuse("a decorated class is not known to the checker");
    return this.functionDefinition(true);
  }

  private functionDefinition(decorated: boolean): Statement {
    const line = this.token.line;
    this.expect("def");
    const name = this.identifier();
    const parameters = this.parameters();
    if (this.accept("->")) this.expression();
    return { kind: "function", line, name, parameters, decorated, body: this.block() };
  }

  private parameters(): Parameter[] {
    this.expect("(");
    const parameters: Parameter[] = [];
    let kind: Parameter["kind"] = "plain";
    while (!this.accept(")")) {
      if (this.accept("**")) parameters.push({ name: this.parameterName(), default: null, kind: "keywords" });
      else if (this.accept("*")) {
        if (!this.is(",")) parameters.push({ name: this.parameterName(), default: null, kind: "rest" });
        kind = "keyword";
      } else {
        const name = this.parameterName();
        parameters.push({ name, default: this.accept("=") ? this.expression() : null, kind });
      }
      if (!this.is(")")) this.expect(",");
    }
    return parameters;
  }

  private parameterName(): string {
    const name = this.identifier();
    if (this.accept(":")) this.expression();
    return name;
  }

  private classDefinition(): Statement {
    const line = this.token.line;
    this.expect("class");
    const name = this.identifier();
    const bases: Expression[] = [];
    if (this.accept("(")) {
      while (!this.accept(")")) {
        bases.push(this.expression());
        if (!this.is(")")) this.expect(",");
      }
    }
    return { kind: "class", line, name, bases, body: this.block() };
  }
}
