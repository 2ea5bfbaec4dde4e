"""Loads exported weights with the libraries that other people use, and checks what they hold."""
import sys

import numpy

path = sys.argv[1]
if path.endswith(".safetensors"):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    ours, theirs = load_file(path), load_file(sys.argv[2])
    kept, group = map(int, sys.argv[3].split(":"))
    assert ours.keys() == theirs.keys()
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    assert metadata and "pattern" in str(metadata), metadata
    pruned = 0
    for name in ours:
        if ".self." in name and name.endswith(".weight"):
            pruned += 1
            nonzero = (ours[name] != 0).reshape(ours[name].shape[0], -1, group).sum(axis=2)
            assert nonzero.max() <= kept, name
        else:
            assert ours[name].tobytes() == theirs[name].tobytes(), name
    assert pruned == 3, pruned
else:
    import scipy.sparse

    matrix = scipy.sparse.load_npz(path)
    assert 0 < matrix.nnz < matrix.shape[0] * matrix.shape[1]
    x = numpy.random.default_rng(1).normal(size=(matrix.shape[1], 3)).astype(numpy.float32)
    assert numpy.allclose(matrix @ x, matrix.toarray() @ x, atol=1e-3)
print("ok")
