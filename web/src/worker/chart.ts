/**
 * The chart of a conversion: which steps make one card, which values are ribbons between them, and where everything lies.
 *
 * A card is a call of a layer: Keras' words, though a layer may be several operators. A change of order that the planner puts in is a
 * card of its own. dagre lays them out from top to bottom.
 */
import { Graph, layout } from "@dagrejs/dagre";
import type { Arrangement, ConversionPlan, PlannedStep, PlannedValue, PlannedWeight } from "channelwise";
import type { Card, CardWeight, Chart, Ribbon } from "../protocol.ts";
import { codeLines } from "./code-lines.ts";

const cardWidth = 248;
const heights = { port: 62, input: 78, turn: 66, layer: 62, weight: 22 };
/** A chart of more is not drawn: nobody could look at it, and a hostile file could ask for it. */
const mostCards = 600;

/** Steps that are one card, with the values that come in and go out. */
interface Group {
  readonly id: string;
  readonly kind: Card["kind"];
  readonly title: string;
  readonly name: string;
  readonly layer: string;
  readonly steps: PlannedStep[];
  readonly outputs: number[];
}

/** @param plan how values are held; @param written the program that is shown; @param naive whether nothing makes up for it */
export function chartOf(plan: ConversionPlan, written: ConversionPlan, naive: boolean): Chart {
  const groups = groupsOf(plan);
  const shown = groups.slice(0, mostCards);
  const owner = new Map<number, Group>();
  for (const group of shown) for (const value of group.outputs) if (!owner.has(value)) owner.set(value, group);
  const wrong = naive ? new Wrong(plan, written, shown) : null;
  const lines = codeLines(written);
  const cards = shown.map((group) => cardOf(group, plan, written, wrong, lines));
  return { ...placed(cards, edgesOf(shown, owner, plan, wrong)), omitted: groups.length - shown.length };
}

/** Steps of one layer from its first to the one that gives what its call gives. */
function groupsOf(plan: ConversionPlan): Group[] {
  const groups: Group[] = [];
  const ends = new Map(plan.calls.flatMap((call) => call.outputs.map((value) => [value, call] as const)));
  const open = new Map<string, Group>();
  const maker = new Map<number, Group>();
  const add = (kind: Card["kind"], title: string, name: string, layer: string): Group => {
    const group: Group = { id: `card-${groups.length}`, kind, title, name, layer, steps: [], outputs: [] };
    groups.push(group);
    return group;
  };
  for (const { name, value } of plan.inputs) add("input", "Input", name, "").outputs.push(value);
  for (const step of plan.steps) {
    const own = open.get(step.layer);
    // An order that changes between two operators of one layer is the layer's own business.
    const inside = own !== undefined && step.inputs.some((value) => maker.get(value) === own);
    const turns = step.kind === "reorder" && !inside;
    const group = turns
      ? add("turn", "Turn", step.layer, step.layer)
      : (own ?? add("layer", step.className, step.layer, step.layer));
    group.steps.push(step);
    group.outputs.push(...step.outputs);
    for (const value of step.outputs) maker.set(value, group);
    if (turns) continue;
    const ended = step.outputs.some((value) => ends.get(value)?.layer === step.layer);
    if (ended) open.delete(step.layer);
    else open.set(step.layer, group);
  }
  for (const { name, value } of plan.outputs) add("output", "Output", name, "").steps.push(readerOf(value));
  return groups;
}

/** Stands for whoever takes an output of the model. */
function readerOf(value: number): PlannedStep {
  const nothing = { outputs: [], weights: [], lines: [], attributes: {} };
  return { layer: "", className: "", kind: "output", inputs: [value], ...nothing };
}

/** The values that a group takes from others. */
function inputsOf({ steps, outputs }: Group): number[] {
  return [...new Set(steps.flatMap((step) => step.inputs))].filter((value) => !outputs.includes(value));
}

/** Where the naive way has other numbers than Keras: at weights whose rows are in another order than the data, and behind them. */
class Wrong {
  readonly #reasons = new Map<Group, string>();
  readonly #values = new Set<number>();

