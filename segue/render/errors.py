"""What can go wrong between a template and a message.

    RenderError
    ├── BrandError      the brand file is wrong; nothing can be rendered until it is mended
    ├── TemplateError   a template is wrong, or one person's words do not fill it; that message is skipped
    └── BadTokenError   a link's token was not made here, was changed, or is of another kind

A text names the template, the field and the cure, never what a person's words were.
"""

from __future__ import annotations


class RenderError(Exception):
    """Something could not be rendered or read back."""


class BrandError(RenderError):
    """The brand file lacks a field or holds a wrong one."""


class TemplateError(RenderError):
    """A template cannot be compiled, or cannot be filled with what it was given."""

    def __init__(self, template: str, message: str) -> None:
        super().__init__(f"{template}: {message}")
        self.template = template


class BadTokenError(RenderError):
    """A token is not one of ours; answer as if the page did not exist."""
