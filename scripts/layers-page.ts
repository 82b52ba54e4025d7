/**
 * docs/layers.md, made of what the operator families say of themselves (src/ops/notes.ts) and of Keras' own list of names.
 * `npm run docs` writes it; tests/layers-page.test.ts compares.
 */
import { kerasNotes, operationNotes } from "../src/ops/index.ts";
import { notRead } from "../src/ops/not-read.ts";
import { commonLimits, type Note } from "../src/ops/notes.ts";

/** What Keras holds, as tests/fixtures/keras_names.py lists it: public names, with the class that stands in a file. */
export interface KerasNames {
  readonly keras: string;
  readonly layers: Readonly<Record<string, string>>;
  readonly operations: Readonly<Record<string, string | null>>;
}

/** Classes of `keras.layers` that are read as a part of something else, or are no layers. */
export const partsOfOthers: Readonly<Record<string, string>> = {
  GRUCell: "read as a cell of RNN",
  InputLayer: "read: an input of the model, floats, integers or bool; sparse, ragged and optional ones are refused",
  InputSpec: "no layer; files don't hold it",
  LSTMCell: "read as a cell of RNN",
  SimpleRNNCell: "read as a cell of RNN",
  StackedRNNCells: "read as the cell of RNN",
};

/** Layers of Keras that have neither a family nor a reason. */
export function unaccounted({ layers }: KerasNames): string[] {
  const known = new Set([
    ...kerasNotes().keys(),
    ...notRead.flatMap(({ classes }) => classes),
    ...Object.keys(partsOfOthers),
  ]);
  return [...new Set(Object.values(layers))].filter((name) => !known.has(name));
}

/** Functions of `keras.ops` that leave a node in a model which nothing reads. */
export function unreadOperations({ operations }: KerasNames): string[] {
  const read = operationNotes();
  return Object.entries(operations).flatMap(([name, kind]) => (kind !== null && !read.has(kind) ? [name] : []));
}

/** The page as Markdown. */
export function layersPage(names: KerasNames): string {
  const functions = (kind: string) =>
    Object.entries(names.operations).flatMap(([name, own]) => (own === kind ? [name] : []));
  const version = names.keras.split(".").slice(0, 2).join(".");
  const silent = Object.entries(names.operations).flatMap(([name, kind]) => (kind === null ? [name] : []));
  return `# Layers

<!-- Made by \`npm run docs\` from src/ops/ and from Keras' own list of names: change those. -->

Is my layer supported, and what is it in PyTorch? Every class of \`keras.layers\` in Keras ${version} stands below, and every function
of \`keras.ops\`. What is read is also run by the engine, written as PyTorch and verified. What is not read, and every option that is not known, is refused by name before anything is written: nothing is skipped, and nothing is
guessed.

A restriction says what has to be so here although Keras takes more. In PyTorch, \`F\` is \`torch.nn.functional\`.

## What holds for all

| | |
| --- | --- |
${Object.entries(commonLimits)
  .map(([key, text]) => row([code(key), text]))
  .join("\n")}

## Layers that are read

| layer | in PyTorch | restrictions |
| --- | --- | --- |
${[...kerasNotes()]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, note]) => row([[name, ...aliases(names, name)].join(", "), note.torch, restrictions(note)]))
  .join("\n")}

Beside them:

| class | |
| --- | --- |
${Object.entries(partsOfOthers)
  .map((cells) => row(cells))
  .join("\n")}

\`Functional\` and \`Sequential\` models are read, inside each other too; a subclassed \`keras.Model\` keeps its computation in Python
code and is refused.

## Layers that are not read

| layers | why | what to do |
| --- | --- | --- |
${notRead
  .map(({ classes, why, remedy }) =>
    row([
      classes
        .flatMap((name) => [name, ...aliases(names, name)])
        .sort()
        .join(", "),
      why,
      remedy.replace("(custom-layers.md)", "([how](custom-layers.md))"),
    ]),
  )
  .join("\n")}

Classes that are not Keras' own come in through [\`customLayers\`](custom-layers.md).

## Operations of \`keras.ops\` that are read

In the graph of a Functional model: called by name, or by an operator (\`a + b\`, \`x[:, 1:]\`). An operand may be a number. Axes that
count the batch as 0 leave it in its place.

| function | in PyTorch | restrictions |
| --- | --- | --- |
${[...operationNotes()]
  .map(([kind, note]) => [functions(kind), row([functions(kind).map(code).join(", "), note.torch, restrictions(note)])])
  .sort(([[a]], [[b]]) => (a! < b! ? -1 : 1))
  .map(([, line]) => line)
  .join("\n")}

## Operations that are not read

A model that has one of these is refused with its name. Say the same in operations that are read, or put it into a layer of your
own and say what it computes with [\`customLayers\`](custom-layers.md).

${unreadOperations(names)
  .map((name) => `\`${name}\``)
  .join(", ")}

These leave no node in a model, since they give constants or need values: ${silent.map((name) => `\`${name}\``).join(", ")}.
`;
}

/** Other names under which Keras exports the class. */
function aliases({ layers }: KerasNames, className: string): string[] {
  return Object.keys(layers).filter((name) => name !== className && layers[name] === className);
}

function restrictions({ limits = {} }: Note): string {
  const texts = new Set(Object.values(limits));
  const keys = (text: string) => Object.keys(limits).filter((key) => limits[key] === text);
  return [...texts].map((text) => `${keys(text).map(code).join(", ")}: ${text}`).join("<br>");
}

/** The key of a limit: an option, an argument, or what the layer is called on. */
function code(key: string): string {
  return `\`${key.replace("call argument ", "")}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll("|  |", "| |");
}
