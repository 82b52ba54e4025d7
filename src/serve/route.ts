/**
 * route: what a path asks for
 *
 *     /v2                                            the server's metadata
 *     /v2/health/live   /v2/health/ready
 *     /v2/models/NAME[/versions/VERSION]             the model's metadata
 *     /v2/models/NAME[/versions/VERSION]/ready
 *     /v2/models/NAME[/versions/VERSION]/infer
 *
 * Source  Open Inference Protocol, specification/protocol/inference_rest.md
 */
import { badRequest, notFound } from "./refusal.ts";

/** What is asked for; of a model where there is a name. */
export type Route =
  | { readonly kind: "server" | "live" | "ready" }
  | {
      readonly kind: "model" | "model-ready" | "infer";
      readonly model: string;
      /** null where the path says none. */
      readonly version: string | null;
    };

/** The route of a path, percent-encoded as a URL has it; one slash at its end does no harm. */
export function routeOf(path: string): Route {
  const [root, area, ...rest] = path.replace(/\/$/, "").split("/").slice(1).map(decoded);
  if (root === "v2" && area === undefined) return { kind: "server" };
  if (root === "v2" && area === "health" && rest.length === 1 && (rest[0] === "live" || rest[0] === "ready"))
    return { kind: rest[0] };
  const [model, ...behind] = rest;
  if (root === "v2" && area === "models" && model !== undefined && model !== "") {
    const versioned = behind[0] === "versions" && behind[1] !== undefined;
    const version = versioned ? behind[1]! : null;
    const [action, ...spare] = versioned ? behind.slice(2) : behind;
    if (action === undefined) return { kind: "model", model, version };
    if (spare.length === 0 && action === "ready") return { kind: "model-ready", model, version };
    if (spare.length === 0 && action === "infer") return { kind: "infer", model, version };
  }
  throw notFound("no such path; the Open Inference Protocol's start at /v2");
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest("the path is not percent-encoded UTF-8");
  }
}
