/** Lies made by hand, each aimed at one weakness that readers of these formats have had. All must be refused, by ChannelwiseError. */
import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/bytes/hdf5/index.ts";
import { readZip } from "../../src/bytes/zip.ts";
import { type BuiltEntry, buildZip } from "../bytes/build-zip.ts";
import { walkHdf5 } from "../bytes/hdf5-walk.ts";
import { repack, resealHdf5, sealsOfHdf5 } from "./mutate.ts";
import { readArrays, readModel, safely } from "./safely.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, fixtures)));
const ascii = (text: string) => new TextEncoder().encode(text);

function refused(name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  expect(safely({ name, bytes }, read), name).toBeUndefined();
}

// ---------------------------------------------------------------------------------------------------- HDF5

/** Where the n-th `pattern` starts in `bytes`. */
function find(bytes: Uint8Array, pattern: string | readonly number[], nth = 0): number {
  const wanted = Buffer.from(typeof pattern === "string" ? ascii(pattern) : pattern);
  let at = -1;
  for (let count = 0; count <= nth; count++) at = Buffer.from(bytes).indexOf(wanted, at + 1);
  if (at < 0) throw new Error(`no ${pattern} ${nth}`);
  return at;
}

const u64 = (value: number | bigint) => [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];

/** A copy of an HDF5 fixture with numbers of eight bytes, or fewer, put at some offsets. */
function patched(
  file: string,
  change: (bytes: Uint8Array) => [offset: number, value: number | bigint, width?: number][],
): Uint8Array {
  const bytes = bytesOf(`hdf5/${file}.h5`);
  for (const [offset, value, width = 8] of change(bytes)) bytes.set(u64(value).slice(0, width), offset);
  return bytes;
}

/** The same, with the checksums made right again. */
function sealed(...[file, change]: Parameters<typeof patched>): Uint8Array {
  return resealHdf5(patched(file, change), sealsOfHdf5(bytesOf(`hdf5/${file}.h5`)));
}

/** Start of the first B-tree node of a level. */
function tree(bytes: Uint8Array, level: number): number {
  for (let nth = 0; ; nth++) {
    const at = find(bytes, "TREE", nth);
    if (bytes[at + 5] === level) return at;
  }
}

/** The message of a version 1 header that continues it: type 0x10, 16 bytes. */
const continuation = (bytes: Uint8Array) => find(bytes, [0x10, 0, 0x10, 0, 0, 0, 0, 0]) + 8;
const shape = (...sizes: number[]) => sizes.flatMap((size) => u64(size));
const chunkShape = (...sizes: number[]) => sizes.flatMap((size) => u64(size).slice(0, 4));

