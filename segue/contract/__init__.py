"""The public, versioned border of Segue: the only package a third-party connector imports."""

from segue.contract.each import reason_of, retry_after_of, send_each
from segue.contract.errors import (
    ConfigurationError,
    ConnectorError,
    RejectedError,
    TransientError,
    UncertainError,
    UnsupportedError,
)
from segue.contract.mail import MailFrame, encode_header
from segue.contract.page import PageError, PageFrame, qr_svg, read_page
from segue.contract.protocols import (
    AudienceConnector,
    Leaving,
    MessageConnector,
    OfferConnector,
    PrintConnector,
)
from segue.contract.types import (
    AudienceChange,
    Capabilities,
    Channel,
    Content,
    EmailContent,
    Key,
    Message,
    Outcome,
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

#: Raised when a connector written for an older version would break.
CONTRACT_VERSION = 1

__all__ = [
    "CONTRACT_VERSION",
    "AudienceChange",
    "AudienceConnector",
    "Capabilities",
    "Channel",
    "ConfigurationError",
    "ConnectorError",
    "Content",
    "EmailContent",
    "Key",
    "Leaving",
    "MailFrame",
    "Message",
    "MessageConnector",
    "OfferConnector",
    "Outcome",
    "PageError",
    "PageFrame",
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
    "qr_svg",
    "read_page",
    "reason_of",
    "rejected",
    "retry_after_of",
    "send_each",
    "uncertain",
]
