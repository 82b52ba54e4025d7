/**
 * Keeps a record of a model's variables while its configuration is walked, so that the model can be written again: where Keras 3
 * puts each of them, whatever the file that it came from.
 */
import type { StoredArray } from "../tensor.ts";
import { memberGroups, scopeGroup } from "./keras-groups.ts";
import type { LayerEntry, LayerVariables, ModelVariables, VariablePlace } from "./keras-variables.ts";

/** A layer of the outermost model. */
export interface OuterLayer {
  readonly name: string;
}

/** A layer with variables of its own. */
export interface VariableOwner {
  readonly entry: LayerEntry;
  readonly outer: OuterLayer;
  /** Its group in the tree of Keras 3: `layers/bidirectional`. */
  readonly group: string;
  /** Whether it is a layer in the list of a model, whose group bears its name. */
  readonly outermost: boolean;
}

/** One variable of a model. */
export interface KerasVariable {
  readonly owner: VariableOwner;
  /** The group that it lies in: the owner's, or one beneath it, `layers/bidirectional/forward_layer/cell`. */
  readonly group: string;
  /** As the file holds it; null for a copy. */
  readonly array: StoredArray | null;
  /** Whether it is a copy of what the layer beneath has, which some formats hold and others do not. */
  readonly copy?: boolean;
}

/** What a walk over a configuration found. */
export interface VariableRecord {
  /** In the order of the model's list, with those that have no variables. */
  readonly layers: readonly OuterLayer[];
  /** In the order of the model's list, through the models in it. */
  readonly variables: readonly KerasVariable[];
}

/** The same variables, with a record of those that are taken. */
export function recorded(inner: ModelVariables): {
  readonly variables: ModelVariables;
  readonly record: VariableRecord;
} {
  const layers: OuterLayer[] = [];
  const variables: KerasVariable[] = [];
  /** Owners as they were opened. Variables are taken as layers are called, where a shared layer may hold up others. */
  const ranks = new Map<VariableOwner, number>();

  const ownedBy = (owner: VariableOwner, found: LayerVariables, below: string): LayerVariables => {
    const group = (scope: string) => scopeGroup(owner.entry.className, below, scope);
    return {
      take(scope, expected) {
        const array = found.take(scope, expected);
        if (array) variables.push({ owner, group: group(scope), array });
        return array;
      },
      pass(again) {
        const array = found.pass(again);
        if (again) variables.push({ owner, group: below, array: null, copy: true });
        else if (array) variables.push({ owner, group: below, array });
        return array;
      },
      part: (scope, entry) => {
        const own = group(scope);
        const part = { entry, outer: owner.outer, group: own, outermost: false };
        ranks.set(part, ranks.get(owner)!);
        return ownedBy(part, found.part(scope, entry), own);
      },
      left: () => found.left(),
    };
  };

  const placed = (place: VariablePlace, group: string, outer: OuterLayer | null, listed: boolean): VariablePlace => ({
    variables(entry) {
      const owner = { entry, outer: outer!, group, outermost: listed };
      ranks.set(owner, ranks.size);
      return ownedBy(owner, place.variables(entry), group);
    },
    below: (scope) => placed(place.below(scope), `${group}/${scope}`, outer, false),
    members() {
      const next = place.members();
      const groups = memberGroups(group);
      return (entry) => {
        const own = outer ?? { name: entry.name };
        if (!outer) layers.push(own);
        return placed(next(entry), groups(entry.className), own, true);
      };
    },
  });

  return {
    variables: { place: inner.place, root: placed(inner.root, "", null, false), settle: () => inner.settle() },
    record: {
      layers,
      get variables() {
        const places = new Map(layers.map((layer, index) => [layer, index]));
        const place = ({ owner }: KerasVariable) => places.get(owner.outer)!;
        return variables.toSorted((a, b) => place(a) - place(b) || ranks.get(a.owner)! - ranks.get(b.owner)!);
      },
    },
  };
}
