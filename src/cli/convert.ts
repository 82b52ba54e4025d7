/**
 * channelwise convert MODEL OUT
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "commander";
import colors from "picocolors";
import { convertInto, type ConvertOptions } from "../api/convert.ts";
import type { Keep } from "../api/to-keras.ts";
import type { Report } from "../api/verify.ts";
import { wrongOption } from "../error.ts";
import { type Target, targets } from "../formats/kinds.ts";
import { nearest } from "../options.ts";
import {
  type CommonOptions,
  isFolder,
  loadOptions,
  openModel,
  partsBeside,
  requireFolder,
  requireOther,
  requireOwn,
  StagedFiles,
} from "./files.ts";
import { difference, printJson, progress } from "./print.ts";
import { SideThread } from "./side-thread.ts";

interface ConvertCommandOptions extends CommonOptions {
  readonly to?: Target;
  readonly template?: string;
  readonly flatten: "permute" | "fold";
  readonly weights: "safetensors" | "pt";
  readonly io: "torch" | "keras";
  readonly name?: string;
}

const endings = (Object.entries(targets) as [Target, readonly string[]][]).flatMap(([to, ends]) =>
  ends.map((end) => [end, to] as const),
);

/** A format that is a folder of files. */
interface FolderFormat {
  /** The file by which such a folder is known. */
  readonly main: string;
  /** What stands in it where a conversion wrote it, so that it may be replaced. */
  readonly mark: string;
  /** What else an earlier conversion may have left there. */
  readonly others: RegExp;
  /** Whether such files are kept: trained weights have the same name. */
  readonly keeps: boolean;
}

const folders: Partial<Record<Target, FolderFormat>> = {
  pytorch: {
    main: "model.py",
    mark: "converted from Keras by channelwise",
    others: /^model\.(safetensors|pt)$/,
    keeps: true,
  },
  tfjs: {
    main: "model.json",
    mark: '"convertedBy":"channelwise"',
    others: /^group1-shard\d+of\d+\.bin$/,
    keeps: false,
  },
};

/** What to write, by OUT's ending where `--to` is not given. A folder has no ending, a slash behind its name, or is there already. */
function formatOf(out: string, to: Target | undefined): Target {
  const format = to ?? endings.find(([end]) => out.toLowerCase().endsWith(end))?.[1];
  const slash = /[/\\]$/.test(out);
  const ending = /.\.([a-z]\w*)$/i.exec(basename(out))?.[1];
  const folder = slash || isFolder(out) || ending === undefined;
  const aFolder = "a folder (with a / behind its name, if that has a dot)";
  if (format !== undefined) {
    const main = folders[format]?.main;
    if (slash && !main) throw wrongOption("OUT", [`the name of a file, for ${format}`], out);
    if (!folder && main?.endsWith(`.${ending}`)) throw wrongOption("OUT", [`${aFolder} for ${format}`], out);
    return format;
  }
  if (folder) return "pytorch";
  const known = endings.map(([end]) => end.slice(1));
  const near = nearest(ending.toLowerCase(), known);
  throw wrongOption("OUT", [aFolder, ...endings.map(([end]) => end)], out, near && `.${near}`);
}

export async function convertCommand(
  path: string,
  out: string,
  options: ConvertCommandOptions,
  command: Command,
): Promise<void> {
  if (out.trim() === "") throw wrongOption("OUT", ["the name of a folder or a file"], out);
  const to = formatOf(out, options.to);
  const folder = folders[to];
  const read = [path, options.template, options.architecture].flatMap((one) => (one ? [one, ...partsBeside(one)] : []));
  if (folder) requireFolder(out);
  else requireOther(out, read);
  const again = folder !== undefined && existsSync(join(out, folder.main));
  const { template, architecture = template, ...common } = options;
  // How a state dict was converted is told from its weights, unless somebody says it.
  const said = command.getOptionValueSource("flatten") === "cli" ? { stateFlatten: options.flatten } : {};
  const given = { ...common, ...(architecture === undefined ? {} : { architecture }), ...said };
  const model = await openModel(path, given);
  const [verifying, writing] = [await progress("verifying"), await progress("writing")];
  let report: Report | undefined;
  const settings: ConvertOptions = {
    to,
    flatten: options.flatten,
    io: options.io,
    weights: options.weights,
    ...(options.name === undefined ? {} : { name: options.name }),
    onProgress(done, total) {
      writing.stop();
      verifying.update(done, total);
    },
    onVerified: (result) => {
      report = result;
    },
  };
  const written: { name: string; bytes: number; replaced: boolean }[] = [];
  const staged = new StagedFiles();
  const engine = new SideThread(path, loadOptions(path, given));
  const keep: Keep = (name, file) => {
    verifying.stop();
    const place = folder ? join(out, name) : out;
    requireOther(place, read);
    written.push({ name: basename(place), bytes: file.sizeBytes, replaced: existsSync(place) });
    return staged.write(place, file, writing.update);
  };
  try {
    await convertInto(model, settings, keep, () => engine.start());
    if (folder) requireOwn(join(out, folder.main), folder.mark);
    staged.commit();
  } finally {
    engine.stop();
    verifying.stop();
    writing.stop();
    staged.discard();
  }
  const own = written.map(({ name }) => name);
  const left = again ? readdirSync(out).filter((name) => folder.others.test(name) && !own.includes(name)) : [];
  if (!folder?.keeps) for (const name of left) rmSync(join(out, name), { force: true });
  if (options.json) return printJson({ out, to, written, report });
  for (const note of model.notes) console.error(note);
  const worst = Math.max(...report!.outputs.map((output) => output.maxAbsolute));
  const moves = report!.notes.filter((note) => note.kind !== "merge");
  for (const note of moves) console.error(`${note.layer}: ${note.from} to ${note.to}, ${note.reason}`);
  console.error(
    `${colors.green("verified")}  ${report!.layers.length} layers on ${report!.samples} random inputs, outputs at most ${difference(worst)} apart`,
  );
  console.error(`${out}  ${written.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(", ")}`);
  const replaced = written.filter((file) => file.replaced).map(({ name }) => name);
  if (replaced.length > 0) console.error(`replaced  ${replaced.join(", ")}`);
  if (left.length > 0 && folder?.keeps) console.error(`kept  ${left.join(", ")}, which ${folder.main} does not load`);
  else if (left.length > 0) console.error(`removed  ${left.join(", ")}, of an earlier conversion`);
}
