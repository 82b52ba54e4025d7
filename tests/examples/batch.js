/**
 * batch: the Worker of examples/batch with a queue and a bucket, and the script that fills them, as a stranger has both
 */
import { ok, deepStrictEqual as same } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { ask, binaryRequest, checkServer, near, sample } from "./client.js";
import { check, say } from "./support.js";
import { bundle, startWorker } from "./workerd.js";

const samples = 1000;

/** @param {string} copy a stranger's copy */
export async function checkBatch(copy) {
  const folder = join(copy, "batch");
  const { r2Buckets, queueProducers, queueConsumers } = unstable_getMiniflareWorkerOptions(
    join(folder, "wrangler.toml"),
  ).workerOptions;
  const worker = await startWorker(folder, bundle(folder), { r2Buckets, queueProducers, queueConsumers });
  try {
    await check(`batch: ${samples} samples from file to file by jobs`, async () => {
      const [given, got] = [join(folder, "samples.f32"), join(folder, "scores.f32")];
      writeFileSync(
        given,
        Buffer.concat(Array.from({ length: samples }, (_, seed) => Buffer.from(sample(seed).buffer))),
      );
      same(await say("node", [join(folder, "submit.js"), worker.url.href, given, got]), "1000 samples in 16 jobs");
      const scores = new Float32Array(Uint8Array.from(readFileSync(got)).buffer);
      same(scores.length, 4 * samples);
      for (let seed = 0; seed < samples; seed++) near(scores.subarray(4 * seed, 4 * seed + 4), sample(seed));
    });
    await check("batch: a job that the model refuses has the refusal as its answer", async () => {
      const job = new URL("/jobs/wrong", worker.url);
      same((await ask(job)).status, 404);
      const { body, headers } = binaryRequest(sample(1));
      same((await ask(job, { method: "PUT", body: body.slice(0, -4), headers })).status, 202);
      let answer = await ask(job);
      for (let turn = 0; turn < 50 && answer.status === 404; turn++) {
        await wait(200);
        answer = await ask(job);
      }
      same(
        [answer.status, await answer.json()],
        [400, { error: 'input "accelerometer": expected 240 bytes of binary data, got 236' }],
      );
    });
    await check("batch: a job asked again has no answer of before, and one that is too large is refused", async () => {
      const job = new URL("/jobs/again", worker.url);
      const put = (request) => ask(job, { ...request, method: "PUT" });
      const answered = async () => {
        for (let turn = 0; turn < 50; turn++) {
          const answer = await ask(job);
          if (answer.status !== 404) return answer.status;
          await wait(200);
        }
      };
      same((await put(binaryRequest(sample(1)))).status, 202);
      same(await answered(), 200);
      const { body, headers } = binaryRequest(sample(1));
      same((await put({ headers, body: body.slice(0, -4) })).status, 202);
      same(await answered(), 400);
      // workerd may cut off a large body before its sender has the answer.
      const large = await put({ body: new Uint8Array(2 ** 22 + 1) }).then(
        ({ status }) => status,
        ({ code }) => code,
      );
      ok([413, "ECONNRESET", "EPIPE"].includes(large), `${large}`);
      same((await ask(job)).status, 400);
      same((await put({ body, headers: { ...headers, "content-type": "a".repeat(101) } })).status, 400);
    });
    await checkServer("batch, the handler itself", worker.url);
  } finally {
    await worker.stop();
  }
}
