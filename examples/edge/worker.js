/**
 * worker: a model over the Open Inference Protocol v2 in a Cloudflare Worker
 *
 * The kernels and the model are modules of the Worker (wrangler.toml says which files are), so nothing is fetched or compiled at run time.
 */
import { load } from "channelwise/run";
import kernels from "channelwise/kernels.wasm";
import { serve } from "channelwise/serve";
import motion from "./motion.safetensors";

export default { fetch: serve({ motion: () => load(motion, { module: kernels }) }, { onError: console.error }) };
