/**
 * server: a model over the Open Inference Protocol v2 in Deno
 *
 *     deno run --allow-net --allow-read server.js [port]        8000 by default, 0 for any that is free
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";

const motion = new URL("motion.safetensors", import.meta.url);
const handler = serve({ motion: () => load(motion) }, { onError: console.error });

Deno.serve(
  {
    port: Number(Deno.args[0] ?? 8000),
    hostname: "127.0.0.1",
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}/v2/models/motion`),
  },
  handler,
);
