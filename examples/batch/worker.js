/**
 * worker: predictions for more inputs than one machine should hold: a queue of jobs, their inputs and answers in a bucket
 *
 *     PUT /jobs/NAME     an inference request of the Open Inference Protocol, JSON or binary, of at most 4 MiB     202 when it waits in the
 *                        queue; an earlier answer under that name is gone then
 *     GET /jobs/NAME     its answer as /v2/models/motion/infer would give it; 404 until it is there
 *     any other path     the handler itself
 *
 *     bucket             jobs/NAME, answers/NAME: bodies, with the headers that say how to read them
 *     queue              the names
 *
 * A queue may deliver a job twice: it is answered twice, with the same bits. A job that the model refuses has the refusal as its answer; one
 * that the server failed at is tried again by the queue, and has the failure as its answer after the last time.
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";
import motion from "./motion.safetensors";

const mostBytes = 2 ** 22;
/** As often as wrangler.toml has the queue try again. */
const mostRetries = 3;

const handler = serve(
  { motion: () => load(motion) },
  { onError: console.error, maxBatch: 256, maxBodyBytes: mostBytes },
);

/** What of a request and of an answer is kept beside the body. */
const kept = ["content-type", "inference-header-content-length"];
const mostLetters = 100;

export default {
  async fetch(request, env) {
    const [, area, name, ...more] = new URL(request.url).pathname.split("/");
    if (area !== "jobs" || !name || more.length > 0) return handler(request);
    if (request.method === "PUT") {
      const length = request.headers.get("content-length");
      if (length === null) return refusal(411, "expected a content-length");
      if (!(Number(length) <= mostBytes)) return refusal(413, `expected at most ${mostBytes} bytes, got ${length}`);
      const customMetadata = headersOf(request);
      if (Object.values(customMetadata).some((value) => value.length > mostLetters))
        return refusal(400, `expected at most ${mostLetters} letters in ${kept.join(" and ")}`);
      await env.BUCKET.delete(`answers/${name}`);
      await env.BUCKET.put(`jobs/${name}`, await request.arrayBuffer(), { customMetadata });
      await env.JOBS.send(name);
      return new Response(null, { status: 202 });
    }
    const answer = await env.BUCKET.get(`answers/${name}`);
    if (!answer) return refusal(404, "no answer yet");
    const { status, ...headers } = answer.customMetadata;
    return new Response(answer.body, { status: Number(status), headers });
  },

  /** The jobs of one delivery are asked at once: the handler predicts together what fits into its batch. */
  async queue(batch, env) {
    await Promise.all(batch.messages.map((message) => work(message, env.BUCKET)));
  },
};

async function work(message, bucket) {
  const job = await bucket.get(`jobs/${message.body}`);
  if (!job) return message.ack();
  const init = { method: "POST", body: await job.arrayBuffer(), headers: job.customMetadata };
  const answer = await handler(new Request("https://batch/v2/models/motion/infer", init));
  if (answer.status >= 500 && message.attempts <= mostRetries) return message.retry();
  const customMetadata = { status: String(answer.status), ...headersOf(answer) };
  await bucket.put(`answers/${message.body}`, await answer.arrayBuffer(), { customMetadata });
  message.ack();
}

function refusal(status, error) {
  return Response.json({ error }, { status });
}

function headersOf({ headers }) {
  return Object.fromEntries([...headers].filter(([name]) => kept.includes(name)));
}
