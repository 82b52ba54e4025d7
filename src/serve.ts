/**
 * channelwise/serve: models behind the Open Inference Protocol v2, as one `fetch` handler
 *
 * It carries no engine: models come from `load`.
 */
export type { ServedModel, ServedPort } from "./serve/model.ts";
export { type ServeOptions, serve } from "./serve/serve.ts";
export type { Served } from "./serve/slot.ts";
