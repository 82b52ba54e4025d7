/**
 * The binary interface of assembly/: what each exported kernel takes. The same names in the same order stand in
 * assembly/index.ts; tests/kernels.test.ts holds the two together.
 *
 * Every pointer is a byte offset into the module's memory, 16-byte aligned. Every count, stride and leading dimension is
 * in float32 elements unless its name ends in Bytes. Arrays are row-major float32. No kernel allocates, none keeps
 * state, and outputs overlap no input unless it says so ("in place").
 */
export interface Kernels {
  /** NR: columns of one panel. */
  panelWidth(): number;

  /** Bytes of one matrix of K rows and N columns in panels (pack.ts), bias included: ceil(N / NR) * (1 + K) * NR * 4. */
  packedBytes(K: number, N: number): number;

  /**
   * c[m, n] = clamp(bias[n] + sum over k of a[m, k] * b[k, n]). a: M rows lda apart, b: packed, c: M rows ldc apart.
   * clamp(v) = min(max(v, low), high), NaN stays NaN: a ReLU done as the tile is stored. -Infinity and Infinity for none. a and
   * c need not be 16-byte aligned.
   */
  gemm(
    a: number,
    lda: number,
    b: number,
    c: number,
    ldc: number,
    M: number,
    N: number,
    K: number,
    low: number,
    high: number,
  ): void;

  /** Elements from one column of gemmNarrow's matrix to the next: 4 + K rounded up to a multiple of 4. */
  narrowStride(K: number): number;

  /**
   * The same product for a few columns. b: per column narrowStride(K) elements: the bias, three that are not read, then the
   * K weights.
   */
  gemmNarrow(
    a: number,
    lda: number,
    b: number,
    c: number,
    ldc: number,
    M: number,
    N: number,
    K: number,
    low: number,
    high: number,
  ): void;

  /** Rows of the weights' parts in `toomCook`. */
  toomCookPart(): number;

  /** u[i] = sum over j < r of factors[j] * w[j*row + i], factors and sums in float64: a chunk of one point's weights. */
  toomCookWeights(w: number, factors: number, u: number, r: number, row: number): void;

  /** Elements of `work` in `toomCook`; `inner` is stride * I. */
  toomCookWork(form: number, inner: number, O: number, chunks: number, block: number): number;

  /**
   * conv1d without groups by fewer multiplications, for rows `from` to `to` of its runs; weights as src/ops/toom-cook.ts packs them.
   * The error is relative to the largest output, not to each. assembly/toom-cook.ts says what runs, forms and blocks are.
   */
  toomCook(
    form: number,
    x: number,
    weights: number,
    y: number,
    work: number,
    from: number,
    to: number,
    length: number,
    outLength: number,
    inChannels: number,
    outChannels: number,
    chunks: number,
    stride: number,
    dilation: number,
    left: number,
    block: number,
    low: number,
    high: number,
  ): void;

  /**
   * Grouped 1-D convolution over NLC, clamped as gemm's result is:
   * y[n, l, g*O + o] = clamp(bias[g*O + o] + sum over k, i of x[n, l*stride + k*dilation - left, g*I + i] * w[k, i, g*O + o]).
   * x outside 0 <= l < length counts as zero. x: [N][length][groups*I], y: [N][outLength][groups*O];
   * I = inChannels and O = outChannels of one group. w: `groups` packed matrices, packedBytes(taps * I, O) apart.
   */
  conv1d(
    x: number,
    w: number,
    y: number,
    batch: number,
    length: number,
    outLength: number,
    groups: number,
    inChannels: number,
    outChannels: number,
    taps: number,
    stride: number,
    dilation: number,
    left: number,
    low: number,
    high: number,
  ): void;

  /**
   * The same for a few output channels, without groups and dilation. w: columns of gemmNarrow's matrix, K = taps * I. Taps
   * outside x are left out.
   */
  conv1dNarrow(
    x: number,
    w: number,
    y: number,
    batch: number,
    length: number,
    outLength: number,
    inChannels: number,
    outChannels: number,
    taps: number,
    stride: number,
    left: number,
    low: number,
    high: number,
  ): void;

