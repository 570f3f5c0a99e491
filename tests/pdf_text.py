"""What a PDF's page says."""

from __future__ import annotations

from pypdf import PageObject


def letters_of(page: PageObject) -> str:
    """The page's letters without any space: kerned letters come apart when text is read back, `A1E JR` for `A1EJR`."""
    return "".join(page.extract_text().split())
