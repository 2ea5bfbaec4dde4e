#!/usr/bin/env python3
"""Keeps the WordPiece tokenizer identical to the `tokenizers` package from PyPI (pip install tokenizers).

    tokenizer.py tables                 writes Sources/Encoder/CharacterTables.swift
    tokenizer.py digests                prints the constants of Tests/EncoderTests/TokenizerDigestTests.swift
    tokenizer.py compare MODEL COMMAND  feeds 10 000 mixed lines to COMMAND and compares token ids

The tables are read off the package's own behaviour, code point by code point, and not out of a Unicode
database: its categories are of Unicode 8, its lower-casing is of today, and a text must become the same ids.
COMMAND reads one text a line on standard input and writes one line of ids, separated by spaces, for each.
"""
import random
import subprocess
import sys
import textwrap
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer, normalizers, pre_tokenizers

ROOT = Path(__file__).resolve().parent.parent
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def normalizer(clean=False, han=False, strip=False, lower=False):
    return normalizers.BertNormalizer(
        clean_text=clean, handle_chinese_chars=han, strip_accents=strip, lowercase=lower)


def ranges(points):
    result = []
    for c in sorted(points):
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in result)


def runs(mapping):
    """start-end/step+delta, all hexadecimal, for arithmetic runs of one-to-one mappings."""
    result = []
    points = sorted(mapping)
    i = 0
    while i < len(points):
        delta = mapping[points[i]] - points[i]
        best = 1
        for step in (1, 2):
            n = 1
            while i + n < len(points) and points[i + n] == points[i] + step * n \
                    and mapping[points[i + n]] - points[i + n] == delta:
                n += 1
            if n > best:
                best, width = n, step
        if best == 1:
            width = 1
        sign = "-" if delta < 0 else "+"
        result.append(f"{points[i]:x}:{best:x}:{width}:{sign}{abs(delta):x}")
        i += best
    return " ".join(result)


def probe():
    clean, strip = normalizer(clean=True).normalize_str, normalizer(strip=True).normalize_str
    lower, han = normalizer(lower=True).normalize_str, normalizer(han=True).normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    t = {k: set() for k in ("removed", "space", "han", "punctuation", "marks", "markStarters")}
    decomposed, lowered, combining = {}, {}, {}
    high, low = "\U0001d16d", "\u1b44"  # kept marks of the classes 226 and 9
    for c in CODE_POINTS:
        s = chr(c)
        if clean(s) == "":
            t["removed"].add(c)
        words = [w for w, _ in split("a" + s + "b")]
        if words == ["a", "b"]:
            t["space"].add(c)
        elif words == ["a", s, "b"]:
            t["punctuation"].add(c)
        if han(s) != s:
            t["han"].add(c)
        if lower(s) != s:
            lowered[c] = lower(s)
        result = strip(s)
        if result == "":
            # A mark that does not let a later mark pass is a starter.
            starts = strip(high + s + "\u302e") == high + "\u302e"
            t["markStarters" if starts else "marks"].add(c)
        elif result != s:
            if not 0xAC00 <= c <= 0xD7A3:
                decomposed[c] = result
        elif strip(high + s) == s + high or strip(s + low) == low + s or s in (high, low):
            combining[c] = unicodedata.combining(s)
        elif strip(s + low) == s + low and strip(low + s) == low + s and unicodedata.combining(s) == 9:
            if strip(high + s) == s + high:
                combining[c] = 9
    assert lowered.pop(0x130) == "i\u0307"
    assert all(len(v) == 1 for v in lowered.values()) and all(combining.values())
    return t, decomposed, {c: ord(v) for c, v in lowered.items()}, combining


def tables():
    t, decomposed, lowered, combining = probe()
    groups = {}
    for c, v in decomposed.items():
        groups.setdefault(".".join(f"{ord(x):x}" for x in v), []).append(c)
    classes = {}
    for c, v in combining.items():
        classes.setdefault(v, []).append(c)
    sections = [
        ("removed", "Dropped when text is cleaned: controls, formats, private use, NUL and U+FFFD.",
         ranges(t["removed"])),
        ("space", "What separates words.", ranges(t["space"])),
        ("han", "Chinese characters: each is a word of its own.", ranges(t["han"])),
        ("punctuation", "Each is a word of its own.", ranges(t["punctuation"])),
        ("marks", "Non-spacing marks that canonical ordering moves; dropped with accents.",
         ranges(t["marks"])),
        ("markStarters", "Non-spacing marks that canonical ordering does not move; dropped too.",
         ranges(t["markStarters"])),
        ("combining", "Kept characters with a combining class: `class=ranges`.",
         " ".join(f"{k}={ranges(v).replace(' ', ',')}" for k, v in sorted(classes.items()))),
        ("lowercase", "`first:count:step:offset` of one-to-one mappings.", runs(lowered)),
        ("decompositions", "`result=sources`, marks dropped, Hangul left out; `.` joins characters.",
         " ".join(f"{k}={','.join(f'{c:x}' for c in v)}" for k, v in groups.items())),
    ]
    out = ["/// Character properties as the reference tokenizer has them, in hexadecimal.",
           "///", "/// Written by `Tests/tokenizer.py tables`; its head says why they are not taken from the",
           "/// standard library.", "enum CharacterTables {"]
    for index, (name, comment, body) in enumerate(sections):
        lines = textwrap.wrap(body.replace(",", ", "), 94, break_long_words=False,
                              break_on_hyphens=False)
        out += [""] * (index > 0) + [f"  /// {comment}", f'  static let {name} = """']
        out += ["    " + line for line in lines] + ['    """']
    (ROOT / "Sources/Encoder/CharacterTables.swift").write_text("\n".join(out + ["}", ""]))


