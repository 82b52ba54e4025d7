/**
 * What a conversion left: a folder with model.py and its weights, or the weights alone.
 */
import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { isSafetensors, readSafetensors } from "../formats/safetensors.ts";
import { readBytes } from "./files.ts";
import type { Converted } from "../api/verify.ts";
import { unknownFormat, unsupportedFeature } from "../error.ts";

/** Reads a folder that `convert` made, or a .safetensors file. */
export function readConverted(path: string): Converted {
  const folder = existsSync(path) && statSync(path).isDirectory();
  const file = (name: string) => (folder ? join(path, name) : path);
  const source = folder ? new TextDecoder().decode(readBytes(file("model.py"))) : null;
  if (source?.includes('with_name("model.pt")')) {
    throw unsupportedFeature(
      "checkpoints (.pt) are not read yet",
      [path, "model.pt"],
      "convert with --weights safetensors",
    );
  }
  const bytes = readBytes(file("model.safetensors"));
  if (!isSafetensors(bytes))
    throw unknownFormat(`${path}, which is none`, ["a folder that convert made", "a .safetensors file"]);
  return { state: readSafetensors(bytes, [basename(path)]).tensors, source };
}
