/**
 * zip-writer: archives of stored entries, the same bytes for the same content, data aligned where asked.
 *
 *   local header (30) | name | extra: [zip64 sizes] [padding 0x4350] | data at a multiple of `alignment`
 *
 * Alignment is made by a padding field in the local extra field, as PyTorch does for `.pt` files (caffe2/serialize/
 * inline_container.cc); a reader that maps the file then finds its tensors ready to use. All dates are 1980-01-01.
 *
 * Source  APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3; padding id 0x4350 is PyTorch's
 */
import { crc32 } from "./crc32.ts";
import { fileOf, type FileToWrite, inMemory, type Put } from "./file-to-write.ts";

/** An entry: bytes, or a file that is made as it is written, from its start to its end. */
export type ZipFile = { readonly name: string } & ({ readonly bytes: Uint8Array } | { readonly content: FileToWrite });

export interface WriteZipOptions {
  /** Data of every entry starts at a multiple of this, counted from the archive's start. 1 means no padding. */
  readonly alignment?: number;
  /** Writes 64-bit sizes even where 32 bits are enough. Default false. */
  readonly zip64?: boolean;
}

interface Placed {
  readonly content: FileToWrite;
  readonly name: Uint8Array;
  /** Known when the content is written. */
  crc: number;
  readonly start: number;
  readonly extraBytes: number;
  readonly large: boolean;
}

const paddingId = 0x4350;
const zip64Id = 1;
const largest32 = 0xfffffffe;
const largest16 = 0xfffe;
/** 1980-01-01, the first day that the format knows. */
const firstDay = 0x21;

/** One archive of `files`, in their order. */
export function writeZip(files: Iterable<ZipFile>, options: WriteZipOptions = {}): Uint8Array {
  return inMemory(zipFile(files, options));
}

/** The same as a file that is yet to be written. */
export function zipFile(files: Iterable<ZipFile>, options: WriteZipOptions = {}): FileToWrite {
  const { alignment = 1, zip64 = false } = options;
  const placed: Placed[] = [];
  let position = 0;
  for (const file of files) {
    const content = "bytes" in file ? fileOf(file.bytes) : file.content;
    const name = new TextEncoder().encode(file.name);
    const large = zip64 || content.sizeBytes > largest32;
    const fixedBytes = large ? 20 : 0;
    const excess = (position + 30 + name.length + fixedBytes) % alignment;
    let padding = excess === 0 ? 0 : alignment - excess;
    while (padding > 0 && padding < 4) padding += alignment;
    const extraBytes = fixedBytes + padding;
    placed.push({ content, name, crc: 0, start: position, extraBytes, large });
    position += 30 + name.length + extraBytes + content.sizeBytes;
  }
  const directoryStart = position;
  const directoryBytes = placed.reduce((sum, entry) => sum + 46 + entry.name.length + centralExtra(entry).length, 0);
  const zip64End =
    directoryStart > largest32 || directoryBytes > largest32 || placed.length > largest16 || placed.some(needsZip64);
  const endBytes = directoryBytes + (zip64End ? 76 : 0) + 22;

  const write = (put: Put): void => {
    for (const entry of placed) {
      const head = new Output(30 + entry.name.length + entry.extraBytes);
      entry.crc = writeContent(entry.content, put, entry.start + head.bytes.length);
      writeLocal(head, entry);
      put(head.bytes, entry.start);
    }
    const end = new Output(endBytes);
    for (const entry of placed) writeCentral(end, entry);
    if (zip64End) writeZip64End(end, placed.length, directoryStart, directoryBytes);
    end.text("PK\x05\x06").u16(0).u16(0);
    end.u16(Math.min(placed.length, 0xffff)).u16(Math.min(placed.length, 0xffff));
    end.u32(Math.min(directoryBytes, 0xffffffff)).u32(Math.min(directoryStart, 0xffffffff)).u16(0);
    put(end.bytes, directoryStart);
  };
  return { sizeBytes: directoryStart + endBytes, write };
}

