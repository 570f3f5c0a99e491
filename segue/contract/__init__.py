"""The public, versioned border of Segue: the only package a third-party connector imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue.contract.each import reason_of, retry_after_of, send_each
from segue.contract.errors import (
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
    UnsupportedError,
)
from segue.contract.mail import Attachment, MailFrame, encode_header, one_line, require_address, unsubscribe_headers
from segue.contract.protocols import (
    AudienceConnector,
    CatalogueConnector,
    Leaving,
    MessageConnector,
    OfferConnector,
    PricedConnector,
    PrintConnector,
)
from segue.contract.types import (
    AUDIENCE_GONE,
    IDENTIFIER_KINDS,
    NAMING_KINDS,
    AudienceChange,
    Capabilities,
    CatalogueItem,
    Channel,
    Content,
    Cost,
    EmailContent,
    Key,
    Members,
    Message,
    Outcome,
    Pieces,
    PrintContent,
    Redemption,
    Result,
    SmsContent,
    Voucher,
    accepted,
    deferred,
    rejected,
    uncertain,
)
from segue.lazily import lazily

if TYPE_CHECKING:
    from segue.contract.page import PageError, PageFrame, qr_svg, read_page
else:  # paper needs a typesetter and its fonts
    __getattr__ = lazily(__name__, {"segue.contract.page": ("PageError", "PageFrame", "qr_svg", "read_page")})

#: Raised when a connector written for an older version would break.
CONTRACT_VERSION = 1

__all__ = [
    "AUDIENCE_GONE",
    "CONTRACT_VERSION",
    "IDENTIFIER_KINDS",
    "NAMING_KINDS",
    "Attachment",
    "AudienceChange",
    "AudienceConnector",
    "Capabilities",
    "CatalogueConnector",
    "CatalogueItem",
    "Channel",
    "ConfigurationError",
    "ConnectorError",
    "Content",
    "Cost",
    "EmailContent",
    "Key",
    "Leaving",
    "MailFrame",
    "Members",
    "Message",
    "MessageConnector",
    "OfferConnector",
    "Outcome",
    "PageError",
    "PageFrame",
    "Pieces",
    "PricedConnector",
    "PrintConnector",
    "PrintContent",
    "Redemption",
    "RejectedError",
    "Result",
    "SmsContent",
    "TransientError",
    "UncertainError",
    "UnsupportedError",
    "Voucher",
    "accepted",
    "deferred",
    "encode_header",
    "one_line",
    "qr_svg",
    "read_page",
    "reason_of",
    "rejected",
    "require_address",
    "retry_after_of",
    "send_each",
    "uncertain",
    "unsubscribe_headers",
]
