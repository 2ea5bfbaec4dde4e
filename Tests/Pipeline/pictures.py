"""Reads a replay's SVG frames with an XML parser: pictures.py DIRECTORY FRAME_TEXT

Every frame must be well formed, hold only rectangles and text within its own size, and the last one must
say, as real text, what the replay printed as its last frame.
"""
import pathlib, re, sys
import xml.etree.ElementTree as tree

directory, printed = pathlib.Path(sys.argv[1]), open(sys.argv[2], encoding="utf-8").read()
frames = sorted(directory.glob("*.svg"))
assert frames, "no frames"
space = "{http://www.w3.org/2000/svg}"
for frame in frames:
    picture = tree.parse(frame).getroot()
    assert picture.tag == space + "svg", f"{frame}: {picture.tag}"
    width, height = float(picture.get("width")), float(picture.get("height"))
    assert picture.get("viewBox").split() == ["0", "0", picture.get("width"), picture.get("height")]
    assert picture.findtext(space + "title").strip(), f"{frame}: no title"
    for part in picture.iter():
        kind = part.tag.removeprefix(space)
        assert kind in ("svg", "title", "style", "g", "rect", "path", "text"), f"{frame}: <{kind}>"
        if kind == "text":
            assert 0 <= float(part.get("x")) < width and 0 < float(part.get("y")) <= height
words = set(re.findall(r"[A-Za-z]{4,}", "".join(picture.itertext())))
missing = {word for word in re.findall(r"[A-Za-z]{4,}", printed) if word not in words}
assert not missing, f"{frame} lacks {sorted(missing)[:5]}"
print(len(frames), "frames")