describe("HDF5", () => {
  const lies: Record<string, Uint8Array> = {
    "the root beyond the end": patched("deep", () => [[64, 2 ** 40]]),
    "the root at an address without a place": patched("deep", () => [[64, 2n ** 64n - 1n]]),
    "the root at an address beyond 2^53": patched("deep", () => [[64, 2n ** 60n]]),
    "the root in the superblock": patched("deep", () => [[64, 0]]),
    "a longer file": patched("deep", () => [[40, 2 ** 40]]),
    "a base elsewhere": patched("deep", () => [[24, 512]]),
    "a tree that is its own child": patched("many-children", (bytes) => [[tree(bytes, 1) + 32, tree(bytes, 1)]]),
    "a tree of level 255 that is its own child": patched("many-children", (bytes) => [
      [tree(bytes, 1) + 5, 255, 1],
      [tree(bytes, 1) + 32, tree(bytes, 1)],
    ]),
    "a leaf of level 1": patched("many-children", (bytes) => [[tree(bytes, 0) + 5, 1, 1]]),
    "a tree with one child twice": patched("many-children", (bytes) => {
      const children = tree(bytes, 1) + 32;
      return [[children + 16, new DataView(bytes.buffer).getBigUint64(children, true)]];
    }),
    "a tree of 65535 entries": patched("many-children", (bytes) => [[tree(bytes, 1) + 6, 65535, 2]]),
    "a tree of chunks in a group": patched("many-children", (bytes) => [[tree(bytes, 1) + 4, 1, 1]]),
    "a group of 65535 names": patched("many-children", (bytes) => [[find(bytes, "SNOD") + 6, 65535, 2]]),
    "a name outside of its heap": patched("many-children", (bytes) => [[find(bytes, "SNOD") + 8, 2 ** 50]]),
    "two equal names": patched("many-children", (bytes) => {
      const first = find(bytes, "SNOD") + 8;
      return [[first + 40, new DataView(bytes.buffer).getBigUint64(first, true)]];
    }),
    "a soft link": patched("many-children", (bytes) => [[find(bytes, "SNOD", 2) + 24, 2, 4]]),
    "a heap of 2^40 bytes": patched("deep", (bytes) => [[find(bytes, "HEAP") + 8, 2 ** 40]]),
    "a heap that is the file": patched("deep", (bytes) => [
      [find(bytes, "HEAP") + 8, bytes.length],
      [find(bytes, "HEAP") + 24, 0],
    ]),
    "a group within itself": patched("deep", (bytes) => [[find(bytes, "SNOD") + 16, 96]]),
    "a header that continues with itself": patched("many-attributes", (bytes) => [
      [continuation(bytes), continuation(bytes) - 8],
      [continuation(bytes) + 8, 24],
    ]),
    "a header that continues with the file": patched("many-attributes", (bytes) => [
      [continuation(bytes), 0],
      [continuation(bytes) + 8, bytes.length],
    ]),
    "a header that continues for 2^50 bytes": patched("many-attributes", (bytes) => [
      [continuation(bytes) + 8, 2 ** 50],
    ]),
    "a text heap of no bytes": patched("attributes", (bytes) => [[find(bytes, "GCOL") + 8, 0]]),
    "a text heap of 2^40 bytes": patched("attributes", (bytes) => [[find(bytes, "GCOL") + 8, 2 ** 40]]),
    "a text of 2^63 bytes": patched("attributes", (bytes) => [[find(bytes, "GCOL") + 24, 2n ** 63n]]),
    "a shape beyond 2^53": patched("shapes", (bytes) => [[find(bytes, shape(2, 3, 1, 5, 4)), 2n ** 62n]]),
    "a shape whose product is beyond 2^53": patched("shapes", (bytes) => {
      const at = find(bytes, shape(2, 3, 1, 5, 4));
      return [0, 8, 16, 24, 32].map((axis) => [at + axis, 2 ** 20]);
    }),
    "a shape beyond the data": patched("shapes", (bytes) => [[find(bytes, shape(2, 3, 1, 5, 4)), 2 ** 20]]),
    "a shape and a size beyond the file": patched("shapes", (bytes) => [
      [find(bytes, shape(2, 3, 1, 5, 4)), 2 ** 20],
      [find(bytes, u64(480)), 480 * 2 ** 19],
    ]),
    "zeros never written, 16 GB of them": patched("never-written", (bytes) => {
      const found: [number, number][] = [];
      for (let nth = 0; nth < 2; nth++) found.push([find(bytes, shape(4, 3), nth), 2 ** 30]);
      return found;
    }),
    "chunks of 160 KB that claim 40 GB": patched("chunked", (bytes) => [
      [find(bytes, shape(200, 200)), 100_000],
      [find(bytes, shape(200, 200)) + 8, 100_000],
    ]),
    "one chunk that claims 40 GB": patched("chunked", (bytes) => [
      [find(bytes, shape(200, 200)), 100_000],
      [find(bytes, shape(200, 200)) + 8, 100_000],
      [find(bytes, chunkShape(200, 200, 4)), 100_000, 4],
      [find(bytes, chunkShape(200, 200, 4)) + 4, 100_000, 4],
    ]),
    "chunks of no elements": patched("chunked", (bytes) => [[find(bytes, chunkShape(200, 200, 4)), 0, 4]]),
    "chunks of 2^96 elements": patched("chunked", (bytes) => {
      const at = find(bytes, chunkShape(4, 11, 2, 4));
      return [0, 4, 8].map((axis) => [at + axis, 2 ** 32 - 1, 4]);
    }),
    "elements of another size in chunks": patched("chunked", (bytes) => [
      [find(bytes, chunkShape(200, 200, 4)) + 8, 8, 4],
    ]),
    "a header of another object": patched("deep", (bytes) => [[find(bytes, "SNOD") + 16, find(bytes, "HEAP")]]),
  };
  test.each(Object.entries(lies))("%s", (name, bytes) =>
    refused(name, bytes, (file) => walkHdf5(openHdf5(file, ["attack"]))),
  );
});

