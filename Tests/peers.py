#!/usr/bin/env python3
"""Times the whole encoder against PyTorch and onnxruntime on the same sentences, and compares embeddings.

Run by `make peers`, with torch, transformers and onnxruntime in an environment of its own. All programs
take the same texts as one batch on the same number of threads, tokenising and pooling included, and take
turns round by round, so that whatever the machine does meanwhile hits all of them. One figure is the median
over the rounds; multiples are medians of the ratios within a round.

    python peers.py PROGRAM [--model DIR] [--threads 1] [--batch 32] [--equal] [--rounds 15]
                    [--layers all] [--patterns 8x1,32x1] [--sparsity 0.9]
    python peers.py PROGRAM --all       five tables: 32 texts, of equal length, one; 32 and one on two threads
"""

import argparse
import contextlib
import json
import os
import pathlib
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
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--equal", action="store_true", help="texts of one length: no peer has padding to compute"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--all", action="store_true", help="both batch sizes, equal lengths, and two threads"
    )
    parser.add_argument("--layers", default="all")
    parser.add_argument("--patterns", default="8x1,32x1,16x16,4x1,2:4,1x1")
    parser.add_argument("--sparsity", default="0.9")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    return parser.parse_args()


options = arguments()
if options.all:
    # Thread counts are settled when the libraries load: a process of its own for each table.
    given = [argument for argument in sys.argv if argument != "--all"]
    status = 0
    for extra in (
        ["--batch", "32"],
        ["--batch", "32", "--equal"],
        ["--batch", "1"],
        ["--batch", "32", "--threads", "2"],
        ["--batch", "1", "--threads", "2"],
    ):
        sys.stdout.flush()
        status |= subprocess.run([sys.executable, *given, *extra]).returncode
        print(flush=True)
    sys.exit(status)
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(options.threads)
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"

warnings.simplefilter("ignore")
import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(options.threads)
with contextlib.suppress(RuntimeError):
    torch.set_num_interop_threads(1)

MODEL = pathlib.Path(options.model)
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL, local_files_only=True)


# Seconds until the threads of the one before have stopped spinning. Without it our dense model took 11 ms
# instead of 2 for one text on both of two processors, right behind onnxruntime.
SETTLE = 0.1


def batch_of_texts():
    """Texts of 16 to 64 tokens made of whole held-out sentences, or of exactly 32 tokens each.

    A text of an exact length repeats common words that are one token each after its sentence, and is
    taken only if its tokens are counted to be as many.
    """
    sentences = (DATA / "evaluation.txt").read_text(encoding="utf-8").splitlines()
    count = lambda text: len(tokenizer(text)["input_ids"])
    texts = []
    pool = iter(sentences * 50)
    for index in range(options.batch):
        goal = 32 if options.equal else 16 + (index * 37 + 11) % 49
        text = next(pool)
        while count(text) > goal:
            text = next(pool)
        while True:
            longer = text + " " + next(pool)
            if count(longer) > goal:
                break
            text = longer
        while count(text) < goal:
            text += " and"
        if count(text) != goal:
            sys.exit(f"could not make a text of {goal} tokens")
        texts.append(text)
    return texts


def pooled(states, mask):
    """Mean over the tokens that are not padding, then length 1, as sentence-transformers does it."""
    mask = mask.unsqueeze(-1).to(states.dtype)
    means = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(means, dim=1)


def encoded(texts, form):
    return tokenizer(texts, padding=True, truncation=True, max_length=512, return_tensors=form)


class Eager:
    name = "PyTorch eager"

    def __init__(self):
        self.model = transformers.AutoModel.from_pretrained(MODEL, local_files_only=True).eval()
        self.run = self.model

    def __call__(self, texts):
        with torch.inference_mode():
            inputs = encoded(texts, "pt")
            return pooled(self.run(**inputs).last_hidden_state, inputs["attention_mask"]).numpy()


class Compiled(Eager):
    name = "torch.compile"

    def __init__(self):
        super().__init__()
        self.run = torch.compile(self.model, dynamic=False)


