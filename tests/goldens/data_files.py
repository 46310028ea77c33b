#!/usr/bin/env python3
"""Writes ../Core/Goldens/data-files.json: NumPy's files and Pillow's images, in base64, with the values that these read from them.

Debian's python3-numpy 1.24 and python3-pil 9.4 made the file that is kept. A JPEG's values are one decoder's: another's differ by a few.
"""
import base64
import io
import json
import pathlib

import numpy as np
from PIL import Image


def bytes_of(write):
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def array(values, name, write):
    return {"name": name, "shape": list(values.shape), "values": [float(v) for v in values.ravel()], "file": base64.b64encode(bytes_of(write)).decode()}


def image(pixels, name, **options):
    file = bytes_of(lambda stream: pixels.save(stream, **options))
    read = Image.open(io.BytesIO(file))
    colour, grey = np.array(read.convert("RGB")).transpose(2, 0, 1), np.array(read.convert("RGB").convert("L"))
    return {"name": name, "height": grey.shape[0], "width": grey.shape[1], "colour": colour.ravel().tolist(), "grey": grey.ravel().tolist(), "file": base64.b64encode(file).decode()}


def main():
    draw = np.random.RandomState(3)
    whole = np.arange(24, dtype=np.uint8).reshape(3, 2, 4) * 10
    classes = np.array([7, -9, 7], dtype=np.int64)
    arrays = [array(whole.astype(kind), kind, lambda stream, kind=kind: np.save(stream, whole.astype(kind)))
              for kind in ["|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8", "<f4", "<f8", "|b1"]]
    arrays.append(array(whole, "npz", lambda stream: np.savez(stream, inputs=whole, labels=classes)))
    arrays.append(array(whole / np.float32(8), "packed npz", lambda stream: np.savez_compressed(stream, x=whole / np.float32(8), y=classes)))
    refused = [array(whole, "fortran", lambda stream: np.save(stream, np.asfortranarray(whole))), array(whole, "big", lambda stream: np.save(stream, whole.astype(">f4"))),
               array(whole, "half", lambda stream: np.save(stream, whole.astype("<f2")))]
    rough = draw.randint(0, 256, (5, 7, 3), dtype=np.uint8)
    rows, columns = np.mgrid[0:13, 0:18]
    smooth = np.stack([rows * 15, columns * 12, 255 - rows * 9 - columns * 6], 2).astype(np.uint8)
    images = [
        image(Image.fromarray(rough), "rgb.png", format="png"), image(Image.fromarray(rough[..., 0]), "grey.png", format="png"),
        image(Image.fromarray(rough).quantize(9), "palette.png", format="png"), image(Image.fromarray(rough[..., 0] > 99), "bits.png", format="png"),
        image(Image.fromarray(np.dstack([rough, rough[..., :1]])), "alpha.png", format="png"),
        image(Image.fromarray(smooth), "rgb.jpg", format="jpeg", quality=95, subsampling=0), image(Image.fromarray(smooth), "halved.jpg", format="jpeg", quality=95, subsampling=2),
        image(Image.fromarray(smooth[..., 0]), "grey.jpg", format="jpeg", quality=95), image(Image.fromarray(smooth), "progressive.jpg", format="jpeg", quality=95, progressive=True),
    ]
    text = json.dumps({"arrays": arrays, "refused": refused, "images": images}, indent=0, separators=(",", ":"))
    (pathlib.Path(__file__).parent / "../Core/Goldens/data-files.json").write_text(text.replace(",\n", ",").replace("[\n", "[").replace("{\"name\"", "\n{\"name\"") + "\n")


main()