describe('HDF5 of libver="latest"', () => {
  const u64at = (bytes: Uint8Array, at: number) => new DataView(bytes.buffer).getBigUint64(at, true);
  /** Behind signature, version, type and records of 24 bytes, or ids of 7 behind a hash: a child, or a record. */
  const record = (bytes: Uint8Array, nth: number) => find(bytes, "BTLF") + 6 + 11 * nth;
  const child = (bytes: Uint8Array, nth: number) =>
    find(bytes, "BTIN") + 6 + 11 * bytes[find(bytes, "BTHD") + 24]! + 9 * nth;
  /** Addresses of an indirect block. */
  const block = (bytes: Uint8Array, nth: number) => find(bytes, "FHIB") + 5 + 8 + 4 + 8 * nth;
  /** The layout message of the first dataset with an index of a kind: version 4, chunked, two axes, sizes of one byte. */
  const layout = (bytes: Uint8Array, kind: number) => {
    for (let nth = 0; ; nth++) {
      const at = find(bytes, [4, 2], nth);
      if (bytes[at + 3] === 3 && bytes[at + 4] === 1 && bytes[at + 8] === kind) return at;
    }
  };

  const lies: Record<string, Uint8Array> = {
    "a tree of 65535 levels": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 12, 65535, 2]]),
    "a tree of one level more": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 12, 2, 2]]),
    "a tree of one level less": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 12, 0, 2]]),
    "a tree that is its own child": sealed("latest-link-tree", (bytes) => [[child(bytes, 0), find(bytes, "BTIN")]]),
    "a tree with one child twice": sealed("latest-link-tree", (bytes) => [
      [child(bytes, 0), u64at(bytes, child(bytes, 1))],
    ]),
    "a child with 255 records": sealed("latest-link-tree", (bytes) => [[child(bytes, 0) + 8, 255, 1]]),
    "a tree without a record": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 24, 0, 2]]),
    "a tree of 2^50 records": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 26, 2 ** 50]]),
    "a tree of records of no bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 10, 0, 2]]),
    "a tree of longer records": sealed("latest-dense-links", (bytes) => [[find(bytes, "BTHD") + 10, 12, 2]]),
    "a tree of nodes of 2^32 bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 6, 2 ** 32 - 1, 4]]),
    "a tree of nodes of no bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 6, 0, 4]]),
    "a tree of attributes in a group": sealed("latest-link-tree", (bytes) => [[find(bytes, "BTHD") + 5, 8, 1]]),
    "a heap that is its own block": sealed("latest-link-tree", (bytes) => [[block(bytes, 0), find(bytes, "FHIB")]]),
    "a heap with one block twice": sealed("latest-link-tree", (bytes) => [
      [block(bytes, 1), u64at(bytes, block(bytes, 0))],
    ]),
    "a heap with its blocks exchanged": sealed("latest-link-tree", (bytes) => [
      [block(bytes, 0), u64at(bytes, block(bytes, 1))],
      [block(bytes, 1), u64at(bytes, block(bytes, 0))],
    ]),
    "a heap without blocks": sealed("latest-link-tree", (bytes) => [[block(bytes, 0), 2n ** 64n - 1n]]),
    "a heap of 65535 rows": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 140, 65535, 2]]),
    "a heap of no rows": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 140, 0, 2]]),
    "a heap of no columns": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 110, 0, 2]]),
    "a heap of 2^15 columns": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 110, 2 ** 15, 2]]),
    "a heap of blocks of 500 bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 112, 500]]),
    "a heap of blocks of 2^40 bytes": sealed("latest-link-tree", (bytes) => [
      [find(bytes, "FRHP") + 112, 2 ** 40],
      [find(bytes, "FRHP") + 120, 2 ** 40],
    ]),
    "a heap of 65535 bits": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 128, 65535, 2]]),
    "a heap with ids of 65535 bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 5, 65535, 2]]),
    "a heap with ids of no bytes": sealed("latest-link-tree", (bytes) => [[find(bytes, "FRHP") + 5, 0, 2]]),
    "a name beyond its heap": sealed("latest-link-tree", (bytes) => [[record(bytes, 0) + 5, 2 ** 31, 4]]),
    "a name in the head of its block": sealed("latest-link-tree", (bytes) => [[record(bytes, 0) + 5, 0, 4]]),
    "a name longer than its block": sealed("latest-link-tree", (bytes) => [[record(bytes, 0) + 9, 65535, 2]]),
    "names that overlap": sealed("latest-dense-links", (bytes) =>
      Array.from({ length: 10 }, (_, nth) => [record(bytes, nth) + 9, 100, 2]),
    ),
    "one name twice": sealed("latest-link-tree", (bytes) => [
      [record(bytes, 0) + 4, u64at(bytes, record(bytes, 1) + 4), 7],
    ]),
    "a tiny name": sealed("latest-link-tree", (bytes) => [[record(bytes, 0) + 4, 0x20, 1]]),
    "a huge name that is not there": sealed("latest-link-tree", (bytes) => [[record(bytes, 0) + 4, 0x10, 1]]),
    "a huge object of 2^40 bytes": sealed("latest-huge-objects", (bytes) => [
      [find(bytes, [0x42, 0x54, 0x4c, 0x46, 0, 1]) + 14, 2 ** 40],
    ]),
    "a huge object that is the file": sealed("latest-huge-objects", (bytes) => [
      [find(bytes, [0x42, 0x54, 0x4c, 0x46, 0, 1]) + 6, 0],
      [find(bytes, [0x42, 0x54, 0x4c, 0x46, 0, 1]) + 14, bytes.length],
    ]),
    "two objects with one heap": sealed("latest-dense-attributes", (bytes) => {
      const heaps = u64(find(bytes, "FRHP", 1));
      return [[find(bytes, heaps), find(bytes, "FRHP")]];
    }),
    "chunks of sizes of 9 bytes": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 3) + 4, 9, 1]]),
    "chunks of no bytes": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 3) + 5, 0, 1]]),
    "chunks of fewer elements": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 3) + 5, 1, 1]]),
    "chunks of more elements": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 4) + 5, 255, 1]]),
    "an index of kind 9": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 3) + 8, 9, 1]]),
    "a fixed array in place of an extensible one": sealed("latest-chunk-indexes", (bytes) => [
      [layout(bytes, 4) + 14, find(bytes, "FAHD")],
    ]),
    "chunks behind each other beyond the file": sealed("latest-chunk-indexes", (bytes) => [
      [layout(bytes, 2) + 9, bytes.length - 8],
    ]),
    "chunks behind each other that are the file": sealed("latest-chunk-indexes", (bytes) => [
      [layout(bytes, 2) + 9, 0],
    ]),
    "one chunk beyond the file": sealed("latest-chunk-indexes", (bytes) => [[layout(bytes, 1) + 9, 2 ** 40]]),
    "a fixed array of 2^40 chunks": sealed("latest-fixed-pages", (bytes) => [[find(bytes, "FAHD") + 8, 2 ** 40]]),
    "a fixed array of 2^40 chunks, and a shape as large": sealed("latest-fixed-pages", (bytes) => [
      [find(bytes, "FAHD") + 8, 2 ** 40],
      [find(bytes, shape(3000, 3000)), 2 ** 40],
      [find(bytes, shape(3000, 3000)) + 8, 2 ** 40],
    ]),
    "a fixed array of pages of one chunk": sealed("latest-fixed-pages", (bytes) => [[find(bytes, "FAHD") + 7, 0, 1]]),
    "a fixed array of pages of 2^255 chunks": sealed("latest-fixed-pages", (bytes) => [
      [find(bytes, "FAHD") + 7, 255, 1],
    ]),
    "a fixed array of entries of no bytes": sealed("latest-fixed-pages", (bytes) => [[find(bytes, "FAHD") + 6, 0, 1]]),
    "a fixed array that says its chunks were filtered": sealed("latest-fixed-pages", (bytes) => [
      [find(bytes, "FAHD") + 5, 1, 1],
    ]),
    "a fixed array whose block is the file": sealed("latest-fixed-pages", (bytes) => [[find(bytes, "FAHD") + 16, 0]]),
    "pages that were never written, said to be": sealed("latest-fixed-pages", (bytes) => [
      [find(bytes, "FADB") + 14, 255, 1],
    ]),
    "a page with another checksum": patched("latest-fixed-pages", (bytes) => [
      [find(bytes, "FADB") + 14 + 1 + 4, 1, 1],
    ]),
    "an extensible array of 2^255 entries": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 7, 255, 1],
    ]),
    "an extensible array of 2^64 entries": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 7, 64, 1],
    ]),
    "an extensible array of blocks of no entries": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 9, 0, 1],
    ]),
    "an extensible array of blocks of 17 entries": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 9, 17, 1],
    ]),
    "an extensible array of 128 blocks in its index": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 10, 128, 1],
    ]),
    "an extensible array of pages of one entry": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAHD") + 11, 0, 1],
    ]),
    "an extensible array that is its own block": sealed("latest-extensible-pages", (bytes) => [
      [find(bytes, "EAIB") + 14 + 4 * 8 + 6 * 8, find(bytes, "EAIB")],
    ]),
    "an extensible array with a block twice": sealed("latest-extensible-pages", (bytes) => {
      const blocks = find(bytes, "EASB") + 14 + 4 + 64;
      const first = Array.from({ length: 64 }, (_, nth) => nth).find(
        (nth) => u64at(bytes, blocks + 8 * nth) < 2n ** 63n,
      )!;
      return [[blocks + 8 * (first + 1), u64at(bytes, blocks + 8 * first)]];
    }),
    "a chunk twice": sealed("latest-chunk-tree", (bytes) => [
      [find(bytes, "BTLF") + 6, u64at(bytes, find(bytes, "BTLF") + 30)],
    ]),
    "a chunk at the place of another": sealed("latest-chunk-tree", (bytes) => [
      [find(bytes, "BTLF") + 14, u64at(bytes, find(bytes, "BTLF") + 38)],
      [find(bytes, "BTLF") + 22, u64at(bytes, find(bytes, "BTLF") + 46)],
    ]),
    "a chunk at 2^53": sealed("latest-chunk-tree", (bytes) => [[find(bytes, "BTLF") + 14, 2 ** 52]]),
    "a shape beyond the largest": sealed("latest-fixed-pages", (bytes) => [[find(bytes, shape(3000, 3000)), 3001]]),
  };
  test.each(Object.entries(lies))("%s", (name, bytes) =>
    refused(name, bytes, (file) => walkHdf5(openHdf5(file, ["attack"]))),
  );

  test("what is patched here is read as it is", () => {
    for (const name of ["latest-link-tree", "latest-chunk-indexes", "latest-fixed-pages", "latest-extensible-pages"]) {
      expect(
        safely({ name, bytes: sealed(name, () => []) }, (file) => walkHdf5(openHdf5(file))),
        name,
      ).toBeDefined();
    }
  });
});

