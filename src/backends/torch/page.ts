/**
 * page: the text of `model.py` around the statements of `forward`
 */
import type { ValueType } from "../../graph/graph.ts";
import { quoted, tuple } from "../../ops/torch-text.ts";

/** One statement of `forward`. */
export interface Statement {
  readonly target: string;
  readonly expression: string;
  readonly comment: string;
}

export interface Page {
  readonly className: string;
  readonly weights: "model.safetensors" | "model.pt";
  readonly inputs: readonly (readonly [name: string, layout: string])[];
  readonly outputs: readonly (readonly [name: string, layout: string])[];
  readonly parameters: readonly string[];
  readonly inputShapes: readonly string[];
  readonly inputTypes: readonly ValueType[];
  readonly modules: readonly { readonly name: string; readonly construct: string }[];
  readonly helpers: readonly string[];
  readonly imports: readonly string[];
  readonly statements: readonly Statement[];
  readonly returned: readonly string[];
}

/** Longest line before a statement is broken at its commas. */
const widest = 100;
/** Comments stand in one column, no further right than this. */
const commentColumn = 60;

/** The file's text, and the 1-based line on which each statement begins. */
export function modelFile(page: Page): { text: string; lines: number[] } {
  const head = [
    `"""${page.className}, converted from Keras by channelwise.`,
    "",
    "Run this file to compare it with what channelwise recorded of the Keras model in check.npz.",
    '"""',
    "",
    "from pathlib import Path",
    ...page.imports.map((name) => `import ${name}`),
    "",
    "import torch",
    "from torch import nn",
    ...(uses(page, "F.") ? ["from torch.nn import functional as F"] : []),
    "",
    "# Axes: N batch, L length, C channels. Left of the arrow as in Keras, right of it as here.",
    `INPUTS = ${dictionary(page.inputs)}`,
    `OUTPUTS = ${dictionary(page.outputs)}`,
    "",
    "",
    ...page.helpers.flatMap((helper) => [helper.trimEnd(), "", ""]),
    `class ${page.className}(nn.Module):`,
    "    def __init__(self):",
    "        super().__init__()",
    ...page.modules.map(({ name, construct }) => `        self.${name} = ${construct}`),
    "",
    `    def forward(self, ${page.parameters.join(", ")}):`,
    ...page.parameters.map((name, index) => `        # ${name}: (${page.inputShapes[index]})`),
  ].flatMap((entry) => entry.split("\n"));
  const widths = page.statements.map(({ target, expression }) => 8 + target.length + 3 + expression.length);
  const column = Math.min(Math.max(0, ...widths.filter((width) => width <= commentColumn)) + 2, commentColumn + 2);
  const lines: number[] = [];
  const body: string[] = [];
  for (const { target, expression, comment } of page.statements) {
    lines.push(head.length + body.length + 1);
    body.push(...statementLines(`        ${target} = `, expression, comment, column));
  }
  const result = page.returned.length === 1 ? page.returned[0]! : page.returned.join(", ");
  const text = [
    ...head,
    ...body,
    `        return ${result}`,
    "",
    "",
    ...loading(page),
    "",
    "",
    ...selfCheck(page),
    "",
  ].join("\n");
  return { text, lines };
}

function uses(page: Page, prefix: string): boolean {
  return (
    page.statements.some(({ expression }) => expression.includes(prefix)) ||
    page.helpers.some((helper) => helper.includes(prefix))
  );
}

function dictionary(entries: readonly (readonly [string, string])[]): string {
  const items = entries.map(([key, value]) => `${quoted(key)}: ${quoted(value)}`);
  const line = `{${items.join(", ")}}`;
  return line.length <= widest - 10 ? line : `{\n${items.map((item) => `    ${item},\n`).join("")}}`;
}

