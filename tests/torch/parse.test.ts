/** The Python parser: what statements and expressions become, what stays opaque, and what is refused with its line. */
import { describe, expect, it } from "vitest";
import { parsePython, readTorchSignature } from "../../src/backends/torch/interpret.ts";
import type { Expression, Statement } from "../../src/backends/torch/interpreter/syntax.ts";
import { ChannelwiseError } from "../../src/error.ts";

/** A fully bracketed rendering, which shows precedence. */
function show(node: Expression | null): string {
  if (node === null) return "";
  switch (node.kind) {
    case "name":
      return node.name;
    case "constant":
      return typeof node.value === "string"
        ? JSON.stringify(node.value)
        : typeof node.value === "number"
          ? `${node.value}f`
          : String(node.value);
    case "binary":
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`;
    case "unary":
      return `(${node.operator} ${show(node.value)})`;
    case "and":
    case "or":
      return `(${node.values.map(show).join(` ${node.kind} `)})`;
    case "compare":
      return `(${show(node.first)}${node.operators.map((operator, i) => ` ${operator} ${show(node.rest[i]!)}`).join("")})`;
    case "conditional":
      return `(${show(node.yes)} if ${show(node.test)} else ${show(node.no)})`;
    case "attribute":
      return `${show(node.value)}.${node.name}`;
    case "call":
      return `${show(node.callee)}(${node.args.map(({ name, value }) => (/^\*/.test(name) ? name : name && `${name}=`) + show(value)).join(", ")})`;
    case "subscript":
      return `${show(node.value)}[${show(node.index)}]`;
    case "slice":
      return `${show(node.start)}:${show(node.stop)}:${show(node.step)}`;
    case "tuple":
      return `<${node.items.map(show).join(", ")}>`;
    case "list":
      return `[${node.items.map(show).join(", ")}]`;
    case "dict":
      return `{${node.entries.map(([key, value]) => `${show(key)}: ${show(value)}`).join(", ")}}`;
    case "comprehension":
      return `[${show(node.element)} for ${show(node.target)} in ${show(node.over)}${node.test ? ` if ${show(node.test)}` : ""}]`;
    case "starred":
      return `*${show(node.value)}`;
    default:
      return node.kind;
  }
}

function expression(text: string): string {
  const [statement] = parsePython(text).body;
  if (statement?.kind !== "expression") throw new Error(`no expression: ${statement?.kind}`);
  return show(statement.value);
}

const only = (text: string): Statement => parsePython(text).body[0]!;

describe("expressions", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["a + b * c ** -d", "(a + (b * (c ** (- d))))"],
    ["-a ** 2", "(- (a ** 2))"],
    ["2 ** 3 ** 2", "(2 ** (3 ** 2))"],
    ["a - b - c // d % e @ f", "((a - b) - (((c // d) % e) @ f))"],
    ["a & b | c ^ ~d", "((a & b) | (c ^ (~ d)))"],
    ["not a or b and c", "((not a) or (b and c))"],
    ["a < b <= c is not None", "(a < b <= c is not null)"],
    ["a not in b", "(a not in b)"],
    ["x if a else y if b else z", "(x if a else (y if b else z))"],
    ["f(a, *b, c=1, **d)", "f(a, *b, c=1, **d)"],
    ["x[:, 1:-1, ::2, None, ...]", "x[<::, 1:(- 1):, ::2, null, ellipsis>]"],
    ["x[1:]", "x[1::]"],
    ["(a,), (), [1, 2.5], {'k': (1, 2)}", '<<a>, <>, [1, 2.5f], {"k": <1, 2>}>'],
    ["[a * 2 for a, b in c if a]", "[(a * 2) for <a, b> in c if a]"],
    ["sum(a for a in b)", "sum([a for a in b])"],
    ["self.a.b(1)(2)[0].c", "self.a.b(1)(2)[0].c"],
    ["'a' \"b\" r'\\n' '\\n'", '"ab\\\\n\\n"'],
    ["0x1F + 1_000 + 1e-3 + .5 + 1.", "((((31 + 1000) + 0.001f) + 0.5f) + 1f)"],
    ["f'{x}'", "fstring"],
    ["(a\n  +\n # comment\n  b)", "(a + b)"],
    ["a + \\\n b", "(a + b)"],
    ["'''x\ny'''", '"x\\ny"'],
  ];
  for (const [text, shown] of cases) it(text.replaceAll("\n", "⏎"), () => expect(expression(text)).toBe(shown));
});

describe("statements", () => {
  it("keeps the line of each statement", () => {
    const { body } = parsePython('"""a\nb"""\nx = (1,\n  2)\n\n# comment\ny = 3; z = 4\n');
    expect(body.map(({ kind, line }) => [kind, line])).toEqual([
      ["expression", 1],
      ["assign", 3],
      ["assign", 7],
      ["assign", 7],
    ]);
  });

  it("reads blocks with comments and blank lines at any indentation", () => {
    const statement = only(
      "if a:\n    x = 1\n  # odd comment\n\n    if b:\n        pass\n    y = 2\nelif c:\n    pass\nelse: z = 3\n",
    );
    if (statement.kind !== "if") throw new Error(statement.kind);
    expect(statement.yes.map(({ kind }) => kind)).toEqual(["assign", "if", "assign"]);
    expect(statement.no[0]!.kind).toBe("if");
  });

  it("reads targets, augmented assignments and annotations", () => {
    expect(only("a, (b, c) = self.d = e").kind).toBe("assign");
    expect(only("x[0].y **= 2").kind).toBe("augmented");
    expect(only("x: int = 3").kind).toBe("assign");
    expect(only("x: int").kind).toBe("pass");
  });

  it("reads parameters", () => {
    const statement = only("def f(self, a: int, b=1, *rest, c, d: str = 'x', **more) -> None: return a, b\n");
    if (statement.kind !== "function") throw new Error(statement.kind);
    expect(statement.parameters.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "self plain",
      "a plain",
      "b plain",
      "rest rest",
      "c keyword",
      "d keyword",
      "more keywords",
    ]);
  });

  it("reads imports", () => {
    const bindings = (text: string) => {
      const statement = only(text);
      return statement.kind === "import" ? statement.bindings.map(({ name, path }) => `${name}=${path}`) : [];
    };
    expect(bindings("import torch.nn as nn, math")).toEqual(["nn=torch.nn", "math=math"]);
    expect(bindings("import torch.nn")).toEqual(["torch=torch"]);
    expect(bindings("from torch.nn import (functional as F,\n  Linear,)")).toEqual([
      "F=torch.nn.functional",
      "Linear=torch.nn.Linear",
    ]);
  });

  it("keeps functions and the main block opaque where they use more Python", () => {
    const { body } = parsePython(
      "def load(path):\n    with open(path) as f:\n        try:\n            return f\n        finally:\n            pass\n\n\nclass A:\n    pass\n\n\nif __name__ == '__main__':\n    print(lambda: 1)\n\nKEY = lambda a: a\n",
    );
    expect(body.map(({ kind }) => kind)).toEqual(["opaque", "class", "opaque", "opaque"]);
  });
});

describe("refusals", () => {
  const cases: readonly (readonly [name: string, text: string, line: number])[] = [
    ["lambda", "class A:\n    x = lambda: 1\n", 2],
    ["walrus", "x\n(y := 2)\n", 2],
    ["try", "x = 1\ntry:\n    pass\nexcept E:\n    pass\n", 2],
    ["bytes", "f(b'x')\n", 1],
    ["unclosed string", "a\nb = 'x\n", 2],
    ["unclosed bracket", "f(a,\n", 2],
    ["closing too much", "f(a))\n", 1],
    ["assignment to a call", "def f():\n    pass\nf() = 2\n", 3],
    ["reserved name", "class = 2\n", 1],
    ["unexpected indent", "a\n  b\n", 2],
    ["unmatched unindent", "if a:\n    b\n  c\n", 3],
    ["foreign character", "a ? b\n", 1],
    ["two clauses", "f([a for b in c for a in b])\n", 1],
    ["set", "f({1, 2})\n", 1],
    ["for else", "for a in b:\n    pass\nelse:\n    pass\n", 3],
    ["long integer", `f(${"9".repeat(50)})\n`, 1],
    ["deep brackets", `f(${"[".repeat(5000)}${"]".repeat(5000)})\n`, 1],
    ["deep signs", `f(${"-".repeat(5000)}1)\n`, 1],
    ["deep powers", `f(1${"**1".repeat(5000)})\n`, 1],
    ["deep negations", `f(${"not ".repeat(5000)}1)\n`, 1],
    ["deep conditionals", `f(${"1 if a else ".repeat(5000)}1)\n`, 1],
    ["deep elif", `if a:\n    pass\n${"elif a:\n    pass\n".repeat(500)}`, 0],
    ["deep blocks", Array.from({ length: 200 }, (_, i) => `${" ".repeat(i)}if a:\n`).join(""), 0],
  ];
  for (const [name, text, line] of cases) {
    it(name, () => {
      try {
        parsePython(text);
      } catch (error) {
        if (!(error instanceof ChannelwiseError)) throw error;
        expect(error.code).toBe("unsupported-feature");
        expect(error.where[0]).toMatch(line === 0 ? /^model.py line \d+$/ : new RegExp(`^model.py line ${line}$`));
        return;
      }
      throw new Error("not refused");
    });
  }

  it("refuses too much text", () => expect(() => parsePython("#".repeat(5_000_000))).toThrow(/at most/));
});

describe("readTorchSignature", () => {
  it("reads the dictionaries in their order", () => {
    const text =
      'INPUTS = {"b": "NLC -> NCL", "a": "NC"}\nOUTPUTS = {\n    "y": "NC",\n}\n\n\nclass Net(nn.Module):\n    pass\n';
    expect(readTorchSignature(text)).toEqual({
      className: "Net",
      inputs: [
        ["b", "NLC -> NCL"],
        ["a", "NC"],
      ],
      outputs: [["y", "NC"]],
    });
  });

  it("refuses a program without them", () =>
    expect(() => readTorchSignature("class Net:\n    pass\n")).toThrow(/INPUTS/));
});
