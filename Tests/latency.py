"""Presses keys in the real program on a terminal of its own and says how long a frame took.

    python3 Tests/latency.py PROGRAM [--model M] [--load 2] [--sweep | --train] [--keys 300] [--limit 20]
    python3 Tests/latency.py PROGRAM --knob [--model synthetic:4096x11008] [--sweep]
    python3 Tests/latency.py PROGRAM --hold 6

Milliseconds from a key's sending to the frame that answers it (the trace is on the same clock), the same from
when the program read the key, and of a knob's turn to the frame with its new mask; and bytes a frame.

With `--load N` that many processes compute all the while, with `--sweep` the program measures a sweep, with
`--train` (and an encoder's directory as `--model`) it trains on all but one processor.
Exit status 1 when the 99th percentile is above `--limit` milliseconds.

With `--knob` only the sparsity is turned, and it says how long it takes to the frame with the new mask.

With `--hold S` a key is held down for so many seconds (30 a second) while a mask is measured, and it
says what dense against dense gave meanwhile: 1 has to lie in its interval.
"""

import argparse
import bisect
import csv
import fcntl
import glob
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

BURN = "x = 1\nwhile True:\n  x = (x * 1103515245 + 12345) & 0xffffffff"


class Screen:
    """The program behind a pseudo-terminal; what it writes is counted and thrown away."""

    def __init__(self, arguments, columns, rows, environment):
        self.bytes = 0
        self.text = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvpe(arguments[0], arguments, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Bytes that come within so long."""
        count = 0
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                break
            try:
                data = os.read(self.terminal, 1 << 16)
            except OSError:
                break
            if not data:
                break
            count += len(data)
            self.text = (self.text + data)[-200_000:]
        self.bytes += count
        return count

    def wait(self, word, limit=60):
        until = time.monotonic() + limit
        while word not in self.text:
            if time.monotonic() > until:
                sys.exit(f"the screen did not show {word.decode()!r} within {limit} s")
            self.read(0.1)

    def send(self, text):
        os.write(self.terminal, text.encode())

    def close(self):
        self.send("\x1b")
        self.read(0.2)
        self.send("qq")
        for _ in range(100):
            self.read(0.05)
            if os.waitpid(self.child, os.WNOHANG)[0]:
                return
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)


def hold(screen, seconds):
    """Arrow keys that change nothing but the chosen knob, while one measurement runs."""
    screen.send("m")
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        screen.send("\x1bOB" if number % 2 else "\x1bOA")
        number += 1
        screen.read(1 / 30)
    screen.read(3)
    print(f"{number} keys in {seconds:g} s")


def recorded(directory):
    """What dense against dense gave in each measurement of the session: whether all hold 1."""
    held = True
    for path in glob.glob(directory + "/state/sparsity-tui/sessions/*.sparsity"):
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if " = measurement " in line]
        for line in lines:
            measurement = json.loads(line.split(" = measurement ", 1)[1])
            same, speed = measurement.get("sameAgainstSame"), measurement["speedup"]
            text = f"[{same['low']:.4f}, {same['high']:.4f}]" if same else "not taken"
            print(f"dense against dense {text}, speedup {speed['estimate']:.3f} "
                  f"[{speed['low']:.3f}, {speed['high']:.3f}], {measurement['samples']} pairs")
            held = held and (same is None or same["low"] <= 1 <= same["high"])
    return held


def percentiles(values):
    values = sorted(values)

    def at(share):
        return values[min(len(values) - 1, int(share * len(values)))]

    return f"median {at(.5):.2f}  95 % {at(.95):.2f}  99 % {at(.99):.2f}  worst {values[-1]:.2f}", at(.99)


def from_sending(rows, sent):
    """Milliseconds from each key's sending to the end of the first frame that it caused; one frame may answer two."""
    frames = sorted(float(row["at_ms"]) for row in rows if row["cause"] == "input")
    found = []
    for moment in sent:
        place = bisect.bisect_left(frames, moment)
        if place < len(frames):
            found.append(frames[place] - moment)
    return found


def to_mask(rows):
    """Milliseconds from each key to the first frame that waits for nothing."""
    found = []
    for index, row in enumerate(rows):
        if row["cause"] != "input":
            continue
        for later in rows[index:]:
            if later is not row and later["cause"] == "input":
                break
            if later["pending"] == "0":
                found.append(float(later["at_ms"]) - float(row["at_ms"]) + int(row["latency_us"]) / 1000)
                break
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--model")
    parser.add_argument("--columns", type=int, default=140)
    parser.add_argument("--rows", type=int, default=42)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--train-threads", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--limit", type=float, default=20)
    parser.add_argument("--hold", type=float)
    parser.add_argument("--knob", action="store_true")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="latency-")
    environment = dict(os.environ, TERM="xterm-256color", XDG_STATE_HOME=directory + "/state",
                       XDG_CONFIG_HOME=directory + "/config")
    trace = directory + "/trace.csv"
    arguments = [options.program, "explore", "--trace", trace]
    if options.model:
        arguments.insert(2, options.model)
    burners = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(options.load)]
    screen = Screen(arguments, options.columns, options.rows, environment)
    bursts = []
    sent = []
    try:
        screen.wait(b"Knobs")
        # A terminal that waits for a processor itself would be measured too: what it has not read blocks
        # the program. Without the privilege it stays as it is.
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
        except PermissionError:
            pass
        # Held from the start: dense against dense is taken with the first measurement.
        if options.hold:
            hold(screen, options.hold)
        screen.read(2)
        if options.sweep:
            screen.send(":sweep\r")
            screen.read(1)
            screen.send("1")
            screen.read(0.5)
        keys = ["\x1bOC", "\x1bOD"] * 3 + ["2", "1", "3", "1", "5", "1"]
        if options.train:
            screen.send(f":train method=prox minutes=5 threads={options.train_threads}\r")
            screen.wait(b"tokens/s", 300)
            keys[6:8] = ["7", "1"]
        if options.knob:
            keys = ["\x1bOC", "\x1bOC", "\x1bOC", "\x1bOD", "\x1bOD"]
        for number in range(0 if options.hold else options.keys):
            sent.append(time.monotonic() * 1000)
            screen.send(keys[number % len(keys)])
            # Not in step with anything that ticks inside.
            bursts.append(screen.read(0.06 + 0.001 * (number * 37 % 41)))
    finally:
        if options.train:
            screen.send("7xx")
            screen.read(0.5)
        screen.close()
        for burner in burners:
            burner.kill()
            burner.wait()
    with open(trace, newline="") as file:
        rows = list(csv.DictReader(file))
    held = recorded(directory) if options.hold else True
    shutil.rmtree(directory)
    inputs = [int(row["latency_us"]) / 1000 for row in rows if row["cause"] == "input"]
    print(f"{len(inputs)} frames after keys, ms from the key's reading to the frame: {percentiles(inputs)[0]}")
    if not sent:
        sent = [float(row["at_ms"]) - int(row["latency_us"]) / 1000 for row in rows if row["cause"] == "input"]
    text, worst = percentiles(from_sending(rows, sent))
    print(f"ms from the key's sending to the frame: {text}")
    if options.knob:
        text, worst = percentiles(to_mask(rows))
        print(f"ms from a turned knob to the frame with its mask: {text}")
    drawing = [(int(row["view_us"]) + int(row["present_us"])) / 1000 for row in rows]
    print(f"{len(rows)} frames in all, ms to draw and send one: {percentiles(drawing)[0]}")
    busy = [count for count in bursts if count]
    if busy:
        print(f"bytes after a key: median {sorted(busy)[len(busy) // 2]}, most {max(busy)}")
    if not held:
        sys.exit("dense against dense was told apart while a key was held down")
    if worst > options.limit:
        sys.exit(f"the 99th percentile is above {options.limit:g} ms")


if __name__ == "__main__":
    main()
