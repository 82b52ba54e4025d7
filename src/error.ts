/**
 * Every failure that channelwise reports: one class, and one function per failure that builds it. More than 500 lines, so that who words
 * another one sees how all are worded.
 *
 * A message says what was expected, what was found, where, and what to do:
 *
 *     channelwise: shape-mismatch: conv1d_3/kernel: expected KIO = (5, 16, 32), got (5, 32, 32)
 *       where  model.keras > model.weights.h5 > layers/conv1d_3/vars/0
 *       fix    groups=1 needs 32 input channels here; check `groups` in config.json, or report the file
 */

/** What kind of failure it is; stable, for programs. */
export type ErrorCode =
  | "unreadable-file"
  | "unknown-format"
  | "corrupt-file"
  | "unsupported-feature"
  | "unsupported-layer"
  | "unsupported-option"
  | "missing-weight"
  | "shape-mismatch"
  | "layout-mismatch"
  | "invalid-input"
  | "invalid-model"
  | "outputs-differ"
  | "thread-broken"
  | "usage"
  | "disposed";

export interface ErrorDetails {
  code: ErrorCode;
  /** One sentence: what is wrong, with what was expected and what was found. */
  message: string;
  /** The place, outermost first: file, member, group, layer. */
  where?: readonly string[];
  /** What the reader can do about it. */
  fix?: string;
  cause?: unknown;
}