class OnnxRuntime:
    name = "onnxruntime"

    def __init__(self):
        import onnxruntime

        model = transformers.AutoModel.from_pretrained(
            MODEL, local_files_only=True, attn_implementation="eager"
        ).eval()

        class States(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, input_ids, attention_mask, token_type_ids):
                return self.model(
                    input_ids=input_ids,
                    attention_mask=attention_mask,
                    token_type_ids=token_type_ids,
                ).last_hidden_state

        self.directory = tempfile.TemporaryDirectory()
        path = self.directory.name + "/model.onnx"
        example = encoded(["one text", "another text of other length"], "pt")
        names = ["input_ids", "attention_mask", "token_type_ids"]
        axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "states"]}
        with torch.no_grad():
            torch.onnx.export(
                States(),
                tuple(example[name] for name in names),
                path,
                input_names=names,
                output_names=["states"],
                dynamic_axes=axes,
                dynamo=False,
                opset_version=17,
            )
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Its own optimizer fuses attention, GELU and normalisations for BERT; told sizes, since it finds
        # none in an exported graph.
        from onnxruntime.transformers import optimizer

        sizes = model.config
        fused = optimizer.optimize_model(
            path, "bert", num_heads=sizes.num_attention_heads, hidden_size=sizes.hidden_size
        )
        path = self.directory.name + "/fused.onnx"
        fused.save_model_to_file(path)
        counts = fused.get_fused_operator_statistics()
        found = [f"{count} {name}" for name, count in counts.items() if count > 0]
        print(f"onnxruntime runs fused: {', '.join(found) or 'nothing'}")
        self.session = onnxruntime.InferenceSession(
            path, settings, providers=["CPUExecutionProvider"]
        )
        self.inputs = {given.name for given in self.session.get_inputs()}

    def __call__(self, texts):
        inputs = encoded(texts, "np")
        states = self.session.run(
            None, {k: v.astype(numpy.int64) for k, v in inputs.items() if k in self.inputs}
        )[0]
        mask = inputs["attention_mask"][:, :, None].astype(numpy.float32)
        means = (states * mask).sum(1) / numpy.maximum(mask.sum(1), 1e-9)
        return means / numpy.linalg.norm(means, axis=1, keepdims=True)


class Ours:
    """The program in its own process: one call of each model for every line it gets."""

    def __init__(self, path):
        common = [options.program, "encode", str(MODEL), "--text", path]
        common += ["--threads", str(options.threads)]
        self.embeddings = numpy.array(
            json.loads(subprocess.run([*common, "--json"], check=True, capture_output=True).stdout),
            dtype=numpy.float32,
        )
        self.process = subprocess.Popen(
            [*common, "--time-only", "--layers", options.layers, "--patterns", options.patterns]
            + ["--sparsity", options.sparsity],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        head = json.loads(self.process.stdout.readline())
        self.names = head["names"]
        self.agreements = head["agreements"]

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [float(ns) for ns in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peers(texts):
    """The peers that run here, warmed up, with their embeddings; why the others do not is printed."""
    found = []
    for kind in [Eager] + ([] if options.no_compile else [Compiled]) + [OnnxRuntime]:
        try:
            peer = kind()
            found.append((peer, peer(texts)))
            peer(texts)
        except Exception as error:  # whatever a peer cannot do here is a finding, not a failure
            lines = str(error).strip().splitlines() or [type(error).__name__]
            print(f"{kind.name} does not run here: {lines[0]}")
    return found


def main():
    texts = batch_of_texts()
    lengths = [len(tokenizer(text)["input_ids"]) for text in texts]
    padded = max(lengths) * len(lengths)
    with tempfile.TemporaryDirectory() as directory:
        path = directory + "/texts.txt"
        pathlib.Path(path).write_text("\n".join(texts) + "\n", encoding="utf-8")
        found = peers(texts)
        ours = Ours(path)
        times = {peer.name: [] for peer, _ in found} | {name: [] for name in ours.names}
        for number in range(options.rounds + 2):
            for peer, _ in found[number % max(1, len(found)) :] + found[: number % max(1, len(found))]:
                time.sleep(SETTLE)
                # As for ours: one untimed call first, so that a peer finds its own data in the caches.
                peer(texts)
                start = time.perf_counter_ns()
                peer(texts)
                times[peer.name].append(time.perf_counter_ns() - start)
            time.sleep(SETTLE)
            for name, ns in zip(ours.names, ours.round()):
                times[name].append(ns)
        ours.close()
    # The first two rounds warm up.
    times = {name: values[2:] for name, values in times.items()}

    print(
        f"{len(texts)} texts, {min(lengths)} to {max(lengths)} tokens, {sum(lengths)} in all "
        f"({padded} with padding, which peers compute and ours does not), "
        f"{options.threads} thread{'s' * (options.threads > 1)}, {options.rounds} rounds; "
        f"torch {torch.__version__}, {options.layers} layers pruned to {options.sparsity}"
    )
    def multiple(name, base):
        if base not in times:
            return "-"
        ratios = [b / a for a, b in zip(times[name], times[base])]
        return f"{statistics.median(ratios):.2f}x"

    bases = [name for name in times if name not in ours.names] + ["dense"]
    rows = [["", "ms", *("over " + base for base in bases), "mean cosine"]]
    for name in times:
        cosine = ""
        if name in ours.names:
            cosine = f"{ours.agreements[ours.names.index(name)]['cosine']:.3f}"
        label = f"ours {name}" if name in ours.names else name
        rows.append(
            [label, f"{statistics.median(times[name]) / 1e6:.3f}"]
            + [multiple(name, base) for base in bases]
            + [cosine]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())
    worst = 0.0
    for peer, embeddings in found:
        difference = float(numpy.abs(embeddings - ours.embeddings).max())
        worst = max(worst, difference)
        print(f"largest difference of an embedding's value from {peer.name}: {difference:.1e}")
    if not found:
        sys.exit("no peer runs here")
    if worst > 1e-4:
        sys.exit("embeddings differ by more than 1e-4")


main()
