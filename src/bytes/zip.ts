/**
 * zip: the archive around `.keras`, `.npz` and `.pt`, read without unpacking and written without compression.
 *
 *   [local header, name, extra | data] ...   [central directory: one header per entry]   [zip64 end, locator]  end
 *    PK\3\4                                   PK\1\2                                       PK\6\6    PK\6\7     PK\5\6
 *
 * The central directory says which entries there are; where an entry's data starts is known from its local header alone, whose
 * extra field may be longer (PyTorch and `writeZip` pad it so that data is aligned). It is read when the entry is, so that to list a
 * remote archive takes its directory alone. A stored entry is a part of the file.
 * Names are only looked up, never used as paths. Refused: encryption, several disks, equal names, overlapping entries, methods
 * other than stored and deflated.
 *
 * Source  APPNOTE.TXT 6.3.10, sections 4.3.7 (local), 4.3.12 (central), 4.3.14 to 4.3.16 (ends), 4.5.3 (zip64 extra field)
 */
import { corruptFile, unsupportedFeature } from "../error.ts";
import { type Bytes, pieceBytes, section, whole } from "../platform/bytes.ts";
import { lendMemory } from "../platform/scratch.ts";
import { crc32 } from "./crc32.ts";
import { Cursor } from "./cursor.ts";
import { inflate } from "./inflate.ts";
import { checkExpansion } from "./limits.ts";
import { printable } from "./printable.ts";

export interface ZipEntry {
  readonly name: string;
  /** Bytes that `read` gives. */
  readonly sizeBytes: number;
  readonly compressed: boolean;
  /**
   * The content, for those who need little of it: a part of the file when stored, verified if it is in memory; inflated and verified when
   * compressed.
   */
  open(): Bytes;
  /** Compares the checksum with all of the content, once. */
  readonly verify: () => void;
  /** The content, its checksum verified: a view of the file when stored, inflated anew by each call when compressed. */
  read(): Uint8Array;
}

const endBytes = 22;
const localBytes = 30;
const locatorBytes = 20;
const saturated16 = 0xffff;
const saturated32 = 0xffffffff;

interface CentralHeader {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  readonly localOffset: number;
}

/** Lists the entries of a zip archive in the order of its directory. */
export function readZip(bytes: Bytes, place: readonly string[]): Map<string, ZipEntry> {
  const { entries, directoryStart, directoryEnd } = readEnd(bytes, place);
  const cursor = new Cursor(bytes, place, directoryStart, directoryEnd);
  const headers: CentralHeader[] = [];
  const names = new Set<string>();
  for (let index = 0; index < entries; index++) {
    const header = readCentralHeader(cursor, place);
    if (names.has(header.name)) throw corruptFile(`two entries are named "${printable(header.name)}"`, place);
    names.add(header.name);
    headers.push(header);
  }
  if (cursor.remainingBytes > 0) throw corruptFile(`expected ${entries} entries in the zip directory, got more`, place);

  // An entry ends where the next one starts at the latest, so that no two share bytes.
  const limits = new Map<CentralHeader, number>();
  const ordered = headers.toSorted((a, b) => a.localOffset - b.localOffset);
  ordered.forEach((header, index) => {
    const next = ordered[index + 1]?.localOffset ?? directoryStart;
    const limit = Math.min(next, directoryStart);
    if (header.localOffset + localBytes + header.compressedBytes > limit)
      throw overrun(header, limit < directoryStart, place);
    limits.set(header, limit);
  });
  return new Map(
    headers.map((header) => [
      header.name,
      entryOf(bytes, header, limits.get(header)!, limits.get(header)! < directoryStart, [
        ...place,
        printable(header.name),
      ]),
    ]),
  );
}

function overrun({ name }: CentralHeader, another: boolean, place: readonly string[]) {
  const what = another ? "overlaps another" : "runs past the archive's data";
  return corruptFile(`the entry "${printable(name)}" ${what}`, place);
}

