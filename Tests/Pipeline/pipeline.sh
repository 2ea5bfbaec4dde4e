#!/usr/bin/env bash
# The whole of the program without its screen, end to end on real weights: sweep, kill, resume, shard,
# merge, export, load in Python, record, replay, remeasure. Every step says what it proves.
#
#   Tests/Pipeline/pipeline.sh PROGRAM PYTHON
#
# PYTHON has numpy, scipy, pandas and safetensors (make test makes such an environment).
set -uo pipefail
program=$(realpath "$1")
python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") # not resolved: its link is the environment
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
cd "$work" || exit 1
passed=0
failed=0

# claim TEXT EXPECTED_STATUS COMMAND...: while COMMAND runs, out.txt and err.txt are still those of the
# command before, so that a claim can be about them.
claim() {
  local text=$1 expected=$2 status
  shift 2
  "$@" >new-out.txt 2>new-err.txt
  status=$?
  mv new-out.txt out.txt
  mv new-err.txt err.txt
  if [ "$status" = "$expected" ]; then
    passed=$((passed + 1))
    echo "ok    $text"
  else
    failed=$((failed + 1))
    echo "WRONG $text: status $status, expected $expected: $*"
    sed 's/^/      | /' out.txt err.txt | head -20
  fi
}
rows() { echo $(($(wc -l <"$1") - 1)); }

query=encoder.layer.0.attention.self.query.weight
sweep=(sweep --tensor "$query" --patterns 1x1,8x1,32x1,2:4 --sparsity 0.5:0.9:0.2)

claim "the built-in model lists its tensors" 0 "$program" inspect
claim "and as JSON" 0 "$program" inspect --json
claim "which Python reads" 0 "$python" -c 'import json; json.load(open("out.txt"))'
claim "one layer is measured" 0 "$program" measure --tensor "$query" --pattern 8x1 --sparsity 0.9
claim "a sweep writes a results file" 0 "$program" "${sweep[@]}" --csv one.csv --samples
claim "ten rows stand in it" 0 test "$(rows one.csv)" = 10
claim "an existing file is not overwritten" 2 "$program" "${sweep[@]}" --csv one.csv
claim "it says how to go on" 0 grep -q -e --resume err.txt
claim "results, settings and samples are read by csv, json and pandas, and plotted" 0 \
  "$python" "$here/results.py" one.csv
claim "the plot is a picture" 0 test -s one.png

"$program" "${sweep[@]}" --csv killed.csv >/dev/null 2>&1 &
while [ ! -s killed.csv ] || [ "$(rows killed.csv)" -lt 3 ]; do sleep 0.02; kill -0 $! 2>/dev/null || break; done
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
before=$(rows killed.csv)
claim "a killed sweep leaves whole rows ($before)" 0 "$python" "$here/results.py" killed.csv --rows-only
claim "it is resumed" 0 "$program" "${sweep[@]}" --csv killed.csv --resume
claim "to the same ten cells" 0 "$python" "$here/results.py" killed.csv --same-cells one.csv
claim "resuming under other settings is refused" 2 "$program" sweep --tensor "$query" \
  --patterns 1x1 --sparsity 0.5 --tokens 64 --csv killed.csv --resume

claim "shard 1 of 2" 0 "$program" "${sweep[@]}" --csv first.csv --shard 1/2
claim "shard 2 of 2" 0 "$program" "${sweep[@]}" --csv second.csv --shard 2/2
claim "shards are joined" 0 "$program" merge first.csv second.csv --csv merged.csv
claim "to the same ten cells" 0 "$python" "$here/results.py" merged.csv --same-cells one.csv

claim "pruned weights are written" 0 "$program" prune --tensor '*.self.*.weight' \
  --pattern 2:4 -o pruned.safetensors
claim "they follow their pattern" 0 "$program" verify pruned.safetensors \
  --tensor '*.self.*.weight' --pattern 2:4
claim "the dense model does not" 3 "$program" verify --tensor "$query" --pattern 2:4
claim "safetensors loads them, the rest bit-identical" 0 \
  "$python" "$here/weights.py" pruned.safetensors "$SPARSITY_TUI_DATA/demo.safetensors" 2:4
claim "packed blocks are written" 0 "$program" prune --tensor "$query" --pattern 16x16 \
  --sparsity 0.8 -o blocks.npz
claim "SciPy loads them" 0 "$python" "$here/weights.py" blocks.npz

claim "the tour replays without a screen" 0 "$program" replay \
  "$SPARSITY_TUI_DATA/sessions/tour.sparsity" --headless --csv tour.csv
cp tour.csv tour-first.csv
claim "and again, byte for byte" 0 sh -c "'$program' replay \
  '$SPARSITY_TUI_DATA/sessions/tour.sparsity' --headless --csv tour2.csv && cmp tour.csv tour2.csv"
