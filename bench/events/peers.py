"""The contestants: how each is installed from its registry and started. Owns their versions.

npm for kafkajs, Maven Central for the Java client (compiled by ECJ, run on the Java of the embedded default), Go
modules for franz-go. Each does for a JSON event a record what ours does: stamp and mark, fields and their bounds, sums,
one transaction with rows, compared positions and marks, and the outbox row.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import cache
from local.cache import Artefact
from local.processes import kafka_install

ASSETS: Final = Path(__file__).parent / "assets"
JAVA_DEPENDENCIES: Final = {
    "org.apache.kafka:kafka-clients": kafka_install.VERSION,
    "org.postgresql:postgresql": "42.7.8",
    "com.fasterxml.jackson.core:jackson-databind": "2.20.1",
    "org.slf4j:slf4j-nop": "2.0.17",
    "org.eclipse.jdt:ecj": "3.43.0",
}

OURS_PACKED, OURS_JSON = "ours, packed", "ours, one JSON event a record"
KAFKAJS, JAVA, GO = "kafkajs + pg", "kafka-clients + pgjdbc", "franz-go + pgx"


@dataclass(frozen=True)
class Peer:
    """One contestant."""

    name: str
    packed: bool
    command: Callable[[Path], tuple[str, ...]]
    """From the stage's file."""


def _key(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def node_modules() -> Path:
    """The directory with kafkajs, pg and the two programs."""
    manifest = ASSETS / "node" / "package.json"

    def build(target: Path) -> None:
        shutil.copy(manifest, target)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)

    return cache.install(Artefact("bench-events-node", _key(manifest), "installing kafkajs and pg from npm"), build)


def _node(program: str, *arguments: str) -> tuple[str, ...]:
    modules = node_modules()
    shutil.copy(ASSETS / "node" / program, modules)
    return ("node", str(modules / program), *arguments)


def _pom() -> str:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for (group, name), version in ((key.split(":"), version) for key, version in JAVA_DEPENDENCIES.items())
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>meridian</groupId><artifactId>bench</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


def java_classes() -> Path:
    """The directory of the jars and the compiled contestant."""
    source = ASSETS / "java" / "Consume.java"
    version = hashlib.sha256(source.read_bytes() + _pom().encode()).hexdigest()[:16]

    def build(target: Path) -> None:
        pom = target / "pom.xml"
        pom.write_text(_pom(), encoding="utf-8")
        environment = {**os.environ}
        if shutil.which("java") is None:
            environment.setdefault("JAVA_HOME", str(kafka_install.JAVA.parent.parent))
        command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={target}"]
        subprocess.run(command, check=True, env=environment)
        compiler = next(target.glob("ecj-*.jar"))
        jars = ":".join(str(jar) for jar in target.glob("*.jar"))
        command = [str(kafka_install.JAVA), "-jar", str(compiler), "-21", "-nowarn", "-cp", jars, "-d", str(target)]
        subprocess.run([*command, str(source)], check=True)

    return cache.install(Artefact("bench-events-java", version, "installing the Java client from Maven Central"), build)


def go_program() -> Path:
    """The compiled contestant."""
    sources = sorted((ASSETS / "go").iterdir())

    def build(target: Path) -> None:
        work = target / "source"
        shutil.copytree(ASSETS / "go", work)
        subprocess.run(["go", "build", "-o", str(target / "consume"), "."], cwd=work, check=True)

    artefact = Artefact("bench-events-go", _key(*sources), "building franz-go and pgx from Go modules")
    return cache.install(artefact, build) / "consume"


def _ours(way: str) -> Callable[[Path], tuple[str, ...]]:
    return lambda stage: (sys.executable, "-m", "bench.events.ours", way, str(stage))


def _java(stage: Path) -> tuple[str, ...]:
    # Two collectors' threads on one core would only disturb each other.
    return (str(kafka_install.JAVA), "-Xmx512m", "-XX:+UseSerialGC", "-cp", f"{java_classes()}/*:{java_classes()}",
            "Consume", str(stage))  # fmt: skip


PEERS: Final = (
    Peer(OURS_PACKED, True, _ours("packed")),
    Peer(OURS_JSON, False, _ours("json")),
    Peer(KAFKAJS, False, lambda stage: _node("consume.js", str(stage))),
    Peer(JAVA, False, _java),
    Peer(GO, False, lambda stage: (str(go_program()), str(stage))),
)


def kafkajs_producer(stage: Path, topic: str, warm: int, count: int) -> tuple[str, ...]:
    """The command of the producing peer."""
    return _node("produce.js", str(stage), topic, str(warm), str(count))


def versions() -> dict[str, str]:
    """Of everything that is compared."""
    modules = dict(re.findall(r"^\s*(?:require )?(\S+) (v\S+)(?: //.*)?$", (ASSETS / "go/go.mod").read_text(), re.M))
    direct = ("github.com/twmb/franz-go", "github.com/jackc/pgx/v5")
    node: dict[str, str] = json.loads((ASSETS / "node/package.json").read_text())["dependencies"]
    return {**node, **JAVA_DEPENDENCIES, **{name: modules[name] for name in direct}}
