"""After a move: whoever said no to any sender the shop leaves is not written to, whatever was imported first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, func, insert, select, update

from segue.clock import VirtualClock
from segue.contract import Channel
from segue.intake import import_export
from segue.journeys.definition import Moment
from segue.outbox.frame import Asked, enrich
from segue.outbox.hashes import hash_address
from segue.policy.judge import judge
from segue.store.engine import write
from segue.store.tables import consent_event, identifier, profile, suppression
from tests.intake.formats.doors import SAMPLES
from tests.outbox.shop import SECRET, journey, step
from tests.policy.frames import NOW, RULES, history

#: The day the shop moves; one file an hour from then on.
MOVE = NOW - timedelta(days=3)
YES = "SUBSCRIBED,2024-01-05T10:00:00Z"
#: Everybody: number, phone, what Klaviyo knows of e-mail, and of text messages.
EVERYBODY = [(n, n, YES, YES) for n in range(1, 24)]
EVERYBODY[15] = (16, 16, "UNSUBSCRIBED,2024-06-01T10:00:00Z", YES)
EVERYBODY[17] = (18, 11, YES, YES)  # shares a phone with 11

FILES = {
    "klaviyo_list.csv": "".join(
        (
            "Email,Klaviyo ID,Phone Number,Address,Country,Email Marketing Consent,Email Marketing Consent Timestamp,",
            "SMS Consent,SMS Consent Timestamp\n",
            *(f"p{n}@example.com,K{n},+1202555{phone:04},1 Main St,US,{m},{t}\n" for n, phone, m, t in EVERYBODY),
        )
    ),
    "unsubscribed_email_audience_export_1.csv": (
        "Email Address,MEMBER_RATING,UNSUB_TIME,LEID,EUID\nP1@Example.com,3,2025-02-01 08:00:00,1,2\n"
    ),
    "cleaned_email_audience_export_1.csv": (
        "Email Address,CLEAN_TIME,LEID,EUID\np2@example.com,2025-02-01 08:00:00,1,2\n"
    ),
    "suppression_bounces.csv": "status,reason,email,created\n5.1.1,gone,p3@example.com,1738396800\n",
    "suppression_invalid_emails.csv": "reason,email,created\nodd,p4@example.com,1738396800\n",
    "suppression_spam_reports.csv": "ip,email,created\n192.0.2.1,p5@example.com,1738396800\n",
    "suppression_unsubscribes.csv": "email,created\np6@example.com,1738396800\nstranger@example.com,1738396800\n",
    "suppression_blocks.csv": "status,reason,email,created\n4.7.1,later,p20@example.com,1738396800\n",
    "suppressed_profiles.csv": "Email,Reason,Timestamp\np7@example.com,USER_SUPPRESSED,2023-01-01T00:00:00Z\n",
    "klaviyo_newsletter.csv": (
        "Email,Klaviyo ID,Email Marketing Consent,Email Marketing Consent Timestamp\n"
        "p8@example.com,K8,UNSUBSCRIBED,2025-02-01T08:00:00Z\np21@example.com,K21,UNSUBSCRIBED,\n"
    ),
    "users.jsonl": (
        '{"external_id":"9","email":"p9@example.com","email_subscribe":"unsubscribed",'
        '"email_unsubscribed_at":"2025-02-01T08:00:00.000Z"}\n'
        '{"external_id":"19","email":"p19@example.com","email_subscribe":"subscribed",'
        '"email_unsubscribed_at":"2022-02-01T08:00:00.000Z"}\n'
    ),
    "segment.csv": (
        "Braze ID,email,unsubscribed_from_emails_at,user_id\nx,p10@example.com,2025-02-01 08:00:00 UTC,10\n"
    ),
    "log.csv": (
        "From,To,Body,SentDate,ErrorCode,Sid,Direction\n"
        "+12025550011,+12025559999,Stop please,2025-02-01T08:00:00Z,,S1,inbound\n"
        "+12025550017,+12025559999,is there a bus stop?,2025-02-01T08:00:00Z,,S2,inbound\n"
        "+12025559999,+12025550012,Hello,2025-02-01T08:00:00Z,21610,S3,outbound-api\n"
        "+12025550022,+12025559999,STOP,2025-02-01T08:00:00Z,,S4,inbound\n"
        "+12025550022,+12025559999,START,2025-03-01T08:00:00Z,,S5,inbound\n"
    ),
    "consents.csv": "contact_id,sender_id,status,source,date_of_consent\n+12025550013,MG1,opt-out,offline,\n",
    "klaviyo_texts.csv": (
        "Email,Klaviyo ID,Phone Number,SMS Marketing Consent\np14@example.com,K14,+12025550014,UNSUBSCRIBED\n"
    ),
    "customers_export.csv": (
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Phone,Accepts SMS Marketing,Total Spent,"
        "Total Orders,Note,Tax Exempt,Tags\n"
        "'15,P,Q,p15@example.com,no,,no,0.00,0,,no,\n"
        "'16,P,Q,p16@example.com,yes,,,0.00,0,,no,\n"
    ),
    "subscribed_email_audience_export_1.csv": (
        "Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID\np16@example.com,3,,2025-02-01 08:00:00,1,2\n"
    ),
}
NO_MAIL = {**dict.fromkeys((*range(1, 11), 16, 19, 21), "suppressed"), 15: "unconfirmed"}
NO_TEXT = {**dict.fromkeys((11, 12, 13, 14, 18, 22), "suppressed"), 15: "unconfirmed"}


def expected(refused: dict[int, str]) -> dict[int, str]:
    return {n: refused.get(n, "send") for n in range(1, 24)}


def move(engine: Engine, files: Sequence[Path]) -> list[int]:
    """Import the files, one an hour; return how many new consents and suppressions each brought."""
    new = []
    for hour, file in enumerate(files):
        report = import_export(
            engine,
            file,
            clock=VirtualClock(MOVE + timedelta(hours=hour)),
            hash_address=lambda address: hash_address(address, SECRET),
        )
        new.append(report.taken.get("consent", 0) + report.taken.get("suppression", 0))
    with write(engine) as connection:
        connection.execute(update(profile).values(zone="America/New_York"))  # an hour at which all may be sent
    return new


def verdicts(engine: Engine, channel: Channel) -> dict[str, str]:
    """What policy says of a marketing message to everybody: e-mail address -> `send` or why not."""
    with engine.connect() as connection:
        addresses = connection.execute(
            select(identifier.c.profile_id, identifier.c.value)
            .where(identifier.c.kind == "email")
            .order_by(identifier.c.id.desc())
        ).all()
        people: dict[int, str] = dict(addresses)  # the first one stays
        ids = list(people)
        rows = pd.DataFrame(
            {
                "id": ids,
                "key": [f"letters/only/person:{n}" for n in ids],
                "profile_id": ids,
                "subject_id": ids,
                "priority": 50,
                "deadline_at": pd.Series([NOW + timedelta(days=2)] * len(ids)).astype("datetime64[us, UTC]"),
            }
        )
        letters = journey(step(channels=(channel,)))
        asked = Asked(
            journey=letters,
            step=letters.steps[0],
            brief=letters.brief(),
            moment=Moment(now=NOW, live_from=NOW),
            rows=np.arange(len(ids)),
        )
        frame = enrich(connection, rows, [asked], now=NOW, secret=SECRET)
    ruled = judge(frame, now=NOW, history=history(), rules=RULES)
    return {
        address: "send" if verdict == "send" else str(reason)
        for address, verdict, reason in zip(people.values(), ruled["verdict"], ruled["reason"], strict=True)
    }


def by_number(found: dict[str, str]) -> dict[int, str]:
    return {int(address[1:].split("@")[0]): verdict for address, verdict in found.items()}


ORDERS: dict[str, Callable[[list[str]], list[str]]] = {
    "as listed": list,
    "the other way round": lambda names: names[::-1],
    "shuffled": lambda names: Random(5).sample(names, len(names)),
    "shuffled again": lambda names: Random(6).sample(names, len(names)),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_nobody_who_said_no_is_written_to(engine: Engine, tmp_path: Path, order) -> None:
    files = []
    for name in order(list(FILES)):
        files.append(tmp_path / name)
        files[-1].write_text(FILES[name])
    move(engine, files)
    assert by_number(verdicts(engine, Channel.EMAIL)) == expected(NO_MAIL)
    assert by_number(verdicts(engine, Channel.SMS)) == expected(NO_TEXT)


def test_the_same_files_again_add_nothing_and_strangers_stay_strangers(engine: Engine, tmp_path: Path) -> None:
    files = []
    for name, text in FILES.items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    first = move(engine, files)
    assert all(new or "blocks" in file.name for new, file in zip(first, files, strict=True))

    def everything() -> list[int | None]:
        with engine.connect() as connection:
            return [
                connection.scalar(select(func.count()).select_from(table))
                for table in (profile, identifier, consent_event, suppression)
            ]

    before = everything()
    assert before[0] == len(EVERYBODY)  # the stranger who unsubscribed is no customer
    assert move(engine, files[::-1]) == [0] * len(files)
    assert everything() == before


def test_a_yes_given_after_the_move_is_heard(engine: Engine, tmp_path: Path) -> None:
    """A doubt stands at the day it was read; a suppression stands, dated or not."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    move(engine, [tmp_path / name for name in FILES])
    with write(engine) as connection:
        owners = dict(connection.execute(select(identifier.c.value, identifier.c.profile_id)).all())
        for number in (1, 15, 21):
            connection.execute(
                insert(consent_event).values(
                    profile_id=owners[f"p{number}@example.com"],
                    channel="email",
                    purpose="marketing",
                    state="confirmed",
                    basis="opt_in",
                    source="popup_form",
                    occurred_at=NOW - timedelta(hours=1),
                    recorded_at=NOW,
                    dedupe=f"later {number}",
                )
            )
    found = by_number(verdicts(engine, Channel.EMAIL))
    assert [found[number] for number in (1, 15, 21)] == ["suppressed", "send", "suppressed"]


