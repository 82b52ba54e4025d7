/**
 * A weight as two heat maps, Keras' order and PyTorch's. A cell that is pointed at is shown in both.
 *
 * Axes stand as memory has them: the last from left to right, the one before from top to bottom, those before that as blocks.
 */
import { useMemo, useState } from "preact/hooks";
import { Layout } from "../axes.tsx";
import type { CardWeight, WeightNumbers, WeightSide } from "../protocol.ts";
import { HeatMap } from "./heat-map.tsx";

export function WeightPair({ weight, numbers }: { readonly weight: CardWeight; readonly numbers: WeightNumbers }) {
  const { keras, torch, corner } = numbers;
  const [at, setAt] = useState<Place | null>(null);
  const largest = useMemo(() => keras.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0), [keras]);
  const sides = [
    ["Keras", keras, weight.keras.layout],
    ["PyTorch", torch, weight.torch.layout],
  ] as const;
  return (
    <>
      <div class="weight-pair">
        {sides.map(([title, side, layout]) => (
          <figure>
            <figcaption>
              {title} <Layout text={layout} />{" "}
              <span class="mono soft">{side.axes.map(({ of }) => of).join(" × ")}</span>
            </figcaption>
            <HeatMap
              side={side}
              largest={largest}
              place={at}
              label={`${weight.role} in ${title}, ${layout}`}
              onPlace={setAt}
            />
          </figure>
        ))}
      </div>
      <p class="weight-note" aria-live="off">
        {at ? placeText(at, keras) : corner ? "The first entries of each axis. " : ""}
        {!at && `From −${largest.toPrecision(3)} (blue) to ${largest.toPrecision(3)} (orange).`}
      </p>
    </>
  );
}

/** An entry by its index along each letter's axes, in the order in which letters recur. */
export type Place = Readonly<Record<string, number>>;

/** The name of an axis that may share its letter with another. */
export const axisKey = (axes: WeightSide["axes"], at: number) => {
  const { letter } = axes[at]!;
  const before = axes.slice(0, at).filter((axis) => axis.letter === letter).length;
  return before === 0 ? letter : `${letter}${before}`;
};

/** An entry in words. */
export function placeText(place: Place, { axes, data }: WeightSide): string {
  const index = axes.reduce((all, { size }, at) => all * size + (place[axisKey(axes, at)] ?? 0), 0);
  const names = axes.map((_, at) => `${axisKey(axes, at).toLowerCase()} ${place[axisKey(axes, at)]}`);
  return `${names.join(", ")}: ${Number(data[index]!.toPrecision(6))}`;
}
