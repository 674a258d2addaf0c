"""A cell on a real control plane, once for all checks of this directory, and the report of the run.

The checks of `whole_cell` run in the order in which they are written, as an operator would go. They are long and so no
part of `make test`: the file's name is one that pytest collects only when it is told to (`make test-cluster`). With
`CLUSTER_REPORT` a run in which every check passed is written to that file.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import psutil
import pytest

from local.cluster import binaries, control_plane, event_scaler
from local.engine import bootstrap, providers
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand
from local.engine.pulumi import Project, Runner
from local.kubernetes.api import Api
from stacks.manifests import NAMESPACE
from tests.cluster import preparing, signals, volumes
from tests.cluster.cell import CELL, Cell
from tests.cluster.report import Check, Report, rendered
from tests.cluster.scaling import Waiting
from tests.cluster.signals import Signals
from tests.footprint import deployment

PROGRAM = Path(__file__).with_name("program")
_REPORT = pytest.StashKey[Report]()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """What the run found out, for its report."""
    return pytestconfig.stash.setdefault(_REPORT, Report())


@pytest.fixture(scope="session")
def cluster(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Iterator[control_plane.ControlPlane]:
    """A control plane with fake nodes and with the kinds that EKS and KEDA would bring."""
    built, keda = binaries.obtain(), event_scaler.obtain()
    report.versions |= {part: binaries.version(part) for part in ("kubernetes", "etcd", "kwok")}
    report.versions["KEDA"] = event_scaler.VERSION
    with control_plane.running(built, tmp_path_factory.mktemp("cluster")) as running:
        report.number("API server ready, s", running.ready_seconds)
        api = Api(running.access)
        preparing.install_kinds(api, keda)
        report.number("fake nodes", preparing.add_nodes(api))
        with volumes.provided(api):
            yield running
        api.close()
        for name, pid in running.pids.items():
            report.number(f"resident memory of {name}, MB", psutil.Process(pid).memory_info().rss / 1e6)


@pytest.fixture(scope="session")
def api(cluster: control_plane.ControlPlane) -> Iterator[Api]:
    """The administrator's client."""
    client = Api(cluster.access)
    yield client
    client.close()


@pytest.fixture(scope="session")
def shown(cluster: control_plane.ControlPlane) -> Iterator[Signals]:
    """What the cell's pods show of their load; nothing waits at first."""
    with signals.serving() as serving:
        yield serving


@pytest.fixture(scope="session")
def waiting(cluster: control_plane.ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    """The cell's transcode queue, on an emulator, empty at first."""
    with deployment.emulated("moto", tmp_path_factory.mktemp("queue")) as url, Waiting(url) as queue:
        yield queue


@pytest.fixture(scope="session")
def scaler(
    cluster: control_plane.ControlPlane,
    report: Report,
    shown: Signals,
    waiting: Waiting,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """KEDA, asking the pods and the queue; gives the directory of its logs."""
    directory = tmp_path_factory.mktemp("keda")
    environment = {
        "HTTP_PROXY": shown.url,
        "HTTPS_PROXY": shown.url,
        "AWS_ENDPOINT_URL": waiting.url,
        **deployment.CREDENTIALS,
    }
    with event_scaler.running(
        event_scaler.obtain(), cluster, directory, watched=NAMESPACE, environment=environment
    ) as pids:
        yield directory / "logs"
        for name, pid in pids.items():
            report.number(f"resident memory of KEDA's {name}, MB", psutil.Process(pid).memory_info().rss / 1e6)


@pytest.fixture(scope="session")
def cell(
    cluster: control_plane.ControlPlane,
    scaler: Path,
    report: Report,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cell]:
    """The real engine on the workloads of a cell, with the provider in front of this cluster.

    KEDA runs meanwhile: a scaled object is gone only when it has let go of it. Without the policy pack: what is refused
    here, the cluster refused.
    """
    directory = tmp_path_factory.mktemp("cell")
    engine = bootstrap.obtain(directory)
    report.versions["pulumi"] = engine.version
    command = ProviderCommand(
        "kubernetes",
        "local.kubernetes.server",
        ("--root", str(directory / "manifests"), "--cluster", str(cluster.kubeconfig)),
        directory / "provider.log",
    )
    with providers.running([command]) as ports:
        attachment = Attachment(directory / "home", engine, ports)

        def configured(**values: str) -> Runner:
            given = {f"cell:{key}": value for key, value in values.items()}
            return Runner(Project(PROGRAM, ((CELL,),), None, given), attachment)

        yield Cell(CELL, configured(), configured)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what was checked and how long it took, set-up included."""
    outcome = yield
    if call.when in ("setup", "call"):
        item.config.stash.setdefault(_REPORT, Report()).saw(Check(item.name, outcome.passed, call.duration))
    return outcome


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the report of a run in which everything was checked and held."""
    target = os.environ.get("CLUSTER_REPORT")
    if target and exitstatus == pytest.ExitCode.OK:
        Path(target).write_text(rendered(session.config.stash[_REPORT]))
