"""What the schemas do not say of docker/: that the pieces fit one another.

Usage: compose.py COMPOSE, compose.yaml as Docker Compose understands it, in JSON."""

import json
import os
import re
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from ruamel.yaml import YAML

DASHBOARD = "docker/grafana/dashboards/warmline.json"


def fail(text):
    print("FAIL:", text)
    sys.exit(1)


def lost(given, kept, path=""):
    """What of a document Grafana's own types did not keep, but for empty values."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key not in kept and value not in (None, "", [], {}):
                yield f"{path}.{key}"
            elif key in kept:
                yield from lost(value, kept[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (a, b) in enumerate(zip(given, kept)):
            yield from lost(a, b, f"{path}[{index}]")
    elif given != kept:
        yield path


def dashboard():
    with open(DASHBOARD) as file:
        given = json.load(file)
    kept = json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder))
    # A copy of the variable's query that Grafana itself keeps there.
    unknown = [path for path in lost(given, kept) if not path.endswith(".definition")]
    if unknown:
        fail(f"{DASHBOARD}: not in Grafana's types: {unknown}")
    sources = YAML(typ="safe").load(open("docker/grafana/provisioning/datasources/prometheus.yml"))["datasources"]
    used = set(re.findall(r'"uid": "([^"]+)"', json.dumps(given))) - {given["uid"]}
    if used != {source["uid"] for source in sources}:
        fail(f"{DASHBOARD} asks {used}, provisioned is {sources}")
    boxes = [panel["gridPos"] for panel in given["panels"]]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            if abs(2 * a["x"] + a["w"] - 2 * b["x"] - b["w"]) < a["w"] + b["w"] and (
                abs(2 * a["y"] + a["h"] - 2 * b["y"] - b["h"]) < a["h"] + b["h"]
            ):
                fail(f"{DASHBOARD}: panels lie on one another: {a} {b}")
    print(f"  ok    the dashboard: {len(boxes)} panels, in Grafana's own types; the job prometheus runs their queries")
    return sources


def services(path, sources):
    with open(path) as file:
        project = json.load(file)
    found = project["services"]
    for name, service in found.items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind" and not os.path.exists(volume["source"]):
                fail(f"{name}: {volume['source']} does not exist")
        build = service.get("build")
        if build:
            with open(os.path.join(build["context"], build["dockerfile"])) as file:
                text = file.read()
            if "target" in build and not re.search(rf"^FROM .* AS {build['target']}$", text, re.M):
                fail(f"{name}: no stage {build['target']}")
        ports = [port for port in service.get("ports", []) if port.get("host_ip") != "127.0.0.1"]
        if ports:
            fail(f"{name}: open to the network: {ports}")
        if service.get("cap_drop") != ["ALL"]:
            fail(f"{name}: has capabilities")
    urls = [source["url"] for source in sources] + ["http://node-exporter:9100"]
    for url in urls:
        if re.match(r"http://([^:]+):", url)[1] not in found:
            fail(f"no service for {url}")
    if "node-exporter:9100" not in open("docker/prometheus/prometheus.yml").read():
        fail("Prometheus does not scrape node-exporter")
    print(f"  ok    {len(found)} services: files, stages and names fit; nothing is open beyond this machine")


services(sys.argv[1], dashboard())