def test_a_no_by_one_of_her_addresses_counts_for_the_other(engine: Engine, tmp_path: Path) -> None:
    """She changed her address at the shop; that the old one bounces says nothing of the new one."""
    for name in ("klaviyo_list.csv", "suppression_unsubscribes.csv", "suppression_bounces.csv"):
        (tmp_path / name).write_text(FILES[name])
    move(engine, [tmp_path / "klaviyo_list.csv"])
    with write(engine) as connection:
        owners = dict(connection.execute(select(identifier.c.value, identifier.c.profile_id)).all())
        connection.execute(
            insert(identifier),
            [
                {
                    "profile_id": owners[f"p{n}@example.com"],
                    "kind": "email",
                    "value": f"old{n}@example.com",
                    "identifies": True,
                    "recorded_at": NOW,
                }
                for n in (17, 19)
            ],
        )
    for name, old in (("suppression_unsubscribes.csv", "old17"), ("suppression_bounces.csv", "old19")):
        file = tmp_path / name
        file.write_text(file.read_text().replace("p6@", f"{old}@").replace("p3@", f"{old}@"))
        move(engine, [file])
    found = verdicts(engine, Channel.EMAIL)
    assert (found["p17@example.com"], found["p19@example.com"]) == ("suppressed", "send")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("klaviyo.csv", "Email,Klaviyo ID,Email Marketing Consent\np1@example.com,K1,UNSUBSCRIBED\n"),
        ("users.jsonl", '{"external_id":"1","email":"p1@example.com","email_subscribe":"unsubscribed"}\n'),
    ],
)
def test_a_no_at_an_address_holds_for_everybody_who_has_it(engine: Engine, tmp_path: Path, name, text) -> None:
    """Two accounts share a mailbox: the sender knows one of them, and the other one agreed by her account."""
    (tmp_path / "klaviyo_list.csv").write_text(FILES["klaviyo_list.csv"])
    move(engine, [tmp_path / "klaviyo_list.csv"])
    with write(engine) as connection:
        owners = dict(connection.execute(select(identifier.c.value, identifier.c.profile_id)).tuples().all())
        shared = {"kind": "email", "value": "p1@example.com", "identifies": False, "recorded_at": NOW}
        connection.execute(insert(identifier).values(shared | {"profile_id": owners["p20@example.com"]}))
    assert verdicts(engine, Channel.EMAIL)["p20@example.com"] == "send"
    (tmp_path / name).write_text(text)
    move(engine, [tmp_path / name])
    found = verdicts(engine, Channel.EMAIL)
    assert (found["p1@example.com"], found["p20@example.com"]) == ("suppressed", "suppressed")
    assert found["p22@example.com"] == "send"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the vendors' samples are not beside the project")
