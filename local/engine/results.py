"""What an engine run did, as typed values read from the engine's stream of JSON events.

Owns the reading of events (`apitype.EngineEvent` of the SDK). Does not own how the engine is started (`pulumi`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

UNRUN_POLICY = "can't run policy"
"""How the engine reports a rule that touched an unknown value: advisory, whatever its level."""

_TOLD_ON_FAILURE = frozenset({"error", "info#err"})
"""The engine passes on what a program writes to standard error as `info#err`."""

_UNCHANGED = frozenset({"same", "read"})


class Operation(StrEnum):
    """What the engine is asked to do with a stack."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Step:
    """One resource and what was, or would be, done with it."""

    op: str
    urn: str
    type: str
    old: Mapping[str, JsonValue] | None
    new: Mapping[str, JsonValue] | None
    """State before and after, as the engine shows it: `inputs`, `outputs`, `id`, `parent`, `protect`, `provider`."""
    replaced_for: tuple[str, ...]
    """Properties that force the replacement."""
    changed: tuple[str, ...]
    """Properties that differ."""
    detailed: Mapping[str, str]
    """Property path to kind of change (`add`, `update-replace`, …)."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def unchanged(self) -> bool:
        """Whether the resource is left as it is."""
        return self.op in _UNCHANGED

    def digest(self) -> dict[str, JsonValue]:
        """The step as JSON."""
        return {
            "op": self.op,
            "urn": self.urn,
            "type": self.type,
            "old": dict(self.old) if self.old is not None else None,
            "new": dict(self.new) if self.new is not None else None,
            "replacedFor": list(self.replaced_for),
            "changed": list(self.changed),
            "detailed": dict(self.detailed),
        }


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message of the engine, a provider or the program."""

    severity: str
    message: str
    urn: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A policy that was broken."""

    policy: str
    level: str
    message: str
    urn: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one operation on one stack."""

    stack: str
    operation: Operation
    ok: bool
    changes: Mapping[str, int]
    """Number of resources by kind of step, as the engine counts them."""
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...]
    violations: tuple[Violation, ...]
    seconds: float
    """Wall clock of the whole engine process."""

    @property
    def changed(self) -> int:
        """How many resources were, or would be, touched."""
        return sum(count for op, count in self.changes.items() if op not in _UNCHANGED)

    @property
    def errors(self) -> tuple[str, ...]:
        """Why it failed: broken policies, then errors and what the program wrote to standard error."""
        broken = [
            f"policy {violation.policy}: {violation.message.strip()} [{violation.urn}]"
            for violation in self.violations
            if violation.level == "mandatory"
        ]
        said = [
            f"{diagnostic.message.strip()}" + (f" [{diagnostic.urn}]" if diagnostic.urn else "")
            for diagnostic in self.diagnostics
            if diagnostic.severity in _TOLD_ON_FAILURE or UNRUN_POLICY in diagnostic.message
        ]
        unrun = [
            f"policy {violation.policy}: {violation.message.strip()} [{violation.urn}]"
            for violation in self.violations
            if violation.level != "mandatory" and UNRUN_POLICY in violation.message
        ]
        return (*broken, *unrun, *said)

    def digest(self) -> dict[str, JsonValue]:
        """The result as JSON, for golden files and reports. Steps are sorted by URN; times are left out."""
        steps = sorted(self.steps, key=lambda step: (step.urn, step.op))
        return {
            "stack": self.stack,
            "operation": self.operation.value,
            "ok": self.ok,
            "changes": dict(sorted(self.changes.items())),
            "steps": [step.digest() for step in steps],
        }


@dataclass(slots=True)
class Collector:
    """Gathers the events of one run. Feed it each event, then ask for the `result`."""

    stack: str
    operation: Operation
    done: Counter[str] = field(default_factory=Counter)
    """Finished steps by kind so far, for progress."""
    _steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    _diagnostics: list[Diagnostic] = field(default_factory=list)
    _violations: list[Violation] = field(default_factory=list)
    _changes: dict[str, int] = field(default_factory=dict)

    def feed(self, event: Mapping[str, JsonValue]) -> Diagnostic | Violation | None:
        """Take one event; return what the user should see at once, if anything."""
        for name in ("resourcePreEvent", "resOutputsEvent"):
            if name in event:
                step = _step(_mapping(_mapping(event[name]).get("metadata")))
                self._steps[(step.urn, step.op)] = step
                if name == "resOutputsEvent" and not step.unchanged:
                    self.done[step.op] += 1
        if "diagnosticEvent" in event:
            return self._diagnostic(_mapping(event["diagnosticEvent"]))
        if "policyEvent" in event:
            return self._policy(_mapping(event["policyEvent"]))
        if "summaryEvent" in event:
            changes = _mapping(_mapping(event["summaryEvent"]).get("resourceChanges"))
            self._changes = {op: count for op, count in changes.items() if isinstance(count, int)}
        return None

    def note(self, severity: str, message: str) -> None:
        """Add a message that came outside the stream, for example on standard error."""
        self._diagnostics.append(Diagnostic(severity, message, ""))

    def result(self, *, ok: bool, seconds: float) -> Result:
        """Everything so far. A rule that could not run makes the result a failure."""
        messages = [diagnostic.message for diagnostic in self._diagnostics]
        messages += [violation.message for violation in self._violations]
        unrun = any(UNRUN_POLICY in message for message in messages)
        return Result(
            stack=self.stack,
            operation=self.operation,
            ok=ok and not unrun,
            changes=self._changes,
            steps=tuple(self._steps.values()),
            diagnostics=tuple(self._diagnostics),
            violations=tuple(self._violations),
            seconds=seconds,
        )

    def _diagnostic(self, event: Mapping[str, JsonValue]) -> Diagnostic | None:
        severity = _text(event.get("severity"))
        if severity == "debug" or event.get("ephemeral") is True:
            return None
        diagnostic = Diagnostic(severity, _text(event.get("message")), _text(event.get("urn")))
        self._diagnostics.append(diagnostic)
        return diagnostic

    def _policy(self, event: Mapping[str, JsonValue]) -> Violation:
        violation = Violation(
            policy=_text(event.get("policyName")),
            level=_text(event.get("enforcementLevel")),
            message=_text(event.get("message")),
            urn=_text(event.get("resourceUrn")),
        )
        self._violations.append(violation)
        return violation


def _step(metadata: Mapping[str, JsonValue]) -> Step:
    detailed = _mapping(metadata.get("detailedDiff"))
    old, new = metadata.get("old"), metadata.get("new")
    return Step(
        op=_text(metadata.get("op")),
        urn=_text(metadata.get("urn")),
        type=_text(metadata.get("type")),
        old=old if isinstance(old, dict) else None,
        new=new if isinstance(new, dict) else None,
        replaced_for=_texts(metadata.get("keys")),
        changed=_texts(metadata.get("diffs")),
        detailed={path: _text(_mapping(change).get("diffKind")) for path, change in detailed.items()},
    )


def _mapping(value: "JsonValue | Mapping[str, JsonValue]") -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
