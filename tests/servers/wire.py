"""An HTTP server on loopback around an engine: reads requests, lets faults strike, counts, and speaks a dialect.

Nothing in here sleeps by default; `latency` (seconds a request) is for benchmarks. A hanging answer waits until the
server is closed or `faults.released` is set.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from engine import Engine
from faults import BEFORE, HTML, Faults


@dataclass(frozen=True)
class Request:
    """One request as it came in. `fields` are those of the query and, where it is a form, of the body."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    host: str

    @property
    def fields(self) -> dict[str, str]:
        form = "" if self.body.startswith(("{", "[")) else self.body
        return dict(parse_qsl(self.query, keep_blank_values=True) + parse_qsl(form, keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """`body` is made into JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """One exchange's REST language."""

    engine: Engine
    faults: Faults

    def kind(self, request: Request) -> str:
        """A word: create, cancel, order, open, closed, trades, balance, markets, tickers, candles, time."""
        ...

    def arrive(self, request: Request) -> None:
        """The request is here, and will be answered later."""
        ...

    def answer(self, request: Request) -> Answer:
        """What the exchange says; checks the signature of private requests."""
        ...


class ExchangeServer:
    """Serves a dialect on a free port of 127.0.0.1 while it is entered, or on a socket that listens already."""

    def __init__(self, dialect: Dialect, latency: float = 0.0, listener: socket.socket | None = None) -> None:
        self.dialect = dialect
        self.latency = latency
        self.counts: Counter[str] = Counter()
        self.requests: list[tuple[str, Request]] = []
        self.times: list[tuple[float, float]] = []
        self.spans: list[tuple[str, float, float]] = []
        self.wrong_date: int | None = None
        self._lock = Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = _Quiet(("127.0.0.1", 0), handler, bind_and_activate=listener is None)
        if listener is not None:
            self._http.socket.close()
            self._http.socket, self._http.server_address = listener, listener.getsockname()

    @property
    def listener(self) -> socket.socket:
        """What clients connect to."""
        return self._http.socket

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> ExchangeServer:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dialect.faults.released.set()
        self._http.shutdown()
        self._http.server_close()

    def drain(self) -> None:
        """Returns once everything that was sent before is handled, by clients that are dead or have hung up."""
        with socket.create_connection(self._http.socket.getsockname()) as last:
            port = last.getsockname()[1]
        while port not in self._http.ports or self._http.connections:
            time.sleep(0.001)

    def handle(self, request: Request) -> tuple[int, bytes, Mapping[str, str]] | None:
        """Status, body and headers of the answer; None where the connection is to be cut."""
        began = time.monotonic()
        kind = self.dialect.kind(request)
        with self._lock:
            self.counts[kind] += 1
            self.requests.append((kind, request))
        if self.latency:
            time.sleep(self.latency)
        word = self.dialect.faults.next(kind)
        answer = self._strike(word, request)
        with self._lock:
            self.times.append((began, time.monotonic()))
            self.spans.append((kind, *self.times[-1]))
        return answer

    def _strike(self, word: str, request: Request) -> tuple[int, bytes, Mapping[str, str]] | None:
        name, _, detail = word.partition(":")
        if name in BEFORE:
            if name == "late":
                self.dialect.arrive(request)
                self.dialect.engine.after(int(detail), lambda: self.dialect.answer(request))
            return self._instead(name.removesuffix("_before") if name != "late" else "drop", detail)
        with self.dialect.engine.lock:  # an answer tells one moment
            answer = self.dialect.answer(request)
        body = json.dumps(answer.body, separators=(",", ":")).encode()
        if name == "truncate":
            return answer.status, body[: max(1, len(body) // 2)], {**answer.headers, "X-Whole": str(len(body))}
        if name:
            return self._instead(name, detail)
        return answer.status, body, answer.headers

    def _instead(self, name: str, detail: str) -> tuple[int, bytes, Mapping[str, str]] | None:
        match name:
            case "drop":
                return None
            case "hang":
                self.dialect.faults.released.wait(30)
                return None
            case "empty":
                return 200, b"", {}
            case "html":
                return 200, HTML.encode(), {"Content-Type": "text/html"}
            case "null":
                return 200, b"null", {}
            case "hollow":
                return 200, b"{}", {}
            case "429" | "418":
                return int(name), HTML.encode(), {"Retry-After": detail} if detail else {}
            case _:
                return int(name), HTML.encode(), {"Content-Type": "text/html"}


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections: set[Any] = set()
        self.ports: set[int] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        self.ports.add(client_address[1])
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is no news."""


class _Handler(BaseHTTPRequestHandler):
    owner: ExchangeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if len(body.encode()) < length:  # whoever sent it died over it
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        request = Request(
            self.command, parts.path, parts.query, body, dict(self.headers.items()), self.headers.get("Host", "")
        )
        answer = self.owner.handle(request)
        if answer is None:
            self.close_connection = True
            self.connection.close()
            return
        status, content, headers = answer
        self.send_response_only(status, "Said")
        moment = self.owner.wrong_date
        self.send_header(
            "Date", formatdate(self.owner.dialect.engine.now() / 1000 if moment is None else moment, usegmt=True)
        )
        for name, value in {"Content-Type": "application/json", **headers}.items():
            if name != "X-Whole":
                self.send_header(name, value)
        self.send_header("Content-Length", headers.get("X-Whole", str(len(content))))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        if "X-Whole" in headers:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - the names that the library calls

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""
