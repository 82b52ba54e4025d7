/** An open model: its chart, and beside it what belongs to one layer, the proof, the code, and a place to run it. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AxisKey, Layout, sizesText } from "./axes.tsx";
import { ChartView } from "./chart-view.tsx";
import { CodePanel } from "./panels/code-panel.tsx";
import { LayerPanel } from "./panels/layer-panel.tsx";
import { type Proof, ProofPanel } from "./panels/proof-panel.tsx";
import { RunPanel } from "./panels/run-panel.tsx";
import { Segments } from "./parts/segments.tsx";
import { Tabs } from "./parts/tabs.tsx";
import { RefusalNote } from "./parts/refusal-note.tsx";
import type { Engine } from "./engine.ts";
import type { Opened, Picture, View } from "./protocol.ts";
import { useNarrow } from "./use-narrow.ts";
import { useTask } from "./use-task.ts";

export type Panel = "chart" | "layer" | "proof" | "code" | "run";

export interface PanelProps {
  readonly engine: Engine;
  readonly opened: Opened;
  /** What is chosen; `picture` is of the choice before until it is drawn. */
  readonly view: View;
  readonly picture: Picture;
}

const firstView: View = { flatten: "permute", io: "torch", weights: "safetensors" };

export function Workspace({ engine, opened }: { readonly engine: Engine; readonly opened: Opened }) {
  const { description } = opened;
  const narrow = useNarrow();
  const [view, setView] = useState<View>(firstView);
  const [panel, setPanel] = useState<Panel>("code");
  const [selected, setSelected] = useState<string | null>(null);
  const drawing = useTask<Picture>();
  const proof = useTask<Proof>();
  const heading = useRef<HTMLHeadingElement>(null);

  const change = useCallback((part: Partial<View>) => setView((before) => ({ ...before, ...part })), []);
  useEffect(() => {
    drawing.run(() => engine.call("picture", [view]));
  }, [engine, view]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);

  const picture = drawing.result;
  const chart = useRef<HTMLDivElement>(null);
  const seen = useRef<Picture | null>(null);
  useEffect(() => {
    // A switch shows what it changes; the first chart is shown from its start.
    if (picture && seen.current && seen.current.view.flatten !== picture.view.flatten) showChange(chart.current!);
    seen.current = picture;
  }, [picture]);
  const placed = useRef(false);
  const visible = !narrow || panel === "chart";
  useEffect(() => {
    // A chart that is wider than its place is first seen where its first card is.
    if (placed.current || !picture || !visible) return;
    placed.current = true;
    const { clientWidth } = chart.current!;
    const card = chart.current!.querySelector<HTMLElement>(".card")!;
    chart.current!.scrollLeft = card.offsetLeft + (card.offsetWidth - clientWidth) / 2;
  }, [picture, visible]);
  const letters = useMemo(() => lettersIn(picture), [picture]);
  const select = useCallback((id: string) => {
    setSelected(id);
    setPanel("layer");
  }, []);
  const shown: Panel = panel === "chart" && !narrow ? "code" : panel;
  const tabs: (readonly [Panel, string])[] = [
    ...(narrow ? ([["chart", "Graph"]] as const) : []),
    ["code", "Code"],
    ["proof", "Proof"],
    ["run", "Run"],
    ["layer", "Layer"],
  ];
  const common = picture && { engine, opened, view, picture };
  const card =
    picture?.chart.cards.find(({ id }) => id === selected) ?? picture?.chart.cards.find(({ kind }) => kind === "layer");

  return (
    <main class="workspace">
      <section class="summary" aria-label="Model">
        <div class="summary-name">
          <h1 ref={heading} tabIndex={-1}>
            {description.name}
          </h1>
          <p>
            {description.origin}, {description.parameters.toLocaleString("en")} parameters, {description.layers.length}{" "}
            layers
          </p>
        </div>
        <Ports title="in" ports={description.inputs} />
        <Ports title="out" ports={description.outputs} />
        <Notes notes={[...description.notes, ...opened.spare.map((name) => `not part of the model: ${name}`)]} />
      </section>
      <section
        class="chart-pane"
        id="chart"
        {...(narrow ? { role: "tabpanel", "aria-labelledby": "tab-chart" } : { "aria-label": "Graph" })}
        hidden={narrow && shown !== "chart"}
      >
        <div class="chart-tools">
          <Segments
            label="PyTorch, where axes merge"
            name="flatten"
            value={view.flatten}
            choices={[
              ["permute", "permute"],
              ["fold", "fold"],
              ["naive", "transpose only"],
            ]}
            onChange={(flatten) => change({ flatten })}
          />
          <AxisKey letters={letters} />
          <p class="view-note" role="status">
            {viewNote(view, description.places, picture?.chart.cards.some(({ kind }) => kind === "turn") ?? false)}
          </p>
        </div>
        {drawing.refusal && <RefusalNote refusal={drawing.refusal} title="This can't be shown" />}
        <div class="chart-scroll" ref={chart}>
          {picture && <ChartView chart={picture.chart} view={picture.view} selected={selected} onSelect={select} />}
        </div>
      </section>
      <section class="panel-pane" aria-label="Conversion">
        <Tabs
          tabs={tabs}
          value={shown}
          panelOf={(value) => (value === "chart" ? "chart" : "panel")}
          onChange={setPanel}
        />
        <div
          class="panel"
          role="tabpanel"
          id="panel"
          aria-labelledby={`tab-${shown}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a tab panel that scrolls has to be reached by keyboard
          tabIndex={0}
          hidden={shown === "chart"}
        >
          {common && shown === "code" && <CodePanel {...common} onView={change} />}
          {common && shown === "proof" && <ProofPanel {...common} proof={proof} />}
          {common && shown === "run" && <RunPanel {...common} />}
          {common && shown === "layer" && card && <LayerPanel {...common} card={card} />}
        </div>
      </section>
    </main>
  );
}

/** Brings the first place where something is done about the order of axes, or goes wrong, into sight. */
function showChange(chart: HTMLElement): void {
  const card = chart.querySelector<HTMLElement>(".card.wrong, .card-turn, .card:has(.reordered)");
  if (!card || chart.scrollHeight <= chart.clientHeight) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  chart.scrollTo({ top: card.offsetTop - chart.clientHeight / 2, behavior: calm ? "instant" : "smooth" });
}

/** What is to be seen in a view. */
function viewNote({ flatten }: View, places: Opened["description"]["places"], turns: boolean): string {
  const merging = places.filter(({ matters }) => matters);
  if (merging.length === 0)
    return turns
      ? "No axes merge in an order that matters; values turn where PyTorch's layers take another order."
      : "No axes merge in an order that matters: transposed weights are all it takes.";
  const where = `at ${merging
    .map(({ layer }) => layer)
    .slice(0, 3)
    .join(", ")}${merging.length > 3 ? " and more" : ""}`;
  if (flatten === "permute") return `PyTorch's values turn back to Keras' order before axes merge, ${where}.`;
  if (flatten === "fold") return `Axes merge as PyTorch holds them, ${where}; the weights behind take their order.`;
  return `Nothing turns back ${where}: from there on, in red, numbers meet the weights of others.`;
}

function Ports({ title, ports }: { readonly title: string; readonly ports: Opened["description"]["inputs"] }) {
  const [first] = ports;
  if (!first) return null;
  const axes = first.shape.map((size, index) => ({ letter: index === 0 ? "N" : "", size }));
  return (
    <p class="summary-port">
      <span class="soft">{title}</span> <Layout text={first.layout} />{" "}
      <span class="mono">{sizesText({ layout: first.layout, axes })}</span>
      {ports.length > 1 && <span class="soft"> and {ports.length - 1} more</span>}
    </p>
  );
}

function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <details class="notes">
      <summary>
        {notes.length} {notes.length === 1 ? "note" : "notes"}
      </summary>
      <ul>
        {notes.map((note) => (
          <li>{note}</li>
        ))}
      </ul>
    </details>
  );
}

/** The letters of the axes of a chart's values. */
function lettersIn(picture: Picture | null): string {
  const used = new Set(
    picture?.chart.cards.flatMap(({ keras, weights }) => [
      ...keras.layout,
      ...weights.flatMap((weight) => [...weight.keras.layout]),
    ]),
  );
  return "NLCKIO"
    .split("")
    .filter((letter) => used.has(letter))
    .join("");
}
