/**
 * channelwise verify MODEL [--against CONVERTED]
 */
import colors from "picocolors";
import { readConverted } from "./converted.ts";
import { type LayerReport, type Report, verify, verifyAgainst } from "../api/verify.ts";
import { outputsDiffer } from "../error.ts";
import { type CommonOptions, openModel } from "./files.ts";
import { difference, layoutAndShape, printJson, progress, table } from "./print.ts";

interface VerifyCommandOptions extends CommonOptions {
  readonly against?: string;
  readonly samples: number;
  readonly seed: number;
  readonly flatten: "permute" | "fold";
  readonly io: "torch" | "keras";
}

export async function verifyCommand(path: string, options: VerifyCommandOptions): Promise<void> {
  const model = await openModel(path, options);
  const bar = await progress("verifying");
  const { samples, seed, flatten, io } = options;
  const settings = { samples, seed, flatten, io, onProgress: bar.update };
  const compare = () =>
    options.against === undefined
      ? verify(model, settings)
      : verifyAgainst(model, readConverted(options.against), settings);
  const report = await Promise.resolve(compare()).finally(bar.stop);
  if (options.json) printJson(report);
  else print(report);
  if (!report.agrees) {
    throw outputsDiffer(
      `${options.against ?? "the converted program"} differs from ${model.name} first at ${report.firstDifference}`,
      options.against,
    );
  }
}

function print(report: Report): void {
  const row = (entry: LayerReport) => [
    entry.name,
    entry.className || "output",
    layoutAndShape(entry.layout, entry.shape),
    difference(entry.maxAbsolute),
    difference(entry.maxRelative),
    entry.rounding ? "agrees but for rounding" : entry.agrees ? "agrees" : "DIFFERS",
  ];
  console.log(
    table([
      ["layer", "class", "axes", "max abs", "max rel", ""],
      ...report.layers.map(row),
      ...report.outputs.map(row),
    ]),
  );
  const summary = `${report.samples} random inputs, seed ${report.seed}: engine in float32 against PyTorch's semantics in float64`;
  console.log(
    report.agrees
      ? `\n${colors.green("All layers agree.")}  ${summary}`
      : `\n${colors.red(`The first layer that differs is ${report.firstDifference}.`)}  ${summary}`,
  );
}
