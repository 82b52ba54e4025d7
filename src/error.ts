/**
 * Every failure that channelwise reports: one class, and one function per failure that builds it.
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

/** The only error class that channelwise throws on purpose. */
export class ChannelwiseError extends Error {
  readonly code: ErrorCode;
  readonly where: readonly string[];
  readonly fix: string | undefined;
  /** The sentence without code, place and remedy. */
  readonly summary: string;

  constructor(details: ErrorDetails) {
    const where = details.where ?? [];
    const lines = [`channelwise: ${details.code}: ${details.message}`];
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

/** Runs `action`; a channelwise error that leaves it gets `place` as its outermost place. */
export function at<T>(place: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof ChannelwiseError ? error.within(place) : error;
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
    fix: fix ?? "save the model again with Keras 3 (model.save(\"model.keras\")), or report the file",
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
