/** Models of other people with classes of their own: refused by name, and right once it is said what the classes compute. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { convert, type FromKeras, load } from "../../src/index.ts";
import { toFloat32 } from "../../src/bytes/numbers.ts";
import { readNpz } from "../../src/bytes/npz.ts";

const file = (path: string) => new Uint8Array(readFileSync(new URL(`../fixtures/wild/${path}`, import.meta.url)));
const array = (path: string, key: string) => readNpz(file(path), [path]).get(key)!;

/** The mean over the steps at which some channel of `raw` is not 0: sum of x * m over sum of m + added. */
const maskedMean =
  (added: number): FromKeras =>
  (call) => {
    const [x, raw] = call.inputs as [number, number];
    call.config.ignore("data_format");
    const number = (kind: string, value: number, right: number) =>
      call.emit("arithmetic", { kind, left: null, right }, [value]);
    const both = (kind: string, one: number, other: number) =>
      call.emit("arithmetic", { kind, left: null, right: null }, [one, other]);
    const mask = call.emit("reduce", { kind: "max", axes: "C", keep: true }, [raw]);
    const sum = (value: number) => call.emit("reduce", { kind: "sum", axes: "L", keep: false }, [value]);
    const count = sum(mask);
    return both("divide", sum(both("multiply", x, mask)), number("add", count, added));
  };

/** The `customLayers` of docs/custom-layers.md that has this class: what the page shows is what is tried. */
function fromPage(className: string): Record<string, FromKeras> {
  const page = readFileSync(new URL("../../docs/custom-layers.md", import.meta.url), "utf8");
  const block = [...page.matchAll(/```js\n([\s\S]*?)```/g)]
    .map(([, code]) => code!)
    .find((code) => code.includes(className));
  return new Function(`${block}; return customLayers;`)();
}

const models: [folder: string, name: string, refusal: RegExp, layers: Record<string, FromKeras>][] = [
  [
    "dna-mmsplice-acceptor-convdna",
    "Acceptor.h5",
    /ConvDNA/,
    {
      ConvDNA(call) {
        call.config.ignore("seq_length");
        return call.like("Conv1D");
      },
    },
  ],
  ["dna-mmsplice-exon-lambda", "Exon.h5", /Lambda/, { Lambda: maskedMean(1e-6) }],
  ["dna-mmsplice-exon-maskedgap", "Exon.h5", /GlobalAveragePooling1D_Mask0/, fromPage("GlobalAveragePooling1D_Mask0")],
];

describe.each(models)("%s", (folder, name, refusal, customLayers) => {
  test("is refused by name, with the lines to write", async () => {
    await expect(load(file(`${folder}/${name}`))).rejects.toMatchObject({
      code: "unsupported-layer",
      message: expect.stringMatching(refusal),
      fix: expect.stringMatching(/customLayers/),
    });
  });

  test("gives Keras' numbers, and converts", async () => {
    const model = await load(file(`${folder}/${name}`), { customLayers });
    const x = array(`${folder}/inputs.npz`, "input_0");
    const want = toFloat32(array(`${folder}/outputs.npz`, "output_0"));
    const y = model.predict({ data: toFloat32(x), layout: "NLC", shape: x.shape });
    const { data } = "data" in y ? (y as { data: Float32Array }) : expect.fail("one output");
    const largest = Math.max(...want.map(Math.abs));
    const errors = [...data].map((value, index) => Math.abs(value - want[index]!) / largest);
    expect(Math.max(...errors)).toBeLessThan(1e-6);
    const files = await convert(model);
    expect([...files.keys()]).toEqual(["model.py", "model.safetensors", "check.npz"]);
    // Its code would have to go along, and is of another Python.
    if ("Lambda" in customLayers)
      await expect(convert(model, { to: "keras" })).rejects.toThrow(/Keras 3 has no Lambda of Keras 2/);
    model.dispose();
  });
});