/** Text that no terminal obeys: names in messages come out of files (CWE-150). */
function inert(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`);
}

/** The only error class that channelwise throws on purpose. */
export class ChannelwiseError extends Error {
  readonly code: ErrorCode;
  readonly where: readonly string[];
  readonly fix: string | undefined;
  /** The sentence without code, place and remedy. */
  readonly summary: string;

  constructor(details: ErrorDetails) {
    const where = (details.where ?? []).map(inert);
    const lines = [`channelwise: ${details.code}: ${inert(details.message)}`];
    if (where.length > 0) lines.push(`  where  ${where.join(" > ")}`);
    if (details.fix) lines.push(`  fix    ${details.fix}`);
    super(lines.join("\n"), details.cause === undefined ? {} : { cause: details.cause });
    this.name = "ChannelwiseError";
    this.code = details.code;
    this.where = where;
    this.fix = details.fix;
    this.summary = details.message;
  }

  /** The same error with one more outer place in front, for a caller that knows the file's name. */
  within(place: string): ChannelwiseError {
    return new ChannelwiseError({
      code: this.code,
      message: this.summary,
      where: [place, ...this.where],
      ...(this.fix === undefined ? {} : { fix: this.fix }),
      ...(this.cause === undefined ? {} : { cause: this.cause }),
    });
  }
}

/** Runs `action`; a channelwise error that leaves it gets `place`, outermost first, in front of its own. */
export function at<T>(place: string | readonly string[], action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ChannelwiseError)) throw error;
    throw [place].flat().reduceRight((inner: ChannelwiseError, outer) => inner.within(outer), error);
  }
}

// ------------------------------------------------------------------------------------------- bytes and files

/** The bytes break a rule of their format: truncated, a length past the end, a bad checksum, a bad magic. */
export function corruptFile(message: string, where: readonly string[] = []): ChannelwiseError {
  return new ChannelwiseError({
    code: "corrupt-file",
    message,
    where,
    fix: "the file is damaged or not what its name says; save or download it again",
  });
}

/** The bytes are well formed but use a part of the format that is not read here. */
export function unsupportedFeature(message: string, where: readonly string[] = [], fix?: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message,
    where,
    fix: fix ?? 'save the model again with Keras 3 (model.save("model.keras")), or report the file',
  });
}

/** No reader knows these bytes. */
export function unknownFormat(found: string, known: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "unknown-format",
    message: `expected one of ${known.join(", ")}, got ${found}`,
    fix: "check that the path points to the model file itself",
  });
}

/** A file of another kind for `channelwise/run`. */
export function notServed(name: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "unknown-format",
    message: "channelwise/run reads only the .safetensors that channelwise writes",
    where: [name],
    fix: 'convert it (channelwise convert FILE model.safetensors), or import load from "channelwise", which reads all formats',
  });
}

// ------------------------------------------------------------------------------------------- PyTorch programs

/** A PyTorch program uses Python or PyTorch that the checker doesn't know. `where` is usually `model.py line N`. */
export function programNotUnderstood(message: string, where: readonly string[] = []): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message,
    where,
    fix: "the checker runs a documented subset of Python and torch.nn; write the step with what it knows, or report it",
  });
}

/** PyTorch itself would raise here: a wrong argument, an undefined name, a false assertion. */
export function programFails(message: string): ChannelwiseError {
  return new ChannelwiseError({ code: "invalid-model", message });
}

/** PyTorch itself would raise here, because two shapes don't go together. */
export function programShapesDiffer(message: string): ChannelwiseError {
  return new ChannelwiseError({ code: "shape-mismatch", message });
}

/** What `load_state_dict(strict=True)` refuses: entries that are missing, spare or misshapen. */
export function stateDictDiffers(code: "missing-weight" | "shape-mismatch", message: string): ChannelwiseError {
  return new ChannelwiseError({ code, message, where: ["state dict"] });
}

// ---------------------------------------------------------------------------------------------------- models

/** Sizes that do not fit together: of layers among each other, or of a layer and its weights. */
export function shapeMismatch(message: string, where: readonly string[] = [], fix?: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "shape-mismatch",
    message,
    where,
    fix: fix ?? "the parts of the file do not belong together; save the model again with Keras",
  });
}

/** A number of an array is not what its use needs. */
export function valueOutOfRange(
  expected: string,
  value: number | bigint,
  index: number,
  where: readonly string[] = [],
): ChannelwiseError {
  return new ChannelwiseError({
    code: "invalid-input",
    message: `expected ${expected} at element ${index}, got ${value}`,
    where,
    fix: "check the array's values and dtype",
  });
}

/** A layer that can't be read. */
export interface RefusedLayer {
  readonly kind: "layer class" | "operation";
  readonly className: string;
  /** The layer's own name. */
  readonly name: string;
  readonly place: readonly string[];
  readonly why?: string | undefined;
  /** The name under which `customLayers` takes what it computes. */
  readonly custom?: string | undefined;
  /** How many tensors it is called on, where that is known. */
  readonly inputs?: number | undefined;
}

/** At most so many of them, and how many more there are. */
function some(texts: readonly string[], most: number): string {
  const more = texts.length - most;
  return more > 0 ? `${texts.slice(0, most).join(", ")} and ${more} more` : texts.join(", ");
}

/** Those of one key together, in the order in which the keys come. */
function groupBy<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>(items.map((item) => [key(item), []]));
  for (const item of items) groups.get(key(item))!.push(item);
  return [...groups.values()];
}

/** The model has layers that nothing here reads: all of them, with what to do. */
export function unsupportedLayers(refused: readonly RefusedLayer[]): ChannelwiseError {
  const sentences = groupBy(refused, ({ kind, why }) => `${kind} ${why}`).map((alike) => {
    const [{ kind, why }] = alike as [RefusedLayer];
    const classes = groupBy(alike, ({ className }) => className).map(([first, ...others]) => {
      const names = some(
        [first!, ...others].map(({ name }) => name),
        3,
      );
      return refused.length === 1 ? first!.className : `${first!.className} (${names})`;
    });
    const plural = kind === "operation" ? "operations" : "layer classes";
    const what = classes.length === 1 ? `${kind} ${classes[0]} is` : `${plural} ${some(classes, 8)} are`;
    return `${what} not supported${why === undefined ? "" : `: ${why}`}`;
  });
  const custom = [...new Set(refused.flatMap((layer) => layer.custom ?? []))].slice(0, 3);
  const lines = custom.map((name) => {
    const inputs = Math.max(...refused.map((layer) => (layer.custom === name && layer.inputs) || 1));
    const code =
      inputs === 1
        ? `call.activation(call.input(), "relu")`
        : `call.like("Add") /* of ${inputs} inputs: call.inputs */`;
    return `${JSON.stringify(name)}: (call) => ${code}`;
  });
  const fixes = [
    ...(refused.some((layer) => layer.custom === undefined)
      ? ["rebuild that part of the model out of what docs/layers.md lists, or report the layer"]
      : []),
    ...(custom.length > 0
      ? [
          `say what it computes: load(file, { customLayers: { ${lines.join(", ")} } }); docs/custom-layers.md has examples`,
        ]
      : []),
  ];
  const [first] = refused as readonly [RefusedLayer];
  const shared = first.place.findIndex((part, at) => refused.some(({ place }) => place[at] !== part));
  return new ChannelwiseError({
    code: "unsupported-layer",
    message: sentences.join("; "),
    where: shared < 0 ? first.place : first.place.slice(0, shared),
    fix: fixes.join("; "),
  });
}

/** A function of the caller's, which says what a layer computes, failed. */
export function customLayerFails(name: string, cause: unknown, where: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "usage",
    message: `the function for ${JSON.stringify(name)} in customLayers failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    where,
    fix: "look at the function, or at the error's cause; docs/custom-layers.md says what it is given and gives back",
    cause,
  });
}

