/**
 * channelwise run MODEL --input IN --output OUT
 */
import { resolve } from "node:path";
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
  const isNamed = (name: string, ending: string) => name.toLowerCase().endsWith(ending);
  const { output, layers: layersFile = null } = options;
  const single = isNamed(output, ".npy");
  if (!single && !isNamed(output, ".npz"))
    throw wrongOption("output", ["a .npz file", ".npy where there is one output"], output);
  if (layersFile !== null && !isNamed(layersFile, ".npz")) throw wrongOption("layers", ["a .npz file"], layersFile);
  if (layersFile !== null && resolve(layersFile) === resolve(output))
    throw wrongOption("layers", [`another file than ${output}`], layersFile);
  for (const out of [output, layersFile ?? ""]) requireOther(out, [path, options.input]);
  const model = await openModel(path, options);
  if (single && model.outputs.length > 1)
    throw wrongOption("output", [`a .npz file, for ${model.outputs.length} outputs`], output);
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
  const files = new Map([[output, single ? writeNpy(arrays[0]!) : writeNpz(numbered)]]);
  if (layersFile !== null) {
    const layers = [...model.layers(inputs)].map(([name, { data, shape }]): [string, DenseArray] => [
      name,
      { dtype: "float32", shape, data },
    ]);
    files.set(layersFile, writeNpz(new Map(layers)));
  }
  writeFiles(files);
  const shown = model.outputs.map(({ name, layout }, index) => ({ name, layout, shape: outputs[index]!.shape }));
  if (options.json) return printJson({ output, outputs: shown, milliseconds });
  for (const note of model.notes) console.error(note);
  for (const { name, layout, shape } of shown) console.error(`${name}  ${layoutAndShape(layout, shape)}`);
  console.error(`${output} written, ${milliseconds.toFixed(1)} ms`);
}
