/** The HDF5 reader: the part of the format that Keras and h5py write. */
export { Attributes, type AttributeValue } from "./attribute.ts";
export { Hdf5Dataset } from "./dataset.ts";
export { Hdf5Group, type Hdf5Object, openHdf5 } from "./group.ts";
export { isHdf5 } from "./superblock.ts";
