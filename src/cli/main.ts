#!/usr/bin/env node
/**
 * channelwise: the command line. One file per command; this one knows them, their options, and the exit codes.
 *
 *     0 done   1 outputs differ   2 wrong usage   3 file refused (unreadable, unsupported, hostile)
 */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import colors from "picocolors";
import { ChannelwiseError, wrongOption } from "../error.ts";
import { targets } from "../formats/kinds.ts";
import { nearest } from "../options.ts";
import { version } from "../version.ts";
import { convertCommand } from "./convert.ts";
import { explainCommand } from "./explain.ts";
import { inspectCommand } from "./inspect.ts";
import { runCommand } from "./run.ts";
import { answerAsThread } from "./side-thread.ts";
import { verifyCommand } from "./verify.ts";

const exitCodes = { differ: 1, usage: 2, refused: 3 } as const;

function integerFrom(least: number, option: string, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw wrongOption(option, [`an integer from ${least} to ${most}`], text);
  };
}

/** An option of a few values; commander's own `choices` name no nearest. */
function choice(flags: string, description: string, values: readonly string[]): Option {
  return new Option(flags, description).choices(values).argParser((given: string) => {
    if (values.includes(given)) return given;
    const near = nearest(given, values);
    const allowed = `Allowed choices are ${values.join(", ")}.`;
    throw new InvalidArgumentError(near === undefined ? allowed : `${allowed}\n(Did you mean ${near}?)`);
  });
}

function buildProgram(): Command {
  const program = new Command("channelwise")
    .description(
      "Keras models in PyTorch, with the same numbers coming out: converts with the axes right, proves it, and runs the model.",
    )
    .version(version)
    .showHelpAfterError("(channelwise --help lists commands and options)")
    .exitOverride()
    .addHelpText(
      "after",
      `\nExit codes: 0 done, 1 outputs differ, 2 wrong usage, 3 file refused\n\nExamples:\n  channelwise inspect model.keras\n  channelwise convert model.keras converted/\n  channelwise explain model.keras\n`,
    );

  const command = (usage: string, description: string, examples: readonly string[]) =>
    program
      .command(usage)
      .description(description)
      .showHelpAfterError(`(channelwise ${usage.split(" ")[0]} --help lists its options)`)
      .option("--json", "print one JSON document on stdout")
      .addOption(new Option("--architecture <file>", "model file or config JSON, for a file that holds weights alone"))
      .addOption(
        choice("--meaning <whose>", "a file of Keras 1 or 2: as it was meant, or as Keras 3 takes it", [
          "original",
          "keras3",
        ]).default("original"),
      )
      .addHelpText("after", `\nExamples:\n${examples.map((line) => `  channelwise ${line}`).join("\n")}\n`);

  const conversionOptions = (target: Command) =>
    target
      .addOption(
        choice(
          "--flatten <how>",
          "where Keras merges axes: bring the data into its order, or reorder the weights that follow",
          ["permute", "fold"],
        ).default("permute"),
      )
      .addOption(
        choice("--io <layout>", "whether series go in and out channels first, or as Keras has them", [
          "torch",
          "keras",
        ]).default("torch"),
      );

  command("inspect <model>", "layers, axes, shapes, parameters, and each place where the order of axes matters", [
    "inspect model.keras",
    "inspect model.keras --json",
    "inspect model.keras --plan",
  ])
    .option("--plan", "also by which kernels each layer is computed")
    .action(inspectCommand);

  command("run <model>", "inference", [
    "run model.keras --input in.npz --output out.npz",
    "run model.keras --input signal.npy --output scores.npy",
    "run model.safetensors --input in.npz --output out.npz --layout torch",
  ])
    .requiredOption(
      "--input <file>",
      "arrays by input name, or as input_0, input_1, ... (.npz); .npy where there is one input",
    )
    .requiredOption("--output <file>", "gets output_0, output_1, ... (.npz); .npy where there is one output")
    .option("--layers <file>", "gets each layer's output under its name (.npz)")
    .addOption(
      choice("--layout <layout>", "order of axes of series in the files: NLC or NCL", ["keras", "torch"]).default(
        "keras",
      ),
    )
    .action(runCommand);

  conversionOptions(
    command("convert <model> <out>", "conversion; verified before anything is written", [
      "convert model.keras converted/            a folder: model.py, model.safetensors, check.npz",
      "convert model.keras converted/ --flatten fold --name EcgNet",
      "convert model.keras model.safetensors     weights and model in one file, for channelwise/run",
      "convert finetuned.pt out.keras --template model.keras     the way back: trained weights in Keras' order",
      "convert model.h5 model.keras              an old file as Keras 3 opens it; .h5, .weights.h5 and .npz too",
      "convert model.keras web/ --to tfjs        a folder for tf.loadLayersModel: model.json and its weights",
    ]),
  )
    .addOption(choice("--to <format>", "what to write; by the ending of OUT otherwise", Object.keys(targets)))
    .addOption(
      choice("--weights <format>", "the file of weights beside model.py", ["safetensors", "pt"]).default("safetensors"),
    )
    .option("--template <file>", "the model that a PyTorch state dict was converted from; gets its weights")
    .option("--name <class>", "name of the PyTorch class; made out of the model's name otherwise")
    .action(convertCommand);

  conversionOptions(
    command(
      "verify <model>",
      "runs both sides on random inputs; prints per layer how far they are apart, and the first that differs",
      ["verify model.keras", "verify model.keras --against converted/ --samples 8 --seed 3"],
    ),
  )
    .option("--against <converted>", "a folder that convert made, or its weights: .safetensors or a checkpoint (.pt)")
    .option("--samples <count>", "random inputs in the batch", integerFrom(1, "samples", 10_000), 2)
    .option("--seed <number>", "of the random inputs", integerFrom(0, "seed", 2 ** 32 - 1), 0)
    .action(verifyCommand);

  command("explain <model>", "shows on this model what the naive transpose would have answered, and why", [
    "explain model.keras",
    "explain model.keras --input in.npz",
  ])
    .option(
      "--input <file>",
      "inputs as for run; otherwise inputs.npz beside the model if there is one, otherwise random",
    )
    .action(explainCommand);

  return program;
}

/** Reports a failure of a command on stderr; gives the exit code. */
function report(error: unknown, command: string): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (!(error instanceof ChannelwiseError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.error(
      `channelwise: internal error: ${text}\n  fix    this is a fault of channelwise; please report it with the file`,
    );
    return exitCodes.refused;
  }
  const [first, ...rest] = error.message.split("\n");
  console.error([colors.red(first), ...rest].join("\n"));
  if (error.code === "usage" && error.fix === undefined)
    console.error(`  fix    \`channelwise ${command} --help\` lists its options`);
  if (error.code === "usage") return exitCodes.usage;
  return error.code === "outputs-differ" ? exitCodes.differ : exitCodes.refused;
}

// A reader that stops early, such as head, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

if (!answerAsThread()) {
  const program = buildProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error, program.args[0]!);
  }
}
