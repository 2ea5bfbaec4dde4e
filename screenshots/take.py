"""Runs a program in a terminal of its own, presses keys, and saves what it shows as a PNG.

    python3 take.py OUT.png [--columns 140] [--rows 42] [--keys "m 2 Down :text Enter"] -- PROGRAM ...

Needs tmux besides what render.py needs. Keys are tmux's names (Enter, Escape, Down, C-r) or single
characters; `text:...` types a word, `wait:TEXT` waits until the screen shows it, `gone:TEXT` until it
shows it no more, `shot:FILE.png` takes a picture on the way. Before a picture is taken the screen has
to stand still for `--quiet` seconds.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import render


class Screen:
    def __init__(self, columns, rows, program, environment):
        self.socket = os.path.join(tempfile.mkdtemp(prefix="screenshot-"), "tmux")
        settings = [word for name in environment for word in ("-e", name)]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  *settings, *program)
        self.tmux("set-option", "-g", "remain-on-exit", "on")

    def tmux(self, *arguments):
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        environment.pop("TMUX", None)
        done = subprocess.run(["tmux", "-S", self.socket, *arguments], env=environment,
                              capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"tmux {arguments[0]}: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def text(self):
        return self.tmux("capture-pane", "-p", "-e", "-N")

    def settle(self, quiet, limit):
        """Waits until nothing has changed for `quiet` seconds; an error after `limit` seconds."""
        deadline = time.monotonic() + limit
        last, since = None, time.monotonic()
        while time.monotonic() < deadline:
            now = self.text()
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= quiet and now.strip():
                return now
            time.sleep(0.05)
        sys.exit(f"the screen still changed after {limit:g} s")

    def press(self, key, limit):
        if key.startswith("text:"):
            self.tmux("send-keys", "-l", key[5:])
        elif key.startswith(("wait:", "gone:")):
            deadline = time.monotonic() + limit
            wanted = key.startswith("wait:")
            while (key[5:] in self.tmux("capture-pane", "-p")) != wanted:
                if time.monotonic() > deadline:
                    sys.exit(f"waited for '{key}' more than {limit:g} s")
                time.sleep(0.05)
        else:
            self.tmux("send-keys", key)
        time.sleep(0.1)

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(os.path.dirname(self.socket), ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--columns", type=int, default=140)
    parser.add_argument("--rows", type=int, default=42)
    parser.add_argument("--keys", default="", help="separated by blanks")
    parser.add_argument("--size", type=int, default=16, help="of the font, in pixels")
    parser.add_argument("--quiet", type=float, default=1.0, help="seconds without a change")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for any wait")
    parser.add_argument("--environment", action="append", default=[], metavar="NAME=VALUE")
    if "--" not in sys.argv[:-1]:
        parser.error("name the program to run after --")
    split = sys.argv.index("--")
    options, program = parser.parse_args(sys.argv[1:split]), sys.argv[split + 1 :]
    screen = Screen(options.columns, options.rows, program, options.environment)
    try:
        screen.settle(min(options.quiet, 0.5), options.limit)
        for key in options.keys.split():
            if key.startswith("shot:"):
                picture(screen.settle(options.quiet, options.limit), key[5:], options.size)
            else:
                screen.press(key, options.limit)
        picture(screen.settle(options.quiet, options.limit), options.out, options.size)
    finally:
        screen.close()


def picture(text, path, size):
    render.Picture(render.parse(text), size).image.save(path, optimize=True)


if __name__ == "__main__":
    main()
