/**
 * dataspace: the shape of a dataset or attribute.
 *
 *   version 1   1 | rank | flags | 0 | 0 u32 | sizes: rank x length | [largest sizes]
 *   version 2   2 | rank | flags | kind (0 scalar, 1 simple, 2 null) | sizes: rank x length | [largest sizes]
 *
 * Source  section IV.A.2.b
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { Cursor } from "../cursor.ts";
import type { FileImage } from "./image.ts";

const mayGrow = 1;

/** The sizes of the axes. */
export interface Dataspace {
  /** Empty for a scalar, null where there is no element at all (h5py.Empty). */
  readonly shape: readonly number[] | null;
  /** The sizes that the axes may grow to; null for one without limit. */
  readonly largest: readonly (number | null)[];
}

export function readDataspace(cursor: Cursor, image: FileImage): Dataspace {
  const [version, rank, flags] = [cursor.u8(), cursor.u8(), cursor.u8()];
  if (version !== 1 && version !== 2) throw unsupportedFeature(`HDF5 dataspace version ${version}`, cursor.place);
  const kind = version === 2 ? cursor.u8() : rank === 0 ? 0 : 1;
  if (version === 1) cursor.skip(5);
  if (kind === 2) return { shape: null, largest: [] };
  if (kind > 2 || (kind === 0) !== (rank === 0)) {
    throw corruptFile(`an HDF5 dataspace of kind ${kind} and rank ${rank}`, cursor.place);
  }
  const shape = Array.from({ length: rank }, () => image.length(cursor));
  return { shape, largest: flags & mayGrow ? shape.map(() => image.limit(cursor)) : shape };
}
