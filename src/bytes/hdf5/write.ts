/**
 * write: HDF5 files of groups, contiguous arrays and attributes that are texts, as Keras' readers need them.
 *
 *   superblock, version 2 (48)   "\x89HDF\r\n\x1a\n" | 2 | 8 | 8 | 0 | base | extension | end | root | checksum
 *   object headers, version 2    "OHDR" | 2 | 2 | length u32 | messages: type u8, length u16, flags u8, body | checksum
 *     a group                    link info, group info, a link per child, attributes
 *     an array                   dataspace, datatype, fill value, layout, attributes
 *   global heap                  "GCOL" | 1 | 0 0 0 | length | texts of attributes, once each | free space as object 0
 *   elements                     each array's at a multiple of 64, so that whoever maps the file finds them aligned
 *
 * Links lie in the group's header whatever their number, which the format allows and every version of the library since 1.8
 * reads. No times are stored: equal content gives equal bytes. Each array is read once, when its turn comes.
 *
 * Source  HDF5 file format specification 3.0, sections II.A, III.E, IV.A.1.b, IV.A.2
 */
import { unsupportedFeature } from "../../error.ts";
import { bytesPerElement, type DType, elements, type StoredArray } from "../../tensor.ts";
import { type FileToWrite, inMemory, type Put } from "../file-to-write.ts";
import { putArray } from "../numbers.ts";
import { lookup3 } from "./checksum.ts";

/** A group to be written. */
export interface GroupToWrite {
  readonly attributes?: Readonly<Record<string, AttributeToWrite>>;
  readonly children: ReadonlyMap<string, GroupToWrite | ArrayToWrite>;
}

/** An array to be written. */
export interface ArrayToWrite {
  readonly attributes?: Readonly<Record<string, AttributeToWrite>>;
  readonly array: StoredArray;
}

/** A text, or a list of texts. */
export type AttributeToWrite = string | readonly string[];

/** Texts that one attribute may list: each takes a reference of 16 bytes, and the attribute has to fit into 64 KiB. */
export const mostTextsInAttribute = 4000;

const alignment = 64;
const headBytes = 48;
const undefinedAddress = 0xffffffffffffffffn;
const smallestHeap = 4096;
/** Object numbers of a heap have 16 bits. */
const mostTexts = 0xffff;

/** The bytes of a file whose root is `root`. */
export function writeHdf5(root: GroupToWrite, place: readonly string[] = []): Uint8Array {
  return inMemory(hdf5File(root, place), place);
}

/** The same as a file that is yet to be written, from its start to its end. */
export function hdf5File(root: GroupToWrite, place: readonly string[] = []): FileToWrite {
  return new Writer(root, place).plan();
}

type ToWrite = GroupToWrite | ArrayToWrite;

class Writer {
  readonly #root: GroupToWrite;
  readonly #place: readonly string[];
  /** Objects in the order in which they lie in the file. */
  readonly #objects: ToWrite[] = [];
  readonly #texts = new Map<string, number>();
  readonly #addresses = new Map<ToWrite, number>();
  readonly #elements = new Map<ToWrite, number>();
  #heap = 0;

  constructor(root: GroupToWrite, place: readonly string[]) {
    this.#root = root;
    this.#place = place;
  }