function statementLines(start: string, expression: string, comment: string, column: number): string[] {
  const note = comment === "" ? "" : `# ${comment}`;
  const line = `${start}${expression}`;
  if (line.length <= widest) return [note === "" ? line : `${line.padEnd(column - 2)}  ${note}`];
  const indent = " ".repeat(start.length - start.trimStart().length);
  const broken = breakAtCommas(expression) ?? breakAtOperators(expression);
  if (!broken) return [`${line}  ${note}`.trimEnd()];
  const [open, items, close] = broken;
  return [
    `${start}${open}${note === "" ? "" : `  ${note}`}`,
    ...items.map((item) => `${indent}    ${item}`),
    `${indent}${close}`,
  ];
}

/** `torch.cat([a, b], dim=1)` as `torch.cat([`, `a,` `b,`, `], dim=1)`. */
function breakAtCommas(expression: string): [string, string[], string] | null {
  const match = /^([\w.]+\(\[)(.*)(\], dim=\d+\))$/.exec(expression);
  return match ? [match[1]!, splitTopLevel(match[2]!, ", ").map((item) => `${item},`), match[3]!] : null;
}

/** `a + b + c` as `(`, `a`, `+ b`, `+ c`, `)`. */
function breakAtOperators(expression: string): [string, string[], string] | null {
  for (const operator of [" + ", " * "]) {
    const items = splitTopLevel(expression, operator);
    if (items.length > 1)
      return ["(", items.map((item, index) => (index === 0 ? item : `${operator.trim()} ${item}`)), ")"];
  }
  return null;
}

function splitTopLevel(text: string, separator: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if ("([{".includes(text[at]!)) depth++;
    else if (")]}".includes(text[at]!)) depth--;
    else if (depth === 0 && text.startsWith(separator, at)) {
      items.push(text.slice(start, at));
      start = at + separator.length;
    }
  }
  return [...items, text.slice(start)];
}

function loading({ className, weights }: Page): string[] {
  const reader = weights === "model.pt" ? [] : ["    from safetensors.torch import load_file", ""];
  const load = weights === "model.pt" ? "torch.load(path, weights_only=True)" : "load_file(path)";
  return [
    `def load_model(path=Path(__file__).with_name(${quoted(weights)})):`,
    '    """The network in eval mode, with the weights of the Keras model."""',
    ...reader,
    `    model = ${className}()`,
    `    model.load_state_dict(${load})`,
    "    return model.eval()",
  ];
}

const torchTypes: Record<ValueType, string> = { float32: "torch.float32", int32: "torch.int64", bool: "torch.bool" };

function selfCheck({ inputTypes, outputs }: Page): string[] {
  const convert = inputTypes.some((type) => type !== "float32")
    ? `    kinds = ${tuple(inputTypes.map((type) => torchTypes[type]))}\n    inputs = [torch.from_numpy(recorded[f"input_{i}"]).to(kind) for i, kind in enumerate(kinds)]`
    : '    inputs = [torch.from_numpy(recorded[f"input_{i}"]) for i in range(len(INPUTS))]';
  return [
    'if __name__ == "__main__":',
    "    import numpy as np",
    "",
    '    recorded = np.load(Path(__file__).with_name("check.npz"))',
    ...convert.split("\n"),
    "    with torch.inference_mode():",
    outputs.length === 1 ? "        outputs = [load_model()(*inputs)]" : "        outputs = load_model()(*inputs)",
    "    differs = False",
    "    for i, (name, output) in enumerate(zip(OUTPUTS, outputs)):",
    '        expected = torch.from_numpy(recorded[f"output_{i}"])',
    "        agrees = output.shape == expected.shape and torch.allclose(output, expected, rtol=1e-4, atol=1e-5)",
    "        differs |= not agrees",
    '        largest = (output - expected).abs().max().item() if agrees else float("nan")',
    "        print(f\"{name}: {'agrees' if agrees else 'DIFFERS'}, largest difference {largest:.2g}\")",
    "    raise SystemExit(1 if differs else 0)",
  ];
}
