/**
 * mutate: damaged and lying copies of good files, the same ones for the same seed.
 *
 * Blind damage: cut off, bits turned, numbers overwritten by extremes, parts doubled, removed or exchanged. A zip's checksums catch
 * nearly all of that, so members are also damaged inside and packed again with checksums that fit; likewise for HDF5's own.
 */
import { lookup3 } from "../../src/bytes/hdf5/checksum.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { writeZip } from "../../src/bytes/zip-writer.ts";

export interface Mutation {
  /** What was done, enough to do it again. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Numbers in [0, 1), from a seed: mulberry32 (Tommy Ettinger, 2017, public domain). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers that lengths, counts and offsets break at. */
const extremes = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** As many times the damaged copies of a quick run: .ci/run asks for more. */
export const thoroughness = Number(process.env.CHANNELWISE_THOROUGHNESS ?? 1);

/** `share` damaged copies of `bytes`, as many times as `thoroughness` says. */
export function* mutations(bytes: Uint8Array, seed: number, share: number): Generator<Mutation> {
  const count = share * thoroughness;
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  for (let index = 0; index < count; index++) {
    const kind = index % 6;
    const at = below(bytes.length);
    const copy = bytes.slice();
    if (kind === 0) {
      yield { name: `seed ${seed}, ${index}: cut off at ${at}`, bytes: bytes.slice(0, at) };
    } else if (kind === 1) {
      const flips = 1 + below(3);
      for (let flip = 0; flip < flips; flip++) copy[below(bytes.length)]! ^= 1 << below(8);
      yield { name: `seed ${seed}, ${index}: ${flips} bits turned`, bytes: copy };
    } else if (kind === 2) {
      const width = [1, 2, 4, 8][below(4)]!;
      const value = extremes[below(extremes.length)]!;
      const place = next() < 0.5 ? at : at - (at % width);
      for (let byte = 0; byte < width; byte++) copy[place + byte] = Number((value >> BigInt(8 * byte)) & 255n);
      yield { name: `seed ${seed}, ${index}: ${value} over ${width} bytes at ${place}`, bytes: copy };
    } else if (kind === 3) {
      const value = BigInt(below(bytes.length));
      const place = at - (at % 8);
      for (let byte = 0; byte < 8; byte++) copy[place + byte] = Number((value >> BigInt(8 * byte)) & 255n);
      yield { name: `seed ${seed}, ${index}: the offset ${value} at ${place}`, bytes: copy };
    } else if (kind === 4) {
      const [from, length] = [below(bytes.length), 1 + below(64)];
      copy.set(bytes.subarray(from, from + Math.min(length, bytes.length - at)), at);
      yield { name: `seed ${seed}, ${index}: ${length} bytes of ${from} copied to ${at}`, bytes: copy };
    } else {
      const length = 1 + below(32);
      const removed = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
      yield { name: `seed ${seed}, ${index}: ${length} bytes removed at ${at}`, bytes: removed };
    }
  }
}

/** Every byte of `bytes` from `start` to `end` set to each extreme in turn: for small files, nothing is left to chance. */
export function* everyByte(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Mutation> {
  for (let at = start; at < Math.min(end, bytes.length); at++) {
    const few = [0, 0xff, bytes[at]! ^ 1];
    for (const value of thoroughness > 1 ? [...few, 1, 0x10, 0x7f, 0x80, bytes[at]! + 8] : few) {
      const copy = bytes.slice();
      copy[at] = value;
      yield { name: `${value & 255} at ${at}`, bytes: copy };
    }
  }
}

/** The zip `bytes` with some members exchanged, checksums and sizes right. */
export function repack(bytes: Uint8Array, replace: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return writeZip(
    Array.from(readZip(bytes, []).values(), ({ name, read }) => ({ name, bytes: replace[name] ?? read() })),
  );
}

/** `count` damaged copies of a `.keras` file: of the archive, of its HDF5 file and of its configuration, in turn. */
export function* kerasMutations(bytes: Uint8Array, seed: number, count: number): Generator<Mutation> {
  yield* mutations(bytes, seed, Math.ceil(count / 3));
  const entries = readZip(bytes, []);
  for (const member of ["model.weights.h5", "config.json"]) {
    for (const { name, bytes: content } of mutations(entries.get(member)!.read(), seed, Math.ceil(count / 3))) {
      yield { name: `${member}, ${name}`, bytes: repack(bytes, { [member]: content }) };
    }
  }
}

/** Bytes of an HDF5 file that a checksum at `at` sums. */
interface Seal {
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** Blocks with a checksum behind what they hold. A header's own size may be a lie, so those are sought in each copy. */
const sealedBlocks = ["BTHD", "BTIN", "BTLF", "FRHP", "FHIB", "FAHD", "FADB", "EAHD", "EAIB", "EASB", "EADB", "OCHK"];
const largestSealed = 10_000;
const heapBlocks = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

/** Where a good HDF5 file keeps checksums: found by trying what fits. */
export function sealsOfHdf5(bytes: Uint8Array): Seal[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seals: Seal[] = [];
  for (let start = 0; start + 16 < bytes.length; start++) {
    const signature = String.fromCharCode(...bytes.subarray(start, start + 4));
    if (sealedBlocks.includes(signature)) {
      const last = Math.min(bytes.length - 4, start + largestSealed);
      for (let end = start + 6; end <= last; end++) {
        if (view.getUint32(end, true) !== lookup3(bytes.subarray(start, end))) continue;
        seals.push({ start, end, at: end });
        break;
      }
    } else if (signature === "FHDB") {
      for (const sizeBytes of heapBlocks) {
        const block = bytes.slice(start, start + sizeBytes);
        // Behind an address of 4 or 8 bytes and an offset of 4 or 5.
        const found = [13, 14, 17, 18].find((offset) => {
          const summed = block.slice().fill(0, offset, offset + 4);
          return view.getUint32(start + offset, true) === lookup3(summed);
        });
        if (found !== undefined) seals.push({ start, end: start + sizeBytes, at: start + found });
      }
    }
  }
  return seals;
}

/** An HDF5 file with its checksums made right again, those at `seals` too, so that damage gets past them. */
export function resealHdf5(bytes: Uint8Array, seals: readonly Seal[] = []): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const seal = (start: number, end: number, at = end): void => {
    if (Math.max(at + 4, end) > copy.length) return;
    view.setUint32(at, 0, true);
    view.setUint32(at, lookup3(copy.subarray(start, end)), true);
  };
  for (const { start, end, at } of seals) seal(start, end, at);
  if (copy[8]! >= 2 && copy.length > 48) seal(0, 12 + 4 * copy[9]!);
  for (let at = 0; at + 16 < copy.length; at++) {
    if (view.getUint32(at) !== 0x4f484452) continue; // "OHDR"
    const flags = copy[at + 5]!;
    const sizeBytes = 1 << (flags & 3);
    const sizeAt = at + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    if (sizeBytes > 2 || sizeAt + 2 > copy.length) continue;
    seal(at, sizeAt + sizeBytes + (sizeBytes === 1 ? copy[sizeAt]! : view.getUint16(sizeAt, true)));
  }
  return copy;
}
