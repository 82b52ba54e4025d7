/**
 * worker: predictions for more inputs than one machine should hold: a queue of jobs, their inputs and answers in a bucket
 *
 *     PUT /jobs/NAME     an inference request of the Open Inference Protocol, JSON or binary     202 when it waits in the queue
 *     GET /jobs/NAME     its answer as /v2/models/motion/infer would give it; 404 until it is there
 *     any other path     the handler itself
 *
 *     bucket             jobs/NAME, answers/NAME: bodies, with the headers that say how to read them
 *     queue              the names
 *
 * A queue may deliver a job twice: it is answered twice, with the same bits. A job that the model refuses has the refusal as its answer; one
 * that the server failed at is tried again by the queue.
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";
import motion from "./motion.safetensors";

const handler = serve({ motion: () => load(motion) }, { onError: console.error });

/** What of a request and of an answer is kept beside the body. */
const kept = ["content-type", "inference-header-content-length"];

export default {
  async fetch(request, env) {
    const [, area, name, ...more] = new URL(request.url).pathname.split("/");
    if (area !== "jobs" || !name || more.length > 0) return handler(request);
    if (request.method === "PUT") {
      await env.BUCKET.put(`jobs/${name}`, await request.arrayBuffer(), { customMetadata: headersOf(request) });
      await env.JOBS.send(name);
      return new Response(null, { status: 202 });
    }
    const answer = await env.BUCKET.get(`answers/${name}`);
    if (!answer) return Response.json({ error: "no answer yet" }, { status: 404 });
    const { status, ...headers } = answer.customMetadata;
    return new Response(answer.body, { status: Number(status), headers });
  },

  /** The jobs of one delivery are asked at once, and so predicted together. */
  async queue(batch, env) {
    await Promise.all(batch.messages.map((message) => work(message, env.BUCKET)));
  },
};

async function work(message, bucket) {
  const job = await bucket.get(`jobs/${message.body}`);
  if (!job) return message.ack();
  const init = { method: "POST", body: await job.arrayBuffer(), headers: job.customMetadata };
  const answer = await handler(new Request("https://batch/v2/models/motion/infer", init));
  if (answer.status >= 500) return message.retry();
  const customMetadata = { status: String(answer.status), ...headersOf(answer) };
  await bucket.put(`answers/${message.body}`, await answer.arrayBuffer(), { customMetadata });
  message.ack();
}

function headersOf({ headers }) {
  return Object.fromEntries([...headers].filter(([name]) => kept.includes(name)));
}
