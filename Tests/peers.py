#!/usr/bin/env python3
"""Measures a whole encoder against PyTorch and onnxruntime, same texts, threads and batch, in one table.

    pip install torch transformers onnxruntime onnx onnxscript
    peers.py MODEL_DIR --text FILE [--program sparsity-tui] [--threads 1] [--batch 32] [--rounds 9]
             [--shortest 16] [--longest 64] [--equal] [--pattern 8x1 ...] [--sparsity 0.9] [--compile]

Rounds are interleaved and their order is shuffled; a figure is the median of its rounds, a speedup the
median of the ratios within rounds. Everything counts: tokenising, encoder, pooling, normalisation.
PyTorch and onnxruntime get the batch padded to its longest text, which is what they do; with --equal all
texts have the same number of tokens, so that padding saved is not mistaken for speed.

The program is asked with `encode MODEL_DIR --text FILE --threads N --batch N --json` (and `--pattern P
--sparsity S`), once per round; its JSON gives `encode_ns`, one time per batch after a warm-up, and
`embeddings`.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--text", required=True)
    parser.add_argument("--program", default="sparsity-tui", help="command, may have arguments")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--shortest", type=int, default=16)
    parser.add_argument("--longest", type=int, default=64)
    parser.add_argument("--equal", action="store_true")
    parser.add_argument("--pattern", nargs="*", default=["8x1", "32x1"])
    parser.add_argument("--sparsity", type=float, default=0.9)
    parser.add_argument("--compile", action="store_true", help="also torch.compile (a minute of compiling)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


options = arguments()
os.environ["OMP_NUM_THREADS"] = str(options.threads)

import numpy as np  # noqa: E402  (after the thread count is set)
import onnxruntime  # noqa: E402
import torch  # noqa: E402
from transformers import AutoModel, AutoTokenizer  # noqa: E402

torch.set_num_threads(options.threads)
tokenizer = AutoTokenizer.from_pretrained(options.model)
network = AutoModel.from_pretrained(options.model).eval()


def pooled(hidden, mask):
    mask = mask[..., None].to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)


def choose_texts():
    lines = [line.strip() for line in open(options.text, encoding="utf-8") if line.strip()]
    counts = {line: len(tokenizer(line).input_ids) for line in lines}
    if options.equal:
        length = (options.shortest + options.longest) // 2
        long = [line for line in lines if counts[line] >= length]
        texts = [tokenizer.decode(tokenizer(line).input_ids[1:length - 1]) for line in long]
        texts = [text for text in texts if len(tokenizer(text).input_ids) == length]
    else:
        texts = [line for line in lines if options.shortest <= counts[line] <= options.longest]
    if not texts:
        sys.exit(f"{options.text}: no text has {options.shortest} to {options.longest} tokens")
    while len(texts) < options.batch:
        texts += texts
    return texts[: options.batch]


def tokenize(texts):
    return tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="pt")


class Torch:
    def __init__(self, name, model):
        self.name, self.model = name, model

    def run(self, texts):
        with torch.inference_mode():
            start = time.perf_counter_ns()
            inputs = tokenize(texts)
            result = pooled(self.model(**inputs).last_hidden_state, inputs["attention_mask"]).numpy()
            return time.perf_counter_ns() - start, result


class Onnx:
    name = "onnxruntime"

    def __init__(self, texts, directory):
        path = str(Path(directory) / "model.onnx")
        inputs = tokenize(texts)
        names = list(inputs)
        axes = {name: {0: "batch", 1: "length"} for name in names}

        class Wrapped(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.network = network

            def forward(self, *values):
                inputs = dict(zip(names, values))
                return pooled(self.network(**inputs).last_hidden_state, inputs["attention_mask"])

        torch.onnx.export(
            Wrapped().eval(), tuple(inputs[name] for name in names), path, input_names=names,
            output_names=["embedding"], dynamic_axes=axes, opset_version=17, dynamo=False)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # BERT's attention, GELU and layer normalisation fused, where the optimizer is there.
        try:
            from onnxruntime.transformers import optimizer

            fused = optimizer.optimize_model(
                path, model_type="bert", num_heads=network.config.num_attention_heads,
                hidden_size=network.config.hidden_size)
            path = str(Path(directory) / "fused.onnx")
            fused.save_model_to_file(path)
            print("onnxruntime fused:", fused.get_fused_operator_statistics(), file=sys.stderr)
        except Exception as error:  # noqa: BLE001
            print(f"onnxruntime without its BERT fusions: {error}", file=sys.stderr)
        self.session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        self.names = names

    def run(self, texts):
        start = time.perf_counter_ns()
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors="np")
        result = self.session.run(None, {name: inputs[name] for name in self.names})[0]
        return time.perf_counter_ns() - start, result


class Ours:
    def __init__(self, name, extra, path):
        self.name = name
        self.command = options.program.split() + [
            "encode", options.model, "--text", path, "--threads", str(options.threads), "--batch",
            str(options.batch), "--json"] + extra

    def run(self, texts):
        answer = json.loads(subprocess.run(self.command, check=True, stdout=subprocess.PIPE).stdout)
        return statistics.median(answer["encode_ns"]), np.array(answer["embeddings"], dtype=np.float32)


def main():
    texts = choose_texts()
    counts = [len(ids) for ids in tokenizer(texts).input_ids]
    padded = max(counts) * len(texts)
    print(f"{len(texts)} texts, {sum(counts)} tokens, {padded} with padding, {options.threads} threads")
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "texts.txt")
        Path(path).write_text("\n".join(texts) + "\n", encoding="utf-8")
        rivals = [Torch("PyTorch eager", network)]
        if options.compile:
            rivals.append(Torch("torch.compile", torch.compile(network, dynamic=False)))
        rivals.append(Onnx(texts, directory))
        rivals.append(Ours("ours, dense", [], path))
        for pattern in options.pattern:
            rivals.append(Ours(f"ours, {pattern} {options.sparsity}", [
                "--layers", "all", "--pattern", pattern, "--sparsity", str(options.sparsity)], path))
        outputs = {rival.name: [rival.run(texts) for _ in range(2)][-1][1] for rival in rivals}
        times = {rival.name: [] for rival in rivals}
        shuffle = random.Random(options.seed)
        for _ in range(options.rounds):
            for rival in shuffle.sample(rivals, len(rivals)):
                times[rival.name].append(rival.run(texts)[0])
    base = rivals[0].name
    print(f"{'':24} {'ms':>9} {'us/token':>9} {'vs ' + base:>18} {'largest difference':>20}")
    for rival in rivals:
        mine = times[rival.name]
        ratio = statistics.median(a / b for a, b in zip(times[base], mine))
        difference = np.abs(outputs[rival.name] - outputs[base]).max()
        median = statistics.median(mine)
        print(f"{rival.name:24} {median / 1e6:9.2f} {median / 1e3 / sum(counts):9.2f} {ratio:17.2f}x "
              f"{difference:20.1e}")


if __name__ == "__main__":
    main()
