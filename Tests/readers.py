#!/usr/bin/env python3
"""Reads with NumPy, SciPy and the safetensors library what this project's writers wrote.

    swift test --filter ReaderFilesTests && python3 Tests/readers.py

The test writes its files to .build/readers; here they are read by the libraries that users have
(pip install numpy scipy safetensors) and must agree with one another and with data/.
"""

import pathlib
import sys

import numpy
import safetensors
import safetensors.numpy
import scipy.sparse

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
FILES = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE / ".build" / "readers"
PRUNED = "encoder.layer.0.attention.self.query.weight"


def check(condition, claim):
    if not condition:
        sys.exit(f"readers.py: wrong: {claim}")
    print(f"ok: {claim}")


def main():
    parent = safetensors.numpy.load_file(PACKAGE / "data" / "demo.safetensors")
    pruned = safetensors.numpy.load_file(FILES / "pruned.safetensors")
    check(set(parent) == set(pruned), "safetensors: the same tensors as the parent")
    check(
        all(
            pruned[name].dtype == tensor.dtype and pruned[name].tobytes() == tensor.tobytes()
            for name, tensor in parent.items()
            if name != PRUNED
        ),
        "safetensors: every tensor that was not pruned is bit-identical",
    )
    with safetensors.safe_open(FILES / "pruned.safetensors", "numpy") as file:
        check(
            file.metadata() == {"pattern": "16x4", "note": 'a "quoted" ä\n'},
            "safetensors: metadata arrives as written",
        )

    mask = numpy.load(FILES / "mask.npy")
    weight = numpy.load(FILES / "weight.npy")
    check(mask.dtype == bool and mask.shape == (384, 384), "npy: the mask is boolean, 384x384")
    check(weight.dtype == numpy.float32, "npy: the weight is float32")
    check(0.7 < 1 - mask.mean() < 0.9, "npy: the mask prunes most weights")
    check(
        numpy.array_equal(weight, numpy.where(mask, parent[PRUNED], 0).astype("f4")),
        "npy: the weight is the parent's where the mask keeps it and 0 elsewhere",
    )
    check(
        numpy.array_equal(weight, pruned[PRUNED].astype("f4")),
        "safetensors: the pruned tensor is that weight",
    )

    x = numpy.random.RandomState(1).standard_normal((384, 5)).astype("f4")
    for kind, block in (("csr", None), ("bsr", (16, 4))):
        matrix = scipy.sparse.load_npz(FILES / f"{kind}.npz")
        matrix.check_format(full_check=True)
        check(matrix.format == kind, f"npz: SciPy sees a {kind} matrix")
        check(block is None or matrix.blocksize == block, f"npz: {kind} has its block size")
        check(numpy.array_equal(matrix.toarray(), weight), f"npz: {kind} holds the pruned weight")
        # Sums of 384 products in another order differ by at most 384 roundings of the terms' sum.
        bound = 384 * numpy.finfo("f4").eps * (abs(weight) @ abs(x))
        check(
            bool((abs(matrix @ x - weight @ x) <= bound).all()),
            f"npz: {kind} times a matrix is the dense product",
        )
    ragged = scipy.sparse.load_npz(FILES / "ragged.npz")
    ragged.check_format(full_check=True)
    check(
        ragged.shape == (5, 7) and ragged.nnz == 2 and ragged[4, 6] == 7 and ragged[0, 3] == -1,
        "npz: a 5x7 matrix with two weights",
    )


if __name__ == "__main__":
    main()
