"""From templates and a person's words to mails and texts; the brand; links.

Knows nothing of who is written to, or when: it is given words and a message's number.
"""

from segue.render.brand import Brand, load_brand
from segue.render.errors import BadTokenError, BrandError, RenderError, TemplateError
from segue.render.links import Links, Slot, Tags, tagged, tags_of
from segue.render.sms import segments
from segue.render.templates import Library, StepTemplate

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
