/** A table of numbers as a model's input: its steps and channels brought to those that the model takes. */
import type { ModelPort } from "channelwise";
import type { Numbers } from "./protocol.ts";
import { NotNumbers, type Table } from "./read-numbers.ts";

/** The sizes behind the batch; `length` for what is open. */
export function sampleShape(port: ModelPort, length: number): number[] {
  return port.shape.slice(1).map((size) => size ?? length);
}

/** Numbers of one sample: 256 MiB. */
const mostNumbers = 2 ** 26;

/** How a table became an input. */
export interface Fitted {
  readonly numbers: Numbers;
  readonly note: string;
}

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/**
 * One sample of it, or as many as there are numbers for. A series that is too long is cut, one that is too short ends in zeros; each is
 * said. Channels have to fit.
 */
export function fitInput(port: ModelPort, table: Table): Fitted {
  const { rows, columns, data } = table;
  const [, ...sizes] = port.shape;
  const series = sizes.length === 2;
  const [length, channels] = sizes as [number | null, number | null];
  const whole = sampleShape(port, series ? rows : data.length);
  const made = (numbers: Float32Array, shape: readonly number[], note: string): Fitted => ({
    numbers: {
      data: port.type === "int32" ? Int32Array.from(numbers, Math.trunc) : numbers,
      layout: port.layout,
      shape,
    },
    note,
  });
  const each = product(whole);
  if (each > mostNumbers)
    throw new NotNumbers(`one sample has ${each} numbers, more than ${mostNumbers}`, "run it with the command line");
  const isSeries = series && channels !== null && columns === channels;
  if (
    data.length > 0 &&
    data.length % each === 0 &&
    (!series || columns === channels || columns === each || length === null)
  ) {
    const count = data.length / each;
    return made(data, [count, ...whole], count === 1 ? "one sample" : `${count} samples`);
  }
  if (!isSeries || length === null)
    throw new NotNumbers(
      `the model takes ${port.layout} = (N, ${sizes.map((size) => size ?? "any").join(", ")}), and there are ${rows} rows of ${columns}`,
      series ? `give a row for each step with ${channels ?? "its"} numbers` : `give ${each} numbers`,
    );
  const fitted = new Float32Array(each);
  fitted.set(data.subarray(0, each));
  const note = rows > length ? `the first ${length} of ${rows} steps` : `${rows} steps, then zeros up to ${length}`;
  return made(fitted, [1, ...whole], note);
}
