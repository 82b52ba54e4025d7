/**
 * channelwise/serve/node: a handler of channelwise/serve behind node:http
 */
export { type FetchHandler, type ListenOptions, listen } from "./platform/http.ts";
