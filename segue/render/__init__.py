"""From templates and a person's words to mails and texts; the brand; links.

Knows nothing of who is written to, or when: it is given words and a message's number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.lazily import lazily

if TYPE_CHECKING:
    from segue.render.brand import Brand, load_brand
    from segue.render.errors import BadTokenError, BrandError, RenderError, TemplateError
    from segue.render.links import Links, Slot, Tags, tagged, tags_of
    from segue.render.sms import segments
    from segue.render.templates import Library, StepTemplate
else:
    __getattr__ = lazily(
        __name__,
        {
            "segue.render.brand": ("Brand", "load_brand"),
            "segue.render.errors": ("BadTokenError", "BrandError", "RenderError", "TemplateError"),
            "segue.render.links": ("Links", "Slot", "Tags", "tagged", "tags_of"),
            "segue.render.sms": ("segments",),
            "segue.render.templates": ("Library", "StepTemplate"),
        },
    )

__all__ = [
    "BadTokenError",
    "Brand",
    "BrandError",
    "Library",
    "Links",
    "RenderError",
    "Slot",
    "StepTemplate",
    "Tags",
    "TemplateError",
    "load_brand",
    "segments",
    "tagged",
    "tags_of",
]
