"""See scripts/end-to-end.sh."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

import psutil

from backfill import Backfill
from broker import Broker
from cloud import FUNCTIONS, Cloud
from over_kafka import KafkaPipeline
from over_kinesis import KinesisPipeline
from pipeline import ROOT
from polling import Polling
from processes import Failure
from streams import Streams

BEGAN = time.time()


def pack(binaries, target):
    """Zips of the functions as scripts/zips.sh makes them, but of what is built already."""
    target.mkdir(parents=True)
    for name in FUNCTIONS:
        binary = target / name
        shutil.copy(binaries / name, binary)
        # What is only for debuggers would be most of it.
        if shutil.which("strip"):
            subprocess.run(["strip", str(binary)], check=True)
        with zipfile.ZipFile(target / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
            zipped.write(binary, "bootstrap")
            for file in sorted((ROOT / "sql").glob("*.sql")):
                zipped.write(file, f"sql/{file.name}")
        binary.unlink()
    return target


def phase(name):
    print(f"== {name} (at {time.time() - BEGAN:.0f} s)", flush=True)


def over_kafka(options, weir, cloud, zips):
    broker = Broker("java", options.kafka, options.work)
    phase("starting Apache Kafka")
    broker.start()
    phase("weir poll on Apache Kafka")
    Polling(weir, broker, options.work).all()
    phase("deploying the functions")
    print(f"   by {cloud.deploy(options.infra, zips, broker.bootstrap)}", flush=True)
    phase(f"events for {options.seconds} s, and faults")
    pipeline = KafkaPipeline(weir, broker, cloud, options.work, options.seconds)
    pipeline.run()
    phase("weir backfill of a view that is changed")
    Backfill(pipeline, zips).run()


def over_kinesis(options, weir, cloud, zips):
    phase("deploying the functions")
    cloud.calls(zips, {"WEIR_BROKER": "kinesis"})
    phase(f"events for {options.seconds} s, and faults")
    KinesisPipeline(weir, Streams(cloud), cloud, options.work, options.seconds).run()


SOURCES = {"kafka": over_kafka, "kinesis": over_kinesis}


def run(options):
    zips = options.zips.resolve() if options.zips else pack(options.binaries, options.work / "zips" / "x86_64")
    weir, cloud = str(options.binaries / "weir"), Cloud(options.work)
    phase("starting ministack")
    cloud.start()
    SOURCES[options.source](options, weir, cloud, zips)
    phase("done")


def stop_all():
    """What is left of what was started, whatever happened."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.terminate()
    for child in psutil.wait_procs(children, timeout=10)[1]:
        child.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", choices=SOURCES, default="kafka")
    parser.add_argument("--kafka", type=pathlib.Path)
    parser.add_argument("--binaries", required=True, type=pathlib.Path)
    parser.add_argument("--zips", type=pathlib.Path)
    parser.add_argument("--infra", type=pathlib.Path, default=ROOT / "infra")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=45)
    options = parser.parse_args()
    try:
        run(options)
    except Failure as failure:
        sys.exit(f"failed: {failure}\nlogs are in {options.work}")
    finally:
        stop_all()


main()
