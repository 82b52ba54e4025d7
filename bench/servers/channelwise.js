/**
 * channelwise: the motion CNN by channelwise/serve in Node
 *
 *     node channelwise.js MODEL.safetensors
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";
import { listen } from "../../dist/serve.node.js";

const model = await load(process.argv[2]);
const server = await listen(serve({ motion: model }, { onError: console.error }), { port: 0 });
console.log(`http://127.0.0.1:${server.address().port}/`);
