/** TorchProgram: strict loading, observing, what is refused by name and line, and what hostile text can't do. */
import { describe, expect, it } from "vitest";
import { type Array64, runTorchProgram, type StepValue, TorchProgram } from "../../src/backends/torch/interpret.ts";
import { ChannelwiseError } from "../../src/error.ts";
import { refusedBy } from "../support/refusals.ts";

const HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n";

function array(shape: readonly number[], first = 1): Array64 {
  return { shape, data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i) };
}

function forward(body: string, init = ""): string {
  const indented = (text: string) =>
    text
      .split("\n")
      .map((line) => `        ${line}\n`)
      .join("");
  const initializer = init ? `    def __init__(self):\n        super().__init__()\n${indented(init)}` : "";
  return `${HEADER}class Net(nn.Module):\n${initializer}    def forward(self, x):\n${indented(body)}`;
}

const run = (source: string, input = array([2, 3])) => runTorchProgram({ source, state: new Map(), inputs: [input] });

describe("precision", () => {
  it("is that of float64, but for x.float()", () => {
    const input = { shape: [2], data: Float64Array.of(0.1, 2 ** 24 + 1) };
    expect([...(run(forward("return x * 1"), input)[0]!.data as Float64Array)]).toEqual([0.1, 2 ** 24 + 1]);
    expect([...(run(forward("return x.float()"), input)[0]!.data as Float64Array)]).toEqual([
      Math.fround(0.1),
      2 ** 24,
    ]);
  });
});

