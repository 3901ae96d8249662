"""Where compiled code is kept between runs, on machines where its usual places cannot be written.

numba keeps it beside the source or in the user's folder, and refuses to import a module where it can write
to neither, as in a container or from an installation that many share.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

_VARIABLE = "NUMBA_CACHE_DIR"


def find_cache(packages: Path) -> None:
    """Name a temporary folder for numba where neither the packages' folder nor the user's can be written.

    The folder is this user's alone: compiled code that another could put there would be run.
    """
    if os.environ.get(_VARIABLE) or os.access(packages, os.W_OK) or _user_has_cache():
        return
    own = Path(tempfile.gettempdir()) / f"gvcmetrics-{os.getuid() if hasattr(os, 'getuid') else 'numba'}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
        if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            raise OSError
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise OSError
    except OSError:
        own = Path(tempfile.mkdtemp(prefix="gvcmetrics-"))
    os.environ[_VARIABLE] = str(own)


def _user_has_cache() -> bool:
    stated = os.environ.get("XDG_CACHE_HOME")
    home = Path(stated) if stated else Path(os.path.expanduser("~"))
    while not home.exists() and home != home.parent:
        home = home.parent
    return home.is_dir() and os.access(home, os.W_OK)
