/**
 * dataset: one array of an HDF5 file.
 *
 * What the header says is parsed when first asked for; the numbers are fetched by `read`: a view of the file where they lie in
 * one piece, aligned and little-endian, else a copy of this dataset alone. Keras keeps bfloat16 as opaque elements of two bytes
 * with the attribute dtype="bfloat16" (keras/src/saving/saving_lib.py, H5IOStore).
 *
 * Source  sections IV.A.2.b (shape), IV.A.2.d (type), IV.A.2.i (layout)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import { type Bytes, whole } from "../../platform/bytes.ts";
import type { DType, RawArray, StoredArray } from "../../tensor.ts";
import { denseBytes } from "../limits.ts";
import { swapBytes, typedArray } from "../numbers.ts";
import { type Attributes, readAttributes } from "./attribute.ts";
import { readChunkIndex } from "./chunk-index.ts";
import { assembleChunks, filled } from "./chunks.ts";
import { readDataspace } from "./dataspace.ts";
import { readDatatype } from "./datatype.ts";
import { type FileImage, lazy } from "./image.ts";
import { readFillValue, readFilters, readLayout } from "./layout.ts";
import { findMessage, messageType, type ObjectHeader, requireMessage } from "./object-header.ts";

interface Description {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly largest: readonly (number | null)[];
  readonly elementBytes: number;
  readonly bigEndian: boolean;
}

export class Hdf5Dataset implements StoredArray {
  readonly kind = "dataset";
  readonly place: readonly string[];
  readonly #attributes: () => Attributes;
  readonly #description: () => Description;
  readonly #elements: () => Elements;

  constructor(header: ObjectHeader, image: FileImage) {
    this.place = header.place;
    this.#attributes = lazy(() => readAttributes(header, image));
    this.#description = lazy(() => describe(header, image, this.#attributes));
    const located = lazy(() => locate(header, image, this.#description()));
    this.#elements = () => {
      image.beforeNumbers();
      return located();
    };
  }

  get attributes(): Attributes {
    return this.#attributes();
  }

  get dtype(): DType {
    return this.#description().dtype;
  }

  get shape(): readonly number[] {
    return this.#description().shape;
  }

  read(): RawArray {
    const { dtype, bigEndian, elementBytes } = this.#description();
    const elements = this.#elements();
    const bytes = typeof elements === "function" ? elements() : whole(elements);
    if (!bigEndian) return typedArray(dtype, bytes);
    const copy = bytes.slice();
    swapBytes(copy, elementBytes);
    return typedArray(dtype, copy);
  }

  contents(): Bytes | null {
    const elements = this.#elements();
    return this.#description().bigEndian || typeof elements === "function" ? null : elements;
  }
}

function describe(header: ObjectHeader, image: FileImage, attributes: () => Attributes): Description {
  const { place } = header;
  if (findMessage(header, messageType.externalFiles, "external files")) {
    throw unsupportedFeature(
      "an HDF5 dataset in external files",
      place,
      "save the model anew, so that its numbers lie in the file",
    );
  }
  const { shape, largest } = readDataspace(requireMessage(header, messageType.dataspace, "dataspace"), image);
  if (!shape) throw unsupportedFeature("an HDF5 dataset without elements (h5py.Empty)", place);
  const type = readDatatype(requireMessage(header, messageType.datatype, "datatype"));
  const elementBytes = type.sizeBytes;
  denseBytes(shape, elementBytes, place);
  if (type.kind === "number") return { dtype: type.dtype, shape, largest, elementBytes, bigEndian: type.bigEndian };
  if (type.kind === "opaque" && elementBytes === 2 && attributes().text("dtype") === "bfloat16") {
    return { dtype: "bfloat16", shape, largest, elementBytes, bigEndian: false };
  }
  const name = type.kind === "other" ? type.name : type.kind === "opaque" ? "opaque bytes" : "texts";
  throw unsupportedFeature(`an HDF5 dataset of ${name}`, place);
}

/** An array's bytes: in the file where they lie there in one piece, else a function that makes them. */
type Elements = Bytes | (() => Uint8Array);

/** Finds the elements. */
function locate(header: ObjectHeader, image: FileImage, description: Description): Elements {
  const { place } = header;
  const { shape, largest, elementBytes } = description;
  const totalBytes = denseBytes(shape, elementBytes, place);
  const layout = readLayout(header, image);
  const fill = readFillValue(header);
  if (layout.kind === "chunked") {
    const { chunkShape } = layout;
    if (chunkShape.length !== shape.length || layout.elementBytes !== elementBytes) {
      throw corruptFile(`chunks of (${chunkShape.join(", ")}) in an array of (${shape.join(", ")})`, place);
    }
    const array = { shape, largest, chunkShape, elementBytes, filters: readFilters(header), fill };
    const chunks = readChunkIndex(image, layout.index, array, place);
    return () => assembleChunks(chunks, array, place);
  }
  if (totalBytes === 0) return new Uint8Array(0);
  if (layout.kind === "contiguous" && layout.address === null) {
    return () => filled(totalBytes, 0, fill, elementBytes, place);
  }
  const foundBytes = layout.kind === "compact" ? layout.data.length : layout.sizeBytes;
  if (foundBytes !== totalBytes) {
    throw corruptFile(`expected ${totalBytes} bytes for (${shape.join(", ")}), got ${foundBytes}`, place);
  }
  if (layout.kind === "compact") return layout.data;
  return image.claim(layout.address!, totalBytes, "a dataset", place).section(totalBytes);
}
