"""Runs the project's stacks through the real engine and returns typed results.

Owns how `pulumi` is called. Every preview and up runs the policy pack, and a rule that could not run fails the run. An
interrupted run is recovered before the next one. Does not own the stacks' order (`regions.stacks`), the processes
(`processes`, `providers`) or what is left of an interrupted run (`recovery`).

Configuration: `Pulumi.<stack>.yaml` in the checkout holds what is not secret. The engine would write this
installation's encryption salt into that file, so it gets a copy below the home by `--config-file`, made afresh for each
run; the salt itself lives in the state (PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER). `stack init` knows no such option,
so it runs in a directory of its own with a project file of the same name.
"""

import json
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from local import cache, paths
from local.engine import environment, recovery
from local.engine.environment import Attachment
from local.engine.processes import EngineProcesses
from local.engine.results import Collector, JsonValue, Operation, Result

LOCK_PATIENCE: Final = 300.0
"""Seconds to wait for a living engine that works on the same stack."""


class EngineError(Exception):
    """The engine could not be asked, or answered with an error; the message is for the user."""


class UnknownStackError(EngineError):
    """The name of a stack that the project does not have."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no stack {name!r}. The stacks are: {', '.join(known)}.")


class RunFailedError(EngineError):
    """One or more stacks failed. `results` holds every result of the run, the good ones too."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        lines: list[str] = []
        for result in self.results:
            if not result.ok:
                lines.append(f"{result.operation} of stack {result.stack} failed:")
                lines += [f"  {line}" for error in result.errors for line in error.splitlines()]
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Project:
    """What is run: the directory of `Pulumi.yaml`, the stacks in waves, and the policy pack."""

    directory: Path
    waves: tuple[tuple[str, ...], ...]
    policy_pack: Path | None
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Configuration (`project:key` to text) that every stack of this run gets over its committed one."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the engine and its programs, for a project that is not this checkout."""

    @property
    def stacks(self) -> tuple[str, ...]:
        """All stack names in order."""
        return tuple(name for wave in self.waves for name in wave)

    def name(self) -> str:
        """The project's name, from `Pulumi.yaml`."""
        document = yaml.safe_load((self.directory / "Pulumi.yaml").read_text())
        return str(document["name"])


