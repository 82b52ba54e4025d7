/**
 * channelwise convert MODEL OUT
 */
import { basename, join } from "node:path";
import colors from "picocolors";
import { convert, type ConvertOptions } from "../api/convert.ts";
import type { Report } from "../api/verify.ts";
import { ChannelwiseError } from "../error.ts";
import { type CommonOptions, openModel, requireFolder, writeFiles } from "./files.ts";
import { difference, printJson, progress } from "./print.ts";

interface ConvertCommandOptions extends CommonOptions {
  readonly to?: "pytorch" | "safetensors" | "pt" | "keras";
  readonly flatten: "permute" | "fold";
  readonly weights: "safetensors" | "pt";
  readonly io: "torch" | "keras";
  readonly name?: string;
}

/** What to write, by OUT's ending where `--to` is not given; a folder is PyTorch. */
function formatOf(out: string, to: ConvertCommandOptions["to"]): NonNullable<ConvertCommandOptions["to"]> {
  if (to) return to;
  const ending = /\.(safetensors|pt|keras)$/i.exec(out)?.[1]?.toLowerCase();
  return (ending as ConvertCommandOptions["to"]) ?? "pytorch";
}

export async function convertCommand(path: string, out: string, options: ConvertCommandOptions): Promise<void> {
  const to = formatOf(out, options.to);
  if (to === "keras") {
    throw new ChannelwiseError({
      code: "usage",
      message: "writing Keras files is not supported yet",
      fix: "convert to pytorch, safetensors or pt",
    });
  }
  if (to === "pytorch") requireFolder(out);
  const model = await openModel(path, options);
  const bar = await progress("verifying");
  let report: Report | undefined;
  const settings: ConvertOptions = {
    to,
    flatten: options.flatten,
    io: options.io,
    weights: options.weights,
    ...(options.name === undefined ? {} : { name: options.name }),
    onProgress: bar.update,
    onVerified: (result) => {
      report = result;
    },
  };
  const files = await convert(model, settings).finally(bar.stop);
  writeFiles(new Map([...files].map(([name, bytes]) => [to === "pytorch" ? join(out, name) : out, bytes])));
  const written = [...files].map(([name, bytes]) => ({
    name: to === "pytorch" ? name : basename(out),
    bytes: bytes.length,
  }));
  if (options.json) return printJson({ out, to, written, report });
  const worst = Math.max(...report!.outputs.map((output) => output.maxAbsolute));
  const moves = report!.notes.filter((note) => note.kind !== "merge");
  for (const note of moves) console.error(`${note.layer}: ${note.from} to ${note.to}, ${note.reason}`);
  console.error(
    `${colors.green("verified")}  ${report!.layers.length} layers on ${report!.samples} random inputs, outputs at most ${difference(worst)} apart`,
  );
  console.error(`${out}  ${written.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(", ")}`);
}
