/**
 * keras: a model saved by Keras 3 (`model.save("model.keras")`), or by the last versions of Keras 2.
 *
 *   zip: metadata.json       {"keras_version": "3.15.1", "date_saved": …}
 *        config.json         the layers and how they are connected
 *        model.weights.h5    the variables, see weight-tree.ts
 *        assets/…            vocabularies and the like: not read
 *
 * Keras stores the entries, so the weights are parts of the file. Their checksum covers all of them, and is compared before the
 * first number is read; to see what is in the file takes its headers alone. Nothing in a file is executed.
 *
 * Source  keras/src/saving/saving_lib.py (_save_model_to_fileobj)
 */
import { openHdf5 } from "../bytes/hdf5/index.ts";
import { printable } from "../bytes/printable.ts";
import { firstZipName, readZip, type ZipEntry } from "../bytes/zip.ts";
import { corruptFile, unsupportedFeature } from "../error.ts";
import type { Bytes } from "../platform/bytes.ts";
import { isRecord, parseJson } from "./json.ts";
import type { WeightLists } from "./weight-lists.ts";
import { type WeightTree, weightTree } from "./weight-tree.ts";

/** What any file of Keras holds. */
export interface KerasFile {
  readonly kind: "keras";
  /** As written in the file, e.g. "3.15.1"; null where it does not say. */
  readonly kerasVersion: string | null;
  /** The library that computed when the file was written, e.g. "tensorflow"; null where it does not say. */
  readonly backend: string | null;
  /** The configuration, parsed and not yet checked; null for weights alone. */
  readonly config: unknown;
  /** Where in the file the configuration stands. Default `config.json`. */
  readonly configPlace?: string;
  /** Null for a configuration alone. */
  readonly weights: WeightTree | WeightLists | null;
  /** What lies in the file and is not read, in words. */
  readonly unread: readonly string[];
}

const members = { metadata: "metadata.json", config: "config.json", weights: "model.weights.h5" } as const;

/** Whether the bytes are a zip whose first entry is one of a `.keras` file. */
export function isKerasFile(bytes: Uint8Array): boolean {
  const first = firstZipName(bytes);
  if (first === undefined) return false;
  return (
    Object.values<string>(members).includes(first) || first.startsWith("model.weights.") || first.startsWith("assets/")
  );
}

/** Opens a `.keras` file. Its config is parsed at once; its weights are read when asked for. */
export function readKerasFile(bytes: Bytes, place: readonly string[] = []): KerasFile & { weights: WeightTree } {
  const entries = readZip(bytes, place);
  const json = (name: string): unknown => parseJson(member(entries, name, place).read(), [...place, name]);
  const metadata = json(members.metadata);
  const kerasVersion = isRecord(metadata) ? metadata.keras_version : undefined;
  if (typeof kerasVersion !== "string") {
    throw corruptFile("expected the version of Keras, got none", [...place, members.metadata]);
  }
  const config = json(members.config);
  const weights = member(entries, members.weights, place);
  const root = openHdf5(weights.open(), [...place, members.weights], weights.verify);
  const compiled = isRecord(config) && isRecord(config.compile_config) && Object.keys(config.compile_config).length > 0;
  const unread = [
    ...(root.get("optimizer") ? ["the optimizer's state"] : []),
    ...(compiled ? ["compile settings"] : []),
    ...([...entries.keys()].some((name) => name.startsWith("assets/")) ? ["assets"] : []),
  ];
  return { kind: "keras", kerasVersion, backend: null, config, weights: weightTree(root), unread };
}

function member(entries: ReadonlyMap<string, ZipEntry>, name: string, place: readonly string[]): ZipEntry {
  const entry = entries.get(name);
  if (entry) return entry;
  const other = [...entries.keys()].find((key) => key.startsWith("model.weights."));
  if (name === members.weights && other) throw unsupportedFeature(`weights as ${printable(other)}`, place);
  throw corruptFile(
    `expected an entry ${name}, got ${printable([...entries.keys()].join(", ")) || "an empty archive"}`,
    place,
  );
}
