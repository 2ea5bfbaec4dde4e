"""Writes a random BERT encoder of two small layers, and prose for it, into DIRECTORY and TEXT."""

import json
import string
import sys

import numpy
from safetensors.numpy import save_file

directory, text = sys.argv[1:]
random = numpy.random.default_rng(7)
hidden, inner, positions = 128, 192, 64
letters = string.ascii_lowercase
pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + l for l in letters)]
with open(directory + "/vocab.txt", "w") as file:
    file.write("\n".join(pieces) + "\n")
with open(directory + "/config.json", "w") as file:
    json.dump(
        dict(model_type="bert", hidden_act="gelu", hidden_size=hidden, num_attention_heads=4,
             num_hidden_layers=2, intermediate_size=inner, max_position_embeddings=positions,
             vocab_size=len(pieces), type_vocab_size=2, layer_norm_eps=1e-12), file)


def matrix(rows, columns, scale):
    return (random.standard_normal((rows, columns)) * scale).astype(numpy.float32)


tensors = {
    "embeddings.word_embeddings.weight": matrix(len(pieces), hidden, 1),
    "embeddings.position_embeddings.weight": matrix(positions, hidden, 0.3),
    "embeddings.token_type_embeddings.weight": matrix(2, hidden, 0.3),
}


def norm(name):
    tensors[name + ".weight"] = numpy.ones(hidden, numpy.float32)
    tensors[name + ".bias"] = numpy.zeros(hidden, numpy.float32)


norm("embeddings.LayerNorm")
for layer in range(2):
    base = f"encoder.layer.{layer}."
    for name, rows, columns in [
        ("attention.self.query", hidden, hidden), ("attention.self.key", hidden, hidden),
        ("attention.self.value", hidden, hidden), ("attention.output.dense", hidden, hidden),
        ("intermediate.dense", inner, hidden), ("output.dense", hidden, inner),
    ]:
        tensors[base + name + ".weight"] = matrix(rows, columns, 2 / columns**0.5)
        tensors[base + name + ".bias"] = matrix(1, rows, 0.1)[0]
    norm(base + "attention.output.LayerNorm")
    norm(base + "output.LayerNorm")
save_file(tensors, directory + "/model.safetensors")
with open(text, "w") as file:
    for _ in range(1500):
        words = ["".join(random.choice(list(letters), 2)) for _ in range(random.integers(4, 11))]
        file.write(" ".join(words) + ".\n\n")
