"""The servers and the comparisons of scripts/sinks.sh.

    sinks.py s3 PORT_FILE                     an S3 server (moto) with a bucket `rows`
    sinks.py clickhouse FOLDER PORT_FILE      ClickHouse's engine (chdb) behind its HTTP interface
    sinks.py duckdb SQL ROWS [--compact] [--s3 HOST:PORT]
    sinks.py clickhouse PORT ROWS             compare what is stored with the rows that were written
"""

import json
import os
import sys
import tempfile
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

COMPRESSED = b"\x28\xb5\x2f\xfd"


def expected(path):
    """The rows in force of each view: of an identity the highest revision. Alerts are in a table of all too."""
    views = {}
    with open(path, encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            tables = [row["view"]] + (["weir_alerts"] if "id" in row else [])
            for table in tables:
                rows = views.setdefault(table, {})
                known = rows.get(identity(row))
                if known is None or known["revision"] <= row["revision"]:
                    rows[identity(row)] = row
    return {view: list(rows.values()) for view, rows in views.items()}


def has_refirings(path):
    with open(path, encoding="utf-8") as lines:
        return any(json.loads(line)["revision"] > 0 for line in lines)


KEYS = ["product_id", "user_id", "id", "source_record", "window_start", "window_end"]


def identity(row):
    return tuple(row.get(name) for name in (["id"] if "id" in row else KEYS))


def compare(view, columns, found, rows):
    """Compares rows column by column; times are milliseconds, JSON is text."""
    assert len(found) == len(rows), f"{view}: {len(found)} rows instead of {len(rows)}"
    shared = [name for name in columns if name in rows[0] and not (view == "weir_alerts" and name == "view")]
    assert "revision" in shared, f"{view}: {columns}"

    def told(value):
        if isinstance(value, (list, dict)):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        # Readers differ in how they write a whole DOUBLE.
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def ordered(all_rows):
        return sorted(json.dumps([told(row[name]) for name in shared]) for row in all_rows)

    assert ordered(found) == ordered(rows), f"{view}: rows differ\n{ordered(found)[:3]}\n{ordered(rows)[:3]}"
    print(f"ok: {view}, {len(rows)} rows, {len(shared)} columns")


def free_port_server(handler, port_file):
    server = HTTPServer(("127.0.0.1", 0), handler)
    with open(port_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_port))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


def serve_s3(port_file):
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
    from moto.server import ThreadedMotoServer
    import boto3

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1").create_bucket(Bucket="rows")
    with open(port_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(port))
    os.rename(port_file + ".new", port_file)
    server._thread.join()


def serve_clickhouse(folder, port_file):
    """The engine behind the part of the HTTP interface that Weir uses: settings and parameters in the URL, the
    statement there or in the body, a body packed with zstd, user and password in headers, errors as text."""
    from chdb import session

    engine = session.Session(folder)
    engine.query("CREATE DATABASE IF NOT EXISTS web ENGINE = Atomic")
    engine.query("USE web")
    ours = {"database", "query", "wait_end_of_query"}
    inserted = os.path.join(folder, "insert.zst")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            user, key = self.headers["x-clickhouse-user"], self.headers["x-clickhouse-key"]
            if (user, key) != ("web", "secret"):
                return self.answer(403, b"Code: 516. DB::Exception: Authentication failed")
            given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))
            try:
                self.answer(200, self.run(given, body))
            except Exception as error:  # The engine has one class for all of its errors.
                self.answer(500, str(error).encode())

        def run(self, given, body):
            for name, value in given.items():
                if name not in ours and not name.startswith("param_"):
                    engine.query(f"SET {name} = '{value}'")
            for name, value in given.items():
                if name.startswith("param_"):
                    engine.query(f"SET {name} = '{value}'")
            if "query" not in given:
                return engine.query(body.decode()).bytes() or b""
            assert self.headers["content-encoding"] == "zstd" and body.startswith(COMPRESSED)
            with open(inserted, "wb") as file:
                file.write(body)
            insert, form = given["query"].rsplit(" FORMAT ", 1)
            return engine.query(f"{insert} FROM INFILE '{inserted}' COMPRESSION 'zstd' FORMAT {form}").bytes() or b""

    free_port_server(Handler, port_file)


