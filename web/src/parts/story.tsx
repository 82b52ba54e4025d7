/** The mistake that the page is about, as a drawing: a value of four steps and three channels, flattened both ways. */
import { Layout } from "../axes.tsx";

const steps = [0, 1, 2, 3];
const channels = [0, 1, 2];

/** The cells of the flattened value as Keras' memory has them, and as PyTorch's has. */
const keras = steps.flatMap((step) => channels.map((channel) => ({ step, channel })));
const torch = channels.flatMap((channel) => steps.map((step) => ({ step, channel })));

function Cells({
  cells,
  wrong = false,
}: {
  readonly cells: readonly { step: number; channel: number }[];
  readonly wrong?: boolean;
}) {
  return (
    <span class={wrong ? "cells wrong" : "cells"} aria-hidden="true">
      {cells.map(({ step, channel }, index) => (
        <i
          class={`cell channel-${channel}${wrong && (step !== keras[index]!.step || channel !== keras[index]!.channel) ? " off" : ""}`}
        >
          {step + 1}
        </i>
      ))}
    </span>
  );
}

export function Story() {
  return (
    <section class="story" aria-labelledby="story">
      <h2 id="story">What goes wrong when weights are only transposed</h2>
      <p>
        Keras keeps a series as <Layout text="NLC" />, channels last; PyTorch as <Layout text="NCL" />, channels first.
        Below, four steps of three channels: a tint for each channel, a number for each step. <code>Flatten</code> lays
        them out in memory's order.
      </p>
      <dl class="story-rows">
        <dt>
          Keras flattens to <Layout text="N(LC)" />
        </dt>
        <dd>
          <Cells cells={keras} />
        </dd>
        <dt>
          The rows of the next Dense, <Layout text="(LC)O" />
        </dt>
        <dd>
          <Cells cells={keras} />
        </dd>
        <dt>
          PyTorch flattens to <Layout text="N(CL)" />
        </dt>
        <dd>
          <Cells cells={torch} wrong />
        </dd>
      </dl>
      <p>
        Every shape fits, nothing complains, and most numbers meet the weight of another. In the first example that is
        the difference between these answers:
      </p>
      <table class="story-answers">
        <tbody>
          <tr>
            <th scope="row">Keras</th>
            <td>0.4468644</td>
          </tr>
          <tr class="wrong">
            <th scope="row">PyTorch, weights transposed</th>
            <td>−0.06672206</td>
          </tr>
          <tr>
            <th scope="row">PyTorch, converted here</th>
            <td>0.4468644</td>
          </tr>
        </tbody>
      </table>
    </section>
  );
}
