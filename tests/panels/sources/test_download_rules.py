"""What `fetch` asks for and whom: https, and one file from its first byte to its last."""

from __future__ import annotations

import hashlib
import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import Remote, Source
from gvcmetrics.panels.sources.download import _SafeRedirects, download, refuse_unsafe

OLD, NEW = b"o" * 5000, b"n" * 6000
DATES = {OLD: "Mon, 02 Jan 2023 00:00:00 GMT", NEW: "Tue, 03 Jan 2023 00:00:00 GMT"}


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`, cut after `cut` bytes; says what it is by `names`, and may not look at If-Range."""

    content = OLD
    cut: int | None = None
    names: tuple[str, ...] = ()
    heeds_if_range = True
    redirect: str | None = None
    asked: list[tuple[str | None, str | None]]

    def named(self) -> dict[str, str]:
        tags = {"ETag": f'"{self.content[:1].decode()}"', "Last-Modified": DATES[self.content]}
        tags["weak"] = f"W/{tags['ETag']}"
        return {"ETag" if name == "weak" else name: tags[name] for name in self.names}


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        if self.server.redirect is not None and self.path == "/away":
            self.send_response(302)
            self.send_header("Location", self.server.redirect)
            self.end_headers()
            return
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.server.asked.append((asked, condition))
        body, names = self.server.content, self.server.named()
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if condition and self.server.heeds_if_range and condition not in names.values():
            start = 0
        if start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        for name, value in names.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[start:][: self.server.cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def at(address: str, digest: str | None = None) -> Source:
    entry = Remote(address=address, size=None, sha256=digest)
    return Source(name="test", title="Test", origin="o", citation="c", licence="l", remote=entry)


def of(server: Server, path: str = "file.bin", digest: str | None = None) -> Source:
    return at(f"http://127.0.0.1:{server.server_address[1]}/{path}", digest)


def quiet(_have: int, _total: int | None) -> None:
    pass


def begin(server: Server, project: Project, entry: Source) -> None:
    """A transfer of the old file that breaks off after 1,000 bytes."""
    server.content, server.cut = OLD, 1000
    with pytest.raises(MissingSourceError, match="stopped at 1,000 bytes"):
        download(entry, project, quiet)
    server.cut = None
    server.asked.clear()


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/f.csv",
        "HTTP://example.org/f.csv",
        "http://localhost.example.org/f.csv",
        "http://localhost@example.org/f.csv",
        "http://127.0.0.1.example.org/f.csv",
        "ftp://example.org/f.csv",
        "data:,a/f.csv",
        "//example.org/f.csv",
        "example.org/f.csv",
        "",
    ],
)
def test_no_address_but_https_is_asked(
    address: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(urllib.request, "build_opener", never)
    with pytest.raises(DataError, match=r"is no https address\. Write `https://…`"):
        download(at(address), project, quiet)


def test_https_this_machine_and_files_are_asked(project: Project, tmp_path: Path) -> None:
    for address in (
        "https://example.org/f",
        "HTTPS://example.org/f",
        "http://localhost:1/f",
        "http://[::1]/f",
    ):
        refuse_unsafe(at(address))
    (tmp_path / "f.csv").write_bytes(OLD)
    assert download(at(f"file://{tmp_path}/f.csv"), project, quiet).read_bytes() == OLD


@pytest.mark.parametrize("target", ["http://example.org/f", "ftp://example.org/f", "file:///etc/hostname"])
def test_no_redirection_is_followed_out_of_https(server: Server, project: Project, target: str) -> None:
    server.redirect = target
    with pytest.raises(MissingSourceError, match=r"(?i)redirect.* (is no https address|not allowed)"):
        download(of(server, "away"), project, quiet)
    assert server.asked == []
    assert not list(project.raw.rglob("*.part"))


def test_a_server_elsewhere_sends_nobody_to_this_machine(server: Server, project: Project) -> None:
    asked = urllib.request.Request("https://example.org/f")
    for target in ("http://127.0.0.1:1/f", "http://example.org/f"):
        with pytest.raises(urllib.error.URLError, match="no https address"):
            _SafeRedirects().redirect_request(asked, None, 302, "Found", {}, target)
    assert _SafeRedirects().redirect_request(asked, None, 302, "Found", {}, "https://example.com/g")
    server.redirect = "/file.bin"
    assert download(of(server, "away"), project, quiet).read_bytes() == OLD


CONDITIONS = {
    ("ETag",): '"o"',
    ("Last-Modified",): DATES[OLD],
    ("ETag", "Last-Modified"): '"o"',
    ("weak", "Last-Modified"): DATES[OLD],
}


@pytest.mark.parametrize("heeds", [True, False])
@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize("names", list(CONDITIONS))
def test_a_part_goes_on_where_the_server_says_that_it_is_the_same_file(
    server: Server, project: Project, names: tuple[str, ...], changed: bool, heeds: bool
) -> None:
    server.names, server.heeds_if_range = names, heeds
    begin(server, project, of(server))
    server.content = NEW if changed else OLD
    assert download(of(server), project, quiet).read_bytes() == server.content
    assert server.asked[0] == ("bytes=1000-", CONDITIONS[names])
    # A server that does not look at the condition is asked once more, for the whole of the other file.
    assert server.asked[1:] == ([(None, None)] if changed and not heeds else [])
    assert [path.name for path in (project.raw / "test").iterdir()] == ["file.bin"]


@pytest.mark.parametrize("names", [(), ("weak",)])
def test_a_part_of_which_nothing_tells_the_file_is_read_from_the_start(
    server: Server, project: Project, names: tuple[str, ...]
) -> None:
    server.names = names
    begin(server, project, of(server))
    server.content = NEW
    assert download(of(server), project, quiet).read_bytes() == NEW
    assert server.asked == [(None, None)]


def test_a_checksum_tells_as_well(server: Server, project: Project) -> None:
    entry = of(server, digest=hashlib.sha256(OLD).hexdigest())
    begin(server, project, entry)
    assert download(entry, project, quiet).read_bytes() == OLD
    assert server.asked == [("bytes=1000-", None)]


def test_two_halves_are_no_file_by_the_checksum(server: Server, project: Project) -> None:
    entry = of(server, digest=hashlib.sha256(NEW).hexdigest())
    begin(server, project, entry)
    server.content = NEW
    with pytest.raises(DataError, match="checksum"):
        download(entry, project, quiet)
    assert list((project.raw / "test").iterdir()) == []
    assert download(entry, project, quiet).read_bytes() == NEW


def test_a_part_longer_than_the_file_of_today_is_read_from_the_start(
    server: Server, project: Project
) -> None:
    server.names, server.heeds_if_range = ("ETag",), False
    begin(server, project, of(server))
    server.content = NEW[:500]
    DATES[server.content] = DATES[NEW]
    assert download(of(server), project, quiet).read_bytes() == NEW[:500]