class SplitMix:
    """The generator of Tensors.SeededGenerator."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return z ^ (z >> 31)


POOLS = [(0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700),
         (0x900, 0xE80), (0x1B40, 0x1C40), (0x1E00, 0x2100), (0x3000, 0x3100), (0x4E00, 0x4E80),
         (0xAC00, 0xAD00), (0xF900, 0xFB50), (0x1D158, 0x1D1C8), (0, 0x20)]


def random_text(generator):
    count = generator.next() % 16
    text = ""
    for _ in range(count):
        low, high = POOLS[generator.next() % len(POOLS)]
        text += chr(low + generator.next() % (high - low))
    return text


def fnv(data, value):
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def digests():
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    for flags in [(1, 1, 1, 1), (1, 1, 0, 0), (0, 0, 1, 0), (1, 0, 0, 1)]:
        normalize = normalizer(*map(bool, flags)).normalize_str
        values = []
        generator = SplitMix(7)
        random_texts = (random_text(generator) for _ in range(50_000))
        for texts in (("a" + chr(c) + "b" for c in CODE_POINTS), random_texts):
            value = 0xCBF29CE484222325
            for text in texts:
                value = fnv(b"".join(w.encode() + b"\xff" for w, _ in split(normalize(text)))
                            + b"\xfe", value)
            values.append(value)
        print(flags, " ".join(f"0x{v:016x}" for v in values))


def mixed_lines(count):
    generator = random.Random(1)
    words = ("the quick brown fox café naïve Zürich Ελλάδα Москва 東京 上海 서울 ครับ हिन्दी العربية שלום don't "
             "state-of-the-art e.g. 3.14159 $1,000 https://example.org/a?b=c user@example.com C++ [SEP] [MASK] "
             "[CLS] [sep] [UNK] [PAD] ﬁne ½ Ⅷ ① İstanbul ẞtraße ǅ Å Å ﾊﾝｶｸ 🙂 👩‍👩‍👧 untokenizableness antidisestablish"
             "mentarianism \u200bzero\u200bwidth soft\u00adhyphen tab\there \ufeffbom \ufffd nul\x00 \x85 "
             "\u2028 e\u0301 o\u0323\u0302 \u1100\u1161\u11a8 𝕳𝖊𝖑𝖑𝖔 𠀀 \U0002f800 ;").split(" ")
    pools = POOLS + [(0x1F300, 0x1F650), (0x20000, 0x20100), (0xE000, 0xE010), (0x110000 - 16, 0x110000)]
    lines = []
    for i in range(count):
        kind = i % 5
        if kind == 0:
            text = " ".join(generator.choice(words) for _ in range(generator.randrange(1, 30)))
        elif kind == 1:
            text = "".join(chr(generator.randrange(*generator.choice(pools)))
                           for _ in range(generator.randrange(0, 60)))
        elif kind == 2:
            text = "".join(generator.choice("abcdefghijklmnopqrstuvwxyzABCDEFXYZ  ,.-'0123456789")
                           for _ in range(generator.randrange(0, 200)))
        elif kind == 3:
            text = generator.choice(words) * generator.randrange(1, 40)
        else:
            text = "".join(generator.choice(words) + generator.choice([" ", "", "  ", "\t", "!", "，"])
                           for _ in range(generator.randrange(1, 400 if i % 50 == 4 else 40)))
        data = text.replace("\n", " ").replace("\r", " ").encode()
        if i % 7 == 0 and data:  # damaged UTF-8
            position = generator.randrange(len(data))
            data = data[:position] + bytes([generator.randrange(128, 256)]) + data[position + 1:]
        lines.append(data)
    return lines


def compare(model, command):
    reference = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
    reference.no_padding()
    reference.enable_truncation(512)
    lines = mixed_lines(10_000)
    answer = subprocess.run(command, input=b"\n".join(lines) + b"\n", stdout=subprocess.PIPE,
                            check=True).stdout.decode().splitlines()
    wrong = 0
    for line, ids in zip(lines, answer, strict=True):
        expected = reference.encode(line.decode(errors="replace")).ids
        if expected != [int(x) for x in ids.split()]:
            wrong += 1
            if wrong <= 5:
                print("line", line, "expected", expected[:40], "found", ids[:200], sep="\n  ")
    print(f"{len(lines)} lines, {wrong} differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["tables"]:
            tables()
        case ["digests"]:
            digests()
        case ["compare", model, *command] if command:
            compare(model, command)
        case _:
            sys.exit(__doc__)
