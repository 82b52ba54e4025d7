/**
 * inflate: decompression that stops where the file said it would.
 *
 * fflate's one-shot functions go on to the end of the input, whatever comes out; so a small claim with a large stream
 * behind it would cost time without limit. Here the input goes in by pieces of 16 KiB, which make at most 16 MiB each, and the
 * first byte too many ends it.
 *
 * Source  RFC 1951 (deflate), RFC 1950 (zlib: 2 bytes of header, deflate, Adler-32 of the result, big-endian)
 */
import { Inflate } from "fflate";
import { ChannelwiseError, corruptFile } from "../error.ts";
import { allocate } from "./limits.ts";

const pieceBytes = 16 * 1024;

/** The deflate stream `compressed`, which must hold exactly `sizeBytes`. */
export function inflate(compressed: Uint8Array, sizeBytes: number, place: readonly string[]): Uint8Array {
  const result = allocate(sizeBytes, place);
  let filled = 0;
  const stream = new Inflate((piece) => {
    if (filled + piece.length > sizeBytes) throw corruptFile(`expected ${sizeBytes} bytes compressed, got more`, place);
    result.set(piece, filled);
    filled += piece.length;
  });
  try {
    for (let start = 0; start < compressed.length; start += pieceBytes) {
      const end = Math.min(start + pieceBytes, compressed.length);
      stream.push(compressed.subarray(start, end), end === compressed.length);
    }
  } catch (error) {
    if (error instanceof ChannelwiseError) throw error;
    throw corruptFile(`broken compressed data: ${error instanceof Error ? error.message : String(error)}`, place);
  }
  if (filled !== sizeBytes) throw corruptFile(`expected ${sizeBytes} bytes compressed, got ${filled}`, place);
  return result;
}

/** The zlib stream `compressed`, which must hold exactly `sizeBytes` with the right checksum. */
export function inflateZlib(compressed: Uint8Array, sizeBytes: number, place: readonly string[]): Uint8Array {
  const { length } = compressed;
  const [first, second] = compressed;
  if (length < 6 || (first! & 15) !== 8 || ((first! << 8) | second!) % 31 !== 0 || (second! & 32) !== 0) {
    throw corruptFile("expected zlib data", place);
  }
  const result = inflate(compressed.subarray(2, length - 4), sizeBytes, place);
  const stored = new DataView(compressed.buffer, compressed.byteOffset + length - 4).getUint32(0);
  if (adler32(result) !== stored) throw corruptFile("the checksum of compressed data does not match", place);
  return result;
}

/** Adler-32 (RFC 1950, section 8.2). 3800 bytes fit between two reductions without leaving 31 bits. */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(start + 3800, bytes.length);
    for (; start < end; start++) {
      low += bytes[start]!;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return ((high << 16) | low) >>> 0;
}
