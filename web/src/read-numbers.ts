/**
 * Numbers out of what a visitor has: a text of them (CSV: steps are rows, channels columns), or a sound (WAV).
 *
 * Source  RIFF WAVE: Microsoft's "Multimedia Programming Interface and Data Specifications 1.0"; formats 1 (PCM), 3 (IEEE float) and
 *         0xFFFE, which says the format in its first two bytes of GUID
 */

/** Rows of equal length. */
export interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** A text or a sound that can't be read, with what to do. */
export class NotNumbers extends Error {
  readonly fix: string;

  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/** More text than this is a file for `.npy`. */
const mostCharacters = 2 ** 25;

/** The rows of a text of numbers, separated by commas, semicolons, tabs or spaces. A first line without numbers is a heading. */
export function readText(text: string): Table {
  if (text.length > mostCharacters)
    throw new NotNumbers(`${text.length} characters are more than ${mostCharacters}`, "save the array with numpy.save");
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const rows = lines.map((line) =>
    line
      .trim()
      .split(/\s*[,;\t]\s*|\s+/)
      .map(numberOf),
  );
  if (rows.length > 1 && rows[0]!.every(Number.isNaN) && !/^\s*nan\b/i.test(lines[0]!)) rows.shift();
  const [first] = rows;
  if (!first)
    throw new NotNumbers(
      "there are no numbers",
      "give rows of numbers: a row for each step, a column for each channel",
    );
  const columns = first.length;
  rows.forEach((row, index) => {
    if (row.length !== columns)
      throw new NotNumbers(
        `row ${index + 1} has ${row.length} numbers, the first has ${columns}`,
        "give rows of one length",
      );
    const wrong = row.findIndex(Number.isNaN);
    if (wrong >= 0)
      throw new NotNumbers(`row ${index + 1}, column ${wrong + 1} is no number`, "remove what is no number");
  });
  return { rows: rows.length, columns, data: Float32Array.from(rows.flat()) };
}

function numberOf(text: string): number {
  return text === "" ? Number.NaN : Number(text);
}

/** The samples of a sound, from -1 to 1: a row for each moment, a column for each channel. */
export function readWav(bytes: Uint8Array): Table & { readonly rate: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => (at + 4 <= bytes.length ? String.fromCharCode(...bytes.subarray(at, at + 4)) : "");
  if (tag(0) !== "RIFF" || tag(8) !== "WAVE")
    throw new NotNumbers("the file is no WAV", "save it as WAV, or the numbers as CSV or NPY");
  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(at) === "fmt ") format = readFormat(view, start, size);
    if (tag(at) === "data") {
      if (!format) break;
      return { ...samplesOf(view, start, Math.min(size, bytes.length - start), format), rate: format.rate };
    }
    at = start + size + (size % 2);
  }
  throw new NotNumbers("the WAV has no samples", "save it again");
}

interface WavFormat {
  readonly kind: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

function readFormat(view: DataView, start: number, size: number): WavFormat {
  if (size < 16 || start + size > view.byteLength) throw new NotNumbers("the WAV's format is cut off", "save it again");
  const said = view.getUint16(start, true);
  const kind = said === 0xfffe && size >= 26 ? view.getUint16(start + 24, true) : said;
  const channels = view.getUint16(start + 2, true);
  const rate = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  const known = (kind === 1 && [8, 16, 24, 32].includes(bits)) || (kind === 3 && (bits === 32 || bits === 64));
  if (!known || channels < 1)
    throw new NotNumbers(`the WAV holds format ${kind} of ${bits} bits`, "save it as PCM of 16 bits");
  return { kind, channels, rate, bits };
}

function samplesOf(view: DataView, start: number, size: number, { kind, channels, bits }: WavFormat): Table {
  const wide = bits / 8;
  const rows = Math.floor(size / (wide * channels));
  const data = new Float32Array(rows * channels);
  const read = (at: number): number => {
    if (kind === 3) return wide === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true);
    if (wide === 1) return (view.getUint8(at) - 128) / 128;
    if (wide === 2) return view.getInt16(at, true) / 2 ** 15;
    if (wide === 3) return ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23;
    return view.getInt32(at, true) / 2 ** 31;
  };
  for (let index = 0; index < data.length; index++) data[index] = read(start + index * wide);
  return { rows, columns: channels, data };
}
