#!/usr/bin/env python3
"""Makes demo.safetensors and demo-activations.safetensors from the whole model and the two texts.

    data/fetch-model.sh && python3 data/extract.py [MODEL_DIRECTORY]

Needs numpy and tokenizers (pip install numpy tokenizers). MODEL_DIRECTORY holds model.safetensors
and tokenizer.json of all-MiniLM-L6-v2 and is by default where fetch-model.sh puts it. The first
encoder layer is computed here in 64-bit floats up to the input of its feed-forward part, so the
16-bit results do not depend on the machine's matrix library.
"""

import hashlib
import json
import os
import pathlib
import struct
import sys

import numpy
import tokenizers

DATA = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
PARENT = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYER = "encoder.layer.0."
HEADS = 12
EPSILON = 1e-12
ROWS = {"calibration": 1024, "evaluation": 512}
SEED = 1


def read_safetensors(path):
    """All tensors of an F32 file by name; other types are left out."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, field in header.items():
        if name != "__metadata__" and field["dtype"] == "F32":
            begin, end = (8 + length + offset for offset in field["data_offsets"])
            tensors[name] = numpy.frombuffer(raw[begin:end], "<f4").reshape(field["shape"])
    return tensors


def write_safetensors(path, tensors, metadata):
    """F16 tensors in the order of their names, the header padded to a multiple of eight bytes."""
    header = {"__metadata__": metadata}
    offset = 0
    for name in sorted(tensors):
        size = tensors[name].size * 2
        header[name] = {
            "dtype": "F16",
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            file.write(numpy.ascontiguousarray(tensors[name], dtype="<f2").tobytes())


def layer_norm(x, weights, name):
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / numpy.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    return scaled * weights[name + ".weight"] + weights[name + ".bias"]


def linear(x, weights, name):
    return x @ weights[name + ".weight"].T + weights[name + ".bias"]


def layer_inputs(weights, tokens):
    """What the linear layers of encoder layer 0 receive for one sentence: [tokens, 384] each."""
    count = len(tokens)
    x = (
        weights["embeddings.word_embeddings.weight"][tokens]
        + weights["embeddings.position_embeddings.weight"][:count]
        + weights["embeddings.token_type_embeddings.weight"][0]
    )
    x = layer_norm(x, weights, "embeddings.LayerNorm")

    def heads(name):
        projected = linear(x, weights, LAYER + "attention.self." + name)
        return projected.reshape(count, HEADS, -1).transpose(1, 0, 2)

    query, key, value = heads("query"), heads("key"), heads("value")
    scores = query @ key.transpose(0, 2, 1) / numpy.sqrt(query.shape[-1])
    scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
    context = (scores / scores.sum(axis=-1, keepdims=True)) @ value
    context = context.transpose(1, 0, 2).reshape(count, -1)
    attended = linear(context, weights, LAYER + "attention.output.dense")
    hidden = layer_norm(x + attended, weights, LAYER + "attention.output.LayerNorm")
    return {
        LAYER + "attention.self": x,
        LAYER + "attention.output.dense": context,
        LAYER + "intermediate.dense": hidden,
    }


def main():
    default = CACHE / "sparsity-tui" / "all-MiniLM-L6-v2"
    model = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    digest = hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest()
    if digest != PARENT:
        sys.exit(f"{model}/model.safetensors has SHA-256 {digest}, expected {PARENT}")
    single = read_safetensors(model / "model.safetensors")
    weights = {name: tensor.astype(numpy.float64) for name, tensor in single.items()}
    tokenizer = tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()

    write_safetensors(
        DATA / "demo.safetensors",
        {name: tensor for name, tensor in single.items() if name.startswith(LAYER)},
        {
            "format": "pt",
            "model": "sentence-transformers/all-MiniLM-L6-v2, encoder layer 0, rounded to F16",
            "license": "Apache-2.0",
            "parent_sha256": PARENT,
        },
    )

    activations = {}
    totals = {}
    for half, wanted in ROWS.items():
        sentences = (DATA / f"{half}.txt").read_text(encoding="utf-8").splitlines()
        inputs = [layer_inputs(weights, tokenizer.encode(text).ids) for text in sentences]
        count = sum(len(rows[LAYER + "attention.self"]) for rows in inputs)
        totals[half] = count
        # The same tokens of every input, in their order, spread over all sentences.
        chosen = numpy.sort(numpy.random.RandomState(SEED).permutation(count)[:wanted])
        for name in inputs[0]:
            activations[f"{half}.{name}"] = numpy.concatenate([r[name] for r in inputs])[chosen]
    attention = [f"{LAYER}attention.self.{name}.weight" for name in ("query", "key", "value")]
    write_safetensors(
        DATA / "demo-activations.safetensors",
        activations,
        {
            "format": "pt",
            "input:" + LAYER + "attention.self": " ".join(attention),
            "input:" + LAYER + "attention.output.dense": LAYER + "attention.output.dense.weight",
            "input:" + LAYER + "intermediate.dense": LAYER + "intermediate.dense.weight",
            "recompute:" + LAYER + "output.dense.weight": " ".join(
                [
                    "gelu",
                    LAYER + "intermediate.dense",
                    LAYER + "intermediate.dense.weight",
                    LAYER + "intermediate.dense.bias",
                ]
            ),
            "rows": "; ".join(
                f"{half}: {ROWS[half]} of {totals[half]} tokens of {half}.txt" for half in ROWS
            ),
            "license": "Apache-2.0",
            "parent_sha256": PARENT,
        },
    )
    for half in ROWS:
        print(f"{half}.txt: {totals[half]} tokens, {ROWS[half]} kept")
    for name in ("demo.safetensors", "demo-activations.safetensors"):
        print(f"{name}: {(DATA / name).stat().st_size} bytes")


if __name__ == "__main__":
    main()
