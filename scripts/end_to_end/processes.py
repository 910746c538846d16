"""Processes and ports of the run: what is started here is stopped here."""

import signal
import socket
import subprocess
import time


class Failure(Exception):
    """What does not hold, for people."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def eventually(what, check, seconds=60, pause=0.3):
    """Tries until something is true; gives it."""
    until, last = time.time() + seconds, None
    while time.time() < until:
        try:
            found = check()
            if found:
                return found
        except Exception as error:  # What is not there yet is tried again.
            last = error
        time.sleep(pause)
    raise Failure(f"waited {seconds} s in vain for {what}{f': {last}' if last else ''}")


def answers(port):
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


class Started:
    """A process with a log of its own, appended to when it is started anew."""

    def __init__(self, name, command, log, env=None):
        self.name, self.command, self.log, self.env, self.process = name, command, log, env, None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.env)
        return self

    def runs(self):
        return self.process is not None and self.process.poll() is None

    def expect_running(self):
        if not self.runs():
            raise Failure(f"{self.name} ended with {self.process.returncode}; its log ends with\n{self.tail()}")

    def tail(self, lines=25):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def kill(self):
        """As if the machine had lost it."""
        self.process.kill()
        self.process.wait()

    def stop(self, by=signal.SIGTERM, seconds=60):
        """In order; by force where that takes too long, which is then said."""
        if not self.runs():
            return self.process.returncode if self.process else None
        self.process.send_signal(by)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not stop within {seconds} s") from None
