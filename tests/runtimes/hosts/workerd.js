/** A Worker of Cloudflare. */
import { handle } from "./edge.js";

export default { fetch: handle };
