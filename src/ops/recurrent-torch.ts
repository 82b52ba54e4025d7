/**
 * recurrent in PyTorch: nn.LSTM, nn.GRU and nn.RNN where they can say it, else `Recurrence`, a module in the emitted file
 * that takes the steps one by one.
 *
 *   gates      i, f, g, o in both; a GRU's z, r, n are r, z, n in PyTorch. `Recurrence` keeps Keras' order
 *   biases     bias_ih, and bias_hh: a GRU's second row, or zeros
 *   backward   weights `_reverse`; the last output of that half is that of the first step, so both halves' last outputs are
 *              read from the states
 */
import { axisSize } from "../axes.ts";
import { activationText } from "./activation.ts";
import type { PlannedNode, ToTorch, TorchWriter } from "./facets.ts";
import { type CellFunction, type CellKind, halfSuffix, type Recurrent, statesOf } from "./recurrent.ts";

const recurrenceModule = `class Recurrence(nn.Module):
    """Keras' recurrent layers where nn.LSTM, nn.GRU and nn.RNN differ: other functions of the gates, masks, reset_after=False.

    Gates lie in Keras' order: i, f, g, o of an LSTM; z, r, n of a GRU. Returns every step's output, and the states.
    """

    def __init__(self, cell, inputs, units, activation, gate=None, bias=True, zero_masked=False):
        super().__init__()
        rows = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "simple": 1}[cell] * units
        self.cell = cell
        self.units = units
        self.activation = activation
        self.gate = gate
        self.zero_masked = zero_masked
        self.weight_ih = nn.Parameter(torch.empty(rows, inputs))
        self.weight_hh = nn.Parameter(torch.empty(rows, units))
        self.bias_ih = nn.Parameter(torch.empty(rows)) if bias else None
        self.bias_hh = nn.Parameter(torch.empty(rows)) if bias and cell == "gru" else None

    def forward(self, x, state=None, mask=None):
        x = F.linear(x, self.weight_ih, self.bias_ih)
        h = x.new_zeros(x.shape[0], self.units) if state is None else state[0]
        c = state[1] if state is not None and self.cell == "lstm" else torch.zeros_like(h)
        last = torch.zeros_like(h)
        outputs = []
        for step in range(x.shape[1]):
            next_h, next_c = self.take(x[:, step], h, c)
            if mask is None:
                h, c, last = next_h, next_c, next_h
            else:
                counts = mask[:, step].unsqueeze(1)
                last = torch.where(counts, next_h, torch.zeros_like(h) if self.zero_masked else last)
                h = torch.where(counts, next_h, h)
                c = torch.where(counts, next_c, c)
            outputs.append(last)
        return torch.stack(outputs, dim=1), (h, c)

    def take(self, x, h, c):
        if self.cell == "simple":
            return self.activation(x + F.linear(h, self.weight_hh)), c
        if self.cell == "lstm":
            i, f, g, o = (x + F.linear(h, self.weight_hh)).chunk(4, dim=1)
            c = self.gate(f) * c + self.gate(i) * self.activation(g)
            return self.gate(o) * self.activation(c), c
        if self.cell == "gru":
            x_z, x_r, x_n = x.chunk(3, dim=1)
            h_z, h_r, h_n = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=1)
            z = self.gate(x_z + h_z)
            n = self.activation(x_n + self.gate(x_r + h_r) * h_n)
        else:
            x_z, x_r, x_n = x.chunk(3, dim=1)
            w_z, w_r, w_n = self.weight_hh.chunk(3, dim=0)
            z = self.gate(x_z + F.linear(h, w_z))
            n = self.activation(x_n + F.linear(self.gate(x_r + F.linear(h, w_r)) * h, w_n))
        return z * h + (1 - z) * n, c
`;

/** How `Recurrence` calls the cells. */
const cellNames: Readonly<Record<CellKind, string>> = {
  lstm: "lstm",
  gru: "gru",
  gruBefore: "gru_reset_before",
  simple: "simple",
};

/** PyTorch's gates by their places in Keras. */
const gateOrder: Readonly<Record<CellKind, readonly number[]>> = {
  lstm: [0, 1, 2, 3],
  gru: [1, 0, 2],
  gruBefore: [],
  simple: [0],
};