  constructor(plan: ConversionPlan, written: ConversionPlan, groups: readonly Group[]) {
    const kept = new Map(written.weights.map((weight) => [weight.tensor + weight.row, weight]));
    for (const group of groups) {
      const inputs = inputsOf(group);
      const held = inputs.map((value) => plan.values[value]!).find(differs);
      const weight = plan.weights.find(
        (own) => own.layer === group.layer && own.torch.layout !== kept.get(own.tensor + own.row)?.torch.layout,
      );
      if (group.kind === "layer" && weight && held)
        this.#reasons.set(
          group,
          `values in ${held.torch.layout} meet rows in ${kept.get(weight.tensor + weight.row)!.torch.layout}`,
        );
      if (group.kind === "turn" && held) this.#reasons.set(group, `stays ${held.torch.layout}: nothing turns it back`);
      const tainted = this.#reasons.has(group) || inputs.some((value) => this.#values.has(value));
      for (const value of group.outputs) if (tainted || differs(plan.values[value]!)) this.#values.add(value);
    }
  }

  reason(group: Group): string | null {
    return this.#reasons.get(group) ?? null;
  }

  holds(value: number): boolean {
    return this.#values.has(value);
  }
}

/** Whether merged axes are held in another order than the source's. */
function differs({ keras, torch }: PlannedValue): boolean {
  const merged = ({ axes }: Arrangement) =>
    JSON.stringify(
      axes.flatMap(({ segments }) =>
        segments ? [segments.map((parts) => parts.filter(({ size }) => size !== 1))] : [],
      ),
    );
  return merged(keras) !== merged(torch);
}

function cardOf(
  group: Group,
  plan: ConversionPlan,
  written: ConversionPlan,
  wrong: Wrong | null,
  lines: (steps: readonly PlannedStep[]) => number[],
): Omit<Card, "x" | "y"> {
  const { id, kind, title, name, layer, steps, outputs } = group;
  const [input] = inputsOf(group);
  const value = plan.values[outputs.at(-1) ?? input!]!;
  const before = input !== undefined && (kind === "turn" || kind === "layer") ? plan.values[input]! : null;
  const weights = kind === "layer" ? weightsOf(layer, steps, written) : [];
  const height = { input: heights.input, output: heights.port, turn: heights.turn, layer: heights.layer }[kind];
  const why = wrong?.reason(group) ?? null;
  return {
    id,
    kind,
    title,
    name,
    width: cardWidth,
    height:
      height +
      (weights.some((own) => own.keras.layout !== own.torch.layout) ? heights.weight : 0) +
      (why && kind === "layer" ? heights.weight : 0),
    parameters: weights.reduce((sum, { keras }) => sum + keras.axes.reduce((all, { size }) => all * (size ?? 1), 1), 0),
    keras: value.keras,
    torch: value.torch,
    before: before && { keras: before.keras, torch: before.torch },
    weights,
    options: steps.flatMap(({ kind: operator, attributes }) => {
      const entries = Object.entries(attributes).flatMap(([key, own]) =>
        own === null || own === undefined ? [] : [[key, cut(said(own))] as const],
      );
      return operator === "output" || operator === "reorder" ? [] : [{ operator, entries }];
    }),
    lines: lines(writtenSteps(steps, written)),
    wrong: why,
  };
}

/** The same steps in the program that is shown, which may have others besides. */
function writtenSteps(steps: readonly PlannedStep[], written: ConversionPlan): PlannedStep[] {
  const same = (one: PlannedStep, other: PlannedStep) => one.layer === other.layer && one.kind === other.kind;
  return steps.flatMap(
    (step) => written.steps.find((own) => own === step) ?? written.steps.find((own) => same(own, step)) ?? [],
  );
}

function weightsOf(layer: string, steps: readonly PlannedStep[], { weights }: ConversionPlan): CardWeight[] {
  const roles = new Set(steps.flatMap((step) => step.weights));
  return weights.flatMap((weight, index) =>
    weight.layer === layer && roles.has(weight.role) ? [cardWeight(weight, index)] : [],
  );
}

function cardWeight({ role, tensor, keras, torch }: PlannedWeight, index: number): CardWeight {
  const reordered = differs({ name: role, keras, torch });
  return { index, role, tensor, keras, torch, reordered };
}

/** As much of a text as anybody reads. */
const cut = (text: string) => (text.length > 300 ? `${text.slice(0, 300)}…` : text);

