/**
 * Pieces of Python that several families write.
 */
import { type Axes, axisSize, shapeText, withAxis } from "../axes.ts";
import type { TorchWriter } from "./facets.ts";
import { extent, resolvePadding, type Window } from "./window.ts";

/** A number as Python writes it; whole numbers of float parameters keep their point. */
export function float(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'float("inf")';
  if (value === Number.NEGATIVE_INFINITY) return 'float("-inf")';
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}

/** A tuple of Python expressions. */
export function tuple(entries: readonly (string | number)[]): string {
  return `(${entries.join(", ")}${entries.length === 1 ? "," : ""})`;
}

/** A string literal. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/**
 * The amounts by which input 0 is padded along `L`, as the Python tuple that F.pad takes. Where Keras' "same" depends on a
 * length that is known only at run time, a statement computes them there.
 */
export function padAmounts(torch: TorchWriter, window: Window): string {
  if (window.padding !== "same") return tuple(window.padding);
  const length = torch.size("L");
  const { stride } = window;
  const total = `max((-(-${length} // ${stride}) - 1) * ${stride} + ${extent(window)} - ${length}, 0)`;
  const amount = torch.step(total, `Keras' "same": the padding depends on the length`, "padding");
  return `(${amount} // 2, ${amount} - ${amount} // 2)`;
}

/** Writes the statement that pads input 0, which has these axes, as the window asks, with zeros or `value`; gives the padded variable. */
export function padStep(torch: TorchWriter, axes: Axes, window: Window, value?: string): string {
  const fill = value === undefined ? "" : `, value=${value}`;
  const length = axisSize(axes, "L");
  const size = length === null ? null : resolvePadding(window, length).reduce((sum, zeros) => sum + zeros, length);
  const shape = shapeText(withAxis(axes, "L", { size }));
  return torch.step(
    `F.pad(${torch.input(0)}, ${padAmounts(torch, window)}${fill})`,
    `(${shape})  padded as Keras does`,
  );
}
