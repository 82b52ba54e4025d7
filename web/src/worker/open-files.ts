/**
 * A model out of the files that a visitor gave: one file, or one with those that belong to it, or weights and the model that they are for.
 *
 * What each file is, the package tells by its bytes. So each is tried by itself first, with all others at hand for it to name; what is
 * left then is tried as weights for what was found.
 */
import { ChannelwiseError, load, type Model, type Source } from "channelwise";
import type { Progress } from "../protocol.ts";
import { refuse } from "./refusal.ts";

/** More files than this are no model. */
const mostFiles = 64;

export interface FoundModel {
  readonly model: Model;
  readonly spare: readonly string[];
}

/** A file that tells how much of it was read. */
class TrackedFile extends File {
  readonly #read: (bytes: number) => void;

  constructor(file: File, read: (bytes: number) => void) {
    super([file], file.name);
    this.#read = read;
  }

  override slice(start = 0, end = this.size, type?: string): Blob {
    this.#read(end - start);
    return super.slice(start, end, type);
  }
}

/** The other files by name, and which of them were asked for. */
function others(files: readonly File[], main: File): { record: Record<string, Source>; used: Set<File> } {
  const used = new Set<File>();
  const record: Record<string, Source> = {};
  for (const file of files) {
    if (file === main) continue;
    const get = () => {
      used.add(file);
      return file;
    };
    Object.defineProperty(record, file.name, { enumerable: true, configurable: true, get });
  }
  return { record, used };
}

const isRefusal = (error: unknown): error is ChannelwiseError => error instanceof ChannelwiseError;

/** Opens them; of a failure, tells that of the file which came nearest to be a model. */
export async function openFiles(given: readonly File[], report: (progress: Progress) => void): Promise<FoundModel> {
  const total = given.reduce((sum, file) => sum + file.size, 0);
  let done = 0;
  const files = given
    .filter(({ name }) => !name.startsWith("."))
    .map((file) => new TrackedFile(file, (bytes) => report({ done: (done = Math.min(done + bytes, total)), total })));
  if (files.length === 0) refuse("there is no file in what was given", "give a model file, or the files of one model");
  if (files.length > mostFiles)
    refuse(`${files.length} files are more than a model has`, "give the files of one model alone");

  const refusals = new Map<File, ChannelwiseError>();
  for (const file of files) {
    const { record, used } = others(files, file);
    try {
      const model = await load(file, { name: file.name, files: record });
      return await withWeights(file, model, files, used);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusals.set(file, error);
    }
  }
  // Weights and an architecture, in either order; neither is a model by itself.
  const parts = files.filter((file) => refusals.get(file)!.code !== "unknown-format");
  for (const file of parts)
    for (const architecture of parts) {
      if (file === architecture) continue;
      const { record, used } = others(files, file);
      try {
        const model = await load(file, { name: file.name, files: record, architecture });
        return { model, spare: left(files, [file, architecture, ...used]) };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // Where two files do belong together, what is wrong with them says more than what each lacks.
        if (error.code !== "unsupported-feature") refusals.set(file, error);
      }
    }
  throw nearest([...refusals.values()]);
}

/** A model that was found, or the weights beside it on it: trained ones, most likely. */
async function withWeights(
  main: File,
  model: Model,
  files: readonly File[],
  used: ReadonlySet<File>,
): Promise<FoundModel> {
  const spare = left(files, [main, ...used]);
  for (const file of files.filter(({ name }) => spare.includes(name))) {
    const { record, used: own } = others(files, file);
    try {
      const trained = await load(file, { name: file.name, files: record, architecture: main });
      model.dispose();
      return { model: trained, spare: left(files, [main, file, ...used, ...own]) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // An .npz may as well be inputs; other weights that do not fit are what the visitor wants to know of.
      const weights = error.code === "missing-weight" || error.code === "shape-mismatch";
      if (weights && !file.name.endsWith(".npz")) {
        model.dispose();
        throw error;
      }
    }
  }
  return { model, spare };
}

function left(files: readonly File[], taken: readonly File[]): string[] {
  return files.filter((file) => !taken.includes(file)).map(({ name }) => name);
}

/**
 * The refusal that says most: a file of an unknown format is likely one that lay beside, and half of a model says no more than that it
 * is half.
 */
function nearest(refusals: readonly ChannelwiseError[]): ChannelwiseError {
  const vague = ["unknown-format", "unsupported-feature"];
  return (
    refusals.find(({ code }) => !vague.includes(code)) ??
    refusals.find(({ code }) => code !== "unknown-format") ??
    refusals[0]!
  );
}