/** A model whose computation is not in the file. */
export function subclassedModel(className: string, where: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-layer",
    message: `model class ${className} is not supported: a subclassed model keeps its computation in Python code, not in the file`,
    where,
    fix: "build the same network with keras.Sequential or keras.Model(inputs, outputs), give it the weights, and save that",
  });
}

/** A layer's option, or what it is called with (`input`, `inputs`, `call argument …`), is not supported. */
export function unsupportedOption(
  className: string,
  option: string,
  why: string,
  where: readonly string[],
  fix?: string,
): ChannelwiseError {
  const called = /^(inputs?$|call argument )/.test(option);
  return new ChannelwiseError({
    code: "unsupported-option",
    message: `${className}: ${called ? option : `option ${option}`}: ${why}`,
    where,
    fix:
      fix ??
      `change ${called ? "what the layer is called on" : "the option"} and save the model again, or report the file`,
  });
}

/** The configuration of the model contradicts itself or Keras' schema. */
export function invalidModel(message: string, where: readonly string[] = []): ChannelwiseError {
  return new ChannelwiseError({
    code: "invalid-model",
    message,
    where,
    fix: "the configuration is damaged or was written by hand; save the model again with Keras",
  });
}

/** The file holds no weights, or not enough, where a layer's should be. */
export function missingWeight(message: string, where: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "missing-weight",
    message,
    where,
    fix: "the weights do not belong to this architecture, or the file is incomplete; save the whole model again",
  });
}

/** Weights that `quantize("int8")` left, for a model from before it, or the other way round: neither numbers nor shapes agree. */
export function otherwiseQuantized(weights: "int8" | "floats", where: readonly string[]): ChannelwiseError {
  const [have, wants, when] =
    weights === "int8"
      ? ["were quantized to int8", "is one of floats", "after"]
      : ["are floats", "was quantized to int8", "before"];
  return new ChannelwiseError({
    code: "shape-mismatch",
    message: `the weights ${have}, and the architecture ${wants}`,
    where,
    fix: `give the architecture that was saved ${when} quantize("int8"), or the weights of this one`,
  });
}

// ----------------------------------------------------------------------------------------------------- using

/** The caller's data does not fit the model. */
export function invalidInput(
  message: string,
  fix = "model.inputs (`channelwise inspect`) lists the inputs",
): ChannelwiseError {
  return new ChannelwiseError({ code: "invalid-input", message, fix });
}

/** The model was used after `dispose()`. */
export function disposed(what: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "disposed",
    message: `${what} was used after dispose()`,
    fix: "load the model again",
  });
}

/** A thread of a model's pool ended where it should not have: out of memory, or stopped by the system. */
export function threadBroken(cause: unknown): ChannelwiseError {
  return new ChannelwiseError({
    code: "thread-broken",
    message: `a thread of the model stopped: ${cause instanceof Error ? cause.message : String(cause)}`,
    fix: "load the model again, with one thread if there is little memory",
    cause,
  });
}

/** An option of a function or a command has a value that it can't have. */
export function wrongOption(
  option: string,
  choices: readonly string[],
  got: unknown,
  nearest?: string,
): ChannelwiseError {
  const expected = `option ${option}: expected ${choices.join(" or ")}`;
  return new ChannelwiseError({ code: "usage", message: `${expected}, got ${JSON.stringify(got)}${hint(nearest)}` });
}

/** An option that a function does not have. */
export function unknownOption(option: string, known: readonly string[], nearest: string | undefined): ChannelwiseError {
  return new ChannelwiseError({
    code: "usage",
    message: `there is no option ${option}${hint(nearest)}`,
    fix: `the options are ${known.join(", ")}`,
  });
}

function hint(nearest: string | undefined): string {
  return nearest === undefined ? "" : `; ${nearest} is the nearest`;
}

/** The runtime compiles no WebAssembly, or what it was given is none. */
export function notCompiled(cause: unknown): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message: `the kernels do not compile here: ${cause instanceof Error ? cause.message : String(cause)}`,
    fix: "let the page's policy allow 'wasm-unsafe-eval', or give what is compiled: load(file, { kernels: module })",
    cause,
  });
}

/** A WebAssembly module was given that is not of this build of channelwise. */
export function foreignKernels(id: string | undefined): ChannelwiseError {
  return new ChannelwiseError({
    code: "usage",
    message: `option kernels: expected those of this version, got ${id === undefined ? "another module" : `build ${id}`}`,
    fix: "take channelwise/kernels.wasm out of the package that is imported",
  });
}

