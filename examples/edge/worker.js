/**
 * worker: a model over the Open Inference Protocol v2 in a Cloudflare Worker
 *
 * The kernels and the model are modules of the Worker (wrangler.toml says that the model is), so nothing is fetched or compiled at run time.
 */
import { load } from "channelwise/run";
import { serve } from "channelwise/serve";
import motion from "./motion.safetensors";

export default { fetch: serve({ motion: () => load(motion) }, { onError: console.error }) };
