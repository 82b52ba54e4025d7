/**
 * What a conversion left: a folder with model.py and its weights, or the weights alone.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { readSafetensors } from "../formats/safetensors.ts";
import type { Converted } from "../api/verify.ts";
import { unreadable, unsupportedFeature } from "../error.ts";

/** Reads a folder that `convert` made, or a .safetensors file. */
export function readConverted(path: string): Converted {
  const folder = existsSync(path) && statSync(path).isDirectory();
  const file = (name: string) => (folder ? join(path, name) : path);
  if (folder && !existsSync(file("model.safetensors")) && existsSync(file("model.pt"))) {
    throw unsupportedFeature(
      "checkpoints (.pt) are not read yet",
      [path, "model.pt"],
      "convert with --weights safetensors",
    );
  }
  const weights = readSafetensors(read(file("model.safetensors")), [basename(path)]);
  return { state: weights.tensors, source: folder ? new TextDecoder().decode(read(file("model.py"))) : null };
}

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