/** A layer means something that Keras 3 can't say. */
export function notInKeras3(
  layer: string,
  what: string,
  fix = "convert with --meaning keras3, which takes the layer as Keras 3 does, with other numbers; or convert to PyTorch",
): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message: `${layer}: Keras 3 has no ${what}`,
    fix,
  });
}

/** A model is to be written for TensorFlow.js, which lacks something, or computes it otherwise. */
export function notInTfjs(
  layer: string,
  what: string,
  fix = "convert to PyTorch, or run the model with channelwise",
): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message: `${layer}: TensorFlow.js has no ${what}`,
    fix,
  });
}

/** A model is to be written as Keras', and nothing says how Keras would spell it. */
export function noKerasOrigin(origin: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message: `a model out of ${origin} holds no configuration of Keras`,
    fix: "give the Keras model that it was converted from, with --template",
  });
}

/** A converted file does not hold a variable that no weight of the model is made of. */
export function notKept(variable: string, where: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "missing-weight",
    message: `${variable} of Keras is not in the file: the model needs only what was computed from it`,
    where,
    fix: "give the Keras model that the file was converted from, with --template",
  });
}

/** A weight has other numbers than its model, and the format has no variable that could hold them. */
export function cannotStore(weight: string, what: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "unsupported-feature",
    message: `${weight}: other numbers than in the template, which keeps them as ${what} does: quantized, or out of the configuration`,
    fix: "train a model without quantization, and quantize it in Keras; numbers of the configuration can't be trained",
  });
}

/** The weights of a state dict are as near to the template's in one order of a merged axis as in the other. */
export function orderUnknown(where: readonly string[]): ChannelwiseError {
  return new ChannelwiseError({
    code: "usage",
    message: "the weights behind a Flatten are in Keras' order (permute) or in PyTorch's (fold), and do not tell which",
    where,
    fix: "say by the option flatten how the state dict was converted: permute or fold",
  });
}

/** Two sides that have to agree do not. */
export function outputsDiffer(message: string, converted?: string): ChannelwiseError {
  const own =
    "this is a fault of channelwise; `channelwise verify` shows it layer by layer, please report it with the file";
  return new ChannelwiseError({
    code: "outputs-differ",
    message,
    fix: converted === undefined ? own : "convert the model again, or look at what was changed since",
  });
}

/** A tensor's axes are in another order than a function takes, or are other axes. */
export function layoutMismatch(message: string): ChannelwiseError {
  return new ChannelwiseError({
    code: "layout-mismatch",
    message,
    fix: "bring the tensor into that order with transpose, or name its axes rightly",
  });
}

/** An array that is to be written has more or fewer bytes than its shape and type need. */
export function dataSizeMismatch(
  array: { readonly dtype: string; readonly shape: readonly number[] },
  expectedBytes: number,
  foundBytes: number,
  where: readonly string[] = [],
): ChannelwiseError {
  return new ChannelwiseError({
    code: "shape-mismatch",
    message: `expected ${expectedBytes} bytes for ${array.dtype} (${array.shape.join(", ")}), got ${foundBytes}`,
    where,
    fix: "give the shape, or the dtype, that the data has",
  });
}

/** What the operating system says of a file, in words, and what to do; `other` where it says something else. */
function systemSays(cause: unknown, other: string): { reason: string; fix: string } {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const known: Record<string, readonly [reason: string, fix?: string]> = {
    ENOENT: ["there is no such file"],
    EISDIR: ["it is a folder", "give the name of a file"],
    EACCES: ["permission denied"],
    ENOSPC: ["no space is left"],
    ENOTDIR: notFolder,
    EEXIST: notFolder,
  };
  const [reason = cause instanceof Error ? cause.message : String(cause), fix = other] = known[code] ?? [];
  return { reason, fix };
}

const notFolder = ["a part of the path is a file, where folders should be"] as const;

/** A file or a URL can't be read. */
export function unreadable(path: string, cause: unknown): ChannelwiseError {
  const { reason, fix } = systemSays(cause, "check the path, and that it may be read");
  return new ChannelwiseError({ code: "unreadable-file", message: `cannot read ${path}: ${reason}`, fix, cause });
}

/** A file can't be written; what was there before is still there. */
export function unwritable(path: string, cause: unknown): ChannelwiseError {
  const { reason, fix } = systemSays(cause, "check the path, and that there is room");
  return new ChannelwiseError({ code: "unreadable-file", message: `cannot write ${path}: ${reason}`, fix, cause });
}
