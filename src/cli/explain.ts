/**
 * channelwise explain MODEL [--input IN]
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import colors from "picocolors";
import { explain, type Explained, type OrderPlace } from "../api/explain.ts";
import { type CommonOptions, openModel, readInputs } from "./files.ts";
import { digits, difference, printJson, table } from "./print.ts";

interface ExplainOptions extends CommonOptions {
  readonly input?: string;
}

/** Numbers of an output that are shown. */
const shownNumbers = 5;

export async function explainCommand(path: string, options: ExplainOptions): Promise<void> {
  const model = await openModel(path, options);
  const beside = join(dirname(path), "inputs.npz");
  const input = options.input ?? (existsSync(beside) ? beside : null);
  const found = explain(model, input === null ? undefined : readInputs(model, input, "keras"));
  if (options.json) return printJson({ input, ...found });
  console.log(
    colors.dim(input === null ? "input: one random sample (give your own with --input)\n" : `input: ${input}\n`),
  );
  console.log(found.outputs.map(answer).join("\n\n"));
  console.log(
    `\n${colors.bold("Why")}\n${found.places.length === 0 ? "  No axes are merged in this model: the weights transposed are all there is to it." : found.places.map(why).join("\n\n")}`,
  );
  const wrong = found.outputs.filter((output) => !output.agrees);
  const verdict =
    wrong.length === 0
      ? "On this model the naive conversion happens to answer right."
      : `The naive conversion is wrong here, by up to ${difference(Math.max(...wrong.map((output) => output.maxAbsolute)))}.`;
  console.log(`\n${verdict} \`channelwise convert\` gives the right one.`);
}

function answer({ name, right, naive, agrees }: Explained): string {
  const numbers = (data: ArrayLike<number>) =>
    `${Array.from(data).slice(0, shownNumbers).map(digits).join("  ")}${data.length > shownNumbers ? "  ..." : ""}`;
  return table([
    [name, "answer"],
    ["Keras, and PyTorch with the axes right", numbers(right.data)],
    [`PyTorch, weights transposed, nothing else`, `${numbers(naive.data)}${agrees ? "" : "   <- wrong"}`],
  ]);
}

function why({ layer, className, before, source, naive, matters, single }: OrderPlace): string {
  const merged = (text: string) => /\(([A-Z]+)\)/.exec(text)?.[1] ?? text;
  const head = `  ${layer} (${className}): Keras holds ${before} and merges it to ${source}`;
  if (!matters)
    return `${head}; ${single ? "one of these axes has size 1, so every order is the same" : "PyTorch holds the same there"}.`;
  const order = (letters: string) => `${letters[0]} runs slowest, ${letters.at(-1)} fastest`;
  return [
    `${head}: ${order(merged(source))}.`,
    `  PyTorch holds channels first and flatten gives ${naive}: ${order(merged(naive))}.`,
    `  Both have the same size, so the (${merged(source)})O kernel behind it fits, and every row meets another feature.`,
  ].join("\n");
}
