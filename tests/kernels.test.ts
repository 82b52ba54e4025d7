/**
 * The built kernels: build/kernels.wasm against the interface in src/ops/kernels.ts, and what the bundles carry of it.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { cellCodes, functionCodes } from "../src/ops/recurrent.ts";
import { newestBuild, patched } from "../src/platform/inlined.ts";
import { builds, floats, readBuild } from "./support/kernels.ts";

const interfaceText = readFileSync(new URL("../src/ops/kernels.ts", import.meta.url), "utf8");

/** Name to number of parameters, read from the text of the interface. */
function interfaceMembers(text: string): Map<string, number> {
  const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  const body = bare.slice(bare.indexOf("{") + 1, bare.indexOf("\n}"));
  const members = new Map<string, number>();
  for (const [, name, parameters] of body.matchAll(/(\w+)\(([^)]*)\)\s*:/g)) {
    members.set(name!, parameters!.split(",").filter((text) => text.includes(":")).length);
  }
  return members;
}

/** What the kernels export besides the interface, see assembly/index.ts. */
const others = ["heapBase", "memory", "placePlan", "planBytes"];

describe("the interface", () => {
  const members = interfaceMembers(interfaceText);

  it.each(builds)("%s exports what Kernels declares", (name) => {
    const module = new WebAssembly.Module(readBuild(name));
    const names = WebAssembly.Module.exports(module).map((entry) => entry.name);
    expect(names.sort()).toEqual([...members.keys(), ...others].sort());
    const instance = new WebAssembly.Instance(module);
    for (const [member, count] of members) {
      expect((instance.exports[member] as () => void).length, member).toBe(count);
    }
  });

  it.each(builds)("%s imports nothing and is small", (name) => {
    const bytes = readBuild(name);
    expect(WebAssembly.Module.imports(new WebAssembly.Module(bytes))).toEqual([]);
    expect(bytes.length).toBeLessThan(80 * 1024);
  });

  it.each(builds)("%s has a twin for threads, which imports its memory", (name) => {
    const module = new WebAssembly.Module(readBuild(name.replace("kernels", "kernels.threads")));
    const names = WebAssembly.Module.exports(module).map((entry) => entry.name);
    expect([...names, "memory"].sort()).toEqual([...members.keys(), ...others].sort());
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
  });

  it("is what kernels.js and threads.js carry", async () => {
    for (const [carried, infix] of [
      [await import("../build/kernels.js"), ""],
      [await import("../build/threads.js"), "threads."],
    ] as const) {
      const plain = readBuild(`kernels.${infix}wasm`);
      expect(Buffer.from(carried.plainHex, "hex").equals(plain)).toBe(true);
      const literal = Buffer.from(carried.relaxedHex, "hex");
      const relaxed = patched(plain, carried.relaxedSteps, literal);
      expect(Buffer.from(relaxed).equals(readBuild(`kernels.${infix}relaxed.wasm`))).toBe(true);
      // What the runtime in use gets of the two.
      const newest = newestBuild(carried);
      expect(Buffer.from(newest).equals(builds.length === 2 ? relaxed : plain)).toBe(true);
    }
  });

  it("are decoded alike with and without what some runtimes have for it", async () => {
    const carried = await import("../build/kernels.js");
    const own = newestBuild(carried);
    vi.stubGlobal("Buffer", undefined);
    vi.stubGlobal("Uint8Array", class extends Uint8Array {});
    Object.assign(Uint8Array, { fromHex: undefined });
    const looped = newestBuild(carried);
    vi.unstubAllGlobals();
    expect(Buffer.from(looped).equals(own)).toBe(true);
  });

  it("are told by a patch that undoes itself, whatever the two have in common", async () => {
    const { patchFrom } = await import(new URL("../scripts/patch.js", import.meta.url).href);
    const bytes = (count: number, seed: number) => Uint8Array.from(floats(count, seed), (value) => value * 127);
    const base = bytes(300, 1);
    const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
    const cases = [
      new Uint8Array(0),
      base,
      bytes(50, 2),
      join(bytes(9, 3), base),
      join(base.subarray(0, 100), bytes(1, 4), base.subarray(100)),
      join(base.subarray(200), base.subarray(0, 30), bytes(40, 5), base.subarray(31, 54)),
    ];
    for (const wanted of cases) {
      const { steps, literal } = patchFrom(base, wanted);
      expect(patched(base, steps, literal)).toEqual(wanted);
    }
  });
});

describe("numbers that stand for words", () => {
  const source = (name: string) => readFileSync(new URL(`../assembly/${name}`, import.meta.url), "utf8");
  /** `THE_NAME: i32 = 7` as ["theName", 7]. */
  const constants = (text: string): [string, number][] =>
    [...text.matchAll(/\b([A-Z]+(?:_[A-Z]+)*)(?:: i32)? = (\d+)\b/g)].map(([, name, value]) => [
      name!.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      Number(value),
    ]);

  it("are the same for a cell's functions in src/ and in assembly/", () => {
    const text = source("activation.ts");
    const members = /enum Kind \{([^}]*)\}/.exec(text)![1]!.match(/\w+/g)!;
    const kinds = members.map((name, index) => [name[0]!.toLowerCase() + name.slice(1), index]);
    const others = constants(text).filter(([name]) => name === "linear" || name === "softmax");
    expect(Object.fromEntries([...kinds, ...others])).toEqual(functionCodes);
  });

  it("are the same for cells", () => {
    expect(Object.fromEntries(constants(source("recurrent.ts")))).toEqual(cellCodes);
  });
});
