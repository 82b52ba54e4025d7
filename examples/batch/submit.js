/**
 * submit: a file of samples as jobs, and their answers as a file
 *
 *     node submit.js URL IN.f32 OUT.f32
 *
 * IN holds float32 numbers, little-endian, one sample behind the other, each row-major in the layout of the model's input; OUT gets the numbers of its
 * output in the same order. No more than one job's samples are in memory at a time; jobs are named by
 * this run and the place of their first sample.
 */
import { open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

const samplesPerJob = 64;
const mostSeconds = 600;
const run = crypto.randomUUID();

const [, , address, inFile, outFile] = process.argv;
const at = (path) => new URL(path, address);

const { inputs, outputs } = await (await fetch(at("/v2/models/motion"))).json();
const [input] = inputs;
const [output] = outputs;
const floats = (shape) => shape.slice(1).reduce((all, size) => all * size, 1);

const source = await open(inFile);
const { size } = await source.stat();
const samples = size / (4 * floats(input.shape));
if (!Number.isInteger(samples)) throw new Error(`${inFile}: ${size} bytes are no whole number of samples`);

for (let first = 0; first < samples; first += samplesPerJob) {
  const batch = Math.min(samplesPerJob, samples - first);
  const data = Buffer.alloc(4 * batch * floats(input.shape));
  await source.read(data, 0, data.length, 4 * first * floats(input.shape));
  const { status } = await fetch(at(`/jobs/${run}-${first}`), { method: "PUT", ...requestFor(batch, data) });
  if (status !== 202) throw new Error(`job ${first}: ${status}`);
}
await source.close();

const target = await open(outFile, "w");
for (let first = 0; first < samples; first += samplesPerJob) {
  await target.write(await answerTo(first), 0, undefined, 4 * first * floats(output.shape));
}
await target.close();
console.log(`${samples} samples in ${Math.ceil(samples / samplesPerJob)} jobs`);

/** The request's JSON with the numbers behind it. */
function requestFor(batch, data) {
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: input.name,
          shape: [batch, ...input.shape.slice(1)],
          datatype: "FP32",
          parameters: { binary_data_size: data.length },
        },
      ],
      parameters: { binary_data_output: true },
    }),
  );
  const headers = { "inference-header-content-length": String(header.length) };
  return { headers, body: Buffer.concat([header, data]) };
}

/** The numbers of a job's answer, once it is there. */
async function answerTo(first) {
  for (let seconds = 0; seconds < mostSeconds; seconds += 0.2) {
    const response = await fetch(at(`/jobs/${run}-${first}`));
    const body = Buffer.from(await response.arrayBuffer());
    if (response.ok) return body.subarray(Number(response.headers.get("inference-header-content-length")));
    if (response.status !== 404) throw new Error(`job ${first}: ${response.status} ${body}`);
    await wait(200);
  }
  throw new Error(`job ${first}: no answer within ${mostSeconds} s`);
}
