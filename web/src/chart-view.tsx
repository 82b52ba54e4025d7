/**
 * The chart: cards that are buttons, in the order of computation, over ribbons of two strands each. The left strand is Keras' order of
 * axes, the right one PyTorch's.
 */
import type { Arrangement } from "channelwise";
import { useMemo } from "preact/hooks";
import { axisClass, Layout, sizesText } from "./axes.tsx";
import type { Card, Chart, Ribbon, View } from "./protocol.ts";
import { bandThrough, type Strand, strandOf } from "./strand.ts";

/** How far the strands run from the middle of a card. */
const aside = { keras: -60, torch: 60 } as const;
type Side = keyof typeof aside;

export interface ChartViewProps {
  readonly chart: Chart;
  readonly view: View;
  readonly selected: string | null;
  readonly onSelect: (id: string) => void;
}

export function ChartView({ chart, view, selected, onSelect }: ChartViewProps) {
  const { width, height, cards, ribbons, omitted } = chart;
  return (
    <>
      <div class="chart" style={{ width: `${width}px`, height: `${height}px` }}>
        <Strands chart={chart} />
        <ol class="cards">
          {cards.map((card) => (
            <li>
              <CardView card={card} view={view} selected={card.id === selected} onSelect={onSelect} />
            </li>
          ))}
        </ol>
      </div>
      {omitted > 0 && (
        <p class="hint">
          {omitted.toLocaleString("en")} more layers are not drawn; the code and the proof have all of them.
        </p>
      )}
      {ribbons.length === 0 && <p class="hint">The model computes nothing.</p>}
    </>
  );
}

/** All strands, behind the cards. They change only with the chart. */
function Strands({ chart }: { readonly chart: Chart }) {
  return useMemo(() => drawStrands(chart), [chart]);
}

function drawStrands({ width, height, cards, ribbons }: Chart) {
  return (
    <svg class="strands" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {ribbons.map((ribbon) => (
        <RibbonView ribbon={ribbon} />
      ))}
      {cards.map((card) => card.kind === "turn" && <Braid card={card} />)}
    </svg>
  );
}

/** Where a ribbon ends beside others that go into the same card. */
function spread({ place, places }: Ribbon): number {
  return places === 1 ? 0 : (place - (places - 1) / 2) * Math.min(52, 104 / places);
}

function RibbonView({ ribbon }: { readonly ribbon: Ribbon }) {
  const sides: readonly Side[] = ["keras", "torch"];
  return (
    <>
      {sides.map((side) => (
        <StrandView
          strand={strandOf(ribbon[side])}
          points={ribbon.points}
          start={aside[side]}
          end={aside[side] + spread(ribbon)}
          wrong={side === "torch" && ribbon.wrong}
        />
      ))}
    </>
  );
}

interface StrandProps {
  readonly strand: Strand;
  readonly points: Ribbon["points"];
  readonly start: number;
  readonly end: number;
  readonly wrong: boolean;
}

function StrandView({ strand, points, start, end, wrong }: StrandProps) {
  return (
    <g class={wrong ? "strand wrong" : "strand"}>
      {wrong && <path class="glow" d={bandThrough(points, start, end, strand.width + 10)} />}
      {strand.sheaths.map(({ x, width }) => (
        <path class="sheath" d={bandThrough(points, start + x, end + x, width)} />
      ))}
      {strand.stripes.map(({ letter, x, width, open }) => (
        <path
          class={`stripe ${axisClass(letter)}${open ? " open" : ""}`}
          d={bandThrough(points, start + x, end + x, width)}
        />
      ))}
    </g>
  );
}

/** A turn: Keras' strand goes straight on, PyTorch's stripes change places. */
function Braid({ card }: { readonly card: Card }) {
  const { x, y, width, height, before, keras, torch, wrong } = card;
  const middle = x + width / 2;
  const points = [
    [middle, y],
    [middle, y + height],
  ] as const;
  const [from, to] = [strandOf(before!.torch), strandOf(wrong ? before!.torch : torch)];
  return (
    <>
      <StrandView strand={strandOf(keras)} points={points} start={aside.keras} end={aside.keras} wrong={false} />
      <g class={wrong ? "strand wrong" : "strand"}>
        {pairs(from, to).map(([one, other]) => (
          <path
            class={`stripe ${axisClass(one.letter)}`}
            d={bandThrough(points, aside.torch + one.x, aside.torch + other.x, one.width)}
          />
        ))}
      </g>
    </>
  );
}

/** Each stripe with the one that it becomes: the first of its letter that no other did. */
function pairs(from: Strand, to: Strand) {
  const left = [...to.stripes];
  return from.stripes.map((one) => {
    const at = left.findIndex(({ letter }) => letter === one.letter);
    const [other] = at < 0 ? [one] : left.splice(at, 1);
    return [one, other!] as const;
  });
}

interface CardProps {
  readonly card: Card;
  readonly view: View;
  readonly selected: boolean;
  readonly onSelect: (id: string) => void;
}

function CardView({ card, view, selected, onSelect }: CardProps) {
  const { id, kind, x, y, width, height, wrong } = card;
  const style = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
  return (
    <button
      type="button"
      id={id}
      class={`card card-${kind}${wrong ? " wrong" : ""}`}
      style={style}
      aria-pressed={selected}
      onClick={() => onSelect(id)}
    >
      {kind === "turn" ? <TurnText card={card} /> : <CardText card={card} view={view} />}
    </button>
  );
}

function TurnText({ card }: { readonly card: Card }) {
  const { before, torch, wrong, name } = card;
  return (
    <span class="turn">
      <span class="turn-text">{wrong ? "no turn" : "permute"}</span>
      <span class="away">
        , for {name}: {before!.torch.layout} to {torch.layout}
        {wrong && `, ${wrong}`}
      </span>
    </span>
  );
}

function CardText({ card, view }: { readonly card: Card; readonly view: View }) {
  const { kind, title, name, parameters, keras, torch, weights, wrong } = card;
  const weight = weights.find((own) => own.keras.layout !== own.torch.layout);
  return (
    <>
      <span class="card-head">
        <b>{title}</b>
        <span class="card-name">{name}</span>
        {parameters > 0 && <span class="card-count">{parameters.toLocaleString("en")}</span>}
      </span>
      {weight && (
        <span class={weight.reordered ? "card-weight reordered" : "card-weight"}>
          <span class="soft">{weight.role}</span> <Layout text={weight.keras.layout} />
          <span aria-hidden="true"> → </span>
          <span class="away"> becomes </span>
          <Layout text={weight.torch.layout} />
          {weight.reordered && view.flatten === "fold" && <span class="away">, its rows reordered</span>}
        </span>
      )}
      {wrong && <span class="card-wrong">{wrong}</span>}
      <span class="card-ports">
        <PortText side="Keras" arrangement={keras} named={kind === "input"} />
        <PortText side="PyTorch" arrangement={torch} named={kind === "input"} />
      </span>
    </>
  );
}

function PortText({
  side,
  arrangement,
  named,
}: {
  readonly side: string;
  readonly arrangement: Arrangement;
  readonly named: boolean;
}) {
  return (
    <span class="port">
      <span class={named ? "port-side" : "away"}>{side} </span>
      <span class="port-text">
        <Layout text={arrangement.layout} /> <span class="port-sizes">{sizesText(arrangement)}</span>
      </span>
    </span>
  );
}
