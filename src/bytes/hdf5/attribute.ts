/**
 * attribute: small named values at a group or dataset, such as the configuration of a whole model.
 *
 *   version 1   1 | 0 | sizes of name, type, space: 3 x u16 | name | type | space, each padded to 8 | elements
 *   version 2   2 | flags | 3 x u16 | name | type | space | elements
 *   version 3   3 | flags | 3 x u16 | charset u8 | name | type | space | elements
 *
 * Names are listed when the object is opened; a value is decoded when asked for, so that an attribute of a kind unknown here hurts
 * only those who need it. With libver="latest" more than 8 attributes, or one of 64 KiB, move into a heap of their own (dense.ts).
 *
 * Source  sections IV.A.2.m (attribute), IV.A.2.v (attribute info)
 */
import { corruptFile, unsupportedFeature } from "../../error.ts";
import { bytesPerElement, elements } from "../../tensor.ts";
import { Cursor } from "../cursor.ts";
import { denseBytes } from "../limits.ts";
import { bfloat16ToFloat32, float16ToFloat32, swapBytes, typedArray } from "../numbers.ts";
import { printable } from "../printable.ts";
import { readDataspace } from "./dataspace.ts";
import { type Datatype, readDatatype } from "./datatype.ts";
import { readDense } from "./dense.ts";
import { decodeText, readHeapText } from "./global-heap.ts";
import type { FileImage } from "./image.ts";
import { findMessage, messageCursor, messageType, type ObjectHeader } from "./object-header.ts";

/** A scalar, or a list where the attribute has one axis. Null is h5py.Empty. */
export type AttributeValue = string | number | boolean | null | readonly (string | number | boolean)[];

/** The attributes of one object. */
export class Attributes {
  readonly #values: ReadonlyMap<string, () => AttributeValue>;

  constructor(values: ReadonlyMap<string, () => AttributeValue>) {
    this.#values = values;
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an attribute, undefined where there is none. */
  get(name: string): AttributeValue | undefined {
    return this.#values.get(name)?.();
  }

  /** The value of an attribute if it is one text. */
  text(name: string): string | undefined {
    const value = this.get(name);
    return typeof value === "string" ? value : undefined;
  }
}

/** Lists the attributes in an object's header. */
export function readAttributes(header: ObjectHeader, image: FileImage): Attributes {
  const info = findMessage(header, messageType.attributeInfo, "attribute info");
  const dense = info ? readDense(info, "attribute", image) : [];
  const values = new Map<string, () => AttributeValue>();
  for (const message of [...header.messages, ...dense]) {
    if (message.type !== messageType.attribute) continue;
    const { name, value } = readAttribute(messageCursor(message, header.place, "attribute"), image);
    if (values.has(name)) throw corruptFile(`two attributes are named "${printable(name)}"`, header.place);
    values.set(name, value);
  }
  return new Attributes(values);
}

function readAttribute(cursor: Cursor, image: FileImage): { name: string; value: () => AttributeValue } {
  const [version, flags] = [cursor.u8(), cursor.u8()];
  if (version < 1 || version > 3) throw unsupportedFeature(`HDF5 attribute version ${version}`, cursor.place);
  const sizes = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) cursor.skip(1);
  const [nameBytes, typeBytes, spaceBytes] = sizes.map((size) => {
    const bytes = cursor.take(size);
    if (version === 1) cursor.skip(-size & 7);
    return bytes;
  });
  const name = decodeText(nameBytes!, cursor.place);
  const place = [...cursor.place, `attribute ${printable(name)}`];
  const data = cursor.take(cursor.remainingBytes);
  const value = (): AttributeValue => {
    if (version > 1 && flags & 3) throw unsupportedFeature("a shared HDF5 message (attribute's type)", place);
    const type = readDatatype(new Cursor(typeBytes!, place));
    const { shape } = readDataspace(new Cursor(spaceBytes!, place), image);
    return decodeValue(type, shape, new Cursor(data, place), image);
  };
  return { name, value };
}

function decodeValue(type: Datatype, shape: readonly number[] | null, data: Cursor, image: FileImage): AttributeValue {
  if (!shape) return null;
  if (shape.length > 1) throw unsupportedFeature(`an attribute with ${shape.length} axes`, data.place);
  const bytes = data.take(denseBytes(shape, type.sizeBytes, data.place));
  const count = elements(shape);
  const values = decodeElements(type, bytes, count, image, data.place);
  return shape.length === 0 ? values[0]! : values;
}

function decodeElements(type: Datatype, bytes: Uint8Array, count: number, image: FileImage, place: readonly string[]) {
  if (type.kind === "number") {
    const copy = bytes.slice();
    if (type.bigEndian) swapBytes(copy, bytesPerElement[type.dtype]);
    const data = typedArray(type.dtype, copy);
    if (type.dtype === "float16") return Array.from(float16ToFloat32(data as Uint16Array));
    if (type.dtype === "bfloat16") return Array.from(bfloat16ToFloat32(data as Uint16Array));
    return Array.from<number | bigint, number | boolean>(data, (value) => {
      if (type.dtype === "bool") return Number(value) !== 0;
      const number = Number(value);
      if (typeof value === "bigint" && !Number.isSafeInteger(number)) {
        throw unsupportedFeature(`the attribute's number ${value}`, place);
      }
      return number;
    });
  }
  const cursor = new Cursor(bytes, place);
  if (type.kind === "variable-string") {
    if (type.sizeBytes !== 8 + image.addressBytes) {
      throw corruptFile(`a text reference of ${type.sizeBytes} bytes`, place);
    }
    return Array.from({ length: count }, () => readHeapText(cursor, image));
  }
  if (type.kind === "string") {
    return Array.from({ length: count }, () => {
      const bytes = cursor.take(type.sizeBytes);
      let end = bytes.length;
      while (type.padding === "space-padded" && end > 0 && bytes[end - 1] === 0x20) end--;
      return decodeText(bytes.subarray(0, end), place);
    });
  }
  throw unsupportedFeature(`an attribute of ${type.kind === "other" ? type.name : type.kind}`, place);
}