  /**
   * Depthwise 1-D convolution over NLC, output channel c * multiplier + m:
   * y[n, l, c*M + m] = clamp(w[0][c*M + m] + sum over k of x[n, l*stride + k*dilation - left, c] * w[1 + k][c*M + m]).
   * w: [1 + taps][channels * multiplier], the bias in the first row.
   */
  depthwiseConv1d(
    x: number,
    w: number,
    y: number,
    batch: number,
    length: number,
    outLength: number,
    channels: number,
    multiplier: number,
    taps: number,
    stride: number,
    dilation: number,
    left: number,
    low: number,
    high: number,
  ): void;

  /** Largest real element of each window of an NLC array; windows start at l*stride - left. A window with none gives -Infinity. */
  maxPool1d(
    x: number,
    y: number,
    batch: number,
    length: number,
    outLength: number,
    channels: number,
    size: number,
    stride: number,
    left: number,
  ): void;
  /** Mean of the real elements of each window (padding does not count). A window with none gives 0. */
  averagePool1d(
    x: number,
    y: number,
    batch: number,
    length: number,
    outLength: number,
    channels: number,
    size: number,
    stride: number,
    left: number,
  ): void;
  /** y[n, c] = max over l of x[n, l, c]. */
  globalMaxPool1d(x: number, y: number, batch: number, length: number, channels: number): void;
  /** y[n, c] = mean over l of x[n, l, c]. */
  globalAveragePool1d(x: number, y: number, batch: number, length: number, channels: number): void;

  /**
   * Strided copy of any rank up to 8. `table` points to int32: sizes[rank], source strides[rank], target strides[rank].
   * `source` need not be aligned. Transposes of the two fastest dimensions run in blocks of 16x16 or tiles of 64x64; contiguous runs are copied whole. Strides may be 0 in the
   * source (broadcast) and negative.
   */
  rearrange(source: number, target: number, rank: number, table: number): void;

  /**
   * y[i, e] = table[trunc(ids[i]), e]. table: [vocabulary][width], y: [count][width]. NaN in the row of an id that is no row of the
   * table.
   */
  embedding(ids: number, table: number, y: number, count: number, vocabulary: number, width: number): void;

  /** target[i] = value for i in [0, count). */
  fill(target: number, count: number, value: number): void;

  /** y[r, c, i] = x[r, c, i] * scale[c] + shift[c]; x and y: [outer][channels][inner]. In place allowed. */
  scaleShift(x: number, y: number, outer: number, channels: number, inner: number, scale: number, shift: number): void;

  /** y[r, c, i] = x[r, c, i] where that is not below 0, else x[r, c, i] * slope[c]. In place allowed. */
  prelu(x: number, y: number, outer: number, channels: number, inner: number, slope: number): void;

  /**
   * Over rows and columns of [outer][rows][groups][columns]: (x - mean) / sqrt(variance + epsilon). In place allowed, as in
   * the three that follow.
   */
  layerNormalize(
    x: number,
    y: number,
    outer: number,
    rows: number,
    groups: number,
    columns: number,
    epsilon: number,
  ): void;
  /** x / sqrt(variance + epsilon). */
  varianceNormalize(
    x: number,
    y: number,
    outer: number,
    rows: number,
    groups: number,
    columns: number,
    epsilon: number,
  ): void;
  /** x / sqrt(mean of x^2 + epsilon). */
  rmsNormalize(
    x: number,
    y: number,
    outer: number,
    rows: number,
    groups: number,
    columns: number,
    epsilon: number,
  ): void;
  /** x * min(1 / sqrt(sum of x^2), 1 / epsilon). */
  unitNormalize(
    x: number,
    y: number,
    outer: number,
    rows: number,
    groups: number,
    columns: number,
    epsilon: number,
  ): void;

