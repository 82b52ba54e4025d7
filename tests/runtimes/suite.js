/**
 * suite: what is tried in every runtime, with the package as it was installed there
 *
 * Plain JavaScript without a framework, so that it runs wherever the package does. A host (hosts/) hands over the package's modules and how
 * files of the data folder (lib/data.js) are had; back comes a text of lines `ok NAME` and `FAIL NAME: why`.
 *
 * @typedef {object} Host
 * @property {typeof import("channelwise")} channelwise
 * @property {typeof import("channelwise/run")} run
 * @property {typeof import("channelwise/serve")} serve
 * @property {(name: string) => Promise<Uint8Array>} read  a file of the data folder
 * @property {(name: string) => string | URL} where        what `load` takes for it: a path or a URL
 * @property {number} threads                              how many a model gets that asks for two
 * @property {boolean} compiles                            whether bytes may be compiled
 */

/** @typedef {{ name: string, file: string, architecture?: string, inputs: number[][], outputs: number[][], ids: boolean[], atol: number, rtol: number }} Case */

/** @param {Host} host @returns {Promise<string>} */
export async function suite(host) {
  const lines = [];
  /** @type {Case[]} */
  const cases = JSON.parse(new TextDecoder().decode(await host.read("cases.json")));
  for (const [name, test] of [...cases.map(predicts), ...others(cases[0])]) {
    try {
      await test(host);
      lines.push(`ok ${name}`);
    } catch (error) {
      lines.push(`FAIL ${name}: ${`${error} ${error?.stack ?? ""}`.replace(/\s*\n\s*/g, " | ")}`);
    }
  }
  return lines.join("\n");
}

/** A file of each format gives what Keras recorded. @param {Case} each @returns {[string, (host: Host) => Promise<void>]} */
function predicts(each) {
  return [
    `predicts what Keras does: ${each.name}`,
    async ({ channelwise, where }) => {
      const options = each.architecture ? { architecture: where(each.architecture) } : {};
      const model = await channelwise.load(where(each.file), options);
      agree(outputsOf(model.predict(inputsOf(model, each))), each);
      model.dispose();
    },
  ];
}

