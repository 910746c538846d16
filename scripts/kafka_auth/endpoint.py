"""Lambda's Invoke API, whose function counts the records that it gets; Secrets Manager and the parameters of Systems Manager,
which both have what SECRETS says.

endpoint.py PORT_FILE SECRETS: writes its port to PORT_FILE. GET /TOPIC answers how many records of it there were.
"""

import http.server
import json
import pathlib
import sys

counts = {}
secrets = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, counts.get(self.path.strip("/"), 0))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        target = self.headers.get("x-amz-target")
        if target == "secretsmanager.GetSecretValue":
            self.secret(asked["SecretId"], lambda name, text: {"Name": name, "SecretString": text}, "ResourceNotFoundException")
            return
        if target == "AmazonSSM.GetParameter" and asked["WithDecryption"]:
            self.secret(asked["Name"], lambda name, text: {"Parameter": {"Name": name, "Value": text}}, "ParameterNotFound")
            return
        for records in asked["records"].values():
            topic = records[0]["topic"]
            counts[topic] = counts.get(topic, 0) + len(records)
        self.answer(200, {"batchItemFailures": []})

    def secret(self, name, found, refusal):
        if name in secrets:
            self.answer(200, found(name, json.dumps(secrets[name])))
        else:
            self.answer(400, {"__type": refusal, "Message": "It can't be found."})

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
pathlib.Path(sys.argv[1]).write_text(str(server.server_port), encoding="utf-8")
server.serve_forever()