def read_s3(lake, s3, text):
    """Lets DuckDB read the S3 server. Where its extension for that can't be had, the objects are copied into a
    folder, and the statements read them there."""
    import duckdb

    try:
        lake.execute("INSTALL httpfs; LOAD httpfs")
    except duckdb.Error as error:
        print(f"DuckDB has no httpfs here ({str(error).splitlines()[0][:60]}...): reads a copy of the objects")
        return text.replace("s3://rows/", copied(s3))
    lake.execute(
        f"CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', ENDPOINT '{s3}', "
        "URL_STYLE 'path', USE_SSL false)"
    )
    return text


def copied(s3):
    import boto3

    folder = tempfile.mkdtemp(dir=os.environ["SINKS_WORK"]) + "/"
    client = boto3.client("s3", endpoint_url=f"http://{s3}", region_name="us-east-1")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="rows"):
        for object in page.get("Contents", []):
            path = folder + object["Key"]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            client.download_file("rows", object["Key"], path)
    return folder


def duckdb_holds(sql, rows, compact, s3):
    import duckdb

    lake = duckdb.connect()
    lake.execute("SET TimeZone = 'UTC'")
    text = open(sql, encoding="utf-8").read()
    if s3:
        text = read_s3(lake, s3, text)
    statements = [statement for statement in text.split(";\n") if statement.strip()]
    wanted = expected(rows)
    assert has_refirings(rows), "no row fired anew: the comparison would show less than it says"
    for statement in statements:
        name = statement.split('"')[1]
        if name.removesuffix("_revisions") in wanted:
            lake.execute(statement)
    for view, rows_of_view in wanted.items():
        found = lake.execute(f'SELECT * FROM "{view}"')
        kinds = {column[0]: str(column[1]) for column in found.description}
        times = [name for name, kind in kinds.items() if kind.startswith("TIMESTAMP")]
        replaced = ", ".join(f'epoch_ms("{name}") AS "{name}"' for name in times)
        replaced = f" REPLACE ({replaced})" if replaced else ""
        found = lake.execute(f'SELECT *{replaced} FROM "{view}"')
        columns = [column[0] for column in found.description]
        compare(view, columns, [dict(zip(columns, row)) for row in found.fetchall()], rows_of_view)
        every = lake.execute(f'SELECT count(*) FROM "{view}_revisions"').fetchone()[0]
        assert not compact or every == len(rows_of_view), f"{view}: {every} rows in all"
        assert compact or every > len(rows_of_view), f"{view}: nothing was written twice"


def clickhouse_holds(port, rows):
    def ask(query):
        url = f"http://127.0.0.1:{port}/?database=web"
        headers = {"x-clickhouse-user": "web", "x-clickhouse-key": "secret"}
        with urllib.request.urlopen(urllib.request.Request(url, query.encode(), headers)) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]

    for view, rows_of_view in expected(rows).items():
        columns = ask(f"SELECT name, type FROM system.columns WHERE database = 'web' AND table = '{view}' FORMAT JSONEachRow")
        times = [column["name"] for column in columns if "DateTime64" in column["type"]]
        replaced = ", ".join(f"toUnixTimestamp64Milli({name}) AS {name}" for name in times)
        replaced = f" REPLACE ({replaced})" if replaced else ""
        found = ask(
            f"SELECT *{replaced} FROM {view} FINAL FORMAT JSONEachRow "
            "SETTINGS output_format_json_quote_64bit_integers = 0"
        )
        compare(view, [column["name"] for column in columns], found, rows_of_view)


def main(arguments):
    match arguments:
        case ["s3", port_file]:
            serve_s3(port_file)
        case ["clickhouse", port, rows] if port.isdigit():
            clickhouse_holds(port, rows)
        case ["clickhouse", folder, port_file]:
            serve_clickhouse(folder, port_file)
        case ["duckdb", sql, rows, *options]:
            s3 = options[options.index("--s3") + 1] if "--s3" in options else None
            duckdb_holds(sql, rows, "--compact" in options, s3)
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
