/**
 * serve: models behind the Open Inference Protocol v2, as one `fetch` handler: Request in, Response out
 *
 * The handler is what Cloudflare Workers, Deno, Bun and service workers call for a request (WinterTC's minimum common API); it never
 * rejects, and what is wrong with a request is said in one line of JSON, `{ "error": … }`, with a status of 400 to 431.
 *
 * Source  github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md and open_inference_rest.yaml
 */
import { wrongOption } from "../error.ts";
import { type OptionNames, requireKnown } from "../options.ts";
import { version } from "../version.ts";
import { checkHeaders, readBody } from "./body.ts";
import { datatypeOf } from "./datatypes.ts";
import { type InferRequest, readInferRequest } from "./infer-request.ts";
import { inferResponse } from "./infer-response.ts";
import { modelVersion, type ServedPort } from "./model.ts";
import { fault, methodNotAllowed, notFound, quoted, Refusal, refusedByModel } from "./refusal.ts";
import { type Route, routeOf } from "./route.ts";
import { type Loaded, type Served, Slot } from "./slot.ts";

/** Limits of what is taken, and how requests are put together. */
export interface ServeOptions {
  /** Samples in one request, and in one prediction of several requests together. Default 64. */
  readonly maxBatch?: number;
  /** Size of an axis that the model leaves open, such as the length of a series. Default 4096. */
  readonly maxLength?: number;
  /** Bytes of a request's body; more is answered with 413. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Bytes of a request's headers, names and values; more is answered with 431. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
  /**
   * Requests of one model that wait, or whose bodies are still coming; more are answered with 503, of bodies that which has been silent
   * longest. Times `maxBodyBytes`, the memory that bodies may take. Default 256.
   */
  readonly maxWaiting?: number;
  /**
   * Milliseconds that a request waits for others to be predicted with. Default 0: it is predicted together with those that have arrived
   * when it has.
   */
  readonly batchWindow?: number;
  /** Hears of faults that are no client's: a model that could not be loaded or is gone, an error that nobody expected. */
  readonly onError?: (error: unknown) => void;
}

const defaults = {
  maxBatch: 64,
  maxLength: 4096,
  maxBodyBytes: 2 ** 22,
  maxHeaderBytes: 2 ** 14,
  maxWaiting: 256,
  batchWindow: 0,
};

/**
 * Serves models over the Open Inference Protocol v2 (HTTP, JSON and binary tensors).
 *
 * @param models by the names in their paths: `{ motion: model }` is asked at `/v2/models/motion/infer`
 * @returns the handler: `export default { fetch: serve(models) }` in a Worker, `Deno.serve(serve(models))`
 * @throws {ChannelwiseError} `usage` for an option that can't be
 */
export function serve(
  models: Readonly<Record<string, Served>>,
  options: ServeOptions = {},
): (request: Request) => Promise<Response> {
  const server = new Server(models, checkedOptions(options));
  return (request) => server.answer(request);
}

type Settings = typeof defaults & Pick<ServeOptions, "onError">;

const optionNames: OptionNames<ServeOptions> = {
  maxBatch: true,
  maxLength: true,
  maxBodyBytes: true,
  maxHeaderBytes: true,
  maxWaiting: true,
  batchWindow: true,
  onError: true,
};

function checkedOptions(options: ServeOptions): Settings {
  requireKnown(options, optionNames);
  const { onError, ...numbers } = options;
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  const settings: typeof defaults = { ...defaults, ...given };
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const least = name === "batchWindow" ? 0 : 1;
    if (!Number.isSafeInteger(settings[name]) || settings[name] < least)
      throw wrongOption(name, [`an integer from ${least} up`], settings[name]);
  }
  return { ...settings, ...(onError && { onError }) };
}

class Server {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #settings: Settings;

  constructor(models: Readonly<Record<string, Served>>, settings: Settings) {
    this.#settings = settings;
    const report = (error: unknown) => this.#report(error);
    this.#slots = new Map(
      Object.entries(models).map(([name, served]) => [name, new Slot(name, served, settings, report)]),
    );
  }

  async answer(request: Request): Promise<Response> {
    try {
      return await this.#route(request);
    } catch (error) {
      if (error instanceof Refusal) return refused(error);
      this.#report(error);
      return refused(fault());
    }
  }

  /** What `onError` throws itself, or rejects with, is nobody's: a request still gets its answer. */
  #report(error: unknown): void {
    (async () => this.#settings.onError?.(error))().catch(() => {});
  }

  #route(request: Request): Promise<Response> {
    checkHeaders(request.headers, this.#settings.maxHeaderBytes);
    const route = routeOf(new URL(request.url).pathname);
    const slot = "model" in route ? this.#find(route) : null;
    const allowed = route.kind === "infer" ? ["POST"] : ["GET", "HEAD"];
    if (!allowed.includes(request.method)) throw methodNotAllowed(request.method, allowed.join(", "));
    switch (route.kind) {
      case "infer":
        return this.#infer(request, slot!);
      case "model":
        return this.#describe(slot!);
      case "model-ready":
        return readiness([slot!], { name: route.model });
      case "ready":
        // The protocol's text calls it `live`, its servers `ready`.
        return readiness([...this.#slots.values()], { live: true });
      case "live":
        return Promise.resolve(json({ live: true }));
      case "server":
        return Promise.resolve(json({ name: "channelwise", version, extensions: ["binary_tensor_data"] }));
    }
  }

  #find({ model, version: wanted }: Extract<Route, { model: string }>): Slot {
    const slot = this.#slots.get(model);
    if (!slot) throw notFound(`there is no model ${quoted(model)}`);
    if (wanted !== null && wanted !== modelVersion)
      throw notFound(`model ${quoted(model)} has no version ${quoted(wanted)}, only "${modelVersion}"`);
    return slot;
  }

  async #infer(request: Request, slot: Slot): Promise<Response> {
    const loaded = await slot.load();
    const { model, batcher } = loaded;
    const asked = await this.#read(request, loaded);
    const tensors = await batcher.predict(asked).catch((error: unknown) => {
      slot.failed(loaded, error);
      throw refusedByModel(error, slot.name);
    });
    return inferResponse(slot.name, model, asked, tensors);
  }

  async #read(request: Request, { model, batcher }: Loaded): Promise<InferRequest> {
    const arrival = batcher.arrive();
    try {
      const body = await readBody(request, arrival, this.#settings.maxBodyBytes);
      return readInferRequest(body, model, this.#settings);
    } finally {
      arrival.leave();
    }
  }

  async #describe(slot: Slot): Promise<Response> {
    const { inputs, outputs } = (await slot.load()).model;
    const tensor = (port: ServedPort) => ({
      name: port.name,
      datatype: datatypeOf(port),
      shape: port.shape.map((size) => size ?? -1),
    });
    return json({
      name: slot.name,
      versions: [modelVersion],
      platform: "channelwise_wasm",
      inputs: inputs.map(tensor),
      outputs: outputs.map(tensor),
    });
  }
}

/** Whether models can be loaded: what is asked after with `ready`, and a status that a probe understands. */
async function readiness(slots: readonly Slot[], subject: object): Promise<Response> {
  const loads = await Promise.allSettled(slots.map((slot) => slot.load()));
  const missing = slots.filter((_, index) => loads[index]!.status === "rejected").map(({ name }) => quoted(name));
  if (missing.length === 0) return json({ ...subject, ready: true });
  return json({ ...subject, ready: false, error: `not available: ${missing.join(", ")}` }, 503);
}

function json(value: object, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function refused({ status, message, headers }: Refusal): Response {
  return new Response(JSON.stringify({ error: message }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