  /** Binary operations with broadcasting: `table` is int32 sizes[rank], a strides[rank], b strides[rank] (0 broadcasts); y is dense. In place (y == a or b) allowed where that operand isn't broadcast. */
  add(a: number, b: number, y: number, rank: number, table: number): void;
  subtract(a: number, b: number, y: number, rank: number, table: number): void;
  multiply(a: number, b: number, y: number, rank: number, table: number): void;
  divide(a: number, b: number, y: number, rank: number, table: number): void;
  maximum(a: number, b: number, y: number, rank: number, table: number): void;
  minimum(a: number, b: number, y: number, rank: number, table: number): void;
  /** a to the power of b, as C's powf. */
  power(a: number, b: number, y: number, rank: number, table: number): void;
  /** Comparisons give 1 where they hold and 0 elsewhere. */
  equal(a: number, b: number, y: number, rank: number, table: number): void;
  notEqual(a: number, b: number, y: number, rank: number, table: number): void;
  greater(a: number, b: number, y: number, rank: number, table: number): void;
  greaterEqual(a: number, b: number, y: number, rank: number, table: number): void;
  /** a where b is not 0, else 0. */
  drop(a: number, b: number, y: number, rank: number, table: number): void;
  keep(a: number, b: number, y: number, rank: number, table: number): void;
  /** y[i] = x[i] * factor. In place allowed. */
  scale(x: number, y: number, count: number, factor: number): void;

  /** Over the middle axis of [outer][count][inner]; softmax subtracts the maximum first. In place allowed; no alignment needed. */
  softmax(x: number, y: number, outer: number, count: number, inner: number): void;
  logSoftmax(x: number, y: number, outer: number, count: number, inner: number): void;
  /**
   * max(x - t, 0), t = (s[1] + ... + s[k] - 1) / k, where s[j] is the sum of the j largest elements and k counts those j
   * with 1 + j * (j-th largest) > s[j]: Keras' sparsemax (see src/ops/softmax.ts). `scratch`: count floats.
   */
  sparsemax(x: number, y: number, outer: number, count: number, inner: number, scratch: number): void;
  /** x: [outer][2*half][inner]; y[o, c, i] = x[o, c, i] * sigmoid(x[o, half + c, i]). */
  glu(x: number, y: number, outer: number, half: number, inner: number): void;

  /** One number per line of the middle axis of [outer][count][inner]; `kind` by number, see assembly/reduce.ts. */
  reduce(x: number, y: number, outer: number, count: number, inner: number, kind: number): void;

  /** y[i] = f(x[i]), in place allowed; `kind` by number, see assembly/maths.ts. */
  maths(x: number, y: number, count: number, kind: number): void;
  /**
   * The steps of a recurrent layer; assembly/recurrent.ts has the formulas. x: the input's part of the gates, each gate
   * U4 = units up to a multiple of 4 wide; h, c: rows x U4, the states before and after; z: rows x gates * U4, scratch.
   * Functions are numbers of src/ops/recurrent.ts. y and mask (0 for none) need not be 16-byte aligned; steps may be negative.
   */
  recurrent(
    cell: number,
    x: number,
    xStep: number,
    xSample: number,
    R: number,
    candidate: number,
    h: number,
    c: number,
    z: number,
    mask: number,
    maskStep: number,
    maskSample: number,
    y: number,
    yStep: number,
    ySample: number,
    zeroMasked: number,
    steps: number,
    rows: number,
    units: number,
    gate: number,
    g1: number,
    g2: number,
    g3: number,
    activation: number,
    a1: number,
    a2: number,
    a3: number,
  ): void;

  // ------------------------------------------------------------------- attention, one head of one sample

