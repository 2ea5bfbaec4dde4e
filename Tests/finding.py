"""Which block shape is best at equal measured speed and equal training: `make finding`.

Every shape gets the sparsity at which the whole model, attention pruned, is as fast as the first shape at
--sparsity. Speeds are measured by `encode` with masks that need no calibration (a kernel's time follows
from how many units stay, not from which), and for each shape a line is fitted to time against kept
weights: attention's products shrink with them and nothing else does. Then each shape is trained with each
method and seed by `train`, one row of results each. What is finished is not run again, so the script can
be stopped and started, and speeds measured while the machine is quiet serve a training that need not be:
with --steps the weights that come out do not depend on the load. At the end all rows are merged and a
table of means and ranges over the seeds is printed, with the speeds of the fitted lines.

    Tests/finding.py PROGRAM DIRECTORY --text /usr/share/games/fortunes [--steps 300 | --minutes 1]
"""

import argparse
import csv
import itertools
import pathlib
import re
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
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--same-sparsity", action="store_true", help="do not match speeds")
parser.add_argument("--speeds-only", action="store_true", help="measure speeds and stop")
options = parser.parse_args()
patterns = options.patterns.split(",")
methods = options.methods.split(",")
model = [options.model] if options.model else []
options.directory.mkdir(parents=True, exist_ok=True)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments):
    print("$", *arguments, file=sys.stderr, flush=True)
    return subprocess.run([options.program, *map(str, arguments)], stdout=sys.stderr).returncode


def lines():
    """By pattern, time over the dense model's as `fixed + slope * kept`: weighted least squares."""
    grid = sorted({0.7, 0.75, 0.8, 0.85, 0.9, options.sparsity})
    fits = {}
    for pattern in patterns:
        path = options.directory / f"speed-{pattern.replace('/', '-')}.csv"
        if not path.exists():
            status = run("encode", *model, "--layers", "attention", "--patterns", pattern,
                         "--sparsity", ",".join(map(str, grid)), "--criterion", "magnitude",
                         "--refit", "off", "--seconds", 1, "--threads", options.threads, "--csv", path)
            if status != 0:
                path.unlink(missing_ok=True)
                sys.exit(status)
        points = []
        for row in rows(path):
            speed = float(row["speedup"])
            width = (float(row["speedup_high"]) - float(row["speedup_low"])) / speed
            points.append((1 - float(row["sparsity_achieved"]), 1 / speed, max(width, 0.005) ** -2))
        weight = sum(w for _, _, w in points)
        kept = sum(w * x for x, _, w in points) / weight
        time = sum(w * y for _, y, w in points) / weight
        slope = (sum(w * (x - kept) * (y - time) for x, y, w in points)
                 / sum(w * (x - kept) ** 2 for x, _, w in points))
        fits[pattern] = (time - slope * kept, slope)
    return fits


def speed(fit, sparsity):
    return 1 / (fit[0] + fit[1] * (1 - sparsity))


def at_speed(fit, target):
    """The sparsity at which a shape reaches a speed, to a hundredth."""
    return round(min(0.99, max(0.0, 1 - (1 / target - fit[0]) / fit[1])), 2)


fits = lines()
chosen = {pattern: options.sparsity for pattern in patterns}
if not options.same_sparsity:
    target = speed(fits[patterns[0]], options.sparsity)
    chosen |= {pattern: at_speed(fits[pattern], target) for pattern in patterns[1:]}
for pattern in patterns:
    print(f"{pattern} at {chosen[pattern]}: {speed(fits[pattern], chosen[pattern]):.3f}x",
          file=sys.stderr)
if options.speeds_only:
    sys.exit()

length = ["--steps", options.steps] if options.steps else ["--minutes", options.minutes]
finished = []
for seed, method, pattern in itertools.product(options.seeds.split(","), methods, patterns):
    name = f"{pattern.replace('/', '-')}-{chosen[pattern]}-{method}-{seed}.csv"
    path = options.directory / name
    if not (path.exists() and len(rows(path)) == 1):
        status = run("train", *model, *(["--text", options.text] if options.text else []), "--layers",
                     "attention", "--pattern", pattern, "--sparsity", chosen[pattern], "--method",
                     method, "--seed", seed, *length, "--threads", options.threads, "--seconds", 0.3,
                     "--csv", path, "--force")
        if status != 0:
            path.unlink(missing_ok=True)
            sys.exit(status)
    finished.append(path)
merged = options.directory / "finding.csv"
merged.unlink(missing_ok=True)
merged.with_suffix(".meta.json").unlink(missing_ok=True)
status = run("merge", *finished, "--csv", merged)
table = rows(merged) if status == 0 else []


def step_milliseconds(row):
    found = re.search(r"(\d+) steps, .*?, ([0-9.]+) s", row["note"])
    return 1000 * float(found[2]) / int(found[1]) if found else None


print("| shape | zeros | speedup |", *(f"`{name}` |" for name in methods), "ms a step |")
print("| --- | --- | --- |", *("--- |" for _ in methods), "--- |")
for pattern in patterns:
    mine = [row for row in table if row["pattern"] == pattern]
    if not mine:
        continue
    zeros = statistics.mean(float(row["sparsity_achieved"]) for row in mine)
    cells = []
    for method in methods:
        values = [float(row["cosine"]) for row in mine if row["solve"] == f"train-{method}"]
        cells.append(f"{statistics.mean(values):.3f} [{min(values):.3f}, {max(values):.3f}] |"
                     if values else "– |")
    times = [time for time in map(step_milliseconds, mine) if time is not None]
    cells.append(f"{statistics.median(times):.0f} |" if times else "– |")
    print(f"| `{pattern}` | {zeros:.3f} | {speed(fits[pattern], zeros):.2f}x |", *cells)
sys.exit(status)
