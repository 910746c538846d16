#!/usr/bin/env python3
"""How long the functions take from the start of their process to the first answer, beside `weir up`: of zips that scripts/zips.sh built
for this machine. What Lambda needs to fetch a zip and to start a sandbox is not in it, nor is TLS to DynamoDB or to brokers.

  scripts/cold-start.py [--zips dist/x86_64] [--weir target/release/weir] [--rounds 15] [FUNCTION...]

Prints a line a function, medians of the rounds: until it asks for work (its init), until its first answer, and the CPU time until then.
"""

import argparse
import http.server
import os
import pathlib
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAYLOADS = {
    "ingest": "event.json", "window": "msk-batch.json", "sweep": "schedule.json", "serve": "latest.json", "notify": "alerts.json",
    "sink": "rows.json",
}


class Runtime(http.server.ThreadingHTTPServer):
    """Lambda's runtime API with one invocation to give."""

    def __init__(self, payload):
        super().__init__(("127.0.0.1", 0), Api)
        self.payload, self.asked, self.answered, self.error = payload, None, None, None
        self.done = threading.Event()

    def handle_error(self, *_):
        pass  # Who had its answer was killed.


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.asked:
            # There is no more work. Who asks is killed.
            threading.Event().wait()
        self.server.asked = time.perf_counter()
        self.send_response(200)
        self.send_header("lambda-runtime-aws-request-id", "first")
        self.send_header("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 60_000))
        self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:cold")
        self.send_header("content-length", str(len(self.server.payload)))
        self.end_headers()
        self.wfile.write(self.server.payload)

    def do_POST(self):
        self.server.answered = time.perf_counter()
        said = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.endswith("/response"):
            self.server.error = said.decode(errors="replace")
        self.server.done.set()
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def start(bootstrap, payload, environment):
    """Seconds until it asks for work and until it answers, and CPU seconds."""
    runtime = Runtime(payload)
    threading.Thread(target=runtime.serve_forever, daemon=True).start()
    own = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}", "AWS_LAMBDA_FUNCTION_NAME": "cold", "AWS_LAMBDA_FUNCTION_VERSION": "1",
           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "AWS_LAMBDA_LOG_GROUP_NAME": "/", "AWS_LAMBDA_LOG_STREAM_NAME": "/"}
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with subprocess.Popen([bootstrap], env=environment | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        answered = runtime.done.wait(60)
        process.send_signal(signal.SIGKILL)
    runtime.shutdown()
    if not answered or runtime.error:
        sys.exit(f"{bootstrap} did not answer: {runtime.error}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    return runtime.asked - began, runtime.answered - began, cpu


def environment_of(folder):
    """What `weir up` wrote down for functions."""
    lines = (folder / "env").read_text(encoding="utf-8").splitlines()
    variables = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | variables | {"MIMALLOC_PURGE_DELAY": "-1", "WEIR_SINK": f"file://{folder}/rows"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zips", type=pathlib.Path, default=ROOT / "dist" / "x86_64")
    parser.add_argument("--weir", type=pathlib.Path, default=ROOT / "target" / "release" / "weir")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("functions", nargs="*", default=list(PAYLOADS), metavar="FUNCTION")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        data = work / "data"
        ports = [option for kind in ("", "kafka-", "dynamodb-") for option in (f"--{kind}port", "0")]
        command = [options.weir, "up", "--no-simulate", "--sql", ROOT / "sql", "--data-dir", data, *ports]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as weir:
            try:
                until = time.time() + 60
                while not (data / "env").exists() or not (data / "env").stat().st_size:
                    if time.time() > until or weir.poll() is not None:
                        sys.exit(f"{options.weir} up did not start")
                    time.sleep(0.1)
                environment = environment_of(data)
                print(f"{'function':10} {'init ms':>8} {'answer ms':>10} {'CPU ms':>7}")
                for name in options.functions:
                    zipfile.ZipFile(options.zips / f"{name}.zip").extractall(work / name)
                    bootstrap = work / name / "bootstrap"
                    bootstrap.chmod(0o755)
                    payload = (ROOT / "events" / name / PAYLOADS[name]).read_bytes()
                    rounds = [start(bootstrap, payload, environment) for _ in range(options.rounds)]
                    init, answer, cpu = (1000 * statistics.median(column) for column in zip(*rounds))
                    print(f"{name:10} {init:8.0f} {answer:10.0f} {cpu:7.0f}", flush=True)
            finally:
                weir.send_signal(signal.SIGTERM)


main()
