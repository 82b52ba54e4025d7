/**
 * networks: the whole networks that are measured
 */
export { deepConvLstm } from "./deep-conv-lstm.js";
export { ecgResidual } from "./ecg-residual.js";
export { gpd } from "./gpd.js";
export { inceptionTime } from "./inception-time.js";
export { keywordCnn } from "./keyword-cnn.js";
export { motionCnn } from "./motion-cnn.js";
export { gru, lstm } from "./recurrent.js";
export { tcn } from "./tcn.js";
export { transformer } from "./transformer.js";
