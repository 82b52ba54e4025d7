/** Zip archives: what is written is read again, and every restriction holds. */
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { firstZipName, readZip } from "../../src/bytes/zip.ts";
import { writeZip } from "../../src/bytes/zip-writer.ts";
import { buildZip } from "./build-zip.ts";

const sample = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31) & 255);
const files = [
  { name: "first", bytes: sample(10) },
  { name: "folder/größe", bytes: sample(0) },
  { name: "third.npy", bytes: sample(1000) },
];

describe("writing", () => {
  test.each([{}, { alignment: 64 }, { zip64: true }, { alignment: 4096, zip64: true }])("%o", (options) => {
    const archive = writeZip(files, options);
    const entries = readZip(archive, []);
    expect([...entries.keys()]).toEqual(files.map((file) => file.name));
    for (const file of files) {
      const content = entries.get(file.name)!.read();
      expect(content).toEqual(file.bytes);
      expect(content.buffer).toBe(archive.buffer);
      expect(content.byteOffset % (options.alignment ?? 1)).toBe(0);
    }
    expect(writeZip(files, options)).toEqual(archive);
  });

  test.each([1, 2, 3, 4, 5, 8, 64])("names of every length keep data at a multiple of %i", (alignment) => {
    const names = Array.from({ length: 70 }, (_, length) => ({ name: "n".repeat(length + 1), bytes: sample(3) }));
    for (const entry of readZip(writeZip(names, { alignment }), []).values()) {
      expect(entry.read().byteOffset % alignment).toBe(0);
    }
  });

  test("nothing", () => expect(readZip(writeZip([]), []).size).toBe(0));

  test("more entries than 16 bits count", () => {
    const many = Array.from({ length: 65_537 }, (_, index) => ({ name: String(index), bytes: new Uint8Array(0) }));
    expect(readZip(writeZip(many), []).size).toBe(65_537);
  });
});

describe("reading", () => {
  const text = new TextEncoder().encode("the same text again and again, ".repeat(100));
  const deflated = new Uint8Array(deflateRawSync(text));

  test("deflated entries, a data descriptor's flag, a comment", () => {
    const archive = buildZip([{ name: "a", content: text, method: 8, data: deflated, flags: 8, localSizes: 0 }], {
      comment: "PK",
    });
    expect(readZip(archive, []).get("a")!.read()).toEqual(text);
  });

  test("the first name, without the directory", () => {
    expect(firstZipName(writeZip(files).subarray(0, 100))).toBe("first");
    expect(firstZipName(sample(100))).toBeUndefined();
  });

  const refusals: [string, Parameters<typeof buildZip>[0], RegExp][] = [
    [
      "two equal names",
      [
        { name: "a", content: text },
        { name: "a", content: text },
      ],
      /two entries/,
    ],
    [
      "overlapping entries",
      [
        { name: "a", content: text },
        { name: "b", content: text, offset: 0 },
      ],
      /overlaps/,
    ],
    ["a wrong checksum", [{ name: "a", content: text, crc: 1 }], /checksum/],
    ["an encrypted entry", [{ name: "a", content: text, flags: 1 }], /encrypted/],
    ["another method", [{ name: "a", content: text, method: 12 }], /method 12/],
    ["another disk", [{ name: "a", content: text, disk: 3 }], /disks/],
    ["another name in the entry itself", [{ name: "a", content: text, localName: "b" }], /the entry itself/],
    ["a name that is not UTF-8", [{ name: "\xff", content: text, latin1: true }], /UTF-8/],
    ["a stored entry of two sizes", [{ name: "a", content: text, sizeBytes: 7 }], /stored entry/],
    [
      "less data than claimed",
      [{ name: "a", content: text, method: 8, data: deflated, sizeBytes: text.length + 1 }],
      /expected 3101/,
    ],
    [
      "more data than claimed",
      [{ name: "a", content: text, method: 8, data: deflated, sizeBytes: text.length - 1 }],
      /got more/,
    ],
    [
      "a claim beyond deflate",
      [{ name: "a", content: text, method: 8, data: deflated, sizeBytes: 2 ** 31 }],
      /1032 to 1/,
    ],
    [
      "data that runs into the directory",
      [{ name: "a", content: text, dataBytes: text.length + 60, sizeBytes: text.length + 60 }],
      /past the archive/,
    ],
    ["broken deflate data", [{ name: "a", content: text, method: 8, data: sample(40) }], /compressed/],
  ];
  test.each(refusals)("refuses %s", (_, entries, message) => {
    expect(() => [...readZip(buildZip(entries), ["model.keras"]).values()].map((entry) => entry.read())).toThrow(
      message,
    );
  });

  test("refuses a bomb of 100 MiB in 100 KiB", () => {
    const content = new Uint8Array(100 * 2 ** 20);
    const data = new Uint8Array(deflateRawSync(content));
    const entry = readZip(buildZip([{ name: "a", content, method: 8, data }]), []).get("a")!;
    expect(() => entry.read()).toThrow(/decompression bomb/);
  });

  test("stops a stream that goes on behind its claim", () => {
    const data = new Uint8Array(deflateRawSync(new Uint8Array(300 * 2 ** 20)));
    const entry = readZip(buildZip([{ name: "a", content: new Uint8Array(data.length * 2), method: 8, data }]), []).get(
      "a",
    )!;
    // Time of this process alone: to go on for 300 MiB takes longer, whatever else the machine does.
    const start = process.cpuUsage();
    expect(() => entry.read()).toThrow(/got more/);
    const { user, system } = process.cpuUsage(start);
    expect(user + system).toBeLessThan(1e6);
  });
});
