/** Failures as data: what, where, and what to do. */
import { ChannelwiseError } from "channelwise";
import type { Refusal } from "../protocol.ts";

/** A failure in the package's words; of what nobody foresaw, in its own. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof ChannelwiseError) {
    const { code, summary, where, fix } = error;
    return { code, message: summary, where, fix: fix ?? "" };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "failure", message, where: [], fix: "report it with the file, or try the command line" };
}

/** A failure of the page's own, about what it was given. */
export function refuse(message: string, fix: string): never {
  throw new ChannelwiseError({ code: "invalid-input", message, fix });
}
