/** Hostile pickles, by hand: none of them does more than be refused, or be read as the plain data that it is. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Cursor } from "../../src/bytes/cursor.ts";
import { PickleGlobal, readPickle } from "../../src/bytes/pickle.ts";
import { writeZip } from "../../src/bytes/zip-writer.ts";
import { readModelFile } from "../../src/formats/read.ts";
import { mutations } from "./mutate.ts";
import { readModel, safely } from "./safely.ts";

const folder = new URL("../fixtures/checkpoints/", import.meta.url);
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const little = (value: number, bytes: number) =>
  Array.from({ length: bytes }, (_, index) => String.fromCharCode(Math.floor(value / 2 ** (8 * index)) % 256)).join("");

/** A pickle of bytes given as Latin-1 text. */
function unpickle(text: string): unknown {
  const called = new PickleGlobal("test.pair", (args) => [...args]);
  return readPickle(new Cursor(latin1(text), ["attack"]), {
    global: (module, name) => (module === "test" && name === "pair" ? called : undefined),
    fix: "save plain data",
  });
}

describe("plain data of every protocol", () => {
  test.each<readonly [string, string, unknown]>([
    [
      "protocol 0",
      "(dp0\nVa\np1\nI1\nsVb\n(lp2\nI01\naF2.5\naNas.",
      new Map<string, unknown>([
        ["a", 1],
        ["b", [true, 2.5, null]],
      ]),
    ],
    [
      "protocol 2",
      "\x80\x02}q\x00(X\x01\x00\x00\x00aK\x07X\x01\x00\x00\x00bM\x01\x02u.",
      new Map([
        ["a", 7],
        ["b", 513],
      ]),
    ],
    ["protocol 4, framed", `\x80\x04\x95${little(6, 8)}(\x8c\x01a\x94\x88t.`, ["a", true]],
    ["a negative integer", "J\xfe\xff\xff\xff.", -2],
    ["a long", "\x8a\x02\xff\xff.", -1],
    ["a long past 2^53", `\x8a\x08${little(1, 7)}\x40.`, 2n ** 62n + 1n],
    ["a float", "G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5],
    ["a set", "\x8f(K\x01K\x01\x90.", new Set([1])],
    ["an object twice", "]q\x00h\x00\x86.", [[], []]],
    ["a call", "\x80\x02ctest\npair\nK\x01K\x02\x86R.", [1, 2]],
    ["a name on the stack", "\x8c\x04test\x8c\x04pair\x93)R.", []],
  ])("%s", (_, text, value) => {
    expect(unpickle(text)).toEqual(value);
  });
});

describe("refuses", () => {
  test.each<readonly [string, string, RegExp]>([
    ["a name", "cos\nsystem\n.", /os\.system, which is not plain data; nothing in a file is run/],
    ["a name with an attribute of its own", "ctest\n__class__\n.", /test\.__class__/],
    ["a name that Object has", "c__proto__\nconstructor\n.", /__proto__\.constructor/],
    ["a name on the stack that is no text", "K\x01K\x02\x93.", /the name of a global/],
    ["a call of data", "}K\x01\x85R.", /expected a function to call/],
    ["an object of a class", "(ctest\npair\no.", /OBJ/],
    ["an instance", "(itest\npair\n.", /INST/],
    ["a persistent id where there are none", "K\x01Q.", /lies outside of the pickle/],
    ["an opcode that is none", "\xff.", /opcode 0xff/],
    ["an empty stack", ".", /takes more from its stack/],
    ["a mark as an object", "(.", /takes more from its stack/],
    ["two objects", "K\x01K\x02.", /expected one object/],
    ["no end", "K\x01", /expected 1 bytes/],
    ["an object before it is made", "h\x05.", /object 5 before it makes it/],
    ["an integer of 2 GB", "\x8b\xff\xff\xff\x7f.", /64 bytes in one integer/],
    ["a text of 4 GB", "X\xff\xff\xff\xffabc.", /expected 4294967295 bytes/],
    ["a text of 2^63", `\x8d${"\xff".repeat(8)}.`, /below 2\^53/],
    ["a line without an end", `I${"1".repeat(100_000)}`, /line without an end/],
    ["an integer of a thousand digits", `I${"1".repeat(1000)}\n.`, /expected an integer/],
    ["a tuple to add to", ")K\x01a.", /expected a list/],
    ["items of a list", "]K\x01K\x02s.", /expected a dict/],
    ["an odd number of items", "}(K\x01u.", /expected a dict and pairs/],
    ["the state of a number", "K\x01}b.", /the state of a dict/],
    ["a protocol of the future", "\x80\x09.", /protocol 9/],
  ])("%s", (_, text, message) => {
    expect(() => unpickle(text)).toThrow(message);
  });

  test("more objects than any checkpoint has, soon and in little memory", () => {
    const bytes = new Uint8Array(2 ** 20).fill(0x7d);
    safely({ name: "dicts", bytes }, (given) =>
      readPickle(new Cursor(given, []), { global: () => undefined, fix: "" }),
    );
    expect(() => readPickle(new Cursor(bytes, []), { global: () => undefined, fix: "" })).toThrow(/524288 objects/);
  });
});

test("an object that doubles forty times is as large as its file, and is not walked", () => {
  const bomb = `\x80\x02]q\x000${"h\x00h\x00\x86q\x000".repeat(40)}h\x00.`;
  expect(Array.isArray(unpickle(bomb))).toBe(true);
  expect(() => readModelFile(checkpoint(bomb), ["attack"])).toThrow(/expected a state dict, got something else/);
});

test("a dict that contains itself", () => {
  expect(() => readModelFile(checkpoint("\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s."), ["attack"])).toThrow(
    /a dict of model/,
  );
});

/** A checkpoint of today with this pickle and one storage of four float32. */
function checkpoint(pickle: string): Uint8Array {
  return writeZip([
    { name: "archive/data.pkl", bytes: latin1(pickle) },
    { name: "archive/data/0", bytes: new Uint8Array(16) },
  ]);
}

/** The pickle of a dict with one tensor of the storage. */
function tensor({
  offset = "K\x00",
  size = "(K\x02K\x02t",
  stride = "(K\x02K\x01t",
  length = "K\x04",
  type = "FloatStorage",
  key = "0",
} = {}): string {
  const storage = `(X\x07\x00\x00\x00storagectorch\n${type}\nX${little(key.length, 4)}${key}X\x03\x00\x00\x00cpu${length}tQ`;
  return `\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(${storage}${offset}${size}${stride}\x89}tRs.`;
}

describe("tensors that lie", () => {
  test("one that does not, so that the others are refused for their lie", () => {
    const file = readModelFile(checkpoint(tensor()), ["attack"]);
    expect(file.kind === "state" && file.tensors.get("w")!.shape).toEqual([2, 2]);
  });

  test.each<readonly [string, Parameters<typeof tensor>[0], RegExp]>([
    ["an offset past the storage", { offset: "K\x01" }, /reaches past its storage of 16 bytes/],
    ["a negative offset", { offset: "J\xff\xff\xff\xff" }, /as counts/],
    ["a size past the storage", { size: "(K\x03K\x02t" }, /reaches past its storage/],
    ["a negative stride", { stride: "(J\xff\xff\xff\xffK\x01t" }, /as counts/],
    ["a stride past the storage", { stride: "(M\xff\xffK\x01t" }, /reaches past its storage/],
    ["a stride of 2^62", { stride: `(\x8a\x08${little(0, 7)}\x40K\x01t` }, /as counts/],
    [
      "a size of 2^40 over one element",
      { size: `(\x8a\x06${little(2 ** 40, 6)}t`, stride: "(K\x00t" },
      /repeats 16 bytes too often/,
    ],
    [
      "sizes whose product is past any file",
      { size: `(${`J\xff\xff\xff\x7f`.repeat(3)}t`, stride: "(K\x00K\x00K\x00t" },
      /too large for any file/,
    ],
    ["another rank of strides", { stride: "(K\x01t" }, /as counts/],
    ["sizes that are no numbers", { size: "(NNt" }, /as counts/],
    ["a storage of another length", { length: "K\x05" }, /expected 5 elements of torch\.FloatStorage, got 16 bytes/],
    ["a storage of another type", { type: "DoubleStorage" }, /expected 4 elements of torch\.DoubleStorage/],
    ["a storage that is not there", { key: "../7" }, /expected an entry archive\/data\/\.\.\/7/],
    ["a function as a type", { type: "device" }, /expected the type, key and length/],
  ])("%s", (_, lie, message) => {
    expect(() => readModelFile(checkpoint(tensor(lie)), ["attack"])).toThrow(message);
  });
});

test.each(readdirSync(folder).filter((name) => /\.(pt|ckpt|bin)$/.test(name)))("damaged copies of %s", (name) => {
  const original = bytesOf(name);
  const before = JSON.stringify([...readModel(original)]);
  let refused = 0;
  for (const mutation of mutations(original, 7, 200)) if (safely(mutation, readModel) === undefined) refused++;
  expect(refused).toBeGreaterThan(20);
  expect(JSON.stringify([...readModel(original)])).toBe(before);
});
