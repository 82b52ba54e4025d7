/** One card of the chart, opened: its options, its weights on both sides, its lines of PyTorch. */
import { useEffect, useMemo } from "preact/hooks";
import { Layout, sizesText } from "../axes.tsx";
import { Code, useHighlighted } from "../parts/code.tsx";
import type { Line } from "../highlight.ts";
import { RefusalNote } from "../parts/refusal-note.tsx";
import { WeightPair } from "../parts/weight-pair.tsx";
import type { Card, CardWeight, View, WeightNumbers } from "../protocol.ts";
import { useTask } from "../use-task.ts";
import type { Engine } from "../engine.ts";
import type { PanelProps } from "../workspace.tsx";

interface LayerPanelProps extends PanelProps {
  readonly card: Card;
}

const kinds = {
  input: "an input of the model",
  output: "an output of the model",
  layer: "",
  turn: "put in by the conversion",
};

export function LayerPanel({ engine, picture, card }: LayerPanelProps) {
  const { title, name, kind, before, keras, torch, options, weights, lines, wrong } = card;
  const all = useMemo(() => picture.source.split("\n"), [picture.source]);
  const pieces = useHighlighted(picture.source);
  return (
    <article class="layer">
      <h2>
        {title} <span class="card-name">{name}</span>
      </h2>
      {kinds[kind] !== "" && <p class="soft">{kinds[kind]}</p>}
      {wrong && <p class="bad">{wrong}</p>}
      <table class="sides">
        <thead>
          <tr>
            <td />
            <th scope="col">Keras</th>
            <th scope="col">PyTorch</th>
          </tr>
        </thead>
        <tbody>
          {before && <SideRow title="in" keras={before.keras} torch={before.torch} />}
          <SideRow title="out" keras={keras} torch={torch} />
        </tbody>
      </table>
      {lines.length > 0 && (
        <>
          <h3>In PyTorch</h3>
          <Code
            label={`The lines of ${name}`}
            pieces={pieces.map(outdented)}
            lines={lines.map((number) => ({ text: all[number - 1] ?? "", number, change: "" }))}
          />
        </>
      )}
      {options.some(({ entries }) => entries.length > 0) && (
        <>
          <h3>Options</h3>
          {options.map(({ operator, entries }) => (
            <dl class="options">
              <dt class="operator">{operator}</dt>
              <dd />
              {entries.map(([key, value]) => (
                <>
                  <dt>{key}</dt>
                  <dd>{value}</dd>
                </>
              ))}
            </dl>
          ))}
        </>
      )}
      {weights.length > 0 && <h3>Weights</h3>}
      {weights.map((weight) => (
        <WeightView
          key={`${weight.index} ${picture.view.flatten}`}
          engine={engine}
          view={picture.view}
          weight={weight}
        />
      ))}
    </article>
  );
}

/** A line without what it is indented by inside a method. */
function outdented(line: Line): Line {
  const [first, ...rest] = line;
  return first?.text.startsWith("        ") ? [{ ...first, text: first.text.slice(8) }, ...rest] : line;
}

function SideRow({ title, keras, torch }: { readonly title: string } & Pick<Card, "keras" | "torch">) {
  return (
    <tr>
      <th scope="row">{title}</th>
      {[keras, torch].map((arrangement) => (
        <td>
          <Layout text={arrangement.layout} /> <span class="mono soft">{sizesText(arrangement)}</span>
        </td>
      ))}
    </tr>
  );
}

function WeightView({
  engine,
  view,
  weight,
}: {
  readonly engine: Engine;
  readonly view: View;
  readonly weight: CardWeight;
}) {
  const numbers = useTask<WeightNumbers>();
  useEffect(() => {
    numbers.run(() => engine.call("weight", [view, weight.index]));
  }, [engine, weight.index, view.flatten]);
  return (
    <section class="weight" aria-label={weight.role}>
      <h4>
        {weight.role} <span class="soft mono">{weight.tensor}</span>
        {weight.reordered && <em class="tag">rows reordered</em>}
      </h4>
      {numbers.refusal && <RefusalNote refusal={numbers.refusal} title="This can't be shown" />}
      {numbers.result ? <WeightPair weight={weight} numbers={numbers.result} /> : <div class="weight-place" />}
    </section>
  );
}
