"""Reads and plots a results file as its users do: Python's csv module, pandas, matplotlib; no warning."""
import csv, json, os, sys, warnings

import matplotlib
import pandas

matplotlib.use("Agg")
warnings.simplefilter("error")
path, options = sys.argv[1], sys.argv[2:]
text_columns = """run_id time_utc host_id cpu_model isa device tool_version model_id tensor
tensor_sha256 dtype layout cache pattern reorder criterion regularizer solve refit scope
calibration_id kernel_dense kernel_sparse verdict status note""".split()

with open(path, newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file, strict=True))
assert rows, "no rows"
assert all(None not in row and None not in row.values() for row in rows), "a ragged row"
assert all(row["status"] in ("ok", "partial", "failed", "skipped") for row in rows)

table = pandas.read_csv(path)
assert len(table) == len(rows)
for column in table.columns:
    if column not in text_columns:
        kind = table[column].dtype.kind
        assert kind in "iuf", f"{column} is read as {table[column].dtype}"
assert (table["speedup_low"] <= table["speedup"]).all()
assert (table["speedup"] <= table["speedup_high"]).all()
ratio = table["dense_ns"] / table["sparse_ns"]
assert ((ratio / table["speedup"]).between(0.5, 2)).all(), "ratio and speedup disagree"


def cells(table):
    keys = ["tensor", "pattern", "sparsity_requested", "tokens", "threads"]
    return sorted(map(tuple, table[keys].fillna(-1).astype(str).values.tolist()))


if "--same-cells" in options:
    other = pandas.read_csv(options[options.index("--same-cells") + 1])
    assert cells(table) == cells(other), "the cells differ"
elif "--rows-only" not in options:
    with open(os.path.splitext(path)[0] + ".meta.json", encoding="utf-8") as file:
        meta = json.load(file)
    assert meta, "empty settings"
    samples = pandas.read_csv(os.path.splitext(path)[0] + ".samples.csv")
    assert len(samples) > len(table)

    axes = None
    for pattern, group in table.sort_values("sparsity_achieved").groupby("pattern"):
        below = group["speedup"] - group["speedup_low"]
        above = group["speedup_high"] - group["speedup"]
        axes = group.plot(
            x="sparsity_achieved", y="speedup", yerr=[below, above], label=pattern, ax=axes)
    assert len(axes.get_lines()) >= table["pattern"].nunique()
    axes.figure.savefig(os.path.splitext(path)[0] + ".png")
print(len(rows), "rows")
