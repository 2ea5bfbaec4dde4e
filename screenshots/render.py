"""Terminal text with colours on standard input -> a PNG picture.

    tmux capture-pane -p -e -N | python3 render.py OUT.png [--size 16]

Needs Pillow and the DejaVu Sans Mono fonts (Debian: python3-pil, fonts-dejavu-core). The same input
gives the same bytes. Block, quadrant, braille and line characters are drawn and not taken from the
font, so that they meet without gaps, as they do in a good terminal.
"""

import argparse
import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
FOREGROUND, BACKGROUND = (229, 229, 229), (18, 18, 18)
BASE = [
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (60, 110, 238), (205, 60, 205),
    (0, 205, 205), (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
]
LEVELS = [0, 95, 135, 175, 215, 255]
QUADRANTS = {
    0x2596: 4, 0x2597: 8, 0x2598: 1, 0x2599: 13, 0x259A: 9, 0x259B: 7, 0x259C: 11, 0x259D: 2,
    0x259E: 6, 0x259F: 14,
}
# Which arms a line character has: light ones small, heavy ones capital.
ARMS = {
    "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "udr", "┤": "udl",
    "┬": "lrd", "┴": "lru", "┼": "lrud", "━": "LR", "┃": "UD", "┏": "RD", "┓": "LD", "┗": "RU",
    "┛": "LU", "┣": "UDR", "┫": "UDL", "┳": "LRD", "┻": "LRU", "╋": "LRUD",
}
TOKEN = re.compile(r"\x1b\[([\d;:]*)m|\x1b[()][A-Z0-9]|[\x0e\x0f]|([^\x1b])")


def palette(index):
    if index < 16:
        return BASE[index]
    if index < 232:
        index -= 16
        return (LEVELS[index // 36], LEVELS[index // 6 % 6], LEVELS[index % 6])
    grey = 8 + 10 * (index - 232)
    return (grey, grey, grey)


class Pen:
    """The state that escape sequences change."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.foreground, self.background = FOREGROUND, BACKGROUND
        self.bold = self.dim = self.underline = self.reverse = False

    def apply(self, codes):
        i = 0
        while i < len(codes):
            code = codes[i]
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 4:
                self.underline = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 24:
                self.underline = False
            elif code == 27:
                self.reverse = False
            elif 30 <= code < 38:
                self.foreground = BASE[code - 30]
            elif 40 <= code < 48:
                self.background = BASE[code - 40]
            elif 90 <= code < 98:
                self.foreground = BASE[code - 82]
            elif 100 <= code < 108:
                self.background = BASE[code - 92]
            elif code == 39:
                self.foreground = FOREGROUND
            elif code == 49:
                self.background = BACKGROUND
            elif code in (38, 48):
                if codes[i + 1] == 5:
                    color, i = palette(codes[i + 2]), i + 2
                else:
                    color, i = tuple(codes[i + 2 : i + 5]), i + 4
                if code == 38:
                    self.foreground = color
                else:
                    self.background = color
            i += 1

    def colors(self):
        ink, paper = self.foreground, self.background
        if self.reverse:
            ink, paper = paper, ink
        if self.dim:
            ink = tuple((6 * a + 4 * b) // 10 for a, b in zip(ink, paper))
        return ink, paper


def parse(text):
    """Rows of (character, ink, paper, bold, underline, columns)."""
    pen, rows = Pen(), []
    for line in text.rstrip("\n").split("\n"):
        row = []
        for match in TOKEN.finditer(line):
            if match.group(2):
                ink, paper = pen.colors()
                columns = 2 if unicodedata.east_asian_width(match.group(2)) in "WF" else 1
                row.append((match.group(2), ink, paper, pen.bold, pen.underline, columns))
            elif match.group(1) is not None:
                pen.apply([int(code or 0) for code in re.split("[;:]", match.group(1))])
        rows.append(row)
    return rows


class Picture:
    def __init__(self, rows, size):
        self.font = ImageFont.truetype(FONTS % "", size)
        self.bold = ImageFont.truetype(FONTS % "-Bold", size)
        self.width = round(self.font.getlength("M"))
        ascent, descent = self.font.getmetrics()
        self.height = (ascent + descent + 3) // 4 * 4  # whole dots of braille
        columns = max((sum(cell[5] for cell in row) for row in rows), default=1)
        self.image = Image.new(
            "RGB", (max(1, columns) * self.width, max(1, len(rows)) * self.height), BACKGROUND)
        self.draw = ImageDraw.Draw(self.image)
        for y, row in enumerate(rows):
            x = 0
            for cell in row:
                self.cell(x * self.width, y * self.height, *cell)
                x += cell[5]

    def parts(self, x, y, across, down, bits, color):
        for j in range(down):
            for i in range(across):
                if bits >> (j * across + i) & 1:
                    self.draw.rectangle(
                        [x + i * self.width // across, y + j * self.height // down,
                         x + (i + 1) * self.width // across - 1,
                         y + (j + 1) * self.height // down - 1], fill=color)

    def arms(self, x, y, arms, color):
        middle_x, middle_y = x + self.width // 2, y + self.height // 2
        ends = {"l": (x, middle_y), "r": (x + self.width - 1, middle_y),
                "u": (middle_x, y), "d": (middle_x, y + self.height - 1)}
        for arm in arms:
            self.draw.line([middle_x, middle_y, *ends[arm.lower()]], fill=color,
                           width=3 if arm.isupper() else 1)

    def braille(self, x, y, bits, color):
        radius = max(1, self.width / 8)
        for bit in range(8):
            if bits >> bit & 1:
                i, j = (0, bit) if bit < 3 else (1, bit - 3) if bit < 6 else (bit - 6, 3)
                cx, cy = x + (2 * i + 1) * self.width / 4, y + (2 * j + 1) * self.height / 8
                self.draw.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=color)

    def cell(self, x, y, character, ink, paper, bold, underline, columns):
        code = ord(character)
        right, bottom = x + columns * self.width - 1, y + self.height - 1
        if paper != BACKGROUND:
            self.draw.rectangle([x, y, right, bottom], fill=paper)
        if underline:
            self.draw.line([x, bottom - 1, right, bottom - 1], fill=ink)
        if code == 0x2580:
            self.parts(x, y, 1, 2, 1, ink)
        elif 0x2581 <= code <= 0x2588:
            top = bottom + 1 - round(self.height * (code - 0x2580) / 8)
            self.draw.rectangle([x, top, right, bottom], fill=ink)
        elif 0x2589 <= code <= 0x258F:
            end = x + max(1, round(self.width * (0x2590 - code) / 8)) - 1
            self.draw.rectangle([x, y, end, bottom], fill=ink)
        elif code == 0x2590:
            self.parts(x, y, 2, 1, 2, ink)
        elif 0x2591 <= code <= 0x2593:
            mixed = tuple(round(b + (a - b) * (code - 0x2590) / 4) for a, b in zip(ink, paper))
            self.draw.rectangle([x, y, right, bottom], fill=mixed)
        elif code in QUADRANTS:
            self.parts(x, y, 2, 2, QUADRANTS[code], ink)
        elif 0x2800 <= code <= 0x28FF:
            self.braille(x, y, code - 0x2800, ink)
        elif character in ARMS:
            self.arms(x, y, ARMS[character], ink)
        elif character != " ":
            self.draw.text((x, y), character, font=self.bold if bold else self.font, fill=ink)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=16, help="of the font, in pixels")
    options = parser.parse_args()
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    Picture(parse(text), options.size).image.save(options.out, optimize=True)


if __name__ == "__main__":
    main()