@pytest.mark.parametrize("backwards", [False, True])
def test_the_vendors_own_samples(engine: Engine, backwards, tmp_path: Path) -> None:
    everybody = ["sarah", "bea", "cleo", "dan", "gone", "angry", "noconfirm"]
    shop = tmp_path / "shop.csv"
    shop.write_text(
        "Email,Klaviyo ID,Address,Country,Email Marketing Consent,Email Marketing Consent Timestamp\n"
        + "".join(f"{name}@example.com,K,1 Main St,US,SUBSCRIBED,2023-06-01T00:00:00Z\n" for name in everybody)
    )
    senders = ("klaviyo", "mailchimp", "sendgrid", "twilio", "braze")
    files = [shop, *(file for sender in senders for file in sorted((SAMPLES / sender).iterdir()))]
    move(engine, files[::-1] if backwards else files)
    found = {address.split("@")[0]: said for address, said in verdicts(engine, Channel.EMAIL).items()}
    refused = dict.fromkeys(("bea", "dan", "gone", "angry"), "suppressed")
    assert found == {name: refused.get(name, "send") for name in everybody}
    texts = {address.split("@")[0]: said for address, said in verdicts(engine, Channel.SMS).items()}
    assert texts["sarah"] == "suppressed"
    assert "send" not in texts.values()
