/**
 * not-models: files that people have at hand beside the ones that are read, told apart so that the error can say what to do.
 */
import { isNpy } from "../bytes/npy.ts";
import { firstZipName } from "../bytes/zip.ts";
import { unsupportedFeature } from "../error.ts";
import type { Format } from "./format.ts";

/** A format that is recognised and refused, with a remedy. */
function refused(
  name: string,
  extensions: readonly string[],
  sniff: (bytes: Uint8Array) => boolean,
  fix: string,
): Format {
  return {
    name,
    extensions,
    sniff,
    read(_bytes, place) {
      throw unsupportedFeature(`${name}, which is not read as a model`, place, fix);
    },
  };
}

const zipStartsWith = (pattern: RegExp) => (bytes: Uint8Array) => pattern.test(firstZipName(bytes) ?? "");

export const npyFormat = refused(
  "a NumPy array",
  [".npy"],
  isNpy,
  "arrays are inputs and outputs of a model; give the model file itself",
);

export const pytorchFormat = refused(
  "a PyTorch checkpoint",
  [".pt", ".pth"],
  zipStartsWith(/^[^/]+\/(data\.pkl|version|byteorder|\.format_version|\.data\/.*|constants\.pkl|code\/.*)$/),
  'save its weights with safetensors: safetensors.torch.save_file(model.state_dict(), "model.safetensors")',
);
