"""ministack: DynamoDB and Lambda without Docker, with the functions deployed to it."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import boto3
import botocore.config
import psutil

from processes import Failure, Started, answers, eventually, free_port

REGION = "us-east-1"
# What infra/localstack makes; each with whether it is told where the topics are.
FUNCTIONS = {"ingest": True, "window": True, "sweep": True, "serve": False, "notify": True}


class Cloud:
    """ministack and what is deployed to it."""

    def __init__(self, work):
        self.port, self.work = free_port(), pathlib.Path(work)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
        scratch = self.work / "ministack"
        scratch.mkdir()
        # Functions inherit this environment, as they have AWS's endpoints there.
        env = os.environ | self.credentials | {
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "LAMBDA_EXECUTOR": "local",
            "AWS_ENDPOINT_URL": self.endpoint, "TMPDIR": str(scratch), "AWS_LC_SYS_NO_JITTER_ENTROPY": "1",
        }
        for name in [name for name in env if name.startswith("WEIR_")]:
            del env[name]
        server = pathlib.Path(sys.executable).parent / "ministack"
        self.process = Started("ministack", [str(server)], self.work / "ministack.log", env)

    def start(self):
        self.process.start()
        eventually("ministack", lambda: answers(self.port))

    def client(self, service):
        config = botocore.config.Config(read_timeout=120, retries={"max_attempts": 0})
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, config=config,
            aws_access_key_id="test", aws_secret_access_key="test",
        )

    def deploy(self, infra, zips, brokers):
        """By Terraform where its provider can be had, else by the calls that it would make."""
        if self.terraform(infra, zips, brokers):
            # The test says when windows without traffic are closed.
            self.client("events").disable_rule(Name="weir-sweep")
            return "terraform apply of infra/localstack"
        self.calls(zips, {"WEIR_KAFKA_BOOTSTRAP_SERVERS": brokers})
        return "AWS calls, since Terraform's aws provider can't be had"

    def terraform(self, infra, zips, brokers):
        if shutil.which("terraform") is None:
            return False
        copy = self.work / "infra"
        shutil.copytree(infra, copy)
        env = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_DATA_DIR": str(self.work / "terraform")}

        def run(*arguments):
            with open(self.work / "terraform.log", "ab") as log:
                command = ["terraform", f"-chdir={copy}/localstack", *arguments]
                return subprocess.run(command, stdout=log, stderr=log, env=env, check=False).returncode == 0

        # A provider that the CLI's configuration names needs no registry.
        if not (run("get") and run("validate")) and not run("init", "-input=false"):
            return False
        variables = {
            "endpoint": self.endpoint, "bootstrap_servers": brokers, "zips": zips.parent, "architecture": zips.name,
        }
        options = [f"-var={name}={value}" for name, value in variables.items()]
        options.append(f"-var-file={copy}/aws/topics.auto.tfvars.json")
        if not run("apply", "-input=false", "-auto-approve", *options):
            raise Failure(f"terraform apply failed: see {self.work}/terraform.log")
        if not run("plan", "-input=false", "-detailed-exitcode", *options):
            raise Failure(f"terraform would change what it has just made: see {self.work}/terraform.log")
        return True

    def calls(self, zips, broker):
        """The table and the functions; `broker` is what tells these where the topics are."""
        names = [("pk", "HASH"), ("sk", "RANGE")]
        dynamodb = self.client("dynamodb")
        dynamodb.create_table(
            TableName="weir", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in names],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names],
        )
        ttl = {"AttributeName": "ttl", "Enabled": True}
        dynamodb.update_time_to_live(TableName="weir", TimeToLiveSpecification=ttl)
        functions = self.client("lambda")
        for name, has_broker in FUNCTIONS.items():
            variables = {"RUST_LOG": "info", "WEIR_TABLE": "weir"} | (broker if has_broker else {})
            functions.create_function(
                FunctionName=f"weir-{name}", Runtime="provided.al2023", Handler="bootstrap", MemorySize=512,
                Timeout=60, Role="arn:aws:iam::000000000000:role/weir", Code={"ZipFile": (zips / f"{name}.zip").read_bytes()},
                Environment={"Variables": variables},
            )
            if name in ("ingest", "serve"):
                functions.create_function_url_config(FunctionName=f"weir-{name}", AuthType="NONE")

    def update(self, name, zipped):
        code = pathlib.Path(zipped).read_bytes()
        self.client("lambda").update_function_code(FunctionName=f"weir-{name}", ZipFile=code)

    def url(self, name):
        """The function's URL, by a path: its own name leads to no address here."""
        found = self.client("lambda").get_function_url_config(FunctionName=f"weir-{name}")["FunctionUrl"]
        return f"{self.endpoint}/_aws/lambda-url/{re.match(r'https?://([^.]+)[.]', found)[1]}"

    def invoke(self, name, payload):
        answer = self.client("lambda").invoke(FunctionName=f"weir-{name}", Payload=json.dumps(payload).encode())
        text = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Failure(f"{name} failed: {text.decode()}")
        return json.loads(text)

    def processes(self, name):
        """The function's running environments."""
        found = []
        for child in psutil.Process(self.process.process.pid).children(recursive=True):
            try:
                if child.environ().get("AWS_LAMBDA_FUNCTION_NAME") == f"weir-{name}":
                    found.append(child)
            except psutil.Error:
                pass  # It has just ended.
        return found