/** The name of the first entry, read from its local header alone; undefined where the bytes are no zip. */
export function firstZipName(bytes: Uint8Array): string | undefined {
  if (bytes.length < 30 || bytes[0] !== 0x50 || bytes[1] !== 0x4b || bytes[2] !== 3 || bytes[3] !== 4) return undefined;
  const length = bytes[26]! | (bytes[27]! << 8);
  return new TextDecoder().decode(bytes.subarray(30, 30 + length));
}

// --------------------------------------------------------------------------------------------------- reading

interface End {
  readonly entries: number;
  readonly directoryStart: number;
  readonly directoryEnd: number;
}

/** Finds the end record: the last one whose comment reaches exactly to the end of the file. */
function readEnd(bytes: Bytes, place: readonly string[]): End {
  const lowest = Math.max(0, bytes.length - endBytes - saturated16);
  const tail = bytes.subarray(lowest, bytes.length);
  for (let at = tail.length - endBytes; at >= 0; at--) {
    if (tail[at] !== 0x50 || tail[at + 1] !== 0x4b || tail[at + 2] !== 5 || tail[at + 3] !== 6) continue;
    const start = lowest + at;
    const cursor = new Cursor(bytes, place, start + 4);
    const [disk, directoryDisk, entriesHere, entries] = [cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16()];
    const [directoryBytes, directoryStart] = [cursor.u32(), cursor.u32()];
    if (cursor.u16() !== cursor.remainingBytes) continue;
    const zip64 = readZip64End(bytes, start, place);
    const end = zip64 ?? {
      disk,
      directoryDisk,
      entriesHere,
      entries,
      directoryBytes,
      directoryStart,
      recordStart: start,
    };
    if (end.disk !== 0 || end.directoryDisk !== 0 || end.entriesHere !== end.entries) {
      throw unsupportedFeature("a zip archive over several disks", place, "join the parts into one archive");
    }
    const directoryEnd = end.directoryStart + end.directoryBytes;
    if (directoryEnd > end.recordStart) {
      throw corruptFile(
        `the zip directory ends at ${directoryEnd}, behind its end record at ${end.recordStart}`,
        place,
      );
    }
    return { entries: end.entries, directoryStart: end.directoryStart, directoryEnd };
  }
  throw corruptFile("a zip archive without an end record: it was cut off", place);
}

function readZip64End(bytes: Bytes, endStart: number, place: readonly string[]) {
  if (endStart < locatorBytes) return undefined;
  const locator = new Cursor(bytes, place, endStart - locatorBytes, endStart);
  if (locator.ascii(4) !== "PK\x06\x07") return undefined;
  locator.skip(4);
  const recordStart = locator.u64();
  const cursor = new Cursor(bytes, place, recordStart, endStart - locatorBytes);
  cursor.expect("PK\x06\x06", "a zip64 end record");
  cursor.skip(8 + 2 + 2);
  const [disk, directoryDisk, entriesHere, entries] = [cursor.u32(), cursor.u32(), cursor.u64(), cursor.u64()];
  const [directoryBytes, directoryStart] = [cursor.u64(), cursor.u64()];
  return { disk, directoryDisk, entriesHere, entries, directoryBytes, directoryStart, recordStart };
}

function readCentralHeader(cursor: Cursor, place: readonly string[]): CentralHeader {
  cursor.expect("PK\x01\x02", "a zip directory entry");
  cursor.skip(4);
  const [flags, method] = [cursor.u16(), cursor.u16()];
  cursor.skip(4);
  const [crc, compressed32, size32] = [cursor.u32(), cursor.u32(), cursor.u32()];
  const [nameBytes, extraBytes, commentBytes, disk16] = [cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16()];
  cursor.skip(6);
  const local32 = cursor.u32();
  const name = decodeName(cursor.take(nameBytes), place);
  const extra = new Cursor(cursor.take(extraBytes), [...place, printable(name)]);
  cursor.skip(commentBytes);

  let [sizeBytes, compressedBytes, localOffset, disk] = [size32, compressed32, local32, disk16];
  while (extra.remainingBytes >= 4) {
    const [id, length] = [extra.u16(), extra.u16()];
    const field = new Cursor(extra.take(length), extra.place);
    if (id !== 1) continue;
    if (size32 === saturated32) sizeBytes = field.u64();
    if (compressed32 === saturated32) compressedBytes = field.u64();
    if (local32 === saturated32) localOffset = field.u64();
    if (disk16 === saturated16) disk = field.u32();
  }
  if (disk !== 0) {
    throw unsupportedFeature("a zip archive over several disks", place, "join the parts into one archive");
  }
  return { name, flags, method, crc, compressedBytes, sizeBytes, localOffset };
}

