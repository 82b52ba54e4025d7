/**
 * group: the tree of an HDF5 file, parsed as far as it is walked.
 *
 * Listing a group reads the headers of its children, not more. Only one link may lead to a group: a second one would make a
 * cycle, or a tree much larger than its file. Datasets may have several.
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Bytes } from "../../platform/bytes.ts";
import { printable } from "../printable.ts";
import { type Attributes, readAttributes } from "./attribute.ts";
import { Hdf5Dataset } from "./dataset.ts";
import { type FileImage, lazy } from "./image.ts";
import { readLinks } from "./links.ts";
import { messageType, type ObjectHeader, readObjectHeader } from "./object-header.ts";
import { readSuperblock } from "./superblock.ts";

/** Levels of groups that are read; a Keras model takes two for each model inside a model. */
const deepest = 256;

export type Hdf5Object = Hdf5Group | Hdf5Dataset;

export class Hdf5Group {
  readonly kind = "group";
  readonly place: readonly string[];
  readonly #attributes: () => Attributes;
  readonly #children: () => ReadonlyMap<string, Hdf5Object>;

  constructor(header: ObjectHeader, image: FileImage, path: string, depth: number) {
    this.place = header.place;
    this.#attributes = lazy(() => readAttributes(header, image));
    this.#children = lazy(() => {
      const children = new Map<string, Hdf5Object>();
      const links = readLinks(header, image);
      if (links.size > 0 && depth === deepest) {
        throw unsupportedFeature(`groups nested deeper than ${deepest}`, this.place);
      }
      for (const [name, address] of links) {
        children.set(name, readObject(image, address, path === "" ? name : `${path}/${name}`, depth + 1));
      }
      return children;
    });
  }

  get attributes(): Attributes {
    return this.#attributes();
  }

  /** The group's members by name, in the file's order: names sort as text, so "10" comes before "2". */
  get children(): ReadonlyMap<string, Hdf5Object> {
    return this.#children();
  }

  /** The object at a path such as `layers/conv1d/vars/0`; undefined where there is none. */
  get(path: string): Hdf5Object | undefined {
    let found: Hdf5Object | undefined = this;
    for (const name of path.split("/")) {
      if (name === "") continue;
      found = found?.kind === "group" ? found.children.get(name) : undefined;
    }
    return found;
  }
}

/**
 * Opens an HDF5 file: its root group.
 *
 * @param beforeNumbers run before the numbers of any dataset are read, to verify what the file lies in
 */
export function openHdf5(bytes: Bytes, place: readonly string[] = [], beforeNumbers: () => void = () => {}): Hdf5Group {
  const { image, root } = readSuperblock(bytes, place, beforeNumbers);
  const found = readObject(image, root, "", 0);
  if (found.kind !== "group") throw corruptFile("expected a group at the root of the HDF5 file, got a dataset", place);
  return found;
}

function readObject(image: FileImage, address: number, path: string, depth: number): Hdf5Object {
  const place = path === "" ? image.place : [...image.place, printable(path)];
  const header = image.once("object", address, () => readObjectHeader(image, address, place));
  const types = new Set(header.messages.map((message) => message.type));
  if (types.has(messageType.layout)) return image.once("dataset", address, () => new Hdf5Dataset(header, image));
  if (!types.has(messageType.symbolTable) && !types.has(messageType.linkInfo)) {
    throw unsupportedFeature("an HDF5 object that is neither a group nor a dataset", place);
  }
  if (!image.enterGroup(address)) throw unsupportedFeature("a group that two links lead to", place);
  return new Hdf5Group(header, image, path, depth);
}