@dataclass(slots=True)
class Runner:
    """Runs operations on the stacks of one project.

    Every operation returns a `Result`, or raises RunFailedError (the engine said no), UnknownStackError, or EngineError.
    `parallel` is the number of engines at a time; each takes about 250 MB with its program and policy pack.
    """

    project: Project
    attachment: Attachment
    report: cache.Report = cache.to_stderr
    parallel: int = 2
    _processes: EngineProcesses = field(init=False)
    _initialising: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._processes = EngineProcesses(self.report)

    def preview(self, stack: str) -> Result:
        """What `up` would do. Changes nothing."""
        return self._checked(self._run(Operation.PREVIEW, stack))

    def up(self, stack: str) -> Result:
        """Make it so."""
        return self._checked(self._run(Operation.UP, stack))

    def refresh(self, stack: str) -> Result:
        """Read the real resources into the state."""
        return self._checked(self._run(Operation.REFRESH, stack))

    def destroy(self, stack: str, *, include_protected: bool = False) -> Result:
        """Delete all resources of the stack. Protected ones only when asked: the engine refuses otherwise."""
        if include_protected:
            self._pulumi("state", "unprotect", "--all", "--yes", "--stack", stack)
        return self._checked(self._run(Operation.DESTROY, stack))

    def outputs(self, stack: str, *, show_secrets: bool = False) -> Mapping[str, JsonValue]:
        """The stack's outputs. Raises EngineError when the stack was never deployed."""
        self._require_known(stack)
        flags = ["--show-secrets"] if show_secrets else []
        answer: JsonValue = json.loads(self._pulumi("stack", "output", "--json", "--stack", stack, *flags))
        if not isinstance(answer, dict):
            raise EngineError(f"`pulumi stack output` of {stack} answered {type(answer).__name__}, not an object")
        return answer

    def deployed(self) -> frozenset[str]:
        """The stacks that the backend has, with or without resources."""
        directory = self._state / ".pulumi" / "stacks" / self.project.name()
        return frozenset(path.stem for path in directory.glob("*.json"))

    def preview_all(self, stacks: Sequence[str] | None = None) -> tuple[Result, ...]:
        """Preview the given stacks (default: all), all of them whatever fails. See `run_waves`."""
        return self.run_waves(Operation.PREVIEW, stacks)

    def up_all(self, stacks: Sequence[str] | None = None) -> tuple[Result, ...]:
        """Deploy the given stacks (default: all) in the order of the waves. See `run_waves`."""
        return self.run_waves(Operation.UP, stacks)

    def refresh_all(self, stacks: Sequence[str] | None = None) -> tuple[Result, ...]:
        """Refresh the given stacks (default: all). See `run_waves`."""
        return self.run_waves(Operation.REFRESH, stacks)

    def destroy_all(self, stacks: Sequence[str] | None = None) -> tuple[Result, ...]:
        """Delete everything, protected or not, in the reverse order of the waves. See `run_waves`."""
        return self.run_waves(Operation.DESTROY, stacks)

    def run_waves(self, operation: Operation, stacks: Sequence[str] | None = None) -> tuple[Result, ...]:
        """Run an operation wave by wave, the stacks of a wave in parallel; results in the order of the waves.

        When stacks of a wave fail the others of that wave are still finished, no later wave begins, and
        RunFailedError carries all results. Previews change nothing, so they are one wave.
        """
        chosen = set(self.project.stacks if stacks is None else stacks)
        for name in sorted(chosen):
            self._require_known(name)
        waves = self.project.waves
        if operation is Operation.DESTROY:
            waves = waves[::-1]
        elif operation is Operation.PREVIEW:
            waves = (self.project.stacks,)
        results: list[Result] = []
        with ThreadPoolExecutor(max_workers=self.parallel) as pool:
            for wave in waves:
                names = [name for name in wave if name in chosen]
                futures = [pool.submit(self._run_one_of_many, operation, name) for name in names]
                try:
                    results += [future.result() for future in futures]
                except BaseException:
                    self._processes.interrupt()
                    raise
                if not all(result.ok for result in results):
                    raise RunFailedError(results)
        return tuple(results)

    def _run_one_of_many(self, operation: Operation, stack: str) -> Result:
        if operation is Operation.DESTROY and stack in self.deployed():
            self._pulumi("state", "unprotect", "--all", "--yes", "--stack", stack)
        return self._run(operation, stack)

    def _run(self, operation: Operation, stack: str) -> Result:
        self._require_known(stack)
        environment.prepare(self.attachment.home)
        self._recover(stack)
        self._initialise()
        pending = recovery.pending_operations(self._state, self.project.name(), stack)
        if pending and operation is not Operation.PREVIEW:
            self.report(f"{stack}: the last run was interrupted ({len(pending)} operations); repairing its state")
            repaired = self._operate(Operation.REFRESH, stack, "--clear-pending-creates")
            if not repaired.ok or operation is Operation.REFRESH:
                return repaired
        return self._operate(operation, stack)

    def _operate(self, operation: Operation, stack: str, *extra: str) -> Result:
        command = [
            *(str(self.attachment.engine.binary), operation.value, "--json", "--non-interactive"),
            *("--stack", stack, "--config-file", str(self._config_copy(stack))),
        ]
        if operation is not Operation.PREVIEW:
            command += ["--yes", "--skip-preview"]
        if operation in (Operation.PREVIEW, Operation.UP) and self.project.policy_pack is not None:
            command += ["--policy-pack", str(self.project.policy_pack)]
        return self._processes.run(
            Collector(stack, operation), [*command, *extra], self.project.directory, self._environment()
        )

    def _initialise(self) -> None:
        """Create the stacks that the backend lacks: all, since a program may refer to one that was never deployed."""
        with self._initialising:
            missing = [name for name in self.project.stacks if name not in self.deployed()]
            if not missing:
                return
            directory = paths.private_directory(self.attachment.home / "engine" / "init")
            project = {"name": self.project.name(), "runtime": "python"}
            paths.write_private(directory / "Pulumi.yaml", yaml.safe_dump(project))
            with ThreadPoolExecutor(max_workers=self.parallel) as pool:
                list(pool.map(lambda name: self._initialise_one(name, directory), missing))

    def _initialise_one(self, name: str, directory: Path) -> None:
        try:
            self._pulumi("stack", "init", "--no-select", "--non-interactive", name, directory=directory)
        except EngineError:
            if name not in self.deployed():  # another run was faster
                raise
        (directory / f"Pulumi.{name}.yaml").unlink(missing_ok=True)

    def _recover(self, stack: str) -> None:
        """Remove the locks of dead engines; wait for a living one."""
        project = self.project.name()
        deadline = time.monotonic() + LOCK_PATIENCE
        announced = False
        while True:
            for lock in recovery.remove_stale_locks(self._state, project, stack):
                self.report(f"{stack}: removed the lock of a run that is gone (process {lock.pid})")
            held = recovery.locks(self._state, project, stack)
            if not held:
                return
            holder = f"process {held[0].pid} on {held[0].host}"
            if time.monotonic() > deadline:
                raise EngineError(
                    f"stack {stack} is locked by {holder}, which still runs. Wait for it or stop it, then repeat."
                )
            if not announced:
                announced = True
                self.report(f"{stack}: waiting for {holder}, which works on the same stack")
            time.sleep(0.5)

    def _config_copy(self, stack: str) -> Path:
        """The stack's committed configuration without what belongs to one installation's secrets."""
        directory = paths.private_directory(self.attachment.home / "engine" / "config")
        source = self.project.directory / f"Pulumi.{stack}.yaml"
        content: dict[str, JsonValue] = {}
        if source.exists():
            try:
                loaded = yaml.safe_load(source.read_text())
            except yaml.YAMLError as error:
                raise EngineError(f"{source.name} is not YAML: {error}") from error
            if loaded is not None and not isinstance(loaded, dict):
                raise EngineError(f"{source.name} must be a mapping with the key `config`")
            content = loaded or {}
        for key in ("encryptionsalt", "encryptedkey", "secretsprovider"):
            content.pop(key, None)
        if self.project.overrides:
            stated = content.get("config") or {}
            if not isinstance(stated, dict):
                raise EngineError(f"{source.name}: `config` must be a mapping of keys to values")
            content["config"] = {**stated, **self.project.overrides}
        target = directory / source.name
        paths.write_private(target, yaml.safe_dump(content))
        return target

    def _pulumi(self, *arguments: str, directory: Path | None = None) -> str:
        """Run a short command and return its standard output."""
        environment.prepare(self.attachment.home)
        finished = subprocess.run(
            [str(self.attachment.engine.binary), *arguments],
            cwd=directory or self.project.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if finished.returncode:
            said = finished.stderr.strip() or finished.stdout.strip()
            raise EngineError(f"`pulumi {' '.join(arguments)}` failed: {re.sub(r'^error: ', '', said)}")
        return finished.stdout

    def _environment(self) -> dict[str, str]:
        return {**environment.process_environment(self.attachment), **self.project.environment}

    @property
    def _state(self) -> Path:
        return self.attachment.home / "state"

    def _require_known(self, stack: str) -> None:
        if stack not in self.project.stacks:
            raise UnknownStackError(stack, self.project.stacks)

    @staticmethod
    def _checked(result: Result) -> Result:
        if not result.ok:
            raise RunFailedError([result])
        return result
