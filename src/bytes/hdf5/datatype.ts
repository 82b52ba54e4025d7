/**
 * datatype: what the elements of a dataset or attribute are.
 *
 *   class and version u8 | class bits, 3 bytes | size u32 | properties
 *
 *   class 0  integers     bit 0 big-endian, bit 3 signed           offset u16, precision u16
 *         1  floats       bits 0, 6 byte order, 8.. sign position   offset, precision u16; exponent, fraction: position, size; bias
 *         3  strings      bits 0-3 padding                          of fixed size
 *         5  opaque       bits 0-7 length of tag                    Keras' bfloat16: two bytes and a dataset attribute
 *         8  enumeration  bits 0-15 members                         h5py's bool: int8 with FALSE = 0, TRUE = 1
 *         9  sequences    bits 0-3: 1 is a string                   stored in the global heap
 *
 * Other classes are kept by name and refused where their elements are asked for.
 *
 * Source  section IV.A.2.d; h5py/_hl/base.py and h5py/h5t.pyx for bool
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import type { DType } from "../../tensor.ts";
import type { Cursor } from "../cursor.ts";

export type Datatype =
  | { readonly kind: "number"; readonly dtype: DType; readonly bigEndian: boolean; readonly sizeBytes: number }
  | { readonly kind: "string"; readonly padding: StringPadding; readonly sizeBytes: number }
  | { readonly kind: "variable-string"; readonly sizeBytes: number }
  | { readonly kind: "opaque"; readonly sizeBytes: number }
  | { readonly kind: "other"; readonly name: string; readonly sizeBytes: number };

export type StringPadding = "null-terminated" | "null-padded" | "space-padded";

const classNames: Readonly<Record<number, string>> = {
  2: "times",
  4: "bit fields",
  6: "compounds",
  7: "references",
  9: "sequences of variable length",
  10: "arrays",
  11: "complex numbers",
};
const paddings: readonly StringPadding[] = ["null-terminated", "null-padded", "space-padded"];

/** Size, exponent position and size, fraction size, bias: the floats that exist in model files. */
const floats: readonly { dtype: DType; format: readonly number[] }[] = [
  { dtype: "float16", format: [2, 10, 5, 10, 15] },
  { dtype: "bfloat16", format: [2, 7, 8, 7, 127] },
  { dtype: "float32", format: [4, 23, 8, 23, 127] },
  { dtype: "float64", format: [8, 52, 11, 52, 1023] },
];

/** Reads a datatype message, or a type inside another one. */
export function readDatatype(cursor: Cursor): Datatype {
  const start = cursor.u8();
  const [version, typeClass] = [start >> 4, start & 15];
  const bits = cursor.u8() | (cursor.u8() << 8) | (cursor.u8() << 16);
  const sizeBytes = cursor.u32();
  if (version < 1 || version > 5) throw unsupportedFeature(`HDF5 datatype version ${version}`, cursor.place);
  if (sizeBytes === 0) throw corruptFile("an HDF5 datatype of 0 bytes", cursor.place);
  if (typeClass === 0) return readInteger(cursor, bits, sizeBytes);
  if (typeClass === 1) return readFloat(cursor, bits, sizeBytes);
  if (typeClass === 3) {
    const padding = paddings[bits & 15];
    if (!padding) throw corruptFile(`an HDF5 string with padding ${bits & 15}`, cursor.place);
    return { kind: "string", padding, sizeBytes };
  }
  if (typeClass === 5) return { kind: "opaque", sizeBytes };
  if (typeClass === 8) return readEnumeration(cursor, bits & 0xffff, sizeBytes, version);
  if (typeClass === 9 && (bits & 15) === 1) return { kind: "variable-string", sizeBytes };
  return { kind: "other", name: classNames[typeClass] ?? `class ${typeClass}`, sizeBytes };
}

function readInteger(cursor: Cursor, bits: number, sizeBytes: number): Datatype {
  const [offset, precision] = [cursor.u16(), cursor.u16()];
  if (![1, 2, 4, 8].includes(sizeBytes) || offset !== 0 || precision !== 8 * sizeBytes) {
    return { kind: "other", name: `integers of ${precision} bits`, sizeBytes };
  }
  const dtype = `${bits & 8 ? "" : "u"}int${precision}` as DType;
  return { kind: "number", dtype, bigEndian: (bits & 1) === 1, sizeBytes };
}

function readFloat(cursor: Cursor, bits: number, sizeBytes: number): Datatype {
  const [offset, precision] = [cursor.u16(), cursor.u16()];
  const [exponentPosition, exponentBits, fractionPosition, fractionBits] = [
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
    cursor.u8(),
  ];
  const found = [sizeBytes, exponentPosition, exponentBits, fractionBits, cursor.u32()];
  const known = floats.find(({ format }) => format.every((value, index) => value === found[index]));
  const impliedBit = ((bits >> 4) & 3) === 2;
  const signPosition = (bits >> 8) & 255;
  const plain = offset === 0 && precision === 8 * sizeBytes && fractionPosition === 0 && signPosition === precision - 1;
  if (!known || !impliedBit || !plain || (bits & 0x40) !== 0) {
    return {
      kind: "other",
      name: `floats of ${precision} bits (exponent ${exponentBits}, fraction ${fractionBits})`,
      sizeBytes,
    };
  }
  return { kind: "number", dtype: known.dtype, bigEndian: (bits & 1) === 1, sizeBytes };
}

/** h5py's bool becomes bool; other enumerations have no meaning in a model. */
function readEnumeration(cursor: Cursor, members: number, sizeBytes: number, version: number): Datatype {
  const base = readDatatype(cursor);
  const names: string[] = [];
  for (let index = 0; index < members && members === 2; index++) {
    const start = cursor.position;
    while (cursor.u8() !== 0);
    names.push(new TextDecoder().decode(cursor.bytes.subarray(start, cursor.position - 1)));
    if (version < 3) cursor.skip(-(cursor.position - start) & 7);
  }
  const isBool = base.kind === "number" && base.dtype === "int8" && names.join() === "FALSE,TRUE";
  if (isBool && cursor.u8() === 0 && cursor.u8() === 1) {
    return { kind: "number", dtype: "bool", bigEndian: false, sizeBytes };
  }
  return { kind: "other", name: "enumerations", sizeBytes };
}