/** Writes an entry's content and gives its checksum. */
function writeContent({ sizeBytes, write }: FileToWrite, put: Put, start: number): number {
  let [crc, end] = [0, 0];
  const zerosTo = (at: number): void => {
    crc = crc32(new Uint8Array(at - end), crc);
    end = at;
  };
  write((bytes, at) => {
    zerosTo(at);
    crc = crc32(bytes, crc);
    end += bytes.length;
    put(bytes, start + at);
  });
  zerosTo(sizeBytes);
  return crc;
}

function writeLocal(out: Output, entry: Placed): void {
  const size32 = entry.large ? 0xffffffff : entry.content.sizeBytes;
  const version = entry.large ? 45 : 20;
  out.text("PK\x03\x04").u16(version).u16(utf8Flag(entry)).u16(0).u16(0).u16(firstDay);
  out.u32(entry.crc).u32(size32).u32(size32).u16(entry.name.length).u16(entry.extraBytes).raw(entry.name);
  let padding = entry.extraBytes;
  if (entry.large) {
    out.u16(zip64Id).u16(16).u64(entry.content.sizeBytes).u64(entry.content.sizeBytes);
    padding -= 20;
  }
  if (padding > 0) {
    const contentBytes = padding - 4;
    out.u16(paddingId).u16(contentBytes).skip(contentBytes);
  }
}

function writeCentral(out: Output, entry: Placed): void {
  const size32 = entry.large ? 0xffffffff : entry.content.sizeBytes;
  const extra = centralExtra(entry);
  const version = needsZip64(entry) ? 45 : 20;
  out.text("PK\x01\x02").u16(version).u16(version).u16(utf8Flag(entry)).u16(0).u16(0).u16(firstDay);
  out.u32(entry.crc).u32(size32).u32(size32).u16(entry.name.length).u16(extra.length);
  out.u16(0).u16(0).u16(0).u32(0).u32(Math.min(entry.start, 0xffffffff)).raw(entry.name).raw(extra);
}

/** The zip64 field of the directory: only those values that do not fit into 32 bits. */
function centralExtra(entry: Placed): Uint8Array {
  if (!needsZip64(entry)) return new Uint8Array(0);
  const values = entry.large ? [entry.content.sizeBytes, entry.content.sizeBytes] : [];
  if (entry.start > largest32) values.push(entry.start);
  const out = new Output(4 + 8 * values.length);
  out.u16(zip64Id).u16(8 * values.length);
  for (const value of values) out.u64(value);
  return out.bytes;
}

function writeZip64End(out: Output, entries: number, directoryStart: number, directoryBytes: number): void {
  const start = directoryStart + out.position;
  out
    .text("PK\x06\x06")
    .u64(44)
    .u16(45)
    .u16(45)
    .u32(0)
    .u32(0)
    .u64(entries)
    .u64(entries)
    .u64(directoryBytes)
    .u64(directoryStart);
  out.text("PK\x06\x07").u32(0).u64(start).u32(1);
}

const needsZip64 = (entry: Placed): boolean => entry.large || entry.start > largest32;
/** Bit 11 says that a name is UTF-8; plain ASCII needs no flag. */
const utf8Flag = (entry: Placed): number => (entry.name.some((byte) => byte > 127) ? 0x800 : 0);

/** A buffer of known size, filled from the start. */
class Output {
  readonly bytes: Uint8Array<ArrayBuffer>;
  position = 0;
  readonly #view: DataView;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  u16(value: number): this {
    this.#view.setUint16(this.position, value, true);
    return this.skip(2);
  }

  u32(value: number): this {
    this.#view.setUint32(this.position, value, true);
    return this.skip(4);
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.position, BigInt(value), true);
    return this.skip(8);
  }

  text(ascii: string): this {
    return this.raw(new TextEncoder().encode(ascii));
  }

  raw(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.position);
    return this.skip(bytes.length);
  }

  skip(count: number): this {
    this.position += count;
    return this;
  }
}
