"""How the Prefect server tells colleagues something: by a webhook, or by mail.

Every Prefect process imports this file (entry point `prefect.collections`), so it imports little. Prefect's own
webhook block writes its address, which is a secret, into the server's log when the receiver answers with an error;
these say what went wrong and never where it was sent.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid
from http.client import HTTPException, InvalidURL
from typing import Any, ClassVar, Final

from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.types import SecretDict
from pydantic import Field, SecretStr

#: Waits before the second and the third try, in seconds.
WAITS: Final = (2.0, 10.0)
_TIMEOUT: Final = 10.0
_REFUSALS: Final[dict[type[Exception], str]] = {
    smtplib.SMTPNotSupportedError: "the mail server does not offer STARTTLS or a login; check port and starttls",
    ssl.SSLCertVerificationError: "the mail server shows a certificate that is not trusted; check host or ca_file",
    UnicodeEncodeError: "the mail server's login holds signs beyond ASCII, which it cannot carry",
    FileNotFoundError: "the mail server's ca_file does not exist; check its path",
}


class RefusedError(Exception):
    """It was refused; the same again would be, too."""


class BusyError(Exception):
    """It did not work this time."""


class WebhookNotice(NotificationBlock):
    """Posts {"text": "..."} to an incoming webhook."""

    _block_type_name: ClassVar[str] = "Segue webhook"

    url: SecretStr = Field(title="Address", description="The webhook's address. Whoever has it may post there.")

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Post it; raises NotificationError once it was refused, or did not work three times."""
        text = "\n".join(filter(None, (subject, body)))
        await _patiently(lambda: _post(self.url.get_secret_value(), text), self.logger.warning)


class MailNotice(NotificationBlock):
    """Mails colleagues in plain text."""

    _block_type_name: ClassVar[str] = "Segue e-mail"

    sender: str = Field(title="From", description="Address it comes from.")
    to: SecretStr = Field(title="To", description="Addresses, separated by commas.")
    server: SecretDict = Field(
        title="Mail server", description="host, port, username, password, starttls, ssl and ca_file."
    )

    async def notify(self, body: str, subject: str | None = None) -> None:
        """Mail it; raises NotificationError once it was refused, or did not work three times."""
        mail = EmailMessage()
        mail["From"] = formataddr(("Segue", self.sender))
        mail["To"] = self.to.get_secret_value()
        mail["Subject"] = " ".join((subject or "Segue").split())
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(body)
        server = self.server.get_secret_value()
        await _patiently(lambda: _mail(server, mail), self.logger.warning)


async def _patiently(act: Callable[[], None], warn: Callable[[str], None]) -> None:
    """Try again where it may help: rather told twice than never."""
    for wait in (*WAITS, None):
        try:
            return await asyncio.to_thread(act)
        except RefusedError as error:
            said = f"A notification was not sent: {error}."
            break
        except BusyError as error:
            said = f"A notification was not sent: {error}."
            if wait is not None:
                await asyncio.sleep(wait)
    warn(said)
    raise NotificationError(said)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Led elsewhere, a POST would become a GET, and nobody would be told."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


_opener: Final = urllib.request.build_opener(_Stay)


def _post(address: str, text: str) -> None:
    try:
        request = urllib.request.Request(  # noqa: S310 - the settings allow web addresses only
            address,
            data=json.dumps({"text": text}).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "Segue"},
        )
        with _opener.open(request, timeout=_TIMEOUT):
            return
    except urllib.error.HTTPError as error:
        error.close()
        kind = BusyError if error.code == 429 or error.code >= 500 else RefusedError
        raise kind(f"the webhook answered {error.code}") from None
    except (InvalidURL, ValueError):
        raise RefusedError("the webhook's address is no web address; check SEGUE_NOTIFY_WEBHOOK") from None
    except (OSError, HTTPException) as error:
        raise BusyError(f"the webhook is out of reach ({_kind(error)})") from None


def _mail(server: dict[str, Any], mail: EmailMessage) -> None:
    try:
        with _session(server) as session:
            refused = session.send_message(mail)
    except (OSError, smtplib.SMTPException, UnicodeEncodeError) as error:
        raise _without_addresses(error) from None
    if refused:
        raise RefusedError(f"the mail server refused {len(refused)} of the addresses; the others have it")


@contextmanager
def _session(server: dict[str, Any]) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=server["ca_file"] or None)
    if server["ssl"]:
        opened: smtplib.SMTP = smtplib.SMTP_SSL(server["host"], server["port"], timeout=_TIMEOUT, context=context)
    else:
        opened = smtplib.SMTP(server["host"], server["port"], timeout=_TIMEOUT)
    with opened as session:
        if server["starttls"]:
            session.starttls(context=context)
        if server["username"]:
            session.login(server["username"], server["password"])
        yield session


def _without_addresses(error: Exception) -> RefusedError | BusyError:
    """What went wrong; servers like to repeat addresses and names, so nothing of their text is kept."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _sorted(max(code for code, _ in error.recipients.values()), "all addresses")
    if isinstance(error, smtplib.SMTPResponseException):
        login = isinstance(error, smtplib.SMTPAuthenticationError)
        return _sorted(error.smtp_code, "the login" if login else "the mail")
    for kind, said in _REFUSALS.items():
        if isinstance(error, kind):
            return RefusedError(said)
    return BusyError(f"the mail server is out of reach or broke off ({_kind(error)})")


def _sorted(code: int, what: str) -> RefusedError | BusyError:
    return (RefusedError if code >= 500 else BusyError)(f"the mail server refused {what} ({code})")


def _kind(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return type(reason if isinstance(reason, Exception) else error).__name__
