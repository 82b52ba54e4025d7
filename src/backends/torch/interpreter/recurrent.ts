/**
 * recurrent: nn.RNN, nn.LSTM and nn.GRU, several layers, one or two directions.
 *
 *   per step   a = W_ih x + b_ih,  r = W_hh h + b_hh         gates stacked along the rows of W
 *   RNN        h' = tanh or relu (a + r)
 *   LSTM       i, f, g, o: c' = σ(f) c + σ(i) tanh(g),  h' = σ(o) tanh(c')
 *   GRU        r, z, n:    n = tanh(a_n + σ(r) r_n),    h' = (1 - σ(z)) n + σ(z) h
 *
 * W_ih x is computed for all steps at once; the reverse direction writes its states at the input's positions.
 *
 * Source  PyTorch docs: torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU.
 */
import { programFails, programShapesDiffer } from "../../../error.ts";
import { allocate, filled, rows, showShape, Tensor64 } from "./array.ts";
import { sigmoid } from "./arithmetic.ts";
import { concatenate } from "./joining.ts";
import type { LayerRow, StateShapes } from "./layers.ts";
import { dotRows, linear } from "./linear.ts";
import { insertAxis, selectAt, transpose } from "./shaping.ts";
import type { Bound } from "./signature.ts";
import { Tuple, type Value } from "./values.ts";

/** Updates h (and c) of one sample in place: `a` and `r` are read at `atA`, `atR`; h and c at `at`. */
type Cell = (
  a: Float64Array,
  atA: number,
  r: Float64Array,
  atR: number,
  h: Float64Array,
  c: Float64Array,
  at: number,
  size: number,
) => void;

const plain =
  (f: (x: number) => number): Cell =>
  (a, atA, r, atR, h, _c, at, size) => {
    for (let u = 0; u < size; u++) h[at + u] = f(a[atA + u]! + r[atR + u]!);
  };

const lstm: Cell = (a, atA, r, atR, h, c, at, size) => {
  for (let u = 0; u < size; u++) {
    const input = sigmoid(a[atA + u]! + r[atR + u]!);
    const forget = sigmoid(a[atA + size + u]! + r[atR + size + u]!);
    const candidate = Math.tanh(a[atA + 2 * size + u]! + r[atR + 2 * size + u]!);
    const output = sigmoid(a[atA + 3 * size + u]! + r[atR + 3 * size + u]!);
    c[at + u] = forget * c[at + u]! + input * candidate;
    h[at + u] = output * Math.tanh(c[at + u]!);
  }
};

const gru: Cell = (a, atA, r, atR, h, _c, at, size) => {
  for (let u = 0; u < size; u++) {
    const reset = sigmoid(a[atA + u]! + r[atR + u]!);
    const update = sigmoid(a[atA + size + u]! + r[atR + size + u]!);
    const candidate = Math.tanh(a[atA + 2 * size + u]! + reset * r[atR + 2 * size + u]!);
    h[at + u] = (1 - update) * candidate + update * h[at + u]!;
  }
};

const GATES = { RNN: 1, LSTM: 4, GRU: 3 } as const;
type Kind = keyof typeof GATES;

interface Direction {
  readonly cell: Cell;
  readonly gates: number;
  readonly backward: boolean;
  readonly weight: (name: string) => Tensor64 | null;
}

/** One layer in one direction over x (L, N, in): all states (L, N, size); `h` and `c` (N, size) end as the last states. */
function scan(x: Tensor64, direction: Direction, h: Float64Array, c: Float64Array): Tensor64 {
  const { cell, gates, backward, weight } = direction;
  const [steps, batch] = x.shape as [number, number, number];
  const size = h.length / batch;
  const fromInput = rows(linear(x, weight("weight_ih")!, weight("bias_ih")));
  const recurrent = rows(weight("weight_hh")!);
  const bias = weight("bias_hh");
  const biases = bias && rows(bias);
  const width = gates * size;
  const fromState = allocate([batch, width]);
  const out = allocate([steps, batch, size]);
  for (let i = 0; i < steps; i++) {
    const step = backward ? steps - 1 - i : i;
    dotRows(h, recurrent, fromState, [batch, width, size]);
    if (biases) for (let k = 0; k < fromState.length; k++) fromState[k]! += biases[k % width]!;
    for (let n = 0; n < batch; n++)
      cell(fromInput, (step * batch + n) * width, fromState, n * width, h, c, n * size, size);
    out.set(h, step * batch * size);
  }
  return new Tensor64(out, [steps, batch, size]);
}

function cellOf(kind: Kind, a: Bound): Cell {
  if (kind !== "RNN") return kind === "LSTM" ? lstm : gru;
  return a.text("nonlinearity") === "tanh" ? plain(Math.tanh) : plain((x) => Math.max(0, x));
}