/** The class that says all of it, with its own options; null where none does. */
function native({ cell, activation, gate, masked }: Recurrent): { name: string; options: string[] } | null {
  const relu = activation.kind === "relu" && JSON.stringify(activation.parameters) === "[0,null,0]";
  if (masked || cell === "gruBefore" || (activation.kind !== "tanh" && !(cell === "simple" && relu))) return null;
  if (cell === "simple") return { name: "nn.RNN", options: relu ? [`nonlinearity="relu"`] : [] };
  if (gate.kind !== "sigmoid") return null;
  return { name: cell === "lstm" ? "nn.LSTM" : "nn.GRU", options: [] };
}

/** A function as a value in Python: PyTorch's own where it takes one argument, else one of the emitted file. */
function functionName(torch: TorchWriter, given: CellFunction): string {
  const text =
    given.kind === "linear" ? "x" : given.kind === "softmax" ? "torch.softmax(x, dim=-1)" : activationText(given, "x");
  const own = /^((?:torch|F)\.\w+)\(x\)$/.exec(text);
  if (own) return own[1]!;
  const parameters = given.parameters.map((value) => `_${value === null ? "inf" : value}`.replace(/[^\w]/g, "_"));
  const name = `${given.kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}${parameters.join("")}`;
  torch.helper(name, `def ${name}(x):\n    return ${text}\n`);
  return name;
}

export const toTorch: ToTorch<Recurrent> = (node, torch) => {
  const { attributes } = node;
  const outputs = native(attributes) ? ofNative(node, torch) : ofRecurrence(node, torch);
  if (outputs.length === 1) return outputs[0]!;
  const halves = attributes.apart ? ["forward_half", "backward_half"] : ["output"];
  const states = statesOf(attributes.cell) === 2 ? ["state_h", "state_c"] : ["state"];
  const names = [...halves, ...attributes.directions.flatMap(() => states)].slice(0, outputs.length);
  return torch.steps(
    outputs.join(", "),
    attributes.states ? "and the states after the last step" : "both halves",
    names,
  );
};

/** The input in the order in which a forward module takes the steps. */
const turned = (value: string, backward: boolean) => (backward ? `${value}.flip(1)` : value);

function channelsOf(node: PlannedNode<Recurrent>): number {
  return axisSize(node.inputs[0]!, "C")!;
}

function ofNative(node: PlannedNode<Recurrent>, torch: TorchWriter): string[] {
  const { attributes, weights } = node;
  const { cell, units, directions, flip, sequences, apart, states, initial } = attributes;
  const { name, options } = native(attributes)!;
  const two = directions.length === 2;
  const backward = !two && directions[0] === "backward";
  const biased = weights.includes("bias");
  const own = [
    ...options,
    ...(biased ? [] : ["bias=False"]),
    "batch_first=True",
    ...(two ? ["bidirectional=True"] : []),
  ];
  const module = torch.module(`${name}(${[channelsOf(node), units, ...own].join(", ")})`);
  directions.forEach((_, half) => {
    const suffix = half === 0 ? "_l0" : "_l0_reverse";
    const gates = gateOrder[cell];
    const roles = halfSuffix(half);
    const pieces = (role: string, row?: number) =>
      gates.map((gate) => ({
        role: role + roles,
        box: { ...(row === undefined ? {} : { B: [row, 1] as const }), O: [gate * units, units] as const },
      }));
    torch.stack(`weight_ih${suffix}`, pieces("kernel"));
    torch.stack(`weight_hh${suffix}`, pieces("recurrent"));
    if (!biased) return;
    torch.stack(`bias_ih${suffix}`, pieces("bias", 0));
    if (cell === "gru") torch.stack(`bias_hh${suffix}`, pieces("bias", 1));
    else torch.constantState(`bias_hh${suffix}`, [gates.length * units], 0, { addedTo: pieces("bias", 0) });
  });
  const given = initial ? `, ${givenStates(attributes, torch, two)}` : "";
  const call = `${module}(${turned(torch.input(0), flip !== backward)}${given})`;
  const lstm = cell === "lstm";
  let output = `${call}[0]`;
  let after = "";
  if (states && (sequences || !two)) {
    [output, after] = torch.steps(call, "every step's output, and the state after the last", ["steps", "after"]) as [
      string,
      string,
    ];
  } else if (states || (two && !sequences)) after = torch.step(`${call}[1]`, "the state after the last step", "after");
  const h = (half: number) => (lstm ? `${after}[0][${half}]` : `${after}[${half}]`);
  const results: string[] = [];
  if (two) {
    if (!apart) results.push(sequences ? output : `torch.cat([${h(0)}, ${h(1)}], dim=-1)`);
    else if (!sequences) results.push(h(0), h(1));
    else {
      const both = states ? output : torch.step(output, "both halves side by side", "steps");
      results.push(`${both}[:, :, :${units}]`, `${both}[:, :, ${units}:]`);
    }
  } else results.push(sequences ? turned(output, backward) : `${output}[:, -1]`);
  if (!states) return results;
  return [...results, ...directions.flatMap((_, half) => [h(half), ...(lstm ? [`${after}[1][${half}]`] : [])])];
}

