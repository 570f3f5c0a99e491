"""Reading a shop's files through the flow: counts and reasons on the page, never a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from sqlalchemy import func, select

from flows.errors import FlowError
from flows.import_shop import ImportBrief, import_shop, mapping_file
from segue.service import Segue
from segue.store.engine import read
from segue.store.tables import identifier

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server"), pytest.mark.xdist_group("prefect")]

ADDRESS = "quillon001@mailbox.example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files of events, one with a line that is none, and a hidden file that is nobody's business."""
    place = tmp_path / "import"
    place.mkdir()
    call = {"type": "identify", "userId": "u1", "traits": {"email": ADDRESS}, "timestamp": "2026-05-01T00:00:00Z"}
    (place / "a.jsonl").write_text(json.dumps(call) + "\n" + f"not json: {ADDRESS}\n")
    (place / "b.jsonl").write_text(json.dumps({**call, "userId": "u2", "traits": {}}) + "\n")
    (place / ".notes").write_text("x")
    return place


def table() -> list[dict[str, object]]:
    with get_client(sync_client=True) as client:
        (artifact,) = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["import-report"])),
            sort=ArtifactSort.CREATED_DESC,
            limit=1,
        )
    rows: list[dict[str, object]] = json.loads(str(artifact.data))
    return rows


def test_a_folder_is_read_file_by_file_and_counted(installed: Segue, folder: Path) -> None:
    """New records, what was left out and on which line; the page knows no address."""
    assert import_shop(ImportBrief(path=str(folder))) > 0
    rows = table()
    assert {row["File"] for row in rows} == {"a.jsonl", "b.jsonl"}
    assert {
        "File": "a.jsonl",
        "Record or reason": "bad json",
        "What": "left out",
        "How many": 1,
        "Lines, e.g.": "2",
    } in rows
    assert ADDRESS not in json.dumps(rows)
    with read(installed.engine) as connection:
        assert connection.scalar(select(func.count()).where(identifier.c.value == ADDRESS)) == 1


def test_reading_it_again_adds_nothing(installed: Segue, folder: Path) -> None:
    """Again is once."""
    import_shop(ImportBrief(path=str(folder)))
    assert import_shop(ImportBrief(path=str(folder))) == 0


def test_what_cannot_be_read_says_what_to_do() -> None:
    """No file, no mapping: the text names the place and the choice."""
    with pytest.raises(FlowError, match=r"nothing to read at .*no-such-folder"):
        import_shop(ImportBrief(path="no-such-folder"))
    with pytest.raises(FlowError, match=r"no mapping klaviyo; the folder examples holds .*ecom_clickstream"):
        mapping_file("klaviyo")
    assert mapping_file("ecom_clickstream") == Path("examples/ecom_clickstream.toml")
    assert mapping_file(" ") is None