/** The initial states as (layers * directions, N, size); zeros where none are given. */
function initialState(given: Tensor64 | null, shape: readonly number[], unbatched: boolean): Float64Array {
  if (!given) return rows(filled(shape, 0));
  const batched = unbatched && given.rank === 2 ? insertAxis(given, 1) : given;
  if (showShape(batched.shape) !== showShape(shape)) {
    throw programShapesDiffer(`expected hidden size ${showShape(shape)}, got ${showShape(batched.shape)}`);
  }
  return rows(batched).slice();
}

function givenStates(kind: Kind, hx: Value): readonly [h: Tensor64 | null, c: Tensor64 | null] {
  if (hx === null) return [null, null];
  if (kind !== "LSTM") {
    if (!(hx instanceof Tensor64)) throw programFails(`${kind}: hx must be a Tensor`);
    return [hx, null];
  }
  const [h, c] = hx instanceof Tuple ? hx.items : [];
  if (!(h instanceof Tensor64) || !(c instanceof Tensor64))
    throw programFails("LSTM: hx must be a tuple of two Tensors");
  return [h, c];
}

function runLayers(kind: Kind, a: Bound, call: Bound, weight: (name: string) => Tensor64 | null): Value {
  const given = call.tensor("input");
  if (given.rank !== 2 && given.rank !== 3)
    throw programShapesDiffer(`${kind}: expected input to be 2D or 3D, got ${given.rank}D instead`);
  const unbatched = given.rank === 2;
  const batchFirst = a.bool("batch_first") && !unbatched;
  let x = unbatched ? insertAxis(given, 1) : batchFirst ? transpose(given, 0, 1) : given;
  if (x.shape[2] !== a.int("input_size")) {
    throw programShapesDiffer(
      `input.size(-1) must be equal to input_size. Expected ${a.int("input_size")}, got ${x.shape[2]}`,
    );
  }
  const [size, batch] = [a.int("hidden_size"), x.shape[1]!];
  const directions = a.bool("bidirectional") ? 2 : 1;
  const stateShape = [a.int("num_layers") * directions, batch, size];
  const [h, c] = givenStates(kind, call.value("hx")).map((state) => initialState(state, stateShape, unbatched)) as [
    Float64Array,
    Float64Array,
  ];
  for (let layer = 0; layer < a.int("num_layers"); layer++) {
    const outputs = Array.from({ length: directions }, (_, d) => {
      const at = (layer * directions + d) * batch * size;
      const suffix = `_l${layer}${d === 1 ? "_reverse" : ""}`;
      const direction = {
        cell: cellOf(kind, a),
        gates: GATES[kind],
        backward: d === 1,
        weight: (name: string) => weight(name + suffix),
      };
      return scan(x, direction, h.subarray(at, at + batch * size), c.subarray(at, at + batch * size));
    });
    x = concatenate(outputs, 2);
  }
  const states = [h, c].map((data) => {
    const state = new Tensor64(data, stateShape);
    return unbatched ? selectAt(state, 1, 0) : state;
  }) as [Tensor64, Tensor64];
  const output = unbatched ? selectAt(x, 1, 0) : batchFirst ? transpose(x, 0, 1) : x;
  return new Tuple([output, kind === "LSTM" ? new Tuple(states) : states[0]]);
}

function shapes(kind: Kind, a: Bound): StateShapes {
  const size = a.int("hidden_size");
  const width = GATES[kind] * size;
  const directions = a.bool("bidirectional") ? ["", "_reverse"] : [""];
  const shapes: Record<string, readonly number[] | null> = {};
  for (let layer = 0; layer < a.int("num_layers"); layer++) {
    for (const direction of directions) {
      const suffix = `_l${layer}${direction}`;
      shapes[`weight_ih${suffix}`] = [width, layer === 0 ? a.int("input_size") : size * directions.length];
      shapes[`weight_hh${suffix}`] = [width, size];
      for (const bias of ["bias_ih", "bias_hh"]) shapes[bias + suffix] = a.bool("bias") ? [width] : null;
    }
  }
  return shapes;
}

function row(kind: Kind): LayerRow {
  const nonlinearity = kind === "RNN" ? "nonlinearity='tanh', " : "";
  return {
    names: kind,
    takes: `input_size, hidden_size, num_layers=1, ${nonlinearity}bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None`,
    forward: "input, hx=None",
    check: (a) => {
      a.only("proj_size", 0n);
      if (kind === "RNN") a.only("nonlinearity", "tanh", "relu");
      if (a.int("num_layers") < 1 || a.int("hidden_size") < 1)
        throw programFails(`${kind}: hidden_size and num_layers must be positive`);
    },
    parameters: (a) => shapes(kind, a),
    run: (a, call, weight) => runLayers(kind, a, call, weight),
  };
}

export const recurrentLayers: readonly LayerRow[] = [row("RNN"), row("LSTM"), row("GRU")];
