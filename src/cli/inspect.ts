/**
 * channelwise inspect MODEL
 */
import colors from "picocolors";
import { inspect, inspectFile } from "../api/inspect.ts";
import { type CommonOptions, loadOptions, openModel } from "./files.ts";
import { layoutAndShape, printJson, table } from "./print.ts";

/** How `inspect` is told what to say. */
interface InspectOptions extends CommonOptions {
  readonly plan?: boolean;
}

export async function inspectCommand(path: string, options: InspectOptions): Promise<void> {
  // Kernels are known of a model that is loaded; everything else is in the file's headers.
  const found = options.plan
    ? inspect(await openModel(path, options), { plan: true })
    : await inspectFile(path, loadOptions(path, options));
  if (options.json) return printJson(found);
  const { format } = new Intl.NumberFormat("en");
  console.log(`${colors.bold(found.name)}  ${found.origin}, ${format(found.parameters)} parameters\n`);
  for (const note of found.notes) console.log(`  ${note}`);
  if (found.notes.length > 0) console.log();
  const ports = [
    ...found.inputs.map((port) => ["input", port] as const),
    ...found.outputs.map((port) => ["output", port] as const),
  ];
  console.log(
    table([
      ["", "name", "axes", "type"],
      ...ports.map(([kind, port]) => [kind, port.name, layoutAndShape(port.layout, port.shape), port.type]),
    ]),
  );
  const rows = found.layers.map((layer) => [
    layer.name,
    layer.className,
    layoutAndShape(layer.layout, layer.shape),
    layer.parameters === 0 ? "" : format(layer.parameters),
    layer.weights.map(({ role, layout, shape }) => `${role} ${layout} (${shape.join(", ")})`).join("  "),
  ]);
  console.log(`\n${table([["layer", "class", "output", "parameters", "weights"], ...rows])}`);
  const places = found.places.map((place) => {
    const said = place.matters
      ? `channels-first memory merges to ${place.naive}`
      : place.single
        ? "an axis has size 1, so both orders are the same"
        : "PyTorch holds the same order there, so both are the same";
    return `  ${place.layer}  ${place.before} becomes ${place.source}; ${said}`;
  });
  console.log(
    `\n${colors.bold("Where the order of axes matters")}\n${places.length === 0 ? "  nowhere: no axes are merged" : places.join("\n")}`,
  );
  for (const flatten of ["permute", "fold"] as const) {
    const lines = found.conversions[flatten];
    console.log(
      `\n${colors.bold(`What a conversion with --flatten ${flatten} does`)}\n${lines.length === 0 ? "  nothing but transpose the weights" : lines.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  if (!options.plan) return;
  const made = found.plan?.filter(({ kernels }) => kernels.length > 0);
  const lines = made
    ? table(made.map(({ layer, kernels }) => [layer, kernels.join(", ")]))
    : "  known when sizes are: the model leaves some open";
  console.log(`\n${colors.bold("What computes a sample")}\n${lines}`);
}
