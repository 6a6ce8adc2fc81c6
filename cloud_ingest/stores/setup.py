"""`cloud-ingest setup`: prepare an InfluxDB 2.x once; run again, it changes nothing that is right.

Makes the organisation and the bucket with its retention, maps it to a database name (so that `/write?db=` and the
InfluxQL of `/query?db=` reach it), and leaves two tokens in files that only their owner can read: `ingest.token` may
write and read this bucket, `grafana.token` may read it. Neither may do anything else.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cloud_ingest.stores.store import StoreMisconfigured, StoreUnavailable

if TYPE_CHECKING:
    from cloud_ingest.stores.influx2 import Bucket, Influx2

#: File, what the server calls the token, whether it may write.
TOKENS = (("ingest.token", "county ingest", True), ("grafana.token", "county grafana, read only", False))


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `cloud-ingest setup`."""
    parser.description = (
        "Prepare an InfluxDB 2.x for the county: organisation, bucket with retention, DBRP mapping, and two tokens "
        "with the least rights, written to files of mode 0600. May be run again: it makes what is missing, corrects "
        "retention and mapping, and keeps tokens that still serve. Exit codes: 0 done; 1 the server cannot be "
        "reached; 2 a token, a file or an argument is wrong. An InfluxDB 1.x needs only CREATE DATABASE."
    )
    parser.add_argument("--url", required=True, help="the server, http://host:8086")
    parser.add_argument("--org", required=True, help="organisation; made if missing")
    parser.add_argument("--bucket", required=True, help="bucket; made if missing")
    parser.add_argument("--database", help="name for the ingest's `database` (default: the bucket's)")
    parser.add_argument(
        "--retention-days", type=_days, default=0.0, metavar="N", help="delete points older than this (default: never)"
    )
    parser.add_argument(
        "--admin-token-file", type=Path, required=True, metavar="FILE", help="the server's operator token"
    )
    parser.add_argument("--tokens", type=Path, required=True, metavar="DIR", help="where the two token files go")
    parser.add_argument("--owner", type=int, metavar="UID", help="give the files to this user (needs root)")
    parser.add_argument(
        "--grafana-owner", type=int, metavar="UID", help="give grafana.token to this user (default: --owner)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it, a line of report for each part."""
    if urlsplit(arguments.url).scheme not in ("http", "https"):
        return _end(2, f"--url must be http://host:port or https://host:port, not {arguments.url!r}")
    try:
        admin = arguments.admin_token_file.read_text("utf-8").strip()
        arguments.tokens.mkdir(parents=True, exist_ok=True)
        _prepare(arguments, admin)
    except StoreMisconfigured as error:
        return _end(2, str(error))
    except StoreUnavailable as error:
        return _end(1, str(error))
    except (OSError, UnicodeDecodeError) as error:
        return _end(2, str(error))
    return 0


def _prepare(arguments: argparse.Namespace, admin: str) -> None:
    # influxdb-client costs 40 MB of memory and half a second: only this command pays for it.
    from cloud_ingest.stores.influx2 import Influx2

    database = arguments.database or arguments.bucket
    with Influx2(arguments.url, admin) as server:
        bucket = server.bucket(server.organisation(arguments.org), arguments.bucket, arguments.retention_days)
        kept = f"{arguments.retention_days:g} days" if arguments.retention_days else "for ever"
        _say(f"bucket {arguments.bucket!r} of organisation {arguments.org!r}: kept {kept}")
        server.mapping(bucket, database)
        _say(f"database {database!r}: mapped to it")
        for file, name, write in TOKENS:
            owner = arguments.owner
            if not write and arguments.grafana_owner is not None:
                owner = arguments.grafana_owner
            made = _ensure_token(server, bucket, arguments.tokens / file, name, write=write, owner=owner)
            _say(f"{arguments.tokens / file}: {'made' if made else 'serves'} ({'write and read' if write else 'read'})")


def _ensure_token(server: Influx2, bucket: Bucket, file: Path, name: str, *, write: bool, owner: int | None) -> bool:
    """Whether the file had to be made: it is kept where its token still serves."""
    try:
        token = file.read_text("utf-8").strip()
    except FileNotFoundError:
        token = ""
    if token and server.serves(token, bucket):
        _own(file, owner)
        return False
    # Room for the file first: a token that cannot be written down is lost.
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(server.new_token(name, bucket, write=write) + "\n")
            out.flush()
            os.fsync(out.fileno())
        _own(draft, owner)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _own(file: Path, owner: int | None) -> None:
    file.chmod(0o600)
    if owner is not None and file.stat().st_uid != owner:
        os.chown(file, owner, -1)


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days <= 36500:
        raise argparse.ArgumentTypeError("a number of days, 0 to keep everything")
    return days


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _end(code: int, reason: str) -> int:
    sys.stderr.write(f"cloud-ingest setup: {reason}\n")
    return code
