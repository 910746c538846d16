"""What the main jobs have in common: simulated events, the killing of functions, and rows held against those of `weir run`."""

import pathlib
import time

import psutil

from processes import Failure, Started, eventually
from rows import (
    Api, Expected, dead_letters, differences, expected_dead, expected_late, in_force, late_events, published, same_counts,
)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SQL = str(ROOT / "sql")
LATE, DEAD = "weir.late_events", "weir.dead_letters"


class Pipeline:
    """`broker` reads topics, and `failures()` is how many batches have failed so far. In the views of `spread` nothing may be
    late: they are over several partitions, where what is late depends on how batches interleave."""

    def __init__(self, weir, broker, cloud, work, tables, spread):
        self.weir, self.broker, self.cloud, self.work = weir, broker, cloud, work
        self.tables, self.spread, self.killed = tables, spread, 0
        self.api = Api(cloud.url("serve"))

    def failures(self):
        raise NotImplementedError

    def simulation(self, to, topics, seed, seconds, *options):
        only = [option for topic in topics for option in ("--only", topic)]
        return [self.weir, "simulate", "--to", to, "--seed", str(seed), "--duration", f"{seconds}s", *options, *only]

    def simulate(self, name, *simulation):
        return Started(f"weir simulate ({name})", self.simulation(*simulation), self.work / f"simulate-{name}.log").start()

    def expect_sent(self, sender, seconds):
        if sender.process.wait(seconds):
            raise Failure(f"{sender.name} failed: {sender.tail()}")
        print(f"   {sender.text().splitlines()[-1]}", flush=True)

    def kill_functions(self, times):
        """Kills `window` where it is at work: an environment that takes CPU time has a batch."""
        for _ in range(times):
            before = self.failures()
            until = time.time() + 30
            while self.failures() == before:
                if time.time() > until:
                    raise Failure("no batch failed although its function was killed")
                for process in self.cloud.processes("window"):
                    self.kill_if_busy(process)
                time.sleep(0.2)
        print(f"   killed: the function window at work, {self.killed} times", flush=True)

    def kill_if_busy(self, process):
        try:
            spent = process.cpu_times().user
            time.sleep(0.03)
            if process.cpu_times().user > spent:
                process.kill()
                self.killed += 1
        except psutil.Error:
            pass  # It has ended by itself.

    def check(self):
        expected = Expected(self.weir, SQL, self.broker, self.tables, self.work)
        views = self.api.get("views")
        keys = {view["name"]: [key["name"] for key in view["keys"]] for view in views}
        rows = in_force(expected.rows, keys, expected.beside)
        if any(line["view"] in self.spread for line in expected.late):
            raise Failure("an event of several partitions is late, so rows depend on how batches interleave")
        results = sorted({view.get("topic") or "weir.alerts" for view in views if view.get("topic") or view.get("alert")})
        names = {view["name"] for view in views if view.get("topic") or view.get("alert")}
        of_topics = {identity: row for identity, row in rows.items() if identity[0] in names}

        def swept():
            self.cloud.invoke("sweep", {})
            given = published(self.broker, results)
            self.revised = sum(row["revision"] > 0 for row in given)
            self.difference = differences(of_topics, in_force(given, keys, expected.beside))
            return not self.difference

        try:
            eventually("the rows", swept, seconds=150, pause=4)
        except Failure as failure:
            raise Failure(f"{failure}\nthe rows of the topics differ from those of weir run:\n{self.difference}") from None
        print(f"ok: the result topics have the rows of weir run, row for row: {len(of_topics)} of {len(names)} views", flush=True)
        told = in_force([row for view in views for row in self.api.rows(view)], keys, expected.beside)
        if different := differences(rows, told):
            raise Failure(f"the rows over HTTP differ from those of weir run:\n{different}")
        print(f"ok: so has the function serve over HTTP: {len(told)} of {len(views)} views", flush=True)
        late = same_counts("late events", expected_late(expected.late), late_events(self.broker, LATE))
        dead = same_counts("dead letters", expected_dead(expected.dead), dead_letters(self.broker, DEAD))
        print(f"ok: late events ({late}) and dead letters ({dead}) are the same; {self.revised} rows were revised", flush=True)
