/**
 * npy: one NumPy array as a file.
 *
 *   "\x93NUMPY" | major, minor | header length: u16 (version 1) or u32 (2, 3) | header, ends at a multiple of 64 | elements
 *   header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 128, 9), }   a Python literal, padded with spaces, "\n"
 *
 * The literal is parsed by its own small grammar: nothing is evaluated. Arrays of Python objects hold a pickle, which is never
 * read. Big-endian numbers and Fortran order are turned while reading; everything else is a view of the file.
 *
 * Source  numpy/lib/format.py ("NPY format"), versions 1.0, 2.0, 3.0
 */
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, whole } from "../platform/bytes.ts";
import { bytesPerElement, type DType, type RawArray, type StoredArray } from "../tensor.ts";
import { Cursor } from "./cursor.ts";
import { allocate, denseBytes } from "./limits.ts";
import { type FileToWrite, inMemory } from "./file-to-write.ts";
import { type DenseArray, putArray, sizeBytesOf, swapBytes, typedArray, type WritableArray } from "./numbers.ts";
import { printable } from "./printable.ts";

const magic = "\x93NUMPY";
const alignment = 64;

const dtypeOf: Readonly<Record<string, DType>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  u1: "uint8",
  i2: "int16",
  u2: "uint16",
  i4: "int32",
  u4: "uint32",
  i8: "int64",
  u8: "uint64",
  b1: "bool",
};

/** Whether the bytes start as an `.npy` file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes.length > magic.length && [...magic].every((letter, index) => bytes[index] === letter.charCodeAt(0));
}

/** The array of an `.npy` file; its header is checked at once, its elements are fetched by `read`. */
export function readNpy(bytes: Bytes, place: readonly string[] = []): StoredArray {
  const cursor = new Cursor(bytes, place);
  if (!isNpy(bytes.subarray(0, magic.length + 1)))
    throw corruptFile("expected an .npy array, which starts with \\x93NUMPY", place);
  cursor.skip(magic.length);
  const [major, minor] = [cursor.u8(), cursor.u8()];
  if (major < 1 || major > 3 || minor !== 0) {
    throw unsupportedFeature(`.npy version ${major}.${minor}`, place, "use numpy.save");
  }
  const headerBytes = major === 1 ? cursor.u16() : cursor.u32();
  if (headerBytes > 65536) throw corruptFile(`an .npy header of ${headerBytes} bytes`, place);
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(cursor.take(headerBytes));
  const { descr, fortranOrder, shape } = parseHeader(text, place);
  const { dtype, bigEndian } = parseDescr(descr, place);
  const elementBytes = bytesPerElement[dtype];
  const expected = denseBytes(shape, elementBytes, place);
  if (cursor.remainingBytes !== expected) {
    throw corruptFile(
      `expected ${expected} bytes for ${descr} (${shape.join(", ")}), got ${cursor.remainingBytes}`,
      place,
    );
  }
  const stored = cursor.section(expected);
  const columns = fortranOrder && shape.length > 1;
  return {
    dtype,
    shape,
    read(): RawArray {
      const data = whole(stored);
      if (!bigEndian && !columns) return typedArray(dtype, data);
      const copy = columns ? fromFortranOrder(data, shape, elementBytes, place) : data.slice();
      if (bigEndian) swapBytes(copy, elementBytes);
      return typedArray(dtype, copy);
    },
    contents: () => (bigEndian || columns ? null : stored),
  };
}

/** The bytes of an `.npy` file, version 1.0, as `numpy.save` writes it. */
export function writeNpy(array: DenseArray, place: readonly string[] = []): Uint8Array {
  return inMemory(npyFile(array, place), place);
}

