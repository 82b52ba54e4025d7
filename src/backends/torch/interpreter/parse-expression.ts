/**
 * parse-expression: tokens to expressions, by precedence climbing.
 *
 * Refused with its line: lambda, walrus, await, yield, sets, shifts, nested comprehensions, f-strings with a value (they parse,
 * but stand for no value). Nesting is bounded, so that hostile text can't exhaust the stack.
 *
 * Source  The Python Language Reference, section 6 (Expressions); 6.17 for the precedences.
 */
import type { Argument, Expression } from "./syntax.ts";
import { RESERVED, TokenCursor } from "./cursor.ts";

const MAX_NESTING = 60;
const MAX_INT_DIGITS = 40;
const PRECEDENCE: Readonly<Record<string, number>> = {
  "|": 1,
  "^": 2,
  "&": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "//": 5,
  "%": 5,
  "@": 5,
};
const COMPARISONS = new Set(["<", ">", "<=", ">=", "==", "!="]);

export class ExpressionParser extends TokenCursor {
  protected nesting = 0;

  /** `a, b, *c` without brackets is a tuple; a lone expression is itself. */
  protected expressionList(): Expression {
    const line = this.token.line;
    const first = this.starred();
    if (!this.is(",")) return first;
    const items = [first];
    while (this.accept(",") && this.startsExpression()) items.push(this.starred());
    return { kind: "tuple", line, items };
  }

  private starred(): Expression {
    const line = this.token.line;
    return this.accept("*") ? { kind: "starred", line, value: this.binary(0) } : this.expression();
  }

  private startsExpression(): boolean {
    const { kind, text } = this.token;
    if (kind === "op") return ["(", "[", "{", "-", "+", "~", "*", "..."].includes(text);
    if (kind === "name") return !RESERVED.has(text) || text === "not" || text === "lambda";
    return kind === "int" || kind === "float" || kind === "string" || kind === "fstring";
  }

  protected expression(): Expression {
    if (++this.nesting > MAX_NESTING) throw this.refuse(`expressions nest more than ${MAX_NESTING} deep`);
    const line = this.token.line;
    let value = this.disjunction();
    if (this.accept("if")) {
      const test = this.disjunction();
      this.expect("else");
      value = { kind: "conditional", line, test, yes: value, no: this.expression() };
    }
    this.nesting--;
    return value;
  }

  private disjunction(): Expression {
    return this.joined("or", () => this.joined("and", () => this.negation()));
  }

  private joined(operator: "and" | "or", operand: () => Expression): Expression {
    const line = this.token.line;
    const values = [operand()];
    while (this.accept(operator)) values.push(operand());
    return values.length === 1 ? values[0]! : { kind: operator, line, values };
  }

  private negation(): Expression {
    const line = this.token.line;
    let negations = 0;
    while (this.accept("not")) negations++;
    if (negations > MAX_NESTING) throw this.refuse(`expressions nest more than ${MAX_NESTING} deep`);
    let value = this.comparison();
    while (negations-- > 0) value = { kind: "unary", line, operator: "not", value };
    return value;
  }

  private comparison(): Expression {
    const line = this.token.line;
    const first = this.binary(0);
    const operators: string[] = [];
    const rest: Expression[] = [];
    for (;;) {
      const operator = this.comparisonOperator();
      if (operator === null) break;
      operators.push(operator);
      rest.push(this.binary(0));
    }
    return operators.length === 0 ? first : { kind: "compare", line, first, operators, rest };
  }

  private comparisonOperator(): string | null {
    if (this.token.kind === "op" && COMPARISONS.has(this.token.text)) return this.tokens[this.position++]!.text;
    if (this.accept("is")) return this.accept("not") ? "is not" : "is";
    if (this.accept("in")) return "in";
    if (this.is("not") && this.tokens[this.position + 1]?.text === "in") {
      this.position += 2;
      return "not in";
    }
    return null;
  }

  protected binary(lowest: number): Expression {
    let left = this.unary();
    for (;;) {
      const { kind, text, line } = this.token;
      const precedence = kind === "op" && Object.hasOwn(PRECEDENCE, text) ? PRECEDENCE[text]! : -1;
      if (precedence < lowest || precedence < 0) return left;
      this.position++;
      left = { kind: "binary", line, operator: text, left, right: this.binary(precedence + 1) };
    }
  }

  private unary(): Expression {
    const { line, text } = this.token;
    if (this.accept("-") || this.accept("+") || this.accept("~")) {
      if (++this.nesting > MAX_NESTING) throw this.refuse(`expressions nest more than ${MAX_NESTING} deep`);
      const value = this.unary();
      this.nesting--;
      return { kind: "unary", line, operator: text, value };
    }
    const base = this.primary();
    if (!this.accept("**")) return base;
    if (++this.nesting > MAX_NESTING) throw this.refuse(`expressions nest more than ${MAX_NESTING} deep`);
    const right = this.unary();
    this.nesting--;
    return { kind: "binary", line, operator: "**", left: base, right };
  }

