#!/usr/bin/env python3
"""Draws what a terminal showed, recorded by script(1), as an SVG: the lines as they stood at the end, with one live line kept.

    script -qec "stty cols 110; distnet train examples/digits.yaml" recording.txt
    docs/images/terminal.py recording.txt docs/images/train.svg "distnet train examples/digits.yaml"
"""
import re
import sys
from html import escape

source, target, command = sys.argv[1:4]
COLOURS = {"32": "#4ec07a", "90": "#6b7280", "31": "#f07178"}
WIDTH, HEIGHT, PAD = 8.4, 18, 16

text = open(source, encoding="utf-8", newline="").read()
text = re.sub(r"\x1b(\[\?[0-9]*[a-z]|[=>])", "", text)
text = "\n".join(line for line in text.split("\n") if not line.startswith("Script "))
live = [part for part in re.findall(r"\r\x1b\[2K([^\r\n]*\x1b[^\r\n]*)", text) if "step" in part]
lines = [re.sub(r".*\x1b\[2K", "", line).rstrip("\r") for line in text.split("\n")]
lines = [re.sub(r"\x1b(?!\[[0-9;]*m)", "", line) for line in lines if line]
epochs = [i for i, line in enumerate(lines) if line.startswith("epoch")]
if len(epochs) > 9:
    lines = lines[:epochs[2] + 1] + ["…"] + lines[epochs[-5]:]
last = max(i for i, line in enumerate(lines) if line.startswith("epoch"))
lines = [f"$ {command}"] + lines[:last + 1] + live[-1:] + lines[last + 1:]


def spans(line):
    colour, parts = None, []
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", piece)
        if code:
            colour = COLOURS.get(code[1])
        elif piece:
            fill = f' fill="{colour}"' if colour else ""
            parts.append(f"<tspan{fill}>{escape(piece)}</tspan>")
    return "".join(parts)


plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
width = int(max(map(len, plain)) * WIDTH + 2 * PAD)
height = len(lines) * HEIGHT + 2 * PAD
rows = "\n".join(
    f'<text x="{PAD}" y="{PAD + 13 + i * HEIGHT}" xml:space="preserve" textLength="{len(plain[i]) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">{spans(line)}</text>'
    for i, line in enumerate(lines))
open(target, "w", encoding="utf-8").write(
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
    f'<rect width="100%" height="100%" rx="8" fill="#16181d"/>\n'
    f'<g font-family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#d7dae0">\n{rows}\n</g>\n</svg>\n')
