/**
 * server: a model over the Open Inference Protocol v2 in Node
 *
 *     node server.js [port]        8000 by default, 0 for any that is free
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";
import { listen } from "channelwise/serve/node";

const motion = new URL("motion.safetensors", import.meta.url);
const handler = serve({ motion: () => load(motion) }, { onError: console.error });

const server = await listen(handler, { port: Number(process.argv[2] ?? 8000) });
console.log(`http://127.0.0.1:${server.address().port}/v2/models/motion`);

process.once("SIGTERM", () => server.close());