/** A value of an option in words; axes by their letters. */
function said(value: unknown): string {
  if (Array.isArray(value)) {
    const axes =
      value.length > 0 && value.every((entry) => entry !== null && typeof entry === "object" && "letter" in entry);
    return axes ? value.map((axis: { letter: string }) => axis.letter).join("") : `[${value.map(said).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([key, own]) => `${key} ${said(own)}`)
      .join(", ");
  return typeof value === "number" ? String(Number(value.toPrecision(7))) : String(value);
}

type Edge = Omit<Ribbon, "points">;

function edgesOf(
  groups: readonly Group[],
  owner: ReadonlyMap<number, Group>,
  plan: ConversionPlan,
  wrong: Wrong | null,
): Edge[] {
  return groups.flatMap((group) => {
    const inputs = inputsOf(group).filter((value) => owner.has(value));
    return inputs.map((value, place): Edge => {
      const { keras, torch } = plan.values[value]!;
      const ends = { from: owner.get(value)!.id, to: group.id };
      return { ...ends, place, places: inputs.length, keras, torch, wrong: wrong?.holds(value) ?? false };
    });
  });
}

/** Lays cards and edges out. */
function placed(cards: readonly Omit<Card, "x" | "y">[], edges: readonly Edge[]): Omit<Chart, "omitted"> {
  const graph = new Graph({ multigraph: true });
  const branches = new Set(edges.map(({ from }) => from)).size < edges.length;
  graph.setGraph({ rankdir: "TB", nodesep: 36, edgesep: 150, ranksep: branches ? 52 : 40, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of cards) graph.setNode(id, { width, height });
  for (const [index, { from, to }] of edges.entries()) graph.setEdge(from, to, { weight: 1 }, String(index));
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const points = edges.map((edge, index) => (graph.edge(edge.from, edge.to, String(index)).points ?? []) as Point[]);
  // dagre knows of lines: a ribbon is wider, and may reach over the edge.
  const reach = Math.max(0, ribbonReach - Math.min(ribbonReach, ...points.flat().map(({ x }) => x)));
  const laid = new Map(
    cards.map((card): [string, Card] => {
      const { x = 0, y = 0 } = graph.node(card.id);
      return [card.id, { ...card, x: x + reach - card.width / 2, y: y - card.height / 2 }];
    }),
  );
  const placeOf = (edge: Edge): number => {
    if (!commutative.has(laid.get(edge.to)!.title)) return edge.place;
    const left = (other: Edge) => laid.get(other.from)!.x - laid.get(edge.from)!.x || other.place - edge.place;
    return edges.filter((other) => other.to === edge.to && left(other) < 0).length;
  };
  const ribbons = edges.map((edge, index): Ribbon => {
    const way = points[index]!.map(({ x, y }) => ({ x: x + reach, y }));
    return { ...edge, place: placeOf(edge), points: wayBetween(laid.get(edge.from)!, laid.get(edge.to)!, way) };
  });
  const right = Math.max(width + reach, ...ribbons.flatMap((ribbon) => ribbon.points.map(([x]) => x + ribbonReach)));
  return { width: Math.min(right, width + reach + ribbonReach), height, cards: [...laid.values()], ribbons };
}

/** Layers whose inputs may come in any order, and so are drawn in the one that crosses least. */
const commutative: ReadonlySet<string> = new Set(["Add", "Average", "Maximum", "Minimum", "Multiply"]);

/** From the middle of a ribbon to its edge. */
const ribbonReach = 90;

/** Where a ribbon goes: straight down where it may, aside only where dagre leads it around cards. */
function wayBetween(from: Card, to: Card, points: readonly Point[]): Ribbon["points"] {
  const ends = [middle(from, from.height), middle(to, 0)] as const;
  // dagre ends an edge at its card's outline; ribbons go in and out at the middle.
  const between = points.slice(1, -1).filter(({ y }) => y > from.y + from.height + clear && y < to.y - clear);
  if (between.length <= 1 && to.y - (from.y + from.height) < 120) return ends;
  let column = Number.NaN;
  const way = between.map(({ x, y }) => {
    if (!(Math.abs(x - column) < 24)) column = x;
    return [column, y] as const;
  });
  return [ends[0], ...way, ends[1]];
}

/** Pixels below and above a card in which a strand turns; it is not asked to be elsewhere there. */
const clear = 48;

type Point = { readonly x: number; readonly y: number };

const middle = (card: Card, down: number) => [card.x + card.width / 2, card.y + down] as const;
