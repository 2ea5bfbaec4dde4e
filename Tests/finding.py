"""Which block shape is best at equal measured speed and equal training: `make finding`.

Every shape gets the sparsity at which the whole model, attention pruned, is as fast as the first shape at
--sparsity (measured by `encode`, interpolated). Then each shape is trained with each method and seed by
`train`, one row of results each; what is finished is not run again, so the script can be stopped and
started. At the end all rows are merged and a table of means and ranges over the seeds is printed.

    Tests/finding.py PROGRAM DIRECTORY --text /usr/share/games/fortunes [--steps 300 | --minutes 1]
"""

import argparse
import csv
import itertools
import pathlib
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("program")
parser.add_argument("directory", type=pathlib.Path, help="where rows and merged results go")
parser.add_argument("--model", help="a model directory; the one that make model fetched when left out")
parser.add_argument("--text", help="a text file or directory to train on")
parser.add_argument("--patterns", default="8x1,32x1,16x16,1x1")
parser.add_argument("--methods", default="fixed,gradual,prox")
parser.add_argument("--seeds", default="1,2,3")
parser.add_argument("--sparsity", type=float, default=0.8, help="of the first pattern")
parser.add_argument("--steps", type=int, help="steps of each run; minutes count when left out")
parser.add_argument("--minutes", type=float, default=1.0, help="training time of each run")
parser.add_argument("--same-sparsity", action="store_true", help="do not match speeds")
options = parser.parse_args()
patterns = options.patterns.split(",")
model = [options.model] if options.model else []
options.directory.mkdir(parents=True, exist_ok=True)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments):
    print("$", *arguments, file=sys.stderr, flush=True)
    return subprocess.run([options.program, *map(str, arguments)]).returncode


def sparsities():
    """Sparsity by pattern at the first pattern's speed."""
    if options.same_sparsity:
        return dict.fromkeys(patterns, options.sparsity)
    path = options.directory / "speeds.csv"
    grid = sorted({0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, options.sparsity})
    if not path.exists():
        status = run("encode", *model, "--layers", "attention", "--patterns", options.patterns,
                     "--sparsity", ",".join(map(str, grid)), "--csv", path)
        if status != 0:
            path.unlink(missing_ok=True)
            sys.exit(status)
    speeds = {(row["pattern"], float(row["sparsity_requested"])): float(row["speedup"])
              for row in rows(path)}
    target = speeds[patterns[0], options.sparsity]
    found = {}
    for pattern in patterns:
        points = [(sparsity, speeds[pattern, sparsity]) for sparsity in grid]
        between = [(a, b) for a, b in zip(points, points[1:]) if a[1] <= target <= b[1]]
        if between:
            (low, slow), (high, fast) = between[0]
            found[pattern] = round(low + (high - low) * (target - slow) / max(fast - slow, 1e-9), 3)
        else:
            found[pattern] = min(points, key=lambda point: abs(point[1] - target))[0]
            print(f"{pattern} never runs at {target:.3f}x: taken at {found[pattern]}", file=sys.stderr)
    found[patterns[0]] = options.sparsity
    return found


chosen = sparsities()
length = ["--steps", options.steps] if options.steps else ["--minutes", options.minutes]
finished = []
for seed, method, pattern in itertools.product(
        options.seeds.split(","), options.methods.split(","), patterns):
    path = options.directory / f"{pattern}-{chosen[pattern]}-{method}-{seed}.csv"
    if not (path.exists() and len(rows(path)) == 1):
        status = run("train", *model, *(["--text", options.text] if options.text else []), "--layers",
                     "attention", "--pattern", pattern, "--sparsity", chosen[pattern], "--method",
                     method, "--seed", seed, *length, "--csv", path, "--force")
        if status != 0:
            path.unlink(missing_ok=True)
            sys.exit(status)
    finished.append(path)
merged = options.directory / "finding.csv"
merged.unlink(missing_ok=True)
merged.with_suffix(".meta.json").unlink(missing_ok=True)
status = run("merge", *finished, "--csv", merged)

print("| shape | zeros | speedup |", *(f"{name} |" for name in options.methods.split(",")))
print("| --- | --- | --- |", *("--- |" for _ in options.methods.split(",")))
table = rows(merged) if status == 0 else []
for pattern in patterns:
    mine = [row for row in table if row["pattern"] == pattern]
    if not mine:
        continue
    zeros = statistics.mean(float(row["sparsity_achieved"]) for row in mine)
    speed = statistics.median(float(row["speedup"]) for row in mine)
    cells = []
    for method in options.methods.split(","):
        values = [float(row["cosine"]) for row in mine if row["solve"] == f"train-{method}"]
        cells.append(f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}] |"
                     if values else "– |")
    print(f"| `{pattern}` | {zeros:.3f} | {speed:.2f}x |", *cells)
sys.exit(status)
