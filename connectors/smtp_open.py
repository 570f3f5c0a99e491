"""Opening a connection: greeting, EHLO, TLS and login, by the standard library's `smtplib`.

Speed does not matter here, and `smtplib` knows the ways to log in. What goes wrong is sorted by what to do next.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from functools import lru_cache

from connectors.smtp_line import Line, Offers
from segue.contract import ConfigurationError, TransientError


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the mail goes, and how we are known there."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    starttls: bool
    tls: bool
    ca_file: str
    hello: str
    timeout: float
    most: int

    def open(self) -> Line:
        """Return a line ready for an envelope.

        Raises TransientError if the server is busy or out of reach, ConfigurationError if it will not have us.
        """
        where = f"the SMTP server {self.host}:{self.port}"
        try:
            session = self._connect()
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError(
                f"{where} shows a certificate that is not trusted; check host, or ca_file"
            ) from error
        except ssl.SSLError as error:
            raise ConfigurationError(f"{where} speaks no TLS we know; check port, ssl and starttls") from error
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError(f"{where} is out of reach or busy ({type(error).__name__})") from error
        try:
            self._greet(session, where)
        except BaseException:
            session.close()
            raise
        sock = session.sock
        if sock is None:
            raise TransientError(f"{where} closed the connection")
        return Line(sock, _offers(session), timeout=self.timeout, most=self.most)

    def _connect(self) -> smtplib.SMTP:
        hello = self.hello or _own_name()
        if self.tls:
            context = self._context()
            return smtplib.SMTP_SSL(self.host, self.port, hello, timeout=self.timeout, context=context)
        return smtplib.SMTP(self.host, self.port, hello, timeout=self.timeout)

    def _greet(self, session: smtplib.SMTP, where: str) -> None:
        try:
            session.ehlo_or_helo_if_needed()
            if self.starttls and not self.tls:
                session.starttls(context=self._context())
                session.ehlo_or_helo_if_needed()
            if self.username:
                session.login(self.username, self.password)
        except smtplib.SMTPAuthenticationError as error:
            # The cause is left out: servers repeat the user's name in their answer.
            if error.smtp_code < 500:
                raise TransientError(f"{where} cannot check logins for now") from None
            raise ConfigurationError(
                f"{where} refused the login; check the smtp connector's username and password"
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            missing = "STARTTLS" if not session.has_extn("starttls") and self.starttls and not self.tls else "a login"
            raise ConfigurationError(
                f"{where} does not offer {missing}; check port, starttls, ssl and username"
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError(
                f"{where} shows a certificate that is not trusted; check host, or ca_file"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TransientError(f"{where} broke off its greeting ({type(error).__name__})") from None

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except FileNotFoundError as error:
            raise ConfigurationError("the smtp connector's ca_file does not exist; check its path") from error


@lru_cache(maxsize=1)
def _own_name() -> str:
    """Name this machine in full; asked once, since the look-up may be slow."""
    return socket.getfqdn()


def _offers(session: smtplib.SMTP) -> Offers:
    largest = session.esmtp_features.get("size", "")
    return Offers(
        pipelining=session.has_extn("pipelining"),
        utf8=session.has_extn("smtputf8"),
        size=session.has_extn("size"),
        largest=int(largest) if largest.isdigit() else 0,
    )
