"""The export files of well-known systems: each format knows its columns and turns rows into facts.

A format is recognised by its header line (and, where the vendor puts it there, by the file's name). A new one is a
module here and a line in `FORMATS`; what no format knows is read through a mapping file.
"""

from __future__ import annotations

from segue.intake.errors import OptionError
from segue.intake.formats.bigcommerce import FORMATS as BIGCOMMERCE
from segue.intake.formats.braze import FORMATS as BRAZE
from segue.intake.formats.columns import Columns
from segue.intake.formats.format import Door, Format, Options
from segue.intake.formats.klaviyo import FORMATS as KLAVIYO
from segue.intake.formats.magento import FORMATS as MAGENTO
from segue.intake.formats.mailchimp import FORMATS as MAILCHIMP
from segue.intake.formats.sendgrid import FORMATS as SENDGRID
from segue.intake.formats.shopify import FORMATS as SHOPIFY
from segue.intake.formats.twilio import FORMATS as TWILIO
from segue.intake.formats.woocommerce import FORMATS as WOOCOMMERCE

#: Most particular first: the first that recognises a file reads it.
FORMATS: tuple[Format, ...] = (
    *SHOPIFY, *WOOCOMMERCE, *MAGENTO, *BIGCOMMERCE, *KLAVIYO, *MAILCHIMP, *BRAZE, *SENDGRID, *TWILIO,
)  # fmt: skip


def format_named(name: str) -> Format:
    """Return the format called `name`; raises OptionError with the names there are."""
    for one in FORMATS:
        if one.name == name:
            return one
    raise OptionError(f"there is no format {name}; known are {', '.join(one.name for one in FORMATS)}")


def recognised(columns: tuple[str, ...], file_name: str) -> Format | None:
    """Return the format that a file with these columns and this name has, if one is known."""
    return next((one for one in FORMATS if one.recognises(columns, file_name)), None)


__all__ = ["FORMATS", "Columns", "Door", "Format", "Options", "format_named", "recognised"]
