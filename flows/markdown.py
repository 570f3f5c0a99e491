"""Markdown for pages: what somebody typed is shown as it was typed."""

from __future__ import annotations

_SIGNS = frozenset("|\\`*_[]<>#~")


def escaped(text: str) -> str:
    """Return `text` so that no sign of it is taken for markup; on one line."""
    return "".join(f"\\{sign}" if sign in _SIGNS else sign for sign in " ".join(text.split()))
