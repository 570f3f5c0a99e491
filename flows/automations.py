"""Tell colleagues when a run failed, waits, is unusually large or small, or does not start: Prefect's own automations.

They run in the Prefect server, so they tell even where no worker runs. What somebody switched off in the pages stays
off; the rest of them belongs to the code, as it does with deployments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.schemas.automations import Automation, AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from flows.blocks import MailNotice, WebhookNotice
from flows.notices import NOTICES
from segue.service import Receivers

#: How each block is called on the server.
WEBHOOK, MAIL = "segue-webhook", "segue-e-mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was done, as names, and who is told where."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    where: str


def sync_notices(receivers: Receivers, *, reset: bool = False) -> Told:
    """Bring the server's automations and blocks in line; `reset` switches on what somebody switched off.

    Without receivers ours are removed. Speaks to the server of PREFECT_API_URL.
    """
    with get_client(sync_client=True) as client:
        found = {one.name: one for notice in NOTICES for one in client.read_automations_by_name(notice.name)}
        blocks = [_kept(client, name, block) for name, block in _blocks(receivers).items() if block is not None]
        created, updated, removed = [], [], []
        for notice in NOTICES:
            here = found.get(notice.name)
            wanted = notice.automation(blocks, enabled=reset or here is None or here.enabled)
            if not blocks:
                if here is not None:
                    client.delete_automation(here.id)
                    removed.append(notice.name)
            elif here is None:
                client.create_automation(wanted)
                created.append(notice.name)
            elif _differ(here, wanted):
                # Updated, a trigger forgets whom it has told within the hour: only where it has to be.
                client.update_automation(here.id, wanted)
                updated.append(notice.name)
        for name, block in _blocks(receivers).items():
            if block is None:
                _forget(client, name)
    off = () if reset or not blocks else tuple(one.name for one in found.values() if not one.enabled)
    return Told(
        created=tuple(created),
        updated=tuple(updated),
        removed=tuple(removed),
        switched_off=off,
        where=where(receivers, off),
    )


def where(receivers: Receivers, switched_off: Sequence[str] = ()) -> str:
    """One line for who starts the site: where it is told, and no secret."""
    ways = []
    if receivers.webhook is not None:
        ways.append("a webhook")
    if receivers.mail is not None:
        count = len(receivers.mail.to)
        ways.append(f"e-mail to {count} address{'es' if count > 1 else ''}")
    if not ways:
        return (
            "Nobody is told when a run fails or waits for a yes: set SEGUE_NOTIFY_WEBHOOK or SEGUE_NOTIFY_EMAIL "
            "(docs/how-to/get-notified.md)"
        )
    off = f"; switched off in the pages: {', '.join(switched_off)}" if switched_off else ""
    return f"Failed, waiting, late and unusual runs are told by {' and '.join(ways)}{off}"


def _blocks(receivers: Receivers) -> dict[str, Block | None]:
    """Our blocks by name; None where one is not wanted."""
    mail = receivers.mail
    return {
        WEBHOOK: None if receivers.webhook is None else WebhookNotice(url=SecretStr(receivers.webhook)),
        MAIL: None
        if mail is None
        else MailNotice(
            sender=mail.sender,
            to=SecretStr(", ".join(mail.to)),
            server={
                "host": mail.host,
                "port": mail.port,
                "username": mail.username,
                "password": mail.password,
                "starttls": mail.starttls,
                "ssl": mail.ssl,
                "ca_file": mail.ca_file,
            },
        ),
    }


def _kept(client: SyncPrefectClient, name: str, wanted: Block) -> UUID:
    """Save a block where it is missing or another one; returns its id, which stays."""
    try:
        found = client.read_block_document_by_name(name, wanted.get_block_type_slug())
    except ObjectNotFound:
        return cast("UUID", wanted.save(name))
    if wanted.model_validate(found.data) != wanted:
        return cast("UUID", wanted.save(name, overwrite=True))
    return found.id


def _forget(client: SyncPrefectClient, name: str) -> None:
    """Delete a block, and with it what it kept secret."""
    kind = WebhookNotice if name == WEBHOOK else MailNotice
    try:
        found = client.read_block_document_by_name(name, kind.get_block_type_slug())
    except ObjectNotFound:
        return
    client.delete_block_document(found.id)


def _differ(found: Automation, wanted: AutomationCore) -> bool:
    """Whether what is ours is another on the server; ids and what the server adds aside."""
    return any(
        getattr(found, name) != getattr(wanted, name)
        for name in ("description", "tags", "enabled", "trigger", "actions")
    )