  plan(): FileToWrite {
    this.#collect(this.#root);
    if (this.#texts.size > mostTexts)
      throw unsupportedFeature(`more than ${mostTexts} texts in one HDF5 file`, this.#place, "split the model");
    // The lengths of headers do not depend on the addresses in them.
    let position = headBytes;
    for (const object of this.#objects) {
      this.#addresses.set(object, position);
      position += this.#header(object).length;
    }
    this.#heap = Math.ceil(position / 8) * 8;
    const heap = this.#texts.size === 0 ? new Bytes() : this.#collection();
    position = this.#heap + heap.length;
    for (const object of this.#objects) {
      const sizeBytes = elementsBytes(object);
      if (sizeBytes === 0) continue;
      position = Math.ceil(position / alignment) * alignment;
      this.#elements.set(object, position);
      position += sizeBytes;
    }
    const write = (put: Put): void => {
      put(this.#superblock(position).bytes(), 0);
      for (const object of this.#objects) put(this.#header(object).bytes(), this.#addresses.get(object)!);
      put(heap.bytes(), this.#heap);
      for (const [object, start] of this.#elements) {
        putArray(put, (object as ArrayToWrite).array, start, this.#place);
      }
    };
    return { sizeBytes: position, write };
  }

  #collect(object: ToWrite): void {
    this.#objects.push(object);
    for (const text of Object.values(attributesOf(object)).flat()) {
      if (!this.#texts.has(text)) this.#texts.set(text, this.#texts.size + 1);
    }
    if ("children" in object) for (const child of object.children.values()) this.#collect(child);
  }

  #superblock(end: number): Bytes {
    const block = new Bytes().ascii("\x89HDF\r\n\x1a\n").u8(2, 8, 8, 0);
    block.u64(0).u64(undefinedAddress).u64(end).u64(this.#addresses.get(this.#root)!);
    return block.checksum();
  }

  #header(object: ToWrite): Bytes {
    const messages = new Bytes();
    const message = (type: number, body: Bytes): void => {
      if (body.length > 0xffff)
        throw unsupportedFeature(`an HDF5 message of ${body.length} bytes`, this.#place, "shorten the names");
      messages.u8(type).u16(body.length).u8(0).raw(body.bytes());
    };
    if ("children" in object) {
      message(0x02, new Bytes().u8(0, 0).u64(undefinedAddress).u64(undefinedAddress));
      message(0x0a, new Bytes().u8(0, 0));
      for (const [name, child] of object.children) {
        const utf8 = new TextEncoder().encode(name);
        // Flags: the name's charset is told (it is UTF-8), its length has two bytes.
        const link = new Bytes().u8(1, 0x11, 1).u16(utf8.length).raw(utf8);
        message(0x06, link.u64(this.#addresses.get(child) ?? 0));
      }
    } else {
      const { dtype, shape } = object.array;
      message(0x01, dataspace(shape));
      message(0x03, datatypes[dtype]());
      // Space is allocated late and filled where a value is set; none is.
      message(0x05, new Bytes().u8(3, 0x0a));
      const start = this.#elements.get(object);
      message(
        0x08,
        new Bytes()
          .u8(3, 1)
          .u64(start ?? undefinedAddress)
          .u64(elementsBytes(object)),
      );
    }
    const attributes = Object.entries(attributesOf(object));
    if (attributes.length > 0) message(0x15, new Bytes().u8(0, 0).u64(undefinedAddress).u64(undefinedAddress));
    for (const [name, value] of attributes) message(0x0c, this.#attribute(name, value));
    return new Bytes().ascii("OHDR").u8(2, 2).u32(messages.length).raw(messages.bytes()).checksum();
  }

  #attribute(name: string, value: AttributeToWrite): Bytes {
    const utf8 = new TextEncoder().encode(`${name}\0`);
    const type = variableText().bytes();
    const texts = typeof value === "string" ? [value] : value;
    const space = dataspace(typeof value === "string" ? [] : [value.length]).bytes();
    const body = new Bytes().u8(3, 0).u16(utf8.length).u16(type.length).u16(space.length).u8(1);
    body.raw(utf8).raw(type).raw(space);
    for (const text of texts) {
      const { length } = new TextEncoder().encode(text);
      body.u32(length).u64(this.#heap).u32(this.#texts.get(text)!);
    }
    return body;
  }

  #collection(): Bytes {
    const objects = new Bytes();
    for (const [text, index] of this.#texts) {
      const utf8 = new TextEncoder().encode(text);
      objects
        .u16(index)
        .u16(1)
        .u32(0)
        .u64(utf8.length)
        .raw(utf8)
        .zeros(-utf8.length & 7);
    }
    const sizeBytes = Math.max(smallestHeap, 16 + objects.length + 16);
    const free = sizeBytes - 16 - objects.length;
    objects
      .u16(0)
      .u16(0)
      .u32(0)
      .u64(free)
      .zeros(free - 16);
    return new Bytes().ascii("GCOL").u8(1, 0, 0, 0).u64(sizeBytes).raw(objects.bytes());
  }
}

/** HDF5 has no bfloat16: Keras tells it by an attribute. */
function attributesOf(object: ToWrite): Readonly<Record<string, AttributeToWrite>> {
  const told = "array" in object && object.array.dtype === "bfloat16" ? { dtype: "bfloat16" } : {};
  return { ...told, ...object.attributes };
}

function elementsBytes(object: ToWrite): number {
  return "array" in object ? elements(object.array.shape) * bytesPerElement[object.array.dtype] : 0;
}

// ------------------------------------------------------------------------------------------------------- types

function dataspace(shape: readonly number[]): Bytes {
  const space = new Bytes().u8(2, shape.length, 0, shape.length === 0 ? 0 : 1);
  for (const size of shape) space.u64(size);
  return space;
}

/** Bits, exponent position and size, fraction size, bias. */
function float(bits: number, position: number, exponent: number, fraction: number, bias: number): Bytes {
  const type = new Bytes()
    .u8(0x11, 0x20, bits - 1, 0)
    .u32(bits / 8)
    .u16(0)
    .u16(bits);
  return type.u8(position, exponent, 0, fraction).u32(bias);
}

function integer(bits: number, signed: boolean): Bytes {
  return new Bytes()
    .u8(0x10, signed ? 8 : 0, 0, 0)
    .u32(bits / 8)
    .u16(0)
    .u16(bits);
}

/** h5py's bool: an enumeration of int8. */
function bool(): Bytes {
  const type = new Bytes().u8(0x38, 2, 0, 0).u32(1).raw(integer(8, true).bytes());
  return type.ascii("FALSE\0TRUE\0").u8(0, 1);
}

/** A text of any length in UTF-8, ended by a zero: what h5py makes of a str. */
function variableText(): Bytes {
  return new Bytes().u8(0x19, 1, 1, 0).u32(16).u8(0x13, 0x10, 0, 0).u32(1);
}

const datatypes: Readonly<Record<DType, () => Bytes>> = {
  // Opaque and without a tag, as Keras writes it.
  bfloat16: () => new Bytes().u8(0x15, 0, 0, 0).u32(2),
  bool,
  float16: () => float(16, 10, 5, 10, 15),
  float32: () => float(32, 23, 8, 23, 127),
  float64: () => float(64, 52, 11, 52, 1023),
  int8: () => integer(8, true),
  int16: () => integer(16, true),
  int32: () => integer(32, true),
  int64: () => integer(64, true),
  uint8: () => integer(8, false),
  uint16: () => integer(16, false),
  uint32: () => integer(32, false),
  uint64: () => integer(64, false),
};

/** Bytes that grow as they are written. */
class Bytes {
  #data = new Uint8Array(256);
  length = 0;

  bytes(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }

  raw(bytes: Uint8Array): this {
    const end = this.length + bytes.length;
    if (end > this.#data.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#data.length));
      larger.set(this.bytes());
      this.#data = larger;
    }
    this.#data.set(bytes, this.length);
    this.length = end;
    return this;
  }

  u8(...values: number[]): this {
    return this.raw(Uint8Array.from(values));
  }

  u16(value: number): this {
    return this.u8(value & 255, value >> 8);
  }

  u32(value: number): this {
    return this.u8(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  }

  u64(value: number | bigint): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
    return this.raw(bytes);
  }

  zeros(count: number): this {
    return this.raw(new Uint8Array(count));
  }

  ascii(text: string): this {
    return this.raw(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  }

  /** Jenkins' hash of all that was written. */
  checksum(): this {
    return this.u32(lookup3(this.bytes()));
  }
}
