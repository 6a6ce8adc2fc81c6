"""`dashboards`: serve the built-in view; write, compare, check and push the same panels for Grafana.

Exit codes: 0 done; 1 the answer is no (files differ, a panel's query fails); 2 the configuration or the command is
wrong; 3 a server could not be reached, or the address to listen on is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cloud_ingest.stores.settings import EmbeddedSettings
from dashboards.view.settings import SAMPLE, ConfigError, ViewSettings, check_host, read_settings

GRAFANA_FILES = Path(__file__).parent / "grafana"

OK, NO, WRONG, UNREACHABLE = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the module's."""
    asked = _parser().parse_args(arguments)
    code: int = asked.run(asked)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dashboards",
        description="What staff see: one catalogue of panels, drawn by the built-in view and written out for Grafana.",
        epilog="Exit codes: 0 done; 1 no (files differ, a query fails); 2 wrong configuration; 3 not reachable.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _serve_options(
        commands.add_parser(
            "serve",
            help="the built-in view in a browser, live from the store",
            description="Serve the dashboards to browsers: live, bilingual, without Grafana and without internet.\n"
            "Open /?wall=1 on a wall display; /healthz answers 200 while the store can be read, else 503.",
            epilog=f"A configuration with every field:\n\n{SAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )
    check = commands.add_parser("check-config", help="read a configuration and say what is wrong with it")
    check.add_argument("config", type=Path, metavar="FILE")
    check.set_defaults(run=_check_config)
    for name, text in (("write", "write Grafana's JSON files"), ("diff", "compare Grafana's JSON files with the code")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--folder", type=Path, default=GRAFANA_FILES, help="default: dashboards/grafana")
        command.set_defaults(run=_write if name == "write" else _diff)
    for name, text in (
        ("push", "upload the dashboards to a Grafana"),
        ("verify", "run every panel's query through a Grafana and say which fail"),
    ):
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--url", required=True, help="Grafana's address, for instance http://127.0.0.1:3000")
        command.add_argument("--token-file", type=Path, required=True, help="file with a service account's token")
        command.set_defaults(run=_push if name == "push" else _verify)
    return parser


def _serve_options(serve: argparse.ArgumentParser) -> None:
    source = serve.add_mutually_exclusive_group(required=True)
    source.add_argument("--config", type=Path, metavar="FILE", help="TOML: store, registry, host, port, language ...")
    source.add_argument("--store", type=Path, metavar="PATH", help="an embedded store's file")
    serve.add_argument("--registry", metavar="DIR", help="folder with villages.geojson and sites.geojson")
    serve.add_argument("--host", help="address to listen on; only loopback is served unless it is said here")
    serve.add_argument("--port", type=int, help="default 8080; 0 takes a free one")
    serve.add_argument("--language", choices=("zh", "en"), help="what pages open in")
    serve.set_defaults(run=_serve)


def _serve(asked: argparse.Namespace) -> int:
    try:
        settings = _settings(asked)
        host = check_host(settings, asked.host)
        from dashboards.view.app import serve

        asyncio.run(serve(settings, host, lambda address: print(f"dashboards: {address}", flush=True)))
    except ConfigError as error:
        return _wrong(str(error))
    except KeyboardInterrupt:
        return OK
    return OK


def _settings(asked: argparse.Namespace) -> ViewSettings:
    """The settings of a file, or of a store's path; options of the command line stand above both."""
    if asked.config:
        settings = read_settings(asked.config)
    else:
        settings = ViewSettings(store=EmbeddedSettings(path=str(asked.store)))
    said = {name: getattr(asked, name) for name in ("registry", "port", "language")}
    return msgspec.structs.replace(settings, **{name: value for name, value in said.items() if value is not None})


def _check_config(asked: argparse.Namespace) -> int:
    from dashboards.view.outlines import read_outlines

    try:
        settings = read_settings(asked.config)
        outlines = read_outlines(settings.registry)
    except ConfigError as error:
        return _wrong(str(error))
    print(f"{asked.config}: good ({len(outlines.villages)} villages, {len(outlines.sites)} sites)")
    return OK


def _write(asked: argparse.Namespace) -> int:
    from dashboards.grafana_files import write

    for name in write(asked.folder):
        print(f"wrote {asked.folder / name}")
    return OK


def _diff(asked: argparse.Namespace) -> int:
    from dashboards.grafana_files import differences

    lines = differences(asked.folder)
    print("\n".join(lines) or f"{asked.folder}: current")
    return NO if lines else OK


def _push(asked: argparse.Namespace) -> int:
    return _with_grafana(asked, "push")


def _verify(asked: argparse.Namespace) -> int:
    return _with_grafana(asked, "verify")


def _with_grafana(asked: argparse.Namespace, what: str) -> int:
    from dashboards.grafana_server import GrafanaUnreachable, push, verify

    try:
        token = asked.token_file.read_text("utf-8").strip()
    except OSError as error:
        return _wrong(f"--token-file: {error}")
    try:
        if what == "push":
            for uid in push(asked.url, token):
                print(f"pushed {uid}")
            return OK
        failed = verify(asked.url, token)
    except GrafanaUnreachable as error:
        print(f"dashboards: {error}", file=sys.stderr)
        return UNREACHABLE
    print("\n".join(failed) or "every query answers")
    return NO if failed else OK


def _wrong(text: str) -> int:
    print(f"dashboards: {text}", file=sys.stderr)
    return WRONG


if __name__ == "__main__":
    sys.exit(main())
