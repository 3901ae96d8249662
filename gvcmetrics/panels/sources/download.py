"""The remote tier: one address to one file, resumed where it stopped, verified before it is used."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gvcmetrics.errors import DataError, MissingSourceError, Place
from gvcmetrics.ground.files import sha256
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.catalogue import Source
from gvcmetrics.panels.sources.fetch import download_path, how_to_get

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 60


def download(source: Source, project: Project, report: Callable[[int, int | None], None]) -> Path:
    """Fetch a source's remote file into `data/raw/NAME/`.

    A partial file stays as `FILE.part` when the connection breaks, and the next call asks the server
    for the rest of the same file: what the server called it (ETag or date) is kept beside the part, and
    where neither that nor a checksum could tell that the file was replaced, it is read from the start. The
    file takes its name only after size and checksum, where the catalogue knows them, were verified.
    Addresses are https, or those of this machine.

    Parameters
    ----------
    report : called with bytes so far and bytes in all (None where unknown).

    Raises
    ------
    MissingSourceError : the source has no address, or the address does not answer.
    DataError : size or checksum differ; the bad file is removed.
    """
    target = download_path(source, project)
    if source.remote is None or target is None:
        raise MissingSourceError(
            f"'{source.title}' has no address", Place(key=source.name), how_to_get(source)
        )
    if target.exists():
        return target
    refuse_unsafe(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    size = source.remote.size
    tag = part.with_name(part.name + ".tag")
    tellable = tag.exists() or source.remote.sha256 is not None
    if part.exists() and (not tellable or (size is not None and part.stat().st_size > size)):
        part.unlink()
    if not part.exists() or size is None or part.stat().st_size < size:
        try:
            _transfer(source.remote.address, part, size, report)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            have = part.stat().st_size if part.exists() else 0
            raise MissingSourceError(
                f"the transfer from {source.remote.address} stopped at {have:,} bytes ({reason})",
                Place(key=source.name),
                f"Run `gvcmetrics fetch {source.name}` again; it goes on from there",
            ) from None
    found = part.stat().st_size
    problem = f"{found:,} bytes came instead of {size:,}" if size is not None and found != size else ""
    if not problem and source.remote.sha256 is not None and (digest := sha256(part)) != source.remote.sha256:
        problem = f"the checksum is {digest[:12]}…, not {source.remote.sha256[:12]}…"
    tag.unlink(missing_ok=True)
    if problem:
        part.unlink()
        remedy = "The publisher may have replaced the file: check the address and the catalogue's checksum"
        raise DataError(f"{problem}; the file was removed", Place(target.name, key=source.name), remedy)
    part.replace(target)
    return target


def refuse_unsafe(source: Source) -> None:
    """Raise DataError for an address that anyone on the way can answer, or that is none."""
    address = source.remote.address if source.remote is not None else ""
    if not _is_safe(address):
        problem = f"'{address:.200}' is no https address"
        raise DataError(problem, Place(key=source.name), "Write `https://…`, or download the file by hand")


def _is_safe(address: str) -> bool:
    parts = urllib.parse.urlsplit(address)
    here = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme in ("https", "file") or here


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirection out of https."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        left, kept = (urllib.parse.urlsplit(each).scheme for each in (req.full_url, newurl))
        if not _is_safe(newurl) or kept == "file" or (left == "https" and kept != "https"):
            raise urllib.error.URLError(f"the server redirects to {newurl:.200}, which is no https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _transfer(address: str, part: Path, size: int | None, report: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    tag = part.with_name(part.name + ".tag")
    headers = {"User-Agent": "gvcmetrics", **({"Range": f"bytes={have}-"} if have else {})}
    if have and tag.exists():
        headers["If-Range"] = tag.read_text(encoding="ascii")
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        answer = opener.open(urllib.request.Request(address, headers=headers), timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        # The server has nothing beyond what is here; if that is not the file, the checksum says so.
        if error.headers.get("Content-Range") in (None, f"bytes */{have}"):
            return
        _transfer_anew(address, part, size, report)
        return
    with answer:
        if getattr(answer, "status", 200) != 206:
            have = 0
        named = answer.headers.get("ETag", "")
        named = answer.headers.get("Last-Modified") if not named or named.startswith("W/") else named
        begins = answer.headers.get("Content-Range", f"bytes {have}-").startswith(f"bytes {have}-")
        # Some servers send the rest of whatever they have now, or another piece than was asked for.
        if have and not (begins and named in (None, headers.get("If-Range", named))):
            _transfer_anew(address, part, size, report)
            return
        if named:
            tag.write_text(named, encoding="ascii", errors="ignore")
        else:
            tag.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else size
        with open(part, "ab" if have else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                report(have, total)
        if total is not None and have < total:
            raise http.client.IncompleteRead(b"", total - have)


def _transfer_anew(
    address: str, part: Path, size: int | None, report: Callable[[int, int | None], None]
) -> None:
    part.unlink()
    part.with_name(part.name + ".tag").unlink(missing_ok=True)
    _transfer(address, part, size, report)
