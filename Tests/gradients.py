#!/usr/bin/env python3
"""Compares the gradients of one training batch, and the time of a step, with PyTorch's.

Run by `make peers`. The program prunes a model, takes seeded texts of one length and writes what is trained
and its gradients; PyTorch computes the same loss with the same weights and differentiates it by itself. Then
both take steps in turns on the same number of threads: forward, backward, clipping and Adam, pruned weights
kept at zero. The multiple is the median of the ratios within a round.

    python gradients.py PROGRAM [--model DIR] [--threads 1] [--layers attention] [--pattern 8x1]
                        [--sparsity 0.8] [--dense] [--texts 12] [--tokens 21] [--rounds 15]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the built sparsity-tui")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser.add_argument("--model", default=cache + "/sparsity-tui/all-MiniLM-L6-v2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layers", default="attention")
    parser.add_argument("--pattern", default="8x1")
    parser.add_argument("--sparsity", default="0.8")
    parser.add_argument("--dense", action="store_true", help="train everything but the embeddings")
    parser.add_argument("--texts", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=21)
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


options = arguments()
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(options.threads)
os.environ["HF_HUB_OFFLINE"] = "1"
warnings.simplefilter("ignore")
import torch  # noqa: E402
import transformers  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(options.threads)


class Student:
    """The same model under the same masks, trained by PyTorch."""

    def __init__(self, weights, teacher, tokens):
        self.model = transformers.AutoModel.from_pretrained(
            options.model, local_files_only=True
        ).eval()
        self.teacher = teacher
        self.tokens = torch.tensor(tokens)
        parameters = dict(self.model.named_parameters())
        self.trained = {}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in weights)
            if name in weights:
                parameter.data.copy_(weights[name].reshape(parameter.shape))
                self.trained[name] = parameter
        # A matrix with many zeros is a pruned one; nothing else has any.
        self.masks = {
            name: parameter != 0
            for name, parameter in self.trained.items()
            if parameter.dim() == 2 and (parameter == 0).float().mean() > 0.01
        }
        self.optimizer = torch.optim.Adam(
            self.trained.values(), lr=1e-4, betas=(0.9, 0.98), eps=1e-8
        )

    def loss(self):
        states = self.model(input_ids=self.tokens).last_hidden_state
        return (1 - torch.nn.functional.cosine_similarity(states.mean(1), self.teacher)).mean()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss().backward()
        for name, mask in self.masks.items():
            self.trained[name].grad *= mask
        torch.nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.optimizer.step()


def largest_difference(student, gradients):
    """Over all tensors: the largest difference as a share of the tensor's largest gradient."""
    worst, where = 0.0, ""
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, parameter in student.trained.items():
        expected = parameter.grad * student.masks.get(name, 1)
        found = gradients[name].reshape(expected.shape)
        # Keys may all move by one vector without any effect: their bias has no gradient but rounding.
        scale = max(float(expected.abs().max()), 1e-6 * largest)
        difference = float((found - expected).abs().max()) / scale
        if name.endswith("key.bias"):
            difference *= scale / largest
        if difference > worst:
            worst, where = difference, name
    return worst, where


def main():
    with tempfile.TemporaryDirectory() as directory:
        command = [options.program, "gradients", options.model, "--output", directory]
        command += ["--layers", options.layers, "--pattern", options.pattern]
        command += ["--sparsity", options.sparsity, "--texts", str(options.texts)]
        command += ["--tokens", str(options.tokens), "--threads", str(options.threads)]
        process = subprocess.Popen(
            command + ["--dense"] * options.dense,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        head = json.loads(process.stdout.readline())
        weights = load_file(directory + "/student.safetensors")
        gradients = load_file(directory + "/gradients.safetensors")
        teacher = load_file(directory + "/teacher.safetensors")["embeddings"]
    student = Student(weights, teacher, head["tokens"])
    if set(student.trained) != set(gradients):
        sys.exit(f"gradients of other tensors: {set(student.trained) ^ set(gradients)}")
    loss = student.loss()
    loss.backward()
    worst, where = largest_difference(student, gradients)
    print(
        f"{len(gradients)} tensors, {options.layers} pruned {options.pattern} to {options.sparsity}: "
        f"loss {head['loss']:.7f}, PyTorch {loss.item():.7f}; "
        f"largest difference of a gradient {worst:.1e} of its tensor's largest ({where})"
    )
    ours, theirs = [], []
    for _ in range(options.rounds + 2 if options.rounds else 0):
        process.stdin.write("\n")
        process.stdin.flush()
        ours.append(float(process.stdout.readline()))
        student.step()
        start = time.perf_counter_ns()
        student.step()
        theirs.append(time.perf_counter_ns() - start)
    process.stdin.close()
    process.wait()
    if options.rounds:
        ours, theirs = ours[2:], theirs[2:]
        ratios = [b / a for a, b in zip(ours, theirs)]
        print(
            f"a step of {options.texts * options.tokens} tokens, {options.threads} "
            f"thread{'s' * (options.threads > 1)}: ours {statistics.median(ours) / 1e6:.1f} ms, "
            f"PyTorch {torch.__version__} {statistics.median(theirs) / 1e6:.1f} ms, "
            f"{statistics.median(ratios):.2f}x "
            f"({min(ratios):.2f} to {max(ratios):.2f} over {options.rounds} rounds)"
        )
    if abs(head["loss"] - loss.item()) > 1e-5 or worst > 1e-4:
        sys.exit("loss or gradients differ by more than 1e-4")


main()
