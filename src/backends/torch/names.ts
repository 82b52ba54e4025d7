/**
 * Python names for layers, inputs and the class, out of Keras' names, which may hold anything but a slash.
 */

const keywords =
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield match case";
/** What the emitted file itself uses, helper classes too. */
const used =
  "LinearInt8 Sparsemax self torch nn F math np Path max min float range len print INPUTS OUTPUTS load_model x";
/** Attributes of torch.nn.Module that a layer's name must not hide. */
const moduleAttributes =
  "add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad T_destination";

const reservedVariables = new Set(`${keywords} ${used}`.split(" "));
const reservedModules = new Set(`${keywords} ${moduleAttributes}`.split(" "));

/** A Python identifier that resembles `name`. Python compares identifiers in NFKC, so that is how they are written. */
function identifier(name: string, fallback: string): string {
  const text = name
    .normalize("NFKC")
    .replace(/[^\p{XID_Continue}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
  if (text === "") return fallback;
  return /^\p{XID_Start}/u.test(text) ? text : `${fallback}_${text}`;
}

/** Hands out names that are not taken yet. */
export class Names {
  readonly #reserved: ReadonlySet<string>;
  readonly #taken: Set<string>;
  readonly #fallback: string;

  private constructor(reserved: ReadonlySet<string>, fallback: string) {
    this.#reserved = reserved;
    this.#taken = new Set(reserved);
    this.#fallback = fallback;
  }

  static forVariables(): Names {
    return new Names(reservedVariables, "value");
  }

  static forModules(): Names {
    return new Names(reservedModules, "layer");
  }

  next(wanted: string): string {
    const stem = identifier(wanted, this.#fallback);
    // Python's way out of a reserved word is an underscore behind it.
    const second = this.#reserved.has(stem) ? `${stem}_` : `${stem}_2`;
    for (let count = 1; ; count++) {
      const name = count === 1 ? stem : count === 2 ? second : `${stem}_${count}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}

/** Whether `text` can be the name of a class. */
export function isClassName(text: string): boolean {
  return (
    /^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(text) && !reservedVariables.has(text) && !reservedModules.has(text)
  );
}

/** A class name out of a model's name; `Net` where Keras made the name up. */
export function className(modelName: string): string {
  if (/^(sequential|functional|model)(_\d+)?$/.test(modelName)) return "Net";
  const words = identifier(modelName, "net").split("_").filter(Boolean);
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  return isClassName(name) ? name : "Net";
}
