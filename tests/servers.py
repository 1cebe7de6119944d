"""Throw-away PostgreSQL and Redis for a command: `python -m tests.servers COMMAND …`. Never run as root."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged() -> tuple[list[str], str]:
    """How to run a server if we are root: as the packages' own user; else as ourselves."""
    if os.getuid() != 0:
        return [], getpass.getuser()
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"], "postgres"


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


def _ready(url: str) -> None:
    """The port answers before the server takes sessions."""
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL does not take sessions")


@contextlib.contextmanager
def postgres(fsync: bool = False) -> Iterator[str]:
    """A cluster in a temporary folder; yields postgres://…/ without a database name."""
    binaries = Path(sorted(glob("/usr/lib/postgresql/*/bin/initdb"))[-1]).parent
    prefix, user = _unprivileged()
    folder = tempfile.mkdtemp(prefix="dealwright-pg-")
    if prefix:
        shutil.chown(folder, user)
    data, port = f"{folder}/data", free_port()
    locale = ["--locale=C.UTF-8", "--encoding=UTF8"]
    subprocess.run(
        [*prefix, str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "dealwright", *locale],
        check=True,
        capture_output=True,
        cwd="/",
    )
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "max_connections=200",
    ]
    options += ["-c", "shared_buffers=256MB", "-c", "random_page_cost=1.1"]
    if not fsync:
        options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    server = subprocess.Popen(
        [*prefix, str(binaries / "postgres"), "-D", data, "-p", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        _wait(port)
        _ready(f"postgres://dealwright@127.0.0.1:{port}/postgres")
        yield f"postgres://dealwright@127.0.0.1:{port}"
    finally:
        server.send_signal(2)  # fast shutdown: clients are cut off
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    prefix, user = _unprivileged()
    folder, port = tempfile.mkdtemp(prefix="dealwright-redis-"), free_port()
    if prefix:
        shutil.chown(folder, user)
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = subprocess.Popen([*prefix, *command], stdout=subprocess.DEVNULL, cwd="/")
    try:
        _wait(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def create(server: str, name: str, template: str = "template1") -> str:
    """A fresh database on the server, empty or a copy of one that nobody uses; returns its URL."""
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server}/{name}"


def main() -> int:
    with postgres() as server, redis() as bell:
        environment = os.environ | {
            "DATABASE_URL": create(server, "dealwright"),
            "REDIS_URL": bell,
            "TEST_POSTGRES_SERVER": server,
        }
        return subprocess.call(sys.argv[1:], env=environment)


if __name__ == "__main__":
    sys.exit(main())
