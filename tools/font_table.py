"""Writes src/encode/font_table.h: the glyphs of Pillow's default font (Aileron by Sora Sagano, CC0) at 10 pixels.

    python tools/font_table.py > src/encode/font_table.h        (needs Pillow 10.1 or newer with FreeType)
"""
from PIL import ImageFont

FIRST, LAST = 32, 126
MISSING = "\u65e5"  # any character the font lacks: the box that stands for all of them


def glyph(font, text):
    mask, (left, top) = font.getmask2(text, mode="L")
    width, height = mask.size
    return int(font.getlength(text)), left, top, width, height, bytes(mask)


def main():
    font = ImageFont.load_default()
    texts = [chr(c) for c in range(FIRST, LAST + 1)] + [MISSING]
    data, rows = b"", []
    for text in texts:
        advance, left, top, width, height, mask = glyph(font, text)
        rows.append(f"  {{{advance}, {left}, {top}, {width}, {height}, {len(data)}}},")
        data += mask
    print("/* font_table.h - glyphs of the font Aileron (Sora Sagano, CC0) at 10 pixels, made by tools/font_table.py:")
    print(" * those of the characters 32 to 126, then the one for all others. Included by font.c alone. */")
    print("static const glyph GLYPHS[] = {")
    print("\n".join(rows))
    print("};\n\nstatic const unsigned char COVERAGE[] = {")
    line = " "
    for byte in data:
        piece = f" {byte},"
        if len(line) + len(piece) > 118:
            print(line)
            line = " "
        line += piece
    print(line + "\n};")


main()
