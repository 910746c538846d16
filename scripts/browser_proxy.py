"""Before a local API, what it would be on Lambda behind an authorizer: it needs a key, and pushes nothing."""

import contextlib
import http.server
import threading
import urllib.error
import urllib.request

KEY = "open-sesame-open-sesame"
PAGES = ("/", "/sql")


class Handler(http.server.BaseHTTPRequestHandler):
    upstream = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        if path not in PAGES and not path.startswith("/assets/") and self.headers.get("x-api-key") != KEY:
            return self.answer(401, "application/problem+json", b'{"status":401,"detail":"a key is needed"}')
        if path in ("/live", "/metrics", "/sql/try"):
            return self.answer(501, "application/problem+json", b'{"status":501,"detail":"SQL cannot be tried here"}')
        body = None
        if self.command == "POST":
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        kind = self.headers.get("content-type", "application/json")
        request = urllib.request.Request(self.upstream + self.path, body, {"content-type": kind})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                said, status, kind = answer.read(), answer.status, answer.headers["content-type"]
        except urllib.error.HTTPError as error:
            said, status, kind = error.read(), error.code, error.headers["content-type"]
        if path == "/status":
            said = said.replace(b'"live":true', b'"live":false')
        self.answer(status, kind, said)

    do_POST = do_GET

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def lambda_like(upstream):
    """Serves until the block ends; gives the address."""
    handler = type("Bound", (Handler,), {"upstream": upstream.rstrip("/")})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
