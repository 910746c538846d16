"""Plays a Lambda endpoint whose functions remember what they are called with, and fail when they are told to."""

import base64
import http.server
import json
import threading


class Recorder:
    """Calls of each function, in order; each a list of (topic, partition, offset, value)."""

    def __init__(self):
        self.lock, self.calls, self.busy, self.overlaps = threading.Lock(), {}, set(), 0
        self.refusals, self.hold = 0, None
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                is_taken = recorder.take(self.path.split("/")[3], json.loads(body))
                try:
                    self.answer(is_taken)
                except OSError:
                    pass  # Who called was killed meanwhile.

            def answer(self, is_taken):
                self.send_response(200)
                if not is_taken:
                    self.send_header("x-amz-function-error", "Unhandled")
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"null")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, function, event):
        """Whether the call is one that succeeds."""
        with self.lock:
            if self.refusals > 0:
                self.refusals -= 1
                return False
            hold = self.hold
            labels = {(function, label) for label in event["records"]}
            # Two calls at once with records of one partition break its order.
            self.overlaps += len(labels & self.busy)
            self.busy |= labels
        if hold is not None:
            hold.wait()
        with self.lock:
            records = [record for records in event["records"].values() for record in records]
            self.calls.setdefault(function, []).append([
                (record["topic"], record["partition"], record["offset"], base64.b64decode(record.get("value", "")).decode())
                for record in records
            ])
            self.busy -= labels
        return True

    def records(self, function):
        with self.lock:
            return [record for call in self.calls.get(function, []) for record in call]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
