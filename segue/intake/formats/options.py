"""Which of a product's options is its size and which its colour, by the name the shop gave it. Data."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIZE_WORDS = (
    "size sizes sizing größe grösse groesse grössen größen taille tailles pointure talla tallas talle taglia taglie "
    "tamanho tamanhos maat maten storlek størrelse stoerrelse koko rozmiar velikost veľkosť méret marime mărime beden "
    "velicina veličina размер розмір μέγεθος サイズ 尺码 尺寸 尺碼 사이즈 ukuran ขนาด"
)
_COLOUR_WORDS = (
    "color colors colour colours farbe farben couleur couleurs coloris colore colori cor cores kleur kleuren färg "
    "farve farge väri kolor barva farba szín culoare renk boja цвет колір χρώμα カラー 色 颜色 顏色 색상 warna สี"
)
_SIZE, _COLOUR = frozenset(_SIZE_WORDS.split()), frozenset(_COLOUR_WORDS.split())
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 32


def size_and_colour(names: Sequence[str], values: Sequence[str]) -> tuple[str | None, str | None]:
    """Return a variant's size and colour; None where no option is one. Two sizes (waist, length) read `32/34`."""
    return _of(_SIZE, names, values), _of(_COLOUR, names, values)


def _of(words: frozenset[str], names: Sequence[str], values: Sequence[str]) -> str | None:
    found = [
        value
        for name, value in zip(names, values, strict=True)
        if value and not words.isdisjoint(_WORD.findall(name.casefold()))
    ]
    text = "/".join(found)
    return text if 0 < len(text) <= _LONGEST else None
