"""A real HTTP server on loopback in the place of webhook targets and of Twilio: it keeps what came and answers as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class World:
    port: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    # (status, body, headers, seconds to wait before the answer), or a function of the call that returns it;
    # "cut" closes the connection without an answer.
    answer: Any = (200, b"{}", {}, 0.0)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/in"


@contextmanager
def server() -> Iterator[World]:
    world = World()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
            world.calls.append(call)
            if world.answer == "cut":
                self.connection.close()
                return
            status, text, headers, wait = world.answer(call) if callable(world.answer) else world.answer
            time.sleep(wait)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_DELETE = do_PUT = do_POST

        def log_message(self, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    world.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield world
    finally:
        listening.shutdown()
        listening.server_close()
