/**
 * limits: how much memory a file may ask for before it has shown that it is worth it.
 *
 * Whatever is allocated is bounded by the bytes that are really there:
 * - deflate turns one byte into at most 1032 (a match of 258 bytes in two bits), so a longer claim is a lie;
 * - above 64 MiB a compressed part may grow 100 times. Trained weights hardly compress at all; Keras draws the same line
 *   (keras/src/saving/saving_lib.py), and refuses what lies beyond;
 * - nothing may be larger than 4 GiB.
 */
import { corruptFile, unsupportedFeature } from "../error.ts";

/** The largest part that is ever held in memory. */
export const largestPartBytes = 2 ** 32;
const deflateRatio = 1032;
const freeBytes = 64 * 2 ** 20;
const largeRatio = 100;
/** Axes that an array may have: as many as HDF5 and NumPy before 2.0 allow. */
const largestRank = 32;

/** Refuses a compressed part that claims to grow beyond what its `storedBytes` can mean. */
export function checkExpansion(claimedBytes: number, storedBytes: number, place: readonly string[]): void {
  if (claimedBytes > storedBytes * deflateRatio) {
    throw corruptFile(
      `${storedBytes} bytes of the file claim to hold ${claimedBytes}; compression does ${deflateRatio} to 1 at best`,
      place,
    );
  }
  if (claimedBytes > freeBytes && claimedBytes > storedBytes * largeRatio) {
    throw unsupportedFeature(
      `${storedBytes} bytes of the file claim to hold ${claimedBytes}, over ${largeRatio} times as many`,
      place,
      "this looks like a decompression bomb; if it is not, store the file without compression",
    );
  }
  checkSize(claimedBytes, place);
}

/** Refuses a part larger than any that is read here. */
export function checkSize(claimedBytes: number, place: readonly string[]): void {
  if (claimedBytes > largestPartBytes) {
    throw unsupportedFeature(
      `${claimedBytes} bytes in one part; at most ${largestPartBytes} are read`,
      place,
      "split the model",
    );
  }
}

/** Zeroed memory, or a refusal where the runtime has none left. */
export function allocate(sizeBytes: number, place: readonly string[]): Uint8Array<ArrayBuffer> {
  checkSize(sizeBytes, place);
  try {
    return new Uint8Array(sizeBytes);
  } catch {
    throw unsupportedFeature(
      `no memory for ${sizeBytes} bytes`,
      place,
      "close other programs, or use a machine with more memory",
    );
  }
}

/**
 * Number of bytes of a dense array, for a shape that a file claims.
 *
 * @throws {ChannelwiseError} `corrupt-file` when a size is no count, or the product is beyond any file
 */
export function denseBytes(shape: readonly number[], elementBytes: number, place: readonly string[]): number {
  if (shape.length > largestRank) throw corruptFile(`expected at most ${largestRank} axes, got ${shape.length}`, place);
  let bytes = elementBytes;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw corruptFile(`expected sizes of axes, got (${shape.join(", ")})`, place);
    }
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) {
      throw corruptFile(`the shape (${shape.join(", ")}) is too large for any file`, place);
    }
  }
  return bytes;
}