// --------------------------------------------------------------------------------------------------- .keras

describe("keras", () => {
  const original = bytesOf("keras/seed-experiment/model.keras");
  const members = [...readZip(original, []).values()].map(
    (entry): BuiltEntry => ({ name: entry.name, content: entry.read() }),
  );
  const changed = (name: string, change: Partial<BuiltEntry>) =>
    buildZip(members.map((member) => (member.name === name ? { ...member, ...change } : member)));
  const deflated = (bytes: Uint8Array) => ({ content: bytes, method: 8, data: new Uint8Array(deflateRawSync(bytes)) });

  const lies: Record<string, Uint8Array> = {
    "a configuration nested a million deep": repack(original, { "config.json": ascii("[".repeat(1e6)) }),
    "a version nested a million deep": repack(original, { "metadata.json": ascii('{"a":'.repeat(1e6)) }),
    "a configuration that is a bomb": changed("config.json", deflated(new Uint8Array(2 ** 27).fill(0x20))),
    "weights that are a bomb": changed("model.weights.h5", deflated(new Uint8Array(2 ** 27))),
    "weights that claim 4 GB": changed("model.weights.h5", {
      ...deflated(new Uint8Array(1000)),
      sizeBytes: 2 ** 32 - 2,
    }),
    "weights with another checksum": changed("model.weights.h5", { crc: 7 }),
    "a configuration with another checksum": changed("config.json", { crc: 7 }),
    "weights that overlap the configuration": changed("model.weights.h5", { offset: 0 }),
    "weights beyond the archive": changed("model.weights.h5", { offset: 2 ** 31 }),
    "weights at 2^63, by a zip64 field": changed("model.weights.h5", {
      offset: 2 ** 32 - 1,
      extra: [1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128],
    }),
    "a zip64 field that ends early": changed("model.weights.h5", {
      offset: 2 ** 32 - 1,
      extra: [1, 0, 4, 0, 0, 0, 0, 0],
    }),
    "a configuration in two entries": buildZip([...members, { name: "config.json", content: ascii("{}") }]),
    "65535 entries, three of them there": buildZip(members, { entries: 65535 }),
    "two entries, three of them there": buildZip(members, { entries: 2 }),
    "a configuration in Latin-1": repack(original, { "config.json": Uint8Array.of(0x22, 0xe4, 0x22) }),
    "a configuration with NaN": repack(original, { "config.json": ascii('{"rate": NaN}') }),
    "weights that are a zip": repack(original, { "model.weights.h5": original }),
    "weights of no bytes": repack(original, { "model.weights.h5": new Uint8Array(0) }),
  };
  test.each(Object.entries(lies))("%s", (name, bytes) => refused(name, bytes, readModel));

  test("a name that leads out of the archive stays a name", () => {
    const bytes = buildZip([...members, { name: "../../etc/passwd", content: ascii("root") }]);
    expect(safely({ name: "..", bytes }, readModel)).toEqual(readModel(original));
  });
});

