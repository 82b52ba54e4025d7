/**
 * What a conversion left: a folder with model.py and its weights, or the weights alone.
 */
import { basename, join } from "node:path";
import { readModelFile } from "../formats/read.ts";
import { isFolder, openBytes, readBytes } from "./files.ts";
import type { Converted } from "../api/verify.ts";
import { unknownFormat } from "../error.ts";

/** Reads a folder that `convert` made, or a state dict: .safetensors, or a checkpoint of PyTorch. */
export function readConverted(path: string): Converted {
  const folder = isFolder(path);
  const source = folder ? new TextDecoder().decode(readBytes(join(path, "model.py"))) : null;
  const weights = source?.includes('with_name("model.pt")') ? "model.pt" : "model.safetensors";
  const place = folder ? [basename(path), weights] : [basename(path)];
  const file = readModelFile(openBytes(folder ? join(path, weights) : path), place);
  if (file.kind === "keras") {
    throw unknownFormat(`${path}, which is none`, [
      "a folder that convert made",
      "a .safetensors file",
      "a checkpoint (.pt)",
    ]);
  }
  return { state: file.tensors, source };
}
