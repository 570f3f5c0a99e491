"""What makes a test message look like one: nobody may take it for the real thing."""

from __future__ import annotations

import re
from dataclasses import replace

from segue.contract import EmailContent, PrintContent, SmsContent
from segue.render.errors import TemplateError
from segue.render.sms import segments

SUBJECT = "[TEST] "
SMS = "TEST "
_SAYS = "Test message with sample data: no customer got it, and its codes are worth nothing."
#: Black on yellow by day and by night, whatever the mail's own colours are.
_BAND = (
    '<div role="note" style="margin:0;padding:14px 20px;background:#ffd400;background-image:linear-gradient(#ffd400,'
    '#ffd400);color:#1a1a1a;font:700 15px/22px Helvetica,Arial,sans-serif;text-align:center;">'
    f"TEST &middot; {_SAYS}</div>"
)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


def marked_as_test(content: EmailContent | SmsContent | PrintContent) -> EmailContent | SmsContent:
    """Return `content` marked in all that is read of it: subject, text and HTML of a mail, the beginning of an SMS.

    Raises TemplateError where a mail has no body to put the band on.
    """
    if isinstance(content, SmsContent):
        text = SMS + content.text
        return SmsContent(text=text, segments=segments(text)[1])
    if isinstance(content, PrintContent):
        raise TypeError("a printed page is looked at in a preview; there is no test of it")
    html, bands = _BODY.subn(lambda found: found[0] + _BAND, content.html, count=1)
    if not bands:
        raise TemplateError("test", "the HTML has no <body>, so a test of it could not be marked")
    return replace(
        content, subject=SUBJECT + content.subject, text=f"TEST: {_SAYS}\n\n{content.text}", html=html, pieces=None
    )
