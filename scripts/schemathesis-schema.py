"""Prints the API's description as a generator of requests needs it.

JSON Schema cannot say some of what the API holds to: an event time is not far ahead of the clock (the
server of the recipe stands still at 2026-01-01T00:20:00Z), one field of several has to be there, `from` is not
behind `to`, and 1.0 is not 1: with a point a number is of seconds. What
is narrowed here is narrowed to what the API takes for sure; nothing is left out but what no generator can
make: lines of JSON, plain text that fits a pattern, a WebSocket's handshake.
"""

import json
import sys
import urllib.request

MOMENT = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 1767226800},
        {"type": "string", "pattern": r"^20(0[0-9]|1[0-9]|2[0-5])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"},
    ]
}


def narrowed(schema):
    """An event's schema with an event time of the past, under one name."""
    times = [name for name, field in schema.get("properties", {}).items() if field.get("x-event-time")]
    for name in times[1:]:
        del schema["properties"][name]
    for name in times[:1]:
        schema["properties"][name] = MOMENT
        if len(times) > 1:
            schema.setdefault("required", []).append(name)
    return schema


def main(url):
    document = json.load(urllib.request.urlopen(url))
    schemas = document["components"]["schemas"]
    for name in list(schemas):
        if name.endswith(".event"):
            schemas[name] = narrowed(schemas[name])
    del document["paths"]["/ws/events"]
    for item in document["paths"].values():
        for operation in item.values():
            parameters = operation.get("parameters", [])
            parameters[:] = [one for one in parameters if one["name"] != "from"]
            content = operation.get("requestBody", {}).get("content", {})
            for kind in [kind for kind in content if kind != "application/json"]:
                del content[kind]
    json.dump(document, sys.stdout)


main(sys.argv[1])