/** An `.npy` file; its array is read as it is written. */
export function npyFile(array: WritableArray, place: readonly string[] = []): FileToWrite {
  const code = Object.keys(dtypeOf).find((key) => dtypeOf[key] === array.dtype);
  if (!code) {
    throw unsupportedFeature(`${array.dtype} in an .npy file`, place, "NumPy has no such type; convert to float32");
  }
  const descr = (bytesPerElement[array.dtype] === 1 ? "|" : "<") + code;
  const shape = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(", ")})`;
  const literal = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const start = Math.ceil((10 + literal.length + 1) / alignment) * alignment;
  const header = `${magic}\x01\x00${String.fromCharCode((start - 10) & 255, (start - 10) >> 8)}${literal.padEnd(start - 11)}\n`;
  return {
    sizeBytes: start + sizeBytesOf(array),
    write(put) {
      put(
        Uint8Array.from(header, (letter) => letter.charCodeAt(0)),
        0,
      );
      putArray(put, array, start, place);
    },
  };
}

// ------------------------------------------------------------------------------------------------------- header

interface Header {
  descr: string;
  fortranOrder: boolean;
  shape: number[];
}

/**
 * Parses exactly what NumPy writes: a dict of three entries in any order. `2L` is Python 2's spelling of 2. No part of the
 * pattern can match one text in two ways, so it takes linear time.
 */
function parseHeader(text: string, place: readonly string[]): Header {
  const fail = (): never => {
    throw corruptFile(`expected {'descr': …, 'fortran_order': …, 'shape': …}, got ${printable(text)}`, place);
  };
  const literal = text.trim();
  if (!literal.startsWith("{") || !literal.endsWith("}")) fail();
  const body = literal.slice(1, -1).trim();
  const entry = /\s*(['"])(\w+)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\dL,\s]*)\))\s*(?:,|$)/y;
  const found: Partial<Header> = {};
  while (entry.lastIndex < body.length) {
    const match = entry.exec(body) ?? (body.includes("[") ? structured(place) : fail());
    const [, , key, , descr, flag, sizes] = match;
    if (key === "descr" && descr !== undefined && found.descr === undefined) found.descr = descr;
    else if (key === "fortran_order" && flag && found.fortranOrder === undefined) found.fortranOrder = flag === "True";
    else if (key === "shape" && sizes !== undefined && !found.shape) found.shape = parseShape(sizes) ?? fail();
    else fail();
  }
  const { descr, fortranOrder, shape } = found;
  if (descr === undefined || fortranOrder === undefined || !shape) return fail();
  return { descr, fortranOrder, shape };
}

function parseShape(text: string): number[] | undefined {
  const sizes = text.split(",").map((size) => size.trim());
  if (sizes.at(-1) === "") sizes.pop();
  return sizes.every((size) => /^\d{1,15}L?$/.test(size)) ? sizes.map((size) => Number.parseInt(size, 10)) : undefined;
}

function structured(place: readonly string[]): never {
  throw unsupportedFeature("a structured array", place, "save each field as an array of its own");
}

function parseDescr(descr: string, place: readonly string[]): { dtype: DType; bigEndian: boolean } {
  if (descr.includes("O")) {
    throw unsupportedFeature(
      "an array of Python objects, which is a pickle",
      place,
      "save plain numbers: array.astype('float32')",
    );
  }
  const dtype = dtypeOf[descr.slice(1)];
  if (!dtype || !/^[<>|=]/.test(descr)) {
    throw unsupportedFeature(
      `the NumPy type ${printable(descr)}`,
      place,
      "save plain numbers: array.astype('float32')",
    );
  }
  return { dtype, bigEndian: descr[0] === ">" };
}

/** Copies elements stored first axis fastest into row-major order. */
function fromFortranOrder(
  data: Uint8Array,
  shape: readonly number[],
  elementBytes: number,
  place: readonly string[],
): Uint8Array {
  const result = allocate(data.length, place);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, elementBytes));
  const index = shape.map(() => 0);
  let source = 0;
  for (let target = 0; target < data.length; target += elementBytes) {
    for (let byte = 0; byte < elementBytes; byte++) result[target + byte] = data[source + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
