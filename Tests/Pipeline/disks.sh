#!/usr/bin/env bash
# What the program does when a disk is full, a directory is read-only or a file goes away: it says so, with
# the right status, and nothing half-written stands under the final name. Runs in a mount namespace of its
# own (unshare -rm), with small file systems of its own.
#
#   Tests/Pipeline/disks.sh PROGRAM
set -uo pipefail
program=$1
failed=0

# expect TEXT STATUS PATTERN FILES COMMAND...: status, a message that matches, and no files but these.
expect() {
  local text=$1 status=$2 pattern=$3 files=$4 found
  shift 4
  "$@" >/dev/null 2>"$scratch/err.txt"
  local ended=$?
  found=$(ls -A "$disk" | tr '\n' ' ')
  if [ $ended = "$status" ] && grep -qiE "$pattern" "$scratch/err.txt" && [[ "$found" =~ ^$files$ ]]; then
    echo "ok    $text: $(head -1 "$scratch/err.txt" | sed "s#$disk#DISK#" | cut -c1-100)"
  else
    echo "WRONG $text: status $ended, expected $status; files: '$found'"
    sed 's/^/      | /' "$scratch/err.txt" | head -5
    failed=1
  fi
}

scratch=$(mktemp -d)
disk=$scratch/disk
mkdir "$disk"
trap 'umount "$disk" 2>/dev/null; rm -rf "$scratch"' EXIT
mount -t tmpfs -o size=16k tmpfs "$disk" || exit 77
query=encoder.layer.0.attention.self.query.weight

expect "pruned weights on a full disk" 1 'no space left' '' \
  "$program" prune --tensor "$query" --pattern 8x1 --sparsity 0.5 -o "$disk/out.safetensors"
expect "packed blocks on a full disk" 1 'no space left' '' \
  "$program" prune --tensor "$query" --pattern 16x16 --sparsity 0.5 -o "$disk/out.npz"
expect "masks on a full disk" 1 'no space left' '' \
  "$program" prune --tensor "$query" --pattern 16x16 --sparsity 0.5 -o "$disk/out.npy"
# A results file grows row by row: those that fitted stay, whole, and can be resumed elsewhere.
expect "a sweep on a full disk" 1 'no space left' 'out.csv out.meta.json ' \
  "$program" sweep --tensor "$query" --patterns 1x1,4x1,8x1,16x1,32x1,4x4,8x8,16x16 \
  --sparsity 0.1:0.9:0.1 --refit off --tokens 1 --csv "$disk/out.csv"
cp "$disk/out.csv" "$disk/out.meta.json" "$scratch/"
if "$program" merge "$scratch/out.csv" --csv "$scratch/merged.csv" 2>/dev/null; then
  echo "ok    what was kept of it is read: $(($(wc -l <"$scratch/merged.csv") - 1)) rows"
else
  echo "WRONG the rows kept on the full disk are not read"
  failed=1
fi
rm -f "$disk"/*

mount -o remount,ro "$disk"
expect "pruned weights in a read-only directory" 1 'read-only' '' \
  "$program" prune --tensor "$query" --pattern 8x1 --sparsity 0.5 -o "$disk/out.safetensors"
expect "a sweep in a read-only directory" 1 'read-only' '' \
  "$program" sweep --tensor "$query" --patterns 8x1 --sparsity 0.5 --csv "$disk/out.csv"
mount -o remount,rw "$disk"

# A file system that is gone under an open path, as a lost NFS mount is.
umount -l "$disk"
disk=$scratch/gone
mkdir "$disk"
expect "a model on a disk that is gone" 4 'no such file' '' "$program" inspect "$disk/model.safetensors"

set +o pipefail
if "$program" sweep --tensor "$query" --patterns 1x1,8x1 --sparsity 0.5 --csv - 2>"$scratch/err.txt" |
  head -1 >/dev/null; then
  echo "ok    a pipe that closes ends it: $(head -1 "$scratch/err.txt" | cut -c1-80)"
fi
exit $failed
