/**
 * Keras' layers that no family reads, and why: for the refusal of a model that has one, and for docs/layers.md. A test compares
 * these and those that are read with the list of Keras itself.
 */

/** Layers that are not read for one reason. */
export interface NotRead {
  /** Behind "is not supported: ". */
  readonly why: string;
  /** What to do about it. */
  readonly remedy: string;
  readonly classes: readonly string[];
}

const images = ["2D", "3D"];
const withDimensions = (...stems: string[]) => stems.flatMap((stem) => images.map((suffix) => `${stem}${suffix}`));

export const notRead: readonly NotRead[] = [
  {
    why: "made for images or volumes, and channelwise reads models of series, sequences and vectors",
    remedy: "take another tool",
    classes: [
      ...withDimensions(
        "AdaptiveAveragePooling",
        "AdaptiveMaxPooling",
        "AveragePooling",
        "Conv",
        "ConvLSTM",
        "Cropping",
      ),
      ...withDimensions("GlobalAveragePooling", "GlobalMaxPooling", "MaxPooling", "SpatialDropout", "UpSampling"),
      ...withDimensions("ZeroPadding"),
      ...["Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv2D", "SeparableConv2D"],
      ...["AugMix", "AutoContrast", "CenterCrop", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix"],
      ...["Equalization", "MaxNumBoundingBoxes", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration"],
      ...["RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip"],
      ...["RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective"],
      ...["RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear"],
      ...["RandomTranslation", "RandomZoom", "Resizing", "Solarization"],
    ],
  },
  {
    why: "it makes numbers of raw texts, categories or sound",
    remedy: "do that before the model: save the part behind it as a model of its own",
    classes: [
      ...[
        "CategoryEncoding",
        "Discretization",
        "HashedCrossing",
        "Hashing",
        "IntegerLookup",
        "MelSpectrogram",
        "Pipeline",
      ],
      ...["STFTSpectrogram", "StringLookup", "TextVectorization"],
    ],
  },
  {
    why: "it holds a program of another framework, and programs in files are never run",
    remedy: "save that part with the framework it is from",
    classes: ["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"],
  },
  {
    why: "it keeps Python code, and code in files is never run",
    remedy: "say what it computes with `customLayers` (custom-layers.md)",
    classes: ["Lambda"],
  },
  {
    why: "a class to derive layers from, which computes nothing",
    remedy: "say what the derived class computes with `customLayers` (custom-layers.md)",
    classes: ["Layer", "Wrapper"],
  },
  {
    why: "no family reads it yet",
    remedy: "report the layer",
    classes: ["ConvLSTM1D", "ReversibleEmbedding"],
  },
];

/** Why a layer of Keras is not read; undefined for what is none, or is read. */
export function whyNotRead(className: string): string | undefined {
  return notRead.find(({ classes }) => classes.includes(className))?.why;
}