/** Everything else, on the first case, whose converted forms lie beside it. @param {Case} first @returns {[string, (host: Host) => Promise<void>][]} */
const others = (first) => [
  [
    "channelwise/run predicts the same, to the bit",
    async ({ channelwise, run, read }) => {
      const bytes = await read("model.safetensors");
      const [a, b] = [await channelwise.load(bytes), await run.load(bytes)];
      sameBits(outputsOf(b.predict(inputsOf(b, first))), outputsOf(a.predict(inputsOf(a, first))));
    },
  ],
  [
    "converts to PyTorch, and proves it",
    async ({ channelwise, read }) => {
      const model = await channelwise.load(await read(first.file));
      const files = await channelwise.convert(model, { to: "pytorch" });
      equal([...files.keys()].sort().join(), "check.npz,model.py,model.safetensors");
      includes(new TextDecoder().decode(files.get("model.py")), "class ");
      equal((await channelwise.verify(model)).agrees, true);
    },
  ],
  [
    "loads what it converted",
    async ({ channelwise, run, read }) => {
      const model = await channelwise.load(await read(first.file));
      const files = await channelwise.convert(model, { to: "safetensors" });
      const again = await run.load(files.get("model.safetensors"));
      sameBits(outputsOf(again.predict(inputsOf(again, first))), outputsOf(model.predict(inputsOf(model, first))));
    },
  ],
  [
    "threads give the same bits, where there are any",
    async ({ channelwise, read, threads }) => {
      const model = await channelwise.load(await read(first.file), { threads: 2 });
      equal(model.threads, threads);
      // Enough samples that there is something to divide.
      const many = Float32Array.from({ length: first.inputs[0].length * 2000 }, (_, at) => Math.sin(at));
      sameBits(outputsOf(await model.predictAsync(many)), outputsOf(model.predict(many)));
      model.dispose();
    },
  ],
  [
    "multiplies without a model",
    async ({ channelwise }) => {
      const matrix = (numbers, layout) => channelwise.tensor(Float32Array.from(numbers), layout, [2, 2]);
      const { data } = channelwise.gemm(matrix([1, 2, 3, 4], "NI"), matrix([5, 6, 7, 8], "IO"));
      equal([...data].join(), "19,22,43,50");
    },
  ],
  [
    "takes kernels that are had otherwise",
    async ({ channelwise, run, read, where, compiles }) => {
      const file = await read("model.safetensors");
      const forms = compiles
        ? [where("kernels.wasm"), await read("kernels.wasm"), await WebAssembly.compile(await read("kernels.wasm"))]
        : [];
      for (const kernels of forms)
        for (const entry of [channelwise, run]) {
          const model = await entry.load(file, { kernels });
          agree(outputsOf(model.predict(inputsOf(model, first))), first);
        }
      if (!compiles) await refuses(run.load(file, { kernels: await read("kernels.wasm") }), "unsupported-feature");
      else await refuses(run.load(file, { kernels: await read("empty.wasm") }), "usage");
    },
  ],
  [
    "refuses with a code",
    async ({ channelwise, run, read }) => {
      const bytes = await read(first.file);
      await refuses(channelwise.load(bytes.subarray(0, bytes.length >> 1)), "corrupt-file");
      await refuses(run.load(bytes), "unknown-format");
      await refuses(channelwise.load(bytes, { thread: 2 }), "usage");
      const model = await channelwise.load(bytes);
      await refuses((async () => model.predict(new Float32Array(1)))(), "invalid-input");
      model.dispose();
      await refuses((async () => model.predict(inputsOf(model, first)))(), "disposed");
    },
  ],
  [
    "serves the Open Inference Protocol",
    async ({ run, serve, read }) => {
      const model = await run.load(await read("model.safetensors"));
      const { name, shape } = model.inputs[0];
      const data = [...Object.values(inputsOf(model, first))[0]];
      const samples = data.length / (shape[1] * shape[2]);
      const input = { name, datatype: "FP32", shape: [samples, shape[1], shape[2]], data };
      const request = new Request("http://localhost/v2/models/first/infer", {
        method: "POST",
        body: JSON.stringify({ inputs: [input] }),
        headers: { "content-type": "application/json" },
      });
      const response = await serve.serve({ first: model })(request);
      equal(response.status, 200);
      agree([Float32Array.from((await response.json()).outputs[0].data)], first);
    },
  ],
];

/** A case's inputs by the model's names. */
function inputsOf(model, { inputs, ids }) {
  const arrays = inputs.map((numbers, index) => (ids[index] ? Int32Array : Float32Array).from(numbers));
  return Object.fromEntries(model.inputs.map(({ name }, index) => [name, arrays[index]]));
}

/** The numbers of a prediction, one array an output. */
function outputsOf(prediction) {
  return (ArrayBuffer.isView(prediction.data) ? [prediction] : Object.values(prediction)).map(({ data }) => data);
}

/** @param {ArrayLike<number>[]} outputs @param {Case} each */
function agree(outputs, { outputs: expected, atol, rtol }) {
  equal(outputs.length, expected.length);
  expected.forEach((numbers, output) => {
    equal(outputs[output].length, numbers.length);
    numbers.forEach((want, at) => {
      const got = outputs[output][at];
      if (!(Math.abs(got - want) <= atol + rtol * Math.abs(want)))
        throw new Error(`output ${output}, number ${at}: expected ${want}, got ${got}`);
    });
  });
}

function sameBits(outputs, expected) {
  equal(outputs.length, expected.length);
  outputs.forEach((data, index) => {
    const words = ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length);
    const [a, b] = [words(data), words(expected[index])];
    equal(a.length, b.length);
    equal(
      a.findIndex((word, at) => word !== b[at]),
      -1,
    );
  });
}

async function refuses(promise, code) {
  const error = await promise.then(
    () => null,
    (error) => error,
  );
  if (error?.code !== code) throw new Error(`expected a refusal with ${code}, got ${error}`);
}

function equal(got, expected) {
  if (got !== expected) throw new Error(`expected ${expected}, got ${got}`);
}

function includes(text, part) {
  if (!text.includes(part)) throw new Error(`expected ${part} in ${text.slice(0, 200)}`);
}