claim "its frames are drawn" 0 "$program" replay "$SPARSITY_TUI_DATA/sessions/tour.sparsity" \
  --headless --svg frames
claim "an XML parser reads them and finds the printed words" 0 \
  sh -c "cp out.txt printed.txt && '$python' '$here/pictures.py' frames printed.txt"
"$program" replay "$SPARSITY_TUI_DATA/sessions/tour.sparsity" --headless --remeasure >out.txt 2>err.txt
status=$?
if [ $status = 0 ] || [ $status = 3 ]; then
  passed=$((passed + 1))
  echo "ok    measured again: $(grep -c agree out.txt) agree, $(grep -c differ out.txt) differ (status $status)"
else
  failed=$((failed + 1))
  echo "WRONG measuring again ended with $status"
  cat err.txt
fi

# One session of every format there has been; the rows must stay those that were recorded.
for old in "$here"/Sessions/format-*.sparsity; do
  name=$(basename "$old" .sparsity)
  claim "a session of $name replays" 0 "$program" replay "$old" --headless --csv "$name.csv"
  claim "and gives the rows that it gave then" 0 cmp "$name.csv" "$here/Sessions/$name.csv"
done
mkdir tiny
claim "a small encoder is made" 0 "$python" "$here/tiny_model.py" tiny prose.txt
train=(train tiny --text prose.txt --pattern 8x1 --sparsity 0.6 --steps 400 --evaluate-every 50 \
  --tokens-per-step 128 --seconds 0.1)
claim "it is pruned and trained" 0 "$program" "${train[@]}" -o whole --csv trained.csv
claim "the row says how" 0 grep -q train-fixed trained.csv
claim "the trained model is one of ours" 0 "$program" inspect whole
claim "and follows its pattern" 0 "$program" verify whole --tensor '*attention.self*.weight' \
  --pattern 8x1 --sparsity 0.59
claim "a trained model is not overwritten" 2 "$program" "${train[@]}" -o whole
"$program" "${train[@]}" -o broken --checkpoint-seconds 0 >/dev/null 2>&1 &
while [ ! -s broken.training ]; do sleep 0.02; kill -0 $! 2>/dev/null || break; done
kill -9 $! 2>/dev/null
wait $! 2>/dev/null
claim "a killed training left a checkpoint" 0 test -s broken.training
claim "it is resumed" 0 "$program" "${train[@]}" -o broken --resume
claim "to the same weights, bit for bit" 0 cmp whole/model.safetensors broken/model.safetensors
claim "the checkpoint is gone" 1 test -e broken.training
claim "text that is none is unreadable" 4 "$program" train tiny --text tiny/model.safetensors --steps 1

printf 'not a tensor file' >bad.safetensors
claim "a file that is none is unreadable" 4 "$program" inspect bad.safetensors
claim "the message names it" 0 grep -q bad.safetensors err.txt
claim "an unknown pattern is a usage error" 2 "$program" measure --pattern 33y1
claim "it says what is allowed" 0 grep -q RxC err.txt
claim "so is a sparsity of 1.2" 2 "$program" measure --sparsity 1.2
claim "an unknown tensor is a usage error" 2 "$program" measure --tensor nothing
claim "no terminal is said" 1 "$program" explore

"$program" "${sweep[@]}" --csv interrupted.csv >/dev/null 2>err.txt &
while [ ! -s interrupted.csv ] || [ "$(rows interrupted.csv)" -lt 2 ]; do
  sleep 0.02
  kill -0 $! 2>/dev/null || break
done
kill -TERM $! 2>/dev/null
wait $!
claim "an interrupted sweep ends with 130" 0 test $? = 130
claim "its rows are whole" 0 "$python" "$here/results.py" interrupted.csv --rows-only
claim "it is resumed, too" 0 "$program" "${sweep[@]}" --csv interrupted.csv --resume
claim "to the same ten cells" 0 "$python" "$here/results.py" interrupted.csv --same-cells one.csv
claim "a session replays with another number of tokens" 0 sh -c \
  "'$program' replay '$SPARSITY_TUI_DATA/sessions/tour.sparsity' --headless --set tokens=64"
claim "the front of a sweep is printed" 0 "$program" sweep --tensor "$query" --patterns 1x1,8x1 \
  --sparsity 0.5,0.9 --format markdown --pareto
claim "it names a pattern" 0 grep -q 8x1 out.txt
claim "a manual page is written" 0 "$program" manual
claim "it names the commands" 0 grep -q '^.SS sweep' out.txt
claim "completions for bash are written" 0 "$program" --generate-completion-script bash
claim "bash reads them" 0 bash -n out.txt

if unshare -rm true 2>/dev/null; then
  claim "full, read-only and vanished disks and closed pipes are said" 0 \
    unshare -rm "$here/disks.sh" "$program"
else
  echo "--    full and read-only disks: not tried, mount namespaces are not allowed here"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
