/**
 * Where a Keras model's variables lie: one view for a tree of groups (keras-groups.ts) and for lists (keras-lists.ts).
 *
 * The walk over a configuration asks for the place of each layer in the order of the model's list, also of layers without
 * variables, since files count them.
 */
import type { DType, StoredArray } from "../tensor.ts";
import type { Json } from "./keras-config.ts";

/** A layer as its configuration has it. */
export interface LayerEntry {
  readonly name: string;
  readonly className: string;
  readonly config: Readonly<Json>;
}

/** What a layer expects of its next variable. */
export interface Expected {
  /** For messages: `conv1d/kernel: expected KIO = (3, 4, 2)`. */
  readonly text: string;
  readonly shape: readonly number[];
  /** Where it can only be this one. */
  readonly type?: DType | undefined;
  readonly place: readonly string[];
}

/** The variables of one layer, taken one after another. */
export interface LayerVariables {
  /**
   * The next variable of the layer itself, or of the object at `scope` beneath it, such as `forward_layer/cell`. Files
   * that list a layer's variables flat pay no heed to the scope, and give an array whose numbers are there once `settle` has
   * been called.
   */
  take(scope: string, expected: Expected): StoredArray | undefined;
  /** Passes over a variable of the layer itself that nobody reads, and gives it; `again`: one that is another layer's too. */
  pass(again: boolean): StoredArray | undefined;
  /** The variables of a layer that is an option of this one, at `scope` beneath it. */
  part(scope: string, entry: LayerEntry): LayerVariables;
  /** How many variables there are that were not taken, in all scopes that something was taken of. */
  left(): number;
}

/** The place of a layer's or of a model's variables. */
export interface VariablePlace {
  /** The variables of the layer that lies here. */
  variables(entry: LayerEntry): LayerVariables;
  /** The place of a layer or model that is the attribute `scope` of the layer here. */
  below(scope: string): VariablePlace;
  /** The model that lies here: gives the places of its layers in the order of its list. */
  members(): (entry: LayerEntry) => VariablePlace;
}

/** All variables of a file. */
export interface ModelVariables {
  readonly place: readonly string[];
  /** The outermost model. */
  readonly root: VariablePlace;
  /**
   * Called once the whole model was walked: finds the variables that were taken before their number was known.
   *
   * @returns what a reader of the file should know, in words
   * @throws {ChannelwiseError} `missing-weight` or `shape-mismatch`
   */
  settle(): string[];
}

/** Those of an operation, which has none. */
export const noVariables: LayerVariables = {
  take: () => undefined,
  pass: () => undefined,
  part: () => noVariables,
  left: () => 0,
};