/** The states before the first step, as the native classes take them: (directions, N, C). */
function givenStates({ cell, directions, masked }: Recurrent, torch: TorchWriter, two: boolean): string {
  const count = statesOf(cell);
  const stacked = Array.from({ length: count }, (_, index) => {
    const own = directions.map((_half, half) => torch.input((masked ? 2 : 1) + half * count + index));
    return two ? `torch.stack([${own.join(", ")}])` : `${own[0]}.unsqueeze(0)`;
  });
  return count === 2 ? `(${stacked.join(", ")})` : stacked[0]!;
}

function ofRecurrence(node: PlannedNode<Recurrent>, torch: TorchWriter): string[] {
  const { attributes, weights } = node;
  const { cell, units, directions, flip, sequences, apart, states, masked, zeroMasked, initial } = attributes;
  const biased = weights.includes("bias");
  const count = statesOf(cell);
  torch.helper("Recurrence", recurrenceModule);
  const options = [
    `"${cellNames[cell]}"`,
    channelsOf(node),
    units,
    functionName(torch, attributes.activation),
    ...(cell === "simple" ? [] : [functionName(torch, attributes.gate)]),
    ...(biased ? [] : ["bias=False"]),
    ...(masked && zeroMasked ? ["zero_masked=True"] : []),
  ];
  const [outputs, after]: [string[], string[]] = [[], []];
  directions.forEach((direction, half) => {
    const suffix = directions.length === 1 ? undefined : `${direction}_half`;
    const module = torch.module(`Recurrence(${options.join(", ")})`, suffix);
    const roles = halfSuffix(half);
    torch.state("weight_ih", `kernel${roles}`, suffix);
    torch.state("weight_hh", `recurrent${roles}`, suffix);
    const row = (index: number) => [{ role: `bias${roles}`, box: { B: [index, 1] as const } }];
    if (biased) torch.stack("bias_ih", row(0), suffix);
    if (biased && cell === "gru") torch.stack("bias_hh", row(1), suffix);
    const backward = direction === "backward";
    const own = initial
      ? Array.from({ length: count }, (_, index) => torch.input((masked ? 2 : 1) + half * count + index))
      : [];
    const call = `${module}(${[
      turned(torch.input(0), flip !== backward),
      ...(initial ? [`state=(${own.join(", ")}${count === 1 ? "," : ""})`] : []),
      ...(masked ? [`mask=${turned(torch.input(1), flip !== backward)}`] : []),
    ].join(", ")})`;
    let output = `${call}[0]`;
    if (states) {
      const [all, last] = torch.steps(call, "every step's output, and the states after the last", ["steps", "after"]);
      output = all!;
      after.push(...Array.from({ length: count }, (_, index) => `${last}[${index}]`));
    }
    output = sequences ? turned(output, backward) : `${output}[:, -1]`;
    outputs.push(directions.length === 1 ? output : torch.step(output, `the ${direction} half`, `${direction}_half`));
  });
  const results = apart || outputs.length === 1 ? outputs : [`torch.cat([${outputs.join(", ")}], dim=-1)`];
  return [...results, ...after];
}
