/** build-zip: archives with any field told wrong, for tests of the reader. */
import { crc32 } from "../../src/bytes/crc32.ts";

export interface BuiltEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method?: number;
  /** The stored bytes; by default the content itself. */
  readonly data?: Uint8Array;
  /** What the directory says; by default the truth. */
  readonly dataBytes?: number;
  readonly sizeBytes?: number;
  readonly crc?: number;
  readonly flags?: number;
  readonly disk?: number;
  readonly offset?: number;
  readonly localName?: string;
  readonly localSizes?: number;
  readonly latin1?: boolean;
  /** The directory's extra field. */
  readonly extra?: readonly number[];
}

/** An archive of `entries`, well formed but for what they say. */
export function buildZip(
  entries: readonly BuiltEntry[],
  options: { comment?: string; entries?: number } = {},
): Uint8Array {
  const local: number[] = [];
  const central: number[] = [];
  const u16 = (value: number) => [value & 255, (value >> 8) & 255];
  const u32 = (value: number) => [...u16(value & 65535), ...u16(Math.floor(value / 65536) & 65535)];
  const chunks: Uint8Array[] = [];
  let position = 0;
  const push = (bytes: ArrayLike<number>) => {
    chunks.push(Uint8Array.from(bytes));
    position += bytes.length;
  };
  for (const entry of entries) {
    const { method = 0, data = entry.content, flags = 0, extra = [] } = entry;
    const encode = (name: string) =>
      entry.latin1 ? [...name].map((letter) => letter.charCodeAt(0)) : [...new TextEncoder().encode(name)];
    const name = encode(entry.name);
    const localName = encode(entry.localName ?? entry.name);
    const crc = u32(entry.crc ?? crc32(entry.content));
    const [dataBytes, sizeBytes] = [entry.dataBytes ?? data.length, entry.sizeBytes ?? entry.content.length];
    const start = position;
    local.length = 0;
    local.push(0x50, 0x4b, 3, 4, ...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...crc);
    local.push(
      ...u32(entry.localSizes ?? dataBytes),
      ...u32(entry.localSizes ?? sizeBytes),
      ...u16(localName.length),
      ...u16(0),
    );
    push([...local, ...localName]);
    push(data);
    central.push(0x50, 0x4b, 1, 2, ...u16(20), ...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...crc);
    central.push(
      ...u32(dataBytes),
      ...u32(sizeBytes),
      ...u16(name.length),
      ...u16(extra.length),
      ...u16(0),
      ...u16(entry.disk ?? 0),
    );
    central.push(...u16(0), ...u32(0), ...u32(entry.offset ?? start), ...name, ...extra);
  }
  const directoryStart = position;
  push(central);
  const count = u16(options.entries ?? entries.length);
  const comment = new TextEncoder().encode(options.comment ?? "");
  push([
    0x50,
    0x4b,
    5,
    6,
    ...u32(0),
    ...count,
    ...count,
    ...u32(central.length),
    ...u32(directoryStart),
    ...u16(comment.length),
  ]);
  push(comment);
  const result = new Uint8Array(position);
  let written = 0;
  for (const chunk of chunks) {
    result.set(chunk, written);
    written += chunk.length;
  }
  return result;
}