  private primary(): Expression {
    let value = this.atom();
    for (;;) {
      const line = this.token.line;
      if (this.accept(".")) value = { kind: "attribute", line, value, name: this.take("name").text };
      else if (this.accept("(")) value = { kind: "call", line, callee: value, args: this.callArguments() };
      else if (this.accept("[")) value = { kind: "subscript", line, value, index: this.subscript() };
      else return value;
    }
  }

  private callArguments(): Argument[] {
    const args: Argument[] = [];
    while (!this.accept(")")) {
      if (this.accept("**")) args.push({ name: "**", value: this.expression() });
      else if (this.accept("*")) args.push({ name: "*", value: this.expression() });
      else if (
        this.token.kind === "name" &&
        this.tokens[this.position + 1]?.text === "=" &&
        this.tokens[this.position + 1]?.kind === "op"
      ) {
        const name = this.identifier();
        this.expect("=");
        args.push({ name, value: this.expression() });
      } else args.push({ name: "", value: this.comprehension(this.expression()) });
      if (!this.is(")")) this.expect(",");
    }
    return args;
  }

  private subscript(): Expression {
    const line = this.token.line;
    const items: Expression[] = [];
    let tuple = false;
    while (!this.is("]")) {
      items.push(this.sliceOrIndex());
      if (!this.accept(",")) break;
      tuple = true;
    }
    this.expect("]");
    if (items.length === 0) throw this.refuse("a subscript is empty", line);
    return tuple ? { kind: "tuple", line, items } : items[0]!;
  }

  private sliceOrIndex(): Expression {
    const line = this.token.line;
    const part = () => (this.is(":") || this.is("]") || this.is(",") ? null : this.expression());
    const start = part();
    if (!this.accept(":")) {
      if (start === null) throw this.unexpected("an index");
      return start;
    }
    const stop = part();
    const step = this.accept(":") ? part() : null;
    return { kind: "slice", line, start, stop, step };
  }

  private comprehension(element: Expression): Expression {
    const line = this.token.line;
    if (!this.accept("for")) return element;
    const target = this.targetList();
    this.expect("in");
    const over = this.disjunction();
    const test = this.accept("if") ? this.disjunction() : null;
    if (this.is("for") || this.is("if"))
      throw this.refuse("a comprehension with several clauses is not known to the checker");
    return { kind: "comprehension", line, element, target, over, test };
  }

  /** What stands between `for` and `in`. */
  protected targetList(): Expression {
    const line = this.token.line;
    const items = [this.primary()];
    while (this.accept(",") && !this.is("in")) items.push(this.primary());
    return items.length === 1 ? items[0]! : { kind: "tuple", line, items };
  }

  private atom(): Expression {
    const { kind, line, text } = this.token;
    if (kind === "int") {
      if (text.length > MAX_INT_DIGITS) throw this.refuse(`an integer of ${text.length} digits`);
      this.position++;
      return { kind: "constant", line, value: BigInt(text) };
    }
    if (kind === "float") {
      this.position++;
      return { kind: "constant", line, value: Number(text) };
    }
    if (kind === "string" || kind === "fstring") return this.strings();
    if (this.accept("...")) return { kind: "ellipsis", line };
    if (this.accept("(")) return this.parenthesised(line);
    if (this.accept("[")) return this.list(line);
    if (this.accept("{")) return this.dict(line);
    if (kind !== "name") throw this.unexpected("an expression");
    if (text === "lambda") throw this.refuse("lambda is not known to the checker");
    if (text === "None" || text === "True" || text === "False") {
      this.position++;
      return { kind: "constant", line, value: text === "None" ? null : text === "True" };
    }
    return { kind: "name", line, name: this.identifier() };
  }

  /** Adjacent strings are one string. */
  private strings(): Expression {
    const line = this.token.line;
    let value = "";
    let formatted = false;
    while (this.token.kind === "string" || this.token.kind === "fstring") {
      formatted ||= this.token.kind === "fstring";
      value += this.token.text;
      this.position++;
    }
    return formatted ? { kind: "fstring", line } : { kind: "constant", line, value };
  }

  private parenthesised(line: number): Expression {
    if (this.accept(")")) return { kind: "tuple", line, items: [] };
    const value = this.comprehension(this.expressionList());
    this.expect(")");
    return value;
  }

  private list(line: number): Expression {
    const items: Expression[] = [];
    while (!this.accept("]")) {
      const item = this.starred();
      if (items.length === 0 && this.is("for")) {
        const value = this.comprehension(item);
        this.expect("]");
        return value;
      }
      items.push(item);
      if (!this.is("]")) this.expect(",");
    }
    return { kind: "list", line, items };
  }

  private dict(line: number): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.accept("}")) {
      const key = this.expression();
      this.expect(":");
      entries.push([key, this.expression()]);
      if (!this.is("}")) this.expect(",");
    }
    return { kind: "dict", line, entries };
  }
}
