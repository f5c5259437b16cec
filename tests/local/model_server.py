"""A model container for the tests: it records its requests and returns what a test sets."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Container:
    """Doubles the first number of each line of CSV, and responds in CSV or, where asked to accept it, in JSON.

    Attributes
    ----------
    ready : bool
        Whether it responds to pings with 200.
    fault : tuple of int and str
        The status and body of every response, if the status is not 0.
    requests : list
        The headers and body of each request.
    """

    def __init__(self) -> None:
        self.ready, self.fault = True, (0, "")
        self.requests: list[tuple[dict[str, str], bytes]] = []
        container = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the body waits behind the headers

            def do_GET(self) -> None:
                self._respond(200 if container.ready and self.path == "/ping" else 503, b"", "text/plain")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                container.requests.append((dict(self.headers), body))
                status, message = container.fault
                if status:
                    return self._respond(status, message.encode(), "text/plain")
                scores = [2 * float(line.split(b",")[0]) for line in body.splitlines()]
                if self.headers["Accept"] == "application/json":
                    return self._respond(200, json.dumps(scores).encode(), "application/json")
                return self._respond(200, "".join(f"{score}\n" for score in scores).encode(), "text/csv")

            def _respond(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_port}/invocations"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
