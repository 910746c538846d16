"""A view is changed while events come, written by transactions too: `weir backfill` fills its new state from Apache Kafka, the
functions join, and its rows are those that the new SQL has over all of the topic."""

import os
import shutil
import subprocess
import zipfile

from confluent_kafka import Producer

from pipeline import ROOT
from processes import Failure, eventually
from rows import Expected, differences, in_force

TOPIC, VIEW = "click-stream", "page_view_counts"
CHANGED = ("count(*) FILTER (WHERE event_type = 'VIEW')   AS views", "count(*) FILTER (WHERE event_type <> 'VIEW')  AS deeds")


class Backfill:
    def __init__(self, pipeline, zips):
        self.pipeline, self.zips, self.work = pipeline, zips, pipeline.work / "backfill"
        self.weir, self.broker, self.cloud = pipeline.weir, pipeline.broker, pipeline.cloud
        self.sql = self.work / "sql"
        shutil.copytree(ROOT / "sql", self.sql)
        file = self.sql / "page_views.sql"
        text = file.read_text(encoding="utf-8")
        if CHANGED[0] not in text:
            raise Failure(f"sql/page_views.sql has no {CHANGED[0]} any more")
        file.write_text(text.replace(*CHANGED), encoding="utf-8")
        self.producer = Producer(self.broker.client() | {"transactional.id": "backfill"})
        self.producer.init_transactions(30)

    def write(self, seed):
        """Events in two transactions, of which the second is aborted. The last offset is a mark, then."""
        command = [self.weir, "simulate", "--to", "-", "--only", TOPIC, "--seed", str(seed), "--rate", "2000", "--duration", "2s"]
        lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
        for half, end in ((lines[::2], self.producer.commit_transaction), (lines[1::2], self.producer.abort_transaction)):
            self.producer.begin_transaction()
            for line in half:
                self.producer.produce(TOPIC, line, partition=0)
            self.producer.flush(30)
            end(30)

    def handled(self):
        last = self.broker.read(TOPIC)[-1].offset()
        eventually("the functions", lambda: self.broker.committed("weir-window", [TOPIC])[TOPIC, 0] > last)

    def backfill(self, *options):
        env = os.environ | self.cloud.credentials | {"AWS_ENDPOINT_URL": self.cloud.endpoint}
        command = [self.weir, "backfill", VIEW, "--sql", str(self.sql), "--brokers", self.broker.bootstrap, "--table", "weir", *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise Failure(f"weir backfill failed: {done.stderr}")
        print(f"   weir backfill {' '.join(options)}: {done.stdout.splitlines()[-1]}", flush=True)

    def deploy(self):
        for name in ("window", "sweep", "serve"):
            with zipfile.ZipFile(self.zips / f"{name}.zip") as built:
                bootstrap = built.read("bootstrap")
            target = self.work / f"{name}.zip"
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
                zipped.writestr("bootstrap", bootstrap)
                for file in sorted(self.sql.glob("*.sql")):
                    zipped.write(file, f"sql/{file.name}")
            self.cloud.update(name, target)

    def run(self):
        poller = self.pipeline.poller()
        self.write(21)
        self.handled()
        self.backfill("--from", "earliest")
        self.write(22)
        self.handled()
        self.deploy()
        self.write(23)
        self.handled()
        self.backfill("--join")
        self.write(24)
        self.handled()
        poller.expect_running()
        self.check()
        poller.stop()

    def check(self):
        """Closing the last windows takes a sweep that sees through the marks at the topic's end."""
        expected = Expected(self.weir, str(self.sql), self.broker, [TOPIC], self.work, [VIEW])
        (view,) = [view for view in self.pipeline.api.get("views") if view["name"] == VIEW]
        keys = {VIEW: [key["name"] for key in view["keys"]]}
        rows = in_force(expected.rows, keys)

        def swept():
            self.cloud.invoke("sweep", {})
            self.difference = differences(rows, in_force(self.pipeline.api.rows(view), keys))
            return not self.difference

        try:
            eventually("the rows", swept, seconds=120, pause=4)
        except Failure as failure:
            raise Failure(f"{failure}\nthe rows of the changed view differ from those of weir run:\n{self.difference}") from None
        print(f"ok: the changed view has the rows of weir run over the whole topic, row for row: {len(rows)}", flush=True)
