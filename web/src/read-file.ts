/** Numbers out of a file that a visitor gave. Only what is not too large to be read is read at all. */
import { NotNumbers, readText, readWav, type Table } from "./read-numbers.ts";

const mebibyte = 2 ** 20;
const mostTextBytes = 32 * mebibyte;
const mostSoundBytes = 256 * mebibyte;

/** Whether it is .npy or .npz, which the package reads itself, by ranges. */
export async function isArrays(file: File): Promise<boolean> {
  const start = await startOf(file);
  return start.startsWith("PK") || start.startsWith("\x93NUM");
}

/** The table in a text or a sound. */
export async function readFile(file: File): Promise<Table> {
  if ((await startOf(file)) === "RIFF") {
    refuseLarger(file, mostSoundBytes);
    return readWav(new Uint8Array(await readable(file.arrayBuffer())));
  }
  refuseLarger(file, mostTextBytes);
  return readText(await readable(file.text()));
}

async function startOf(file: File): Promise<string> {
  return String.fromCharCode(...new Uint8Array(await readable(file.slice(0, 4).arrayBuffer())));
}

function refuseLarger({ name, size }: File, most: number): void {
  if (size > most)
    throw new NotNumbers(
      `${name} has ${(size / mebibyte).toFixed(0)} MiB, more than ${most / mebibyte}`,
      "save the array with numpy.save",
    );
}

/** A file that was moved since, a folder, or one that the visitor may not read. */
async function readable<T>(bytes: Promise<T>): Promise<T> {
  try {
    return await bytes;
  } catch {
    throw new NotNumbers("the file can't be read", "choose it again, or another one");
  }
}