  /** A matrix of K rows and N columns in panels with a bias of zeros (packedBytes), from K rows `stride` apart. x need not be aligned, as in all of these. */
  packIO(x: number, stride: number, panels: number, K: number, N: number): void;
  /** The same from N rows of K, times factor[0]. */
  packOI(x: number, stride: number, factor: number, panels: number, K: number, N: number): void;
  /** y[t, s] = sum over d of w[4 + d] * tanh(w[0] * (q[t, d] + k[s, d])). */
  additiveScores(
    q: number,
    qStride: number,
    k: number,
    kStride: number,
    w: number,
    y: number,
    rows: number,
    columns: number,
    depth: number,
  ): void;
  /** y[o, t, s] = value where mask[o * outerStride + t * rowStride + s * columnStride] is 0; y: [outer][rows][columns], in place. */
  hide(
    y: number,
    mask: number,
    outer: number,
    rows: number,
    columns: number,
    outerStride: number,
    rowStride: number,
    columnStride: number,
    value: number,
  ): void;
  /** y[t, s] = value where s < first + t - before or s > first + t + after; in place. */
  hideBand(y: number, first: number, rows: number, columns: number, before: number, after: number, value: number): void;
  /** y[r, d] = x[r, d] / max(sqrt(sum over d of x[r, d]^2), least). In place allowed. */
  unitRows(x: number, y: number, rows: number, depth: number, least: number): void;

  // ---------------------------------------------------------------------------------- int8, held as float32

  /** s[r] = 127 / (max of |x[r]| + 1e-7); y[r, d] = x[r, d] * s[r], rounded half to even, within 127. */
  quantizeRows(x: number, y: number, s: number, rows: number, depth: number): void;
  /** y[r, o] = y[r, o] / (s[r] * scale[o]) + scale[columns + o]; in place. */
  dequantizeRows(y: number, s: number, scale: number, rows: number, columns: number): void;

  // ------------------------------------------------------------- activations, element by element, in place allowed

  /** Keras' ReLU: x > threshold -> min(x, maximum); else slope * (x - threshold). maximum = Infinity for none. */
  relu(x: number, y: number, count: number, slope: number, maximum: number, threshold: number): void;
  elu(x: number, y: number, count: number, alpha: number): void;
  selu(x: number, y: number, count: number): void;
  celu(x: number, y: number, count: number, alpha: number): void;
  exponential(x: number, y: number, count: number): void;
  /** 0.5 x (1 + erf(x / sqrt 2)). */
  gelu(x: number, y: number, count: number): void;
  /** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
  geluTanh(x: number, y: number, count: number): void;
  silu(x: number, y: number, count: number): void;
  mish(x: number, y: number, count: number): void;
  softplus(x: number, y: number, count: number): void;
  softsign(x: number, y: number, count: number): void;
  tanh(x: number, y: number, count: number): void;
  sigmoid(x: number, y: number, count: number): void;
  logSigmoid(x: number, y: number, count: number): void;
  /** clip(x + reach, 0, 2 reach) / (2 reach). */
  hardSigmoid(x: number, y: number, count: number, reach: number): void;
  /** x * relu6(x + 3) / 6. */
  hardSilu(x: number, y: number, count: number): void;
  /** clip(x, -1, 1). */
  hardTanh(x: number, y: number, count: number): void;
  /** |x| > lambda ? x : 0. */
  hardShrink(x: number, y: number, count: number, lambda: number): void;
  /** sign(x) * max(|x| - lambda, 0). */
  softShrink(x: number, y: number, count: number, lambda: number): void;
  /** x - tanh x. */
  tanhShrink(x: number, y: number, count: number): void;
  /** x <= -1 -> 0; x < 1 -> (x + 1)^2 / 4; else x. */
  sparsePlus(x: number, y: number, count: number): void;
  /** (x + sqrt(x^2 + b)) / 2. */
  squareplus(x: number, y: number, count: number, b: number): void;
  /** x <= -1 -> 0; x < 1 -> (x + 1) / 2; else 1. */
  sparseSigmoid(x: number, y: number, count: number): void;
}

/** A kernel's name. */
export type KernelName = keyof Kernels;