// ------------------------------------------------------------------------------------ .safetensors and .npz

describe("safetensors", () => {
  const build = (header: string, length: bigint = BigInt(header.length), dataBytes = 0): Uint8Array =>
    Uint8Array.from([...u64(length), ...ascii(header), ...new Uint8Array(dataBytes)]);
  const lies: Record<string, Uint8Array> = {
    "a header of 99 MB": build("{}", 99_000_000n),
    "a header of 4 GB": build("{}", 2n ** 32n - 1n),
    "a header of 2^64 bytes": build("{}", 2n ** 64n - 1n),
    "a header nested a million deep": build('{"a":'.repeat(1e5)),
    "a shape of a million axes": build(`{"a":{"dtype":"F32","shape":[${"9,".repeat(1e5)}9],"data_offsets":[0,0]}}`),
    "a tensor of 2^50 bytes": build(
      '{"a":{"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]}}',
    ),
    "a tensor of 2^80 bytes": build('{"a":{"dtype":"U8","shape":[1e12,1e12],"data_offsets":[0,0]}}'),
    "a name of a megabyte": build(`{"${"n".repeat(1e6)}":3}`),
    "a name that moves the cursor": build('{"\\u001b[2J\\u202e":3}'),
    "a dtype of a megabyte": build(`{"a":{"dtype":"${"F".repeat(1e6)}"}}`),
    "a dtype that can't be written as text": build('{"a":{"dtype":{"toString":1}}}'),
    "metadata twice": build('{"__metadata__":{},"__metadata__":{}}'),
    "two tensors on the same bytes": build(
      '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
      undefined,
      4,
    ),
  };
  test.each(Object.entries(lies))("%s", (name, bytes) => refused(name, bytes, readModel));

  test("50 000 tensors of no elements take little time", () => {
    const names = Array.from(
      { length: 50_000 },
      (_, index) => `"${index}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`,
    );
    expect(safely({ name: "many", bytes: build(`{${names.join()}}`) }, readModel)?.size).toBe(50_001);
  });
});

describe("npz", () => {
  const npy = (header: string, data = 0) => ({
    name: "a.npy",
    content: Uint8Array.from([
      ...[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8],
      ...ascii(header),
      ...new Uint8Array(data),
    ]),
  });
  const lies: Record<string, Uint8Array> = {
    "an array of 10^15 elements": buildZip([
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,)}\n", 4),
    ]),
    "an array of 10^30 elements": buildZip([
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (999999999999999,999999999999999)}\n", 4),
    ]),
    "no elements of 10^30": buildZip([
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (0,999999999999999,999999999999999)}\n", 4),
    ]),
    objects: buildZip([npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n", 8)]),
    "something else inside": buildZip([{ name: "a.txt", content: ascii("x") }]),
    "an archive in an archive": buildZip([{ name: "a.npy", content: bytesOf("npy/stored.npz") }]),
    "no bytes": buildZip([{ name: "a.npy", content: new Uint8Array(0) }]),
  };
  test.each(Object.entries(lies))("%s", (name, bytes) => refused(name, bytes, readArrays));
});
