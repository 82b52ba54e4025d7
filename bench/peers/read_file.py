"""The same as read-file.js for Python's libraries.

    python bench/peers/read_file.py nothing|h5py|safetensors|torch|numpy FORMAT FILE
"""

import hashlib
import json
import resource
import sys
import time

contender, _, path = sys.argv[1:]


def opened():
    """Functions that read the arrays of the file, in the order of their names."""
    if contender == "h5py":
        import h5py

        return lambda: (lambda layers: [lambda n=n: layers[n]["vars/0"][()] for n in sorted(layers)])(
            h5py.File(path)["layers"]
        )
    if contender == "safetensors":
        from safetensors import safe_open

        return lambda: (lambda file: [lambda n=n: file.get_tensor(n) for n in sorted(file.keys())])(
            safe_open(path, "numpy")
        )
    if contender == "torch":
        import torch

        return lambda: (lambda state: [lambda n=n: state[n].numpy() for n in sorted(state)])(
            torch.load(path, weights_only=True)
        )
    if contender == "numpy":
        import numpy

        return lambda: (lambda file: [lambda n=n: file[n] for n in sorted(file.files)])(numpy.load(path))
    return lambda: []


open_file = opened()
digest = hashlib.sha1()
began = time.perf_counter()
arrays = open_file()
seconds = time.perf_counter() - began
for read in arrays:
    began = time.perf_counter()
    data = read()
    seconds += time.perf_counter() - began
    digest.update(data.tobytes())
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
try:
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
except OSError:
    pass
print(json.dumps({"seconds": seconds, "peakBytes": peak, "digest": digest.hexdigest()}))
