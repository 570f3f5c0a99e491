"""What a row of a table says of our talk with people: touchpoints, and news of messages."""

from __future__ import annotations

from segue.intake import records as r
from segue.intake import values
from segue.intake.errors import BadValueError
from segue.intake.said import Said, fingerprint
from segue.intake.talk import CLAIMS, Delivery, Touchpoint

#: What follows for an address; of a phone, to unsubscribe is to say stop.
_SUPPRESSES = {"bounced": "hard_bounce", "complained": "complaint", "unsubscribed": "unsubscribe"}


def touchpoint_of(said: Said) -> list[r.Fact]:
    """Read a touchpoint."""
    found = said.fields
    kind, network = found["kind"], found.get("network")
    identity = found.get("id") or f"{kind}:{fingerprint(said.cells)}"
    verified = found.get("verified")
    return [
        Touchpoint(
            line=said.line,
            names=said.names,
            kind=kind,
            dedupe=f"{said.door.source}:{identity}",
            key=found.get("key"),
            code=found.get("code"),
            network=network.lower() if network else None,
            campaign=found.get("campaign"),
            target=found.get("target") or found.get("code"),
            verified=verified if verified is not None else kind not in CLAIMS,
            occurred_at=found["occurred_at"],
        )
    ]


def delivery_of(said: Said) -> list[r.Fact]:
    """Read news of a message, and what follows for the address."""
    found = said.fields
    kind, at = found["kind"], found["occurred_at"]
    key, provider_id, address = found.get("key"), found.get("provider_id"), found.get("address")
    facts: list[r.Fact] = []
    if address is not None and kind in _SUPPRESSES:
        is_phone = "@" not in address
        normal = values.parse_phone(address, said.door.calling_code) if is_phone else values.parse_email(address)
        reason = "stop" if is_phone and kind == "unsubscribed" else _SUPPRESSES[kind]
        digest = said.door.hash_address(normal)
        facts.append(r.Suppression(line=said.line, address_hash=digest, reason=reason, occurred_at=at))
    if key is None and provider_id is None and not facts:
        raise BadValueError("missing_key", "key")
    source = said.door.source
    identity = found.get("id") or provider_id or f"{key or ''}:{fingerprint(said.cells)}"
    facts.append(
        Delivery(
            line=said.line,
            dedupe=f"{source}:{identity}:{kind}",
            provider=source,
            kind=kind,
            key=key,
            provider_id=provider_id,
            reason=found.get("reason"),
            occurred_at=at,
        )
    )
    return facts