describe("state dict", () => {
  const source = forward("return self.bn(self.lin(x))", "self.lin = nn.Linear(3, 2)\nself.bn = nn.BatchNorm1d(2)");
  const complete = () =>
    new Map<string, Array64>([
      ["lin.weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ["lin.bias", { shape: [2], data: [0.5, 1] }],
      ["bn.weight", array([2])],
      ["bn.bias", array([2])],
      ["bn.running_mean", array([2])],
      ["bn.running_var", array([2])],
      ["bn.num_batches_tracked", { shape: [], data: BigInt64Array.of(7n) }],
    ]);

  it("lists what it needs in PyTorch's order", () => {
    expect([...new TorchProgram(source).stateShapes()]).toEqual(
      [...complete()].map(([name, { shape }]) => [name, shape]),
    );
  });

  it("reads a large weight of a Linear part by part", () => {
    const [rows, columns] = [2053, 4099];
    const weight = Float32Array.from({ length: rows * columns }, (_, index) => Math.sin(index));
    const program = new TorchProgram(
      forward("return self.l(x)", `self.l = nn.Linear(${columns}, ${rows}, bias=False)`),
    );
    let [largest, sum] = [0, 0];
    const parts = () => (start: number, end: number) => {
      largest = Math.max(largest, end - start);
      sum += end - start;
      return weight.subarray(start, end);
    };
    const read = () => expect.unreachable("all of it was read") as never;
    program.loadState(new Map([["l.weight", { shape: [rows, columns], read, parts }]]));
    const input = array([2, columns], -2000);
    const [{ shape, data }] = program.run([input]) as [Array64];
    expect(shape).toEqual([2, rows]);
    expect(sum).toBe(weight.length);
    expect(largest).toBeLessThan(weight.length / 50);
    const x = input.data as Float64Array;
    for (const [sample, row] of [
      [0, 0],
      [0, 15],
      [1, 16],
      [1, 2052],
    ] as const) {
      let want = 0;
      for (let k = 0; k < columns; k++) want += x[sample * columns + k]! * weight[row * columns + k]!;
      expect((data as Float64Array)[sample * rows + row]).toBe(want);
    }
  });

  it("reads of a large Embedding the rows that it looks up", () => {
    const [rows, width] = [2 ** 20, 11];
    const program = new TorchProgram(forward("return self.e(x)", `self.e = nn.Embedding(${rows}, ${width})`));
    const parts = () => (start: number, end: number) =>
      Float32Array.from({ length: end - start }, (_, index) => start + index);
    const read = () => expect.unreachable("all of it was read") as never;
    program.loadState(new Map([["e.weight", { shape: [rows, width], read, parts }]]));
    const ids = [5, rows - 1, 0, 5];
    const [{ shape, data }] = program.run([{ shape: [2, 2], data: BigInt64Array.from(ids, BigInt) }]) as [Array64];
    expect(shape).toEqual([2, 2, width]);
    expect([...(data as Float64Array)]).toEqual(
      ids.flatMap((id) => Array.from({ length: width }, (_, index) => Math.fround(id * width + index))),
    );
  });

  it("takes float32, plain arrays and 64-bit integers", () => {
    const program = new TorchProgram(source);
    program.loadState(complete());
    expect(program.run([array([4, 3])])[0]!.shape).toEqual([4, 2]);
  });

  it("names what is missing, spare or misshapen", () => {
    const program = new TorchProgram(source);
    const without = complete();
    without.delete("lin.bias");
    expect(refusedBy(() => program.loadState(without))).toMatchObject({
      code: "missing-weight",
      summary: expect.stringContaining("lin.bias"),
    });
    const spare = complete().set("lin.extra", array([1]));
    expect(refusedBy(() => program.loadState(spare))).toMatchObject({
      code: "missing-weight",
      summary: expect.stringContaining("lin.extra"),
    });
    const misshapen = complete().set("lin.weight", array([3, 2]));
    expect(refusedBy(() => program.loadState(misshapen)).summary).toBe("lin.weight: expected (2, 3), got (3, 2)");
    const short = complete().set("lin.bias", { shape: [2], data: [1] });
    expect(refusedBy(() => program.loadState(short)).summary).toContain("expected 2 values");
  });

  it("must be loaded before a run", () => {
    expect(refusedBy(() => new TorchProgram(source).run([array([4, 3])])).summary).toContain("state dict");
  });
});

describe("running", () => {
  it("takes integers from integer arrays", () => {
    const [output] = run(forward("return x + 1"), { shape: [2], data: Int32Array.of(1, 2) });
    expect(output).toEqual({ shape: [2], data: Float64Array.of(2, 3), dtype: "int64" });
  });

  it("runs a named class, several times, without changing its inputs", () => {
    const source = `${forward("x += 1\nreturn x").replace("class Net", "class First")}\n\nclass Last(nn.Module):\n    pass\n`;
    const program = new TorchProgram(source, { className: "First" });
    const input = array([2]);
    expect(program.run([input])[0]!.data).toEqual(Float64Array.of(2, 3));
    expect(program.run([input])[0]!.data).toEqual(Float64Array.of(2, 3));
    expect(new TorchProgram(source).className).toBe("Last");
  });

  it("returns tuples flat and refuses what isn't tensors", () => {
    expect(run(forward("return x, x * 2")).length).toBe(2);
    expect(refusedBy(() => run(forward("return 3"))).code).toBe("unsupported-feature");
    expect(refusedBy(() => run(forward("return x, (x, x)"))).code).toBe("unsupported-feature");
    expect(refusedBy(() => run(forward("y = x"))).code).toBe("unsupported-feature");
  });

  it("reports each assignment of the main forward, with line, name and value", () => {
    const steps: [number, string, StepValue][] = [];
    const helper =
      "class Helper(nn.Module):\n    def forward(self, v):\n        w = v * 2\n        return w, (w, v)\n\n";
    const body =
      "n = x.shape[0]\ny = x + n\ny += 1\na, b = y.split([1, 2], dim=1)\nout, state = self.h(x)\nz = [x, y]\nz = [w for w in z]\nreturn out";
    const source = forward(body, "self.h = Helper()").replace("class Net", `${helper}class Net`);
    runTorchProgram({ source, state: new Map(), inputs: [array([2, 3])], onStep: (...step) => steps.push(step) });
    const first = source.slice(0, source.indexOf("n = x.shape")).split("\n").length;
    const shapes = (value: StepValue): unknown =>
      "shape" in value ? (value as Array64).shape.join("x") : (value as StepValue[]).map(shapes);
    expect(steps.map(([line, name, value]) => [line - first, name, shapes(value)])).toEqual([
      [1, "y", "2x3"],
      [2, "y", "2x3"],
      [3, "a", "2x1"],
      [3, "b", "2x2"],
      [4, "out", "2x3"],
      [4, "state", ["2x3", "2x3"]],
      [5, "z", ["2x3", "2x3"]],
      [6, "z", ["2x3", "2x3"]],
    ]);
  });
});

describe("refused by name and line", () => {
  const cases: readonly (readonly [name: string, body: string, message: string])[] = [
    ["a function", "y = x\nreturn torch.fft(y)", "PyTorch function torch.fft is not known to the checker"],
    [
      "a functional",
      "y = x\nreturn F.fold(y)",
      "PyTorch function torch.nn.functional.fold is not known to the checker",
    ],
    ["a method", "y = x\nreturn y.masked_scatter(y)", "Tensor method .masked_scatter is not known to the checker"],
    ["a module", "y = x\nreturn nn.Conv3d(1, 1, 1)(y)", "PyTorch function torch.nn.Conv3d is not known to the checker"],
    ["an f-string", "y = x\nreturn f'{y}'", "f-string"],
    ["a with block", "y = x\nwith torch.no_grad():\n    return y", "with statement"],
    ["a return of indices", "y = x\nreturn F.max_pool1d(y, 1, return_indices=True)", "return_indices=true"],
    ["a mode", "y = x\nreturn F.interpolate(y[None], scale_factor=2, mode='linear')", "mode=linear"],
    ["dropout that drops", "y = x\nreturn F.dropout(y)", "training=true"],
    ["softmax without dim", "y = x\nreturn F.softmax(y)", "without dim"],
    ["a mask as index", "y = x\nreturn y[y > 0]", "dtype bool"],
    ["an attribute set while running", "y = x\nself.last = y", "assigning to an attribute"],
    ["a random tensor", "y = x\nreturn torch.randn(2)", "torch.randn"],
    ["a patched function", "y = x\ntorch.relu = torch.tanh", "assigning to an attribute of module torch"],
  ];
  for (const [name, body, message] of cases) {
    it(name, () => {
      const error = refusedBy(() => run(forward(body)));
      expect(error.code).toBe("unsupported-feature");
      expect(error.summary).toContain(message);
      expect(error.where).toEqual(["model.py line 7"]);
    });
  }

  it("names the line of a multi-line constructor and of every frame", () => {
    const init = "self.body = nn.Sequential(\n    nn.ReLU(),\n    nn.Conv1d(1, 2, 3, strides=4),\n)";
    expect(refusedBy(() => new TorchProgram(forward("return x", init))).where).toEqual(["model.py line 9"]);
    const nested = `${HEADER}def helper(a):\n    return a.view(7)\n${forward("return helper(x)").slice(HEADER.length)}`;
    expect(refusedBy(() => run(nested)).where).toEqual(["model.py line 8", "model.py line 5"]);
  });

  it("a parameter changed in place, even through a view", () => {
    const source = forward(
      "w = self.w[0]\nw += x\nreturn w",
      'self.register_buffer("w", torch.zeros(2, 3), persistent=False)',
    );
    expect(refusedBy(() => run(source, array([3]))).summary).toContain("in place");
  });

  it("effects at module level, but not constants that nobody uses", () => {
    expect(refusedBy(() => new TorchProgram(`${forward("return x")}\nprint(1)\n`)).summary).toContain("module level");
    expect(refusedBy(() => new TorchProgram(`${forward("return x")}\nNet.forward = 1\n`)).summary).toContain(
      "assigning to an attribute",
    );
    const unused = `from os import path\nHERE = path.join(1)\nA, B = open("x")\n${forward("return x")}`;
    expect(refusedBy(() => run(unused)).code).toBe("unsupported-feature");
    expect(run(`import os\nHERE = os.path\n${forward("return x")}`).length).toBe(1);
    expect(refusedBy(() => run(`import os\nHERE = os.path\n${forward("return HERE")}`)).summary).toContain(
      "the import os",
    );
  });

  it("a class that extends something else", () => {
    const source = `${HEADER}class Mine(nn.Conv1d):\n    pass\n${forward("return Mine(1, 2, 3)(x)").slice(HEADER.length)}`;
    expect(refusedBy(() => run(source)).summary).toContain("must extend nn.Module alone");
  });
});

describe("hostile text", () => {
  const cases: readonly (readonly [name: string, body: string])[] = [
    ["an endless loop", "while True:\n    pass"],
    ["a long loop", "for i in range(10 ** 12):\n    pass"],
    ["nested loops", "for i in range(10 ** 6):\n    for j in range(10 ** 6):\n        x = x + 1"],
    ["endless recursion", "return self.forward(x)"],
    ["a huge tensor", "return torch.zeros(10 ** 6, 10 ** 6)"],
    ["a huge repeat", "return x.repeat(10 ** 9, 10 ** 9)"],
    ["a huge list", "return [0] * 10 ** 12"],
    ["a doubling list", "y = [0]\nwhile True:\n    y = y + y"],
    ["a doubling text", "y = 'x'\nwhile True:\n    y = y + y"],
    ["a huge power", "y = 9 ** 9 ** 9\nreturn x * y"],
    ["a huge product", "y = 2\nwhile True:\n    y = y * y"],
    ["a long sum", `return x${" + 1".repeat(5000)}`],
    ["a long chain", `return x${".abs()".repeat(5000)}`],
    ["prototype names", "return x.constructor"],
    ["prototype of a module", "return self.__proto__"],
    ["prototype functions", "return torch.toString"],
    ["prototype builtins", "return hasOwnProperty(x)"],
    ["a list that grows under its own loop", "y = [1]\nfor i in y:\n    y.append(i)"],
  ];
  for (const [name, body] of cases) {
    it(name, () => {
      const program = new TorchProgram(forward(body), { maxSteps: 200_000 });
      expect(refusedBy(() => program.run([array([2, 3])]))).toBeInstanceOf(ChannelwiseError);
    });
  }

  it("modules that double at every level", () => {
    const init = "m = nn.Linear(1, 1)\nfor i in range(60):\n    m = nn.Sequential(m, m)\nself.m = m";
    expect(refusedBy(() => new TorchProgram(forward("return x", init))).code).toBe("unsupported-feature");
  });

  it("a module inside itself", () => {
    expect(refusedBy(() => new TorchProgram(forward("return x", "self.me = self"))).code).toBe("unsupported-feature");
  });

  it("a class whose base is itself", () => {
    expect(refusedBy(() => new TorchProgram(`${HEADER}class Net(Net):\n    pass\n`))).toBeInstanceOf(ChannelwiseError);
  });

  it("a huge layer", () => {
    expect(
      refusedBy(() =>
        new TorchProgram(forward("return self.l(x)", "self.l = nn.Linear(10 ** 9, 10 ** 9)")).run([array([2, 3])]),
      ),
    ).toBeInstanceOf(ChannelwiseError);
  });
});