function decodeName(name: Uint8Array, place: readonly string[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
  } catch {
    throw unsupportedFeature("an entry's name is not UTF-8", place, "pack the archive again with names in UTF-8");
  }
}

/** Where the data of an entry starts: behind its local header, which must tell the same name and method. */
function dataStart(bytes: Bytes, header: CentralHeader, limit: number, place: readonly string[]): number {
  const cursor = new Cursor(bytes, place, Math.min(header.localOffset, limit), limit);
  cursor.expect("PK\x03\x04", "a zip entry");
  cursor.skip(4);
  const method = cursor.u16();
  cursor.skip(16);
  const [nameBytes, extraBytes] = [cursor.u16(), cursor.u16()];
  const name = decodeName(cursor.take(nameBytes), place);
  if (name !== header.name || method !== header.method) {
    const [listed, own] = [header, { name, method }].map((it) => `"${printable(it.name)}" (method ${it.method})`);
    throw corruptFile(`the zip directory lists ${listed} where the entry itself says ${own}`, place);
  }
  cursor.skip(extraBytes);
  return cursor.position;
}

function entryOf(
  bytes: Bytes,
  header: CentralHeader,
  limit: number,
  another: boolean,
  place: readonly string[],
): ZipEntry {
  const data = (): Bytes => {
    if (header.flags & 0x2041) throw unsupportedFeature("an encrypted zip entry", place, "decrypt the archive first");
    if (header.method !== 0 && header.method !== 8) {
      throw unsupportedFeature(
        `zip compression method ${header.method}`,
        place,
        "pack the archive again, stored or deflated",
      );
    }
    if (header.method === 0 && header.sizeBytes !== header.compressedBytes) {
      throw corruptFile(`expected a stored entry of ${header.sizeBytes} bytes, got ${header.compressedBytes}`, place);
    }
    const start = dataStart(bytes, header, limit, place);
    if (start + header.compressedBytes > limit) throw overrun(header, another, place.slice(0, -1));
    return section(bytes, start, start + header.compressedBytes);
  };
  const inflated = (): Uint8Array => {
    const stored = data();
    checkExpansion(header.sizeBytes, header.compressedBytes, place);
    return inflate(whole(stored), header.sizeBytes, place);
  };
  let verified = false;
  const verify = (content: Bytes): void => {
    if (verified) return;
    content.need?.(0, content.length);
    let crc = 0;
    for (let start = 0; start < content.length; start += pieceBytes) {
      const end = Math.min(start + pieceBytes, content.length);
      crc = lendMemory(() => crc32(content.subarray(start, end), crc));
    }
    if (crc !== header.crc) throw corruptFile("the checksum of a zip entry does not match", place);
    verified = true;
  };
  const stored = header.method !== 8;
  const read = (): Uint8Array => {
    const content = stored ? whole(data()) : inflated();
    verify(content);
    return content;
  };
  return {
    name: header.name,
    sizeBytes: header.sizeBytes,
    compressed: !stored,
    open() {
      if (!stored) return read();
      const content = data();
      if (content instanceof Uint8Array) verify(content);
      return content;
    },
    verify: () => {
      if (!verified) verify(stored ? data() : inflated());
    },
    read,
  };
}
