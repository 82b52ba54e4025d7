/**
 * channelwise run MODEL --input IN --output OUT
 */
import { rearrangeArray, sizedAxes } from "../axes.ts";
import type { DenseArray } from "../bytes/numbers.ts";
import { writeNpy } from "../bytes/npy.ts";
import { writeNpz } from "../bytes/npz.ts";
import { wrongOption } from "../error.ts";
import { portOrder } from "../plan/layout.ts";
import { type CommonOptions, openModel, readInputs, requireOther, writeFiles } from "./files.ts";
import { layoutAndShape, printJson } from "./print.ts";

interface RunOptions extends CommonOptions {
  readonly input: string;
  readonly output: string;
  readonly layers?: string;
  readonly layout: "keras" | "torch";
}

export async function runCommand(path: string, options: RunOptions): Promise<void> {
  for (const out of [options.output, options.layers ?? ""]) requireOther(out, [path, options.input]);
  const model = await openModel(path, options);
  const single = options.output.endsWith(".npy");
  if (single && model.outputs.length > 1)
    throw wrongOption("output", [`a .npz file, for ${model.outputs.length} outputs`], options.output);
  if (options.layers?.endsWith(".npy")) throw wrongOption("layers", ["a .npz file"], options.layers);
  const inputs = readInputs(model, options.input, options.layout);
  const started = performance.now();
  const outputs = model.predictAll(inputs);
  const milliseconds = performance.now() - started;
  const arrays = outputs.map(({ data, shape }, index): DenseArray => {
    const axes = sizedAxes(model.graph.values[model.graph.outputs[index]!.value]!.axes, shape);
    const order = portOrder(axes, options.layout === "torch" ? "torch" : "source");
    return { dtype: "float32", shape: order.map((axis) => axis.size!), data: rearrangeArray(data, axes, order) };
  });
  const numbered = new Map(arrays.map((array, index) => [`output_${index}`, array]));
  const files = new Map([[options.output, single ? writeNpy(arrays[0]!) : writeNpz(numbered)]]);
  if (options.layers !== undefined) {
    const layers = [...model.layers(inputs)].map(([name, { data, shape }]): [string, DenseArray] => [
      name,
      { dtype: "float32", shape, data },
    ]);
    files.set(options.layers, writeNpz(new Map(layers)));
  }
  writeFiles(files);
  const shown = model.outputs.map(({ name, layout }, index) => ({ name, layout, shape: outputs[index]!.shape }));
  if (options.json) return printJson({ output: options.output, outputs: shown, milliseconds });
  for (const { name, layout, shape } of shown) console.error(`${name}  ${layoutAndShape(layout, shape)}`);
  console.error(`${options.output} written, ${milliseconds.toFixed(1)} ms`);
}
