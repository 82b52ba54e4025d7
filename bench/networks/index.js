/**
 * networks: the whole networks that are measured
 */
export { ecgResidual } from "./ecg-residual.js";
export { gpd } from "./gpd.js";
export { inceptionTime } from "./inception-time.js";
export { keywordCnn } from "./keyword-cnn.js";
export { motionCnn } from "./motion-cnn.js";
export { tcn } from "./tcn.js";
